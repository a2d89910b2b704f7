//! What a user typed in a terminal, as keys.
//!
//! Source: xterm's control sequences, chapter on input; ECMA-48.

use crate::source::guac::Key;

const CONTROL: u32 = 0xFFE3;
const SHIFT: u32 = 0xFFE1;
const ALT: u32 = 0xFFE9;
const RETURN: u32 = 0xFF0D;
const TAB: u32 = 0xFF09;
const BACKSPACE: u32 = 0xFF08;
const ESCAPE: u32 = 0xFF1B;
const F1: u32 = 0xFFBE;

/// The keys of some input in order, pressed and released. What the terminal answered by itself is none: reports of its colours,
/// of its kind, of the mouse, and the brackets around what was pasted.
pub(crate) fn keys(input: &str) -> Vec<(Key, bool)> {
    let mut pressed = Vec::new();
    let mut rest = input;
    while let Some(character) = rest.chars().next() {
        let (_, behind) = rest.split_at(character.len_utf8());
        rest = match character {
            '\u{1b}' => escape(behind, &mut pressed),
            character => {
                press_character(character, &[], &mut pressed);
                behind
            }
        };
    }
    pressed
}

fn press(key: u32, held: &[u32], pressed: &mut Vec<(Key, bool)>) {
    let down = |key: &u32| (Key(*key), true);
    let up = |key: &u32| (Key(*key), false);
    pressed.extend(held.iter().map(down));
    pressed.extend([(Key(key), true), (Key(key), false)]);
    pressed.extend(held.iter().rev().map(up));
}

fn press_character(character: char, held: &[u32], pressed: &mut Vec<(Key, bool)>) {
    let code = u32::from(character);
    let with_control: Vec<u32> = std::iter::once(CONTROL).chain(held.iter().copied()).collect();
    match code {
        0x0D | 0x0A => press(RETURN, held, pressed),
        0x09 => press(TAB, held, pressed),
        0x08 | 0x7F => press(BACKSPACE, held, pressed),
        0x1B => press(ESCAPE, held, pressed),
        0 => press(0x20, &with_control, pressed),
        1..=0x1A => press(code + 0x60, &with_control, pressed),
        0x1C..=0x1F => press(code + 0x40, &with_control, pressed),
        0x80..=0x9F => {}
        0x20..=0xFF => press(code, held, pressed),
        _ => press(0x0100_0000 + code, held, pressed),
    }
}

/// Reads what stands behind an escape character; gives what is behind that.
fn escape<'a>(behind: &'a str, pressed: &mut Vec<(Key, bool)>) -> &'a str {
    let mut characters = behind.chars();
    match characters.next() {
        None => {
            press(ESCAPE, &[], pressed);
            behind
        }
        Some('[') => control(characters.as_str(), pressed),
        Some('O') => {
            let letter = characters.next();
            match letter.and_then(|letter| named(letter, 1)) {
                Some(key) => press(key, &[], pressed),
                None => {
                    press_character('O', &[ALT], pressed);
                    return behind.strip_prefix('O').unwrap_or(behind);
                }
            }
            characters.as_str()
        }
        // A report of the terminal, up to its end.
        Some(']' | 'P' | '_') => {
            let rest = characters.as_str();
            let end = rest.find(['\u{7}', '\u{1b}']).unwrap_or(rest.len());
            let (_, rest) = rest.split_at(end);
            rest.strip_prefix('\u{7}').or_else(|| rest.strip_prefix("\u{1b}\\")).unwrap_or(rest)
        }
        Some('\u{1b}') => {
            press(ESCAPE, &[], pressed);
            behind
        }
        Some(character) => {
            press_character(character, &[ALT], pressed);
            characters.as_str()
        }
    }
}

/// Reads a control sequence behind its introducer; gives what is behind it.
fn control<'a>(sequence: &'a str, pressed: &mut Vec<(Key, bool)>) -> &'a str {
    let Some(end) = sequence.find(|character| ('@'..='~').contains(&character)) else { return "" };
    let (parameters, rest) = sequence.split_at(end);
    let mut characters = rest.chars();
    let last = characters.next().unwrap_or('~');
    let rest = characters.as_str();
    if last == 'M' && parameters.is_empty() {
        // The mouse, with three characters.
        return rest.char_indices().nth(3).map_or("", |(at, _)| rest.split_at(at).1);
    }
    let mut numbers = parameters.split(';').map(|number| number.parse::<u32>().unwrap_or(0));
    let number = numbers.next().unwrap_or(0);
    let modifiers = numbers.next().unwrap_or(1).saturating_sub(1);
    let held: Vec<u32> = [(1, SHIFT), (2, ALT), (4, CONTROL)]
        .into_iter()
        .filter(|(bit, _)| modifiers & bit != 0)
        .map(|(_, key)| key)
        .collect();
    match last {
        'Z' => press(TAB, &[SHIFT], pressed),
        last => {
            if let Some(key) = named(last, number) {
                press(key, &held, pressed);
            }
        }
    }
    rest
}

/// The key of a sequence's last character and first number.
fn named(last: char, number: u32) -> Option<u32> {
    Some(match (last, number) {
        ('A', _) => 0xFF52,
        ('B', _) => 0xFF54,
        ('C', _) => 0xFF53,
        ('D', _) => 0xFF51,
        ('H', _) | ('~', 1 | 7) => 0xFF50,
        ('F', _) | ('~', 4 | 8) => 0xFF57,
        ('~', 2) => 0xFF63,
        ('~', 3) => 0xFFFF,
        ('~', 5) => 0xFF55,
        ('~', 6) => 0xFF56,
        // A report of where the cursor is has two numbers and the letter of F3.
        ('P' | 'Q' | 'S', 0 | 1) => F1 + (u32::from(last) - u32::from('P')),
        ('R', 1) => F1 + 2,
        ('~', 11..=15) => F1 + number - 11,
        ('~', 17..=21) => F1 + number - 12,
        ('~', 23 | 24) => F1 + number - 13,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that are pressed, by number, modifiers among them.
    fn pressed(input: &str) -> Vec<u32> {
        let keys = keys(input);
        let (down, up) = (keys.iter().filter(|key| key.1).count(), keys.iter().filter(|key| !key.1).count());
        assert_eq!(down, up, "{input:?}");
        keys.into_iter().filter(|key| key.1).map(|(key, _)| key.0).collect()
    }

    #[test]
    fn characters_are_keys() {
        assert_eq!(pressed("aß漢\r\t\u{7f}"), [0x61, 0xDF, 0x0100_6F22, RETURN, TAB, BACKSPACE]);
        assert_eq!(pressed("\u{3}\0\u{1c}"), [CONTROL, 0x63, CONTROL, 0x20, CONTROL, 0x5C]);
        assert_eq!(pressed("\u{1b}"), [ESCAPE]);
        assert_eq!(pressed("\u{1b}x\u{1b}\u{1b}"), [ALT, 0x78, ESCAPE, ESCAPE]);
    }

    #[test]
    fn sequences_are_named_keys() {
        assert_eq!(
            pressed("\u{1b}[A\u{1b}OB\u{1b}[1;5C\u{1b}[3~\u{1b}[Z"),
            [0xFF52, 0xFF54, CONTROL, 0xFF53, 0xFFFF, SHIFT, TAB]
        );
        assert_eq!(pressed("\u{1b}OP\u{1b}[15~\u{1b}[17~\u{1b}[24~"), [F1, F1 + 4, F1 + 5, F1 + 11]);
    }

    #[test]
    fn what_the_terminal_answers_is_no_key() {
        for answer in [
            "\u{1b}[?1;2c",
            "\u{1b}[12;40R",
            "\u{1b}]11;rgb:0000/0000/0000\u{7}",
            "\u{1b}]11;rgb:0/0/0\u{1b}\\",
            "\u{1b}P>|xterm\u{1b}\\",
            "\u{1b}[<0;10;20M",
            "\u{1b}[M !!",
            "\u{1b}[I",
            "\u{1b}[",
            "\u{1b}[200~\u{1b}[201~",
        ] {
            assert_eq!(pressed(answer), [0_u32; 0], "{answer:?}");
        }
        assert_eq!(pressed("\u{1b}[200~ab\u{1b}[201~c"), [0x61, 0x62, 0x63]);
    }
}
