//! Text from elsewhere on a terminal.

/// `text` with control characters made visible, so that a trace cannot drive the terminal that shows it.
#[must_use]
pub fn printable(text: &str) -> String {
    let suspicious = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if suspicious(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb c\u{fffd}d");
    }
}
