//! The keys of a keyboard by their X11 keysyms, and what a person reads for each.
//!
//! Source: X11 `keysymdef.h`; the names are those of guacamole-common-js `KeyEventInterpreter.js`.

use std::borrow::Cow;

/// Keysyms from here on are Unicode: the character is what lies above.
const UNICODE: u32 = 0x0100_0000;
const F1: u32 = 0xFFBE;
const F35: u32 = 0xFFE0;
const ALT_GR: u32 = 0xFE03;
const CAPS_LOCK: u32 = 0xFFE5;
/// Shift to Hyper, left and right.
const MODIFIERS: std::ops::RangeInclusive<u32> = 0xFFE1..=0xFFEE;
/// Those of them that only choose a character.
const SHIFTS: std::ops::RangeInclusive<u32> = 0xFFE1..=0xFFE2;
const SHIFT_LOCK: u32 = 0xFFE6;

/// A key, by its keysym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub u32);

impl Key {
    /// Whether it changes what other keys mean while it is held.
    pub fn is_modifier(self) -> bool {
        self.0 == ALT_GR || (MODIFIERS.contains(&self.0) && self.0 != CAPS_LOCK)
    }

    /// Whether it makes other keys commands while it is held, instead of other characters.
    pub fn is_for_shortcuts(self) -> bool {
        self.is_modifier() && self.0 != ALT_GR && self.0 != SHIFT_LOCK && !SHIFTS.contains(&self.0)
    }

    /// Whether its name is shown beside the character that it types.
    pub fn is_named_when_typed(self) -> bool {
        matches!(self.0, 0xFF0D | 0xFF8D)
    }

    /// The character that it types.
    pub fn typed(self) -> Option<char> {
        match named(self.0) {
            Some((_, typed)) => typed,
            None => character(self.0),
        }
    }

    /// Its name in one word; that of a key which types a character is the character.
    pub fn name(self) -> Cow<'static, str> {
        match (self.0, named(self.0), character(self.0)) {
            (keysym @ F1..=F35, ..) => format!("F{}", keysym - F1 + 1).into(),
            (_, Some((name, _)), _) => name.into(),
            (_, None, Some(' ')) => "Space".into(),
            (_, None, Some(character)) => character.to_string().into(),
            (keysym, None, None) => format!("{keysym:#x}").into(),
        }
    }

    /// Its name as Guacamole's player shows it.
    pub fn shown_name(self) -> Cow<'static, str> {
        match &*self.name() {
            "PageUp" => "Page Up".into(),
            "PageDown" => "Page Down".into(),
            "CapsLock" => "Caps".into(),
            "NumLock" => "Num".into(),
            "ScrollLock" => "Scroll".into(),
            "Meta" => "Command".into(),
            "Super" => "OS".into(),
            "Hyper" => "Option".into(),
            "Space" if self.0 == u32::from(' ') => " ".into(),
            _ => self.name(),
        }
    }
}

/// The character of a keysym that has no name of its own.
fn character(keysym: u32) -> Option<char> {
    match keysym {
        0..=0xFF => char::from_u32(keysym),
        UNICODE.. => char::from_u32(keysym - UNICODE),
        0x20AC => Some('€'),
        _ => None,
    }
}

/// Name and character of the keys that have a name.
fn named(keysym: u32) -> Option<(&'static str, Option<char>)> {
    Some(match keysym {
        ALT_GR => ("AltGr", None),
        0xFF08 => ("Backspace", None),
        // With Shift, X11 calls it ISO_Left_Tab.
        0xFF09 | 0xFF89 | 0xFE20 => ("Tab", None),
        0xFF0B => ("Clear", None),
        0xFF0D => ("Return", Some('\n')),
        0xFF13 => ("Pause", None),
        0xFF14 => ("ScrollLock", None),
        0xFF15 => ("SysReq", None),
        0xFF1B => ("Escape", None),
        0xFF20 => ("Compose", None),
        0xFF50 | 0xFF95 => ("Home", None),
        0xFF51 | 0xFF96 => ("Left", None),
        0xFF52 | 0xFF97 => ("Up", None),
        0xFF53 | 0xFF98 => ("Right", None),
        0xFF54 | 0xFF99 => ("Down", None),
        0xFF55 | 0xFF9A => ("PageUp", None),
        0xFF56 | 0xFF9B => ("PageDown", None),
        0xFF57 | 0xFF9C => ("End", None),
        0xFF61 => ("Print", None),
        0xFF63 | 0xFF9E => ("Insert", None),
        0xFF65 => ("Undo", None),
        0xFF67 => ("Menu", None),
        0xFF6A => ("Help", None),
        0xFF6B => ("Break", None),
        0xFF7F => ("NumLock", None),
        0xFF80 => ("Space", Some(' ')),
        0xFF8D => ("Enter", Some('\n')),
        0xFF9D => ("Begin", None),
        0xFF9F | 0xFFFF => ("Delete", None),
        0xFFAA => ("*", Some('*')),
        0xFFAB => ("+", Some('+')),
        0xFFAC => (",", Some(',')),
        0xFFAD => ("-", Some('-')),
        0xFFAE => (".", Some('.')),
        0xFFAF => ("/", Some('/')),
        0xFFB0 => ("0", Some('0')),
        0xFFB1 => ("1", Some('1')),
        0xFFB2 => ("2", Some('2')),
        0xFFB3 => ("3", Some('3')),
        0xFFB4 => ("4", Some('4')),
        0xFFB5 => ("5", Some('5')),
        0xFFB6 => ("6", Some('6')),
        0xFFB7 => ("7", Some('7')),
        0xFFB8 => ("8", Some('8')),
        0xFFB9 => ("9", Some('9')),
        0xFFBD => ("=", Some('=')),
        0xFFE1 | 0xFFE2 => ("Shift", None),
        0xFFE3 | 0xFFE4 => ("Ctrl", None),
        CAPS_LOCK => ("CapsLock", None),
        SHIFT_LOCK => ("ShiftLock", None),
        0xFFE7 | 0xFFE8 => ("Meta", None),
        0xFFE9 | 0xFFEA => ("Alt", None),
        0xFFEB | 0xFFEC => ("Super", None),
        0xFFED | 0xFFEE => ("Hyper", None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_and_characters_that_people_know() {
        for (keysym, name, shown, typed) in [
            (0x61, "a", "a", Some('a')),
            (0xE4, "ä", "ä", Some('ä')),
            (0x20, "Space", " ", Some(' ')),
            (0x0100_6F22, "漢", "漢", Some('漢')),
            (0x0101_F600, "😀", "😀", Some('😀')),
            (0x0100_D800, "0x100d800", "0x100d800", None),
            (0x0111_0000, "0x1110000", "0x1110000", None),
            (0xFF56, "PageDown", "Page Down", None),
            (0xFF0D, "Return", "Return", Some('\n')),
            (0xFF09, "Tab", "Tab", None),
            (0xFFC7, "F10", "F10", None),
            (0xFFB7, "7", "7", Some('7')),
            (0xFFEB, "Super", "OS", None),
            (0xFE50, "0xfe50", "0xfe50", None),
        ] {
            let key = Key(keysym);
            assert_eq!((&*key.name(), &*key.shown_name(), key.typed()), (name, shown, typed));
        }
    }

    #[test]
    fn shift_is_a_modifier_and_makes_no_shortcut() {
        let of = |keysym| (Key(keysym).is_modifier(), Key(keysym).is_for_shortcuts());
        assert_eq!(of(0xFFE1), (true, false));
        assert_eq!(of(ALT_GR), (true, false));
        assert_eq!(of(0xFFE3), (true, true));
        assert_eq!(of(0xFFEE), (true, true));
        assert_eq!(of(CAPS_LOCK), (false, false));
        assert_eq!(of(0x61), (false, false));
    }
}
