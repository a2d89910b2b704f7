//! Finds what avt passes over.

use super::emulator::CursorShape;
use super::underline::Underline;

/// What avt passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PassedOver {
    /// DECSCUSR (`CSI n SP q`): the cursor looks like this.
    Shape(CursorShape),
    /// SGR of which avt passes over a part, or takes it for something else.
    Renditions(Vec<Rendition>),
}

/// A part of SGR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rendition {
    /// Parameters that avt knows.
    Known(String),
    /// A style of underline (`CSI 4:3 m`, and `CSI 21 m` as in xterm), or none (`CSI 4:0 m`).
    Underline(Option<Underline>),
    /// A colour of underlines: they have that of the text.
    UnderlineColor,
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
    const CHARACTERS_MAX: usize = 200;

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
            'm' => renditions(parameters).map(PassedOver::Renditions),
            _ => None,
        }
    }
}

/// The parts of SGR, if avt does not know all of them.
fn renditions(parameters: &str) -> Option<Vec<Rendition>> {
    let may_be_other = |parameter: &str| parameter.contains(':') || matches!(parameter, "21" | "58" | "59");
    if !parameters.split(';').any(may_be_other) {
        return None;
    }
    let mut renditions = Vec::new();
    let mut rest = parameters.split(';');
    while let Some(parameter) = rest.next() {
        renditions.push(match parameter.split_once(':').unwrap_or((parameter, "")) {
            ("4", style) if parameter != "4" => {
                Rendition::Underline(style.parse().map_or(Some(Underline::Single), Underline::of))
            }
            ("21", "") => Rendition::Underline(Some(Underline::Double)),
            ("58", "") => {
                color(&mut rest);
                Rendition::UnderlineColor
            }
            ("58" | "59", _) => Rendition::UnderlineColor,
            ("38" | "48", "") => Rendition::Known([vec![parameter], color(&mut rest)].concat().join(";")),
            _ => Rendition::Known(parameter.to_owned()),
        });
    }
    let is_known = |rendition: &Rendition| matches!(rendition, Rendition::Known(_));
    (!renditions.iter().all(is_known)).then_some(renditions)
}

/// The parameters of a colour behind the one that tells whose it is: red, green and blue, or a number.
fn color<'a>(rest: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let kind = rest.next();
    let values = match kind {
        Some("2") => 3,
        Some("5") => 1,
        _ => 0,
    };
    kind.into_iter().chain(rest.take(values)).collect()
}
