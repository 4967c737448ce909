//! What the terminal can do: colour, width, live lines. Colour never carries meaning alone.

use std::io::IsTerminal;

pub use stdx::printable;

/// How to write to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether escape sequences for colour are welcome.
    pub color: bool,
    /// Whether a line may be rewritten in place.
    pub live: bool,
    /// Columns.
    pub width: usize,
}

/// Used where nobody says how wide the output is.
const DEFAULT_WIDTH: usize = 100;
const NARROWEST: usize = 60;
const WIDEST: usize = 200;

impl Terminal {
    /// Looks at standard output, `NO_COLOR` (<https://no-color.org>), `CLICOLOR_FORCE`, `TERM` and `COLUMNS`.
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            color: !set("NO_COLOR") && !dumb && (terminal || set("CLICOLOR_FORCE")),
            live: terminal && !dumb,
            width: columns().clamp(NARROWEST, WIDEST),
        }
    }

    /// `text` in `style`, where colour is welcome.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.color { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_owned() }
    }
}

/// The few styles we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bold,
    Red,
    Yellow,
    Cyan,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

fn columns() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .or_else(window_columns)
        .unwrap_or(DEFAULT_WIDTH)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "asking the terminal for its size is one ioctl that fills a plain struct")]
fn window_columns() -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize through the pointer, which is valid for the whole call.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (answer == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn window_columns() -> Option<usize> {
    None
}

/// `text` cut to `width` characters, with an ellipsis where something was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `text` cut and padded to exactly `width` characters.
pub fn pad(text: &str, width: usize) -> String {
    let cut = cut(text, width);
    let missing = width - cut.chars().count();
    cut + &" ".repeat(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_padded_by_characters() {
        assert_eq!(pad("äöü", 5), "äöü  ");
        assert_eq!(pad("äöüäöü", 4), "äöü…");
    }
}
