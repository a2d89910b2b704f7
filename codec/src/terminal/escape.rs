//! Finds what avt passes over.

use super::emulator::CursorShape;

/// What avt passes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PassedOver {
    /// DECSCUSR (`CSI n SP q`): the cursor looks like this.
    Shape(CursorShape),
    /// SGR with a style of underline (`CSI 4:3 m`), all of which are seen as a line, or with none (`CSI 4:0 m`).
    Underline(bool),
}

/// Finds what avt passes over.
#[derive(Debug, Default)]
pub(super) struct Escape {
    /// Whether `seen` stands behind an escape character.
    is_open: bool,
    seen: String,
}

impl Escape {
    /// Longest sequence that is looked at.
    const CHARACTERS_MAX: usize = 40;

    /// Takes the next character of the output.
    pub(super) fn follow(&mut self, character: char) -> Option<PassedOver> {
        if character == '\u{1b}' {
            self.seen.clear();
            self.is_open = true;
            return None;
        }
        if !self.is_open {
            return None;
        }
        self.is_open = match character {
            '[' => self.seen.is_empty(),
            '0'..='9' | ';' | ':' | ' ' => self.seen.len() < Self::CHARACTERS_MAX,
            _ => false,
        };
        if self.is_open {
            self.seen.push(character);
            return None;
        }
        let parameters = self.seen.strip_prefix('[')?;
        match character {
            'q' => Some(PassedOver::Shape(match parameters {
                " " | "0 " | "1 " | "2 " => CursorShape::Block,
                "3 " | "4 " => CursorShape::Underline,
                "5 " | "6 " => CursorShape::Bar,
                _ => return None,
            })),
            'm' => underline(parameters),
            _ => None,
        }
    }
}

/// Whether a style of underline is on behind these parameters of SGR, if they name one.
fn underline(parameters: &str) -> Option<PassedOver> {
    parameters
        .split(';')
        .rev()
        .find_map(|parameter| match parameter.split_once(':') {
            Some(("4", "0")) => Some(Some(false)),
            Some(("4", _)) => Some(Some(true)),
            Some(_) => None,
            // What follows it in the same sequence says the opposite.
            None if matches!(parameter, "" | "0" | "24") => Some(None),
            None => None,
        })?
        .map(PassedOver::Underline)
}
