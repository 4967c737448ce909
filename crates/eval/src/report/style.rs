//! How terminal reports look: colour and width are the host's to decide.

/// Colour and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape codes for colour may be written.
    pub color: bool,
    /// Columns; lines are cut to it.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 100 }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Ink {
    Green,
    Red,
    Yellow,
    Dim,
    Bold,
}

impl Style {
    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Green => "32",
            Ink::Red => "31",
            Ink::Yellow => "33",
            Ink::Dim => "2",
            Ink::Bold => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
