//! Texts that nobody else writes, typed and copied in a recording, and the search for them in whatever form.

use crate::hostile::instruction;
use crate::random::Random;
use base64_simd::STANDARD;
use std::fmt::Display;

/// Characters of a text: no two are the same by chance.
const LENGTH: usize = 16;
/// A press that is part of a recording; nothing else of one has this form.
const KEY: &[u8] = b"3.key,";
/// Where media time begins.
const START_MS: i64 = 1_760_000_000_000;

/// The texts of one recording.
#[derive(Debug, Clone)]
pub(crate) struct Canary {
    /// How it came into the recording, and the text.
    texts: Vec<(&'static str, String)>,
}

impl Canary {
    /// Texts that the seed chooses.
    pub(crate) fn new(random: &mut Random) -> Self {
        let letters: Vec<char> = ('a'..='z').collect();
        let mut text = || (0..LENGTH).map(|_| *random.choose(&letters)).collect::<String>();
        let texts = ["typed", "typed later", "copied", "copied as an image", "name of a copied type"];
        Self { texts: texts.map(|how| (how, text())).into() }
    }

    /// A recording in two parts, each with a picture, and each with texts that are typed and copied.
    pub(crate) fn recording(&self) -> [Vec<u8>; 2] {
        let text = |how: &str| self.text(how).to_owned();
        let mut first = [
            instruction(&[&"size", &0, &320, &240]),
            drawn(120),
            synced(0),
            typed(&text("typed"), 100),
            copied("text/plain", &text("copied")),
        ]
        .concat();
        first.extend([drawn(160), synced(4_000)].concat());
        let name = format!("application/{}", text("name of a copied type"));
        let rest = [
            typed(&text("typed later"), 4_100),
            copied("image/png", &text("copied as an image")),
            copied(&name, "nothing"),
            drawn(200),
            synced(9_000),
        ];
        [first, rest.concat()]
    }

    /// The text that came in this way.
    pub(crate) fn text(&self, how: &str) -> &str {
        self.texts.iter().find(|(known, _)| *known == how).map_or("", |(_, text)| text)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.texts.len()
    }

    /// The texts that bytes hold in some form: as they are, in UTF-16, in hexadecimal digits, in base64, or as keys of a
    /// recording.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        let pressed = pressed(bytes);
        let holds =
            |text: &str| has(&pressed, text.as_bytes()) || forms(text).iter().any(|form| has(bytes, form));
        self.texts.iter().filter(|(_, text)| holds(text)).map(|(how, _)| *how).collect()
    }
}

fn drawn(green: u8) -> Vec<u8> {
    let rect = instruction(&[&"rect", &0, &4, &4, &200, &100]);
    [rect, instruction(&[&"cfill", &14, &0, &20, &green, &60, &255])].concat()
}

fn synced(at_ms: i64) -> Vec<u8> {
    instruction(&[&"sync", &(START_MS + at_ms)])
}

fn typed(text: &str, from_ms: i64) -> Vec<u8> {
    let keys = text.bytes().zip(0_i64..).flat_map(|(key, number)| {
        let at = START_MS + from_ms + 20 * number;
        let key = u32::from(key);
        let event = |is_pressed: u8| {
            let elements: [&dyn Display; 4] = [&"key", &key, &is_pressed, &at];
            instruction(&elements)
        };
        [event(1), event(0)].concat()
    });
    keys.collect()
}

fn copied(mimetype: &str, content: &str) -> Vec<u8> {
    let content = STANDARD.encode_to_string(content);
    let opened = instruction(&[&"clipboard", &7, &mimetype]);
    [opened, instruction(&[&"blob", &7, &content]), instruction(&[&"end", &7])].concat()
}

/// The keys that are pressed in a recording, or in a part of one, as text.
fn pressed(bytes: &[u8]) -> Vec<u8> {
    let mut keys = Vec::new();
    for (place, _) in bytes.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY) {
        let rest = bytes.get(place + KEY.len()..).unwrap_or_default();
        let event = rest.split(|byte| *byte == b';').next().unwrap_or_default();
        let values: Vec<&[u8]> = event
            .split(|byte| *byte == b',')
            .filter_map(|element| element.splitn(2, |byte| *byte == b'.').nth(1))
            .collect();
        let key = values.first().and_then(|key| std::str::from_utf8(key).ok()?.parse::<u8>().ok());
        if let (Some(key), Some(&b"1")) = (key, values.get(1)) {
            keys.push(key);
        }
    }
    keys
}

fn forms(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![text.as_bytes().to_vec(), text.bytes().flat_map(|byte| [byte, 0]).collect()];
    forms.push(text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    // What stands around a text in base64 changes its first and last characters, by where it begins.
    for before in 0..3 {
        let encoded = STANDARD.encode_to_string(format!("{}{text}", "\0".repeat(before)));
        let (from, to) = (if before == 0 { 0 } else { before + 1 }, encoded.len().saturating_sub(4));
        forms.extend(encoded.get(from..to).map(|own| own.as_bytes().to_vec()));
    }
    forms
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_every_form_and_only_there() {
        let canary = Canary::new(&mut Random::new(1));
        let [first, rest] = canary.recording();
        let all: Vec<&str> = canary.texts.iter().map(|(how, _)| *how).collect();
        assert_eq!(canary.found_in(&[first.clone(), rest.clone()].concat()), all);
        assert_eq!(canary.found_in(&first), ["typed", "copied"]);
        let text = canary.text("typed");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![format!("<b>{text}</b>").into_bytes(), utf16, hexadecimal.into_bytes()];
        for before in ["", "x", "xy", "xyz"] {
            forms.push(STANDARD.encode_to_string(format!("{before}{text} and more")).into_bytes());
        }
        for form in forms {
            assert_eq!(canary.found_in(&form), ["typed"], "{}", String::from_utf8_lossy(&form));
        }
        let other = Canary::new(&mut Random::new(2)).recording().concat();
        assert!(canary.found_in(&other).is_empty());
    }
}
