//! Characters that are split between two events.

/// Puts the halves of a UTF-16 pair together; a half without the other becomes U+FFFD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Surrogates {
    high: Option<u32>,
}

impl Surrogates {
    /// Takes a unit that was written as an escape.
    pub(super) fn push(&mut self, unit: u32, text: &mut String) {
        match (self.high, unit) {
            (Some(high), 0xDC00..=0xDFFF) => {
                self.high = None;
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (_, 0xD800..=0xDBFF) => {
                self.flush(text);
                self.high = Some(unit);
            }
            (_, _) => {
                self.flush(text);
                text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    /// Something else follows: a half that waits stays alone.
    pub(super) fn flush(&mut self, text: &mut String) {
        if self.high.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Decodes UTF-8 that is cut anywhere; what is none becomes U+FFFD.
#[derive(Debug, Clone, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character, three bytes at most.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Takes the next bytes.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    break;
                }
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.begun = behind.to_vec();
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = behind.get(length..).unwrap_or_default();
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_be_cut_anywhere() {
        let bytes = "a漢😀é".as_bytes();
        for cut in 0..=bytes.len() {
            let mut utf8 = Utf8::default();
            let text = utf8.decode(&bytes[..cut]) + &utf8.decode(&bytes[cut..]);
            assert_eq!(text, "a漢😀é", "{cut}");
        }
        assert_eq!(Utf8::default().decode(b"a\xffb\xe2\x28"), "a\u{FFFD}b\u{FFFD}(");
    }

    #[test]
    fn halves_of_a_pair_meet_across_events() {
        let (mut surrogates, mut text) = (Surrogates::default(), String::new());
        surrogates.push(0xD83D, &mut text);
        assert_eq!(text, "");
        surrogates.push(0xDE00, &mut text);
        surrogates.push(0xDE00, &mut text);
        surrogates.push(0xD83D, &mut text);
        surrogates.push(0x41, &mut text);
        assert_eq!(text, "😀\u{FFFD}\u{FFFD}A");
    }
}
