//! The three parts of an event's line: a time, a code and a text.
//!
//! Texts may hold half a character, as `\ud83d` at the end of one event and the rest in the next: what serde refuses
//! is put together by [`super::text::Surrogates`].

use super::text::Surrogates;

/// Longest interval or time, in microseconds: more is a gap anyway.
const TIME_US_MAX: f64 = 1e17;

/// One event as it is written.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// The number in front, in microseconds.
    pub(super) time_us: i64,
    /// Bytes up to the end of that number.
    pub(super) time_end: usize,
    /// The code; an event of version 1 has none.
    pub(super) code: Option<&'a [u8]>,
    /// The raw text between its quotes; what is no text is empty.
    pub(super) text: &'a [u8],
}

/// Reads `[time, "code", "text"]`, or `[time, "text"]` where there is no code. What is wrong is told by what was expected.
pub(super) fn line(bytes: &[u8], has_code: bool) -> Result<Line<'_>, &'static str> {
    let mut cursor = Cursor { bytes, at: 0 };
    cursor.expect(b'[').ok_or("an event in square brackets")?;
    let time_us = cursor.time().ok_or("a number of seconds")?;
    let time_end = cursor.at;
    let code = match has_code {
        true => {
            cursor.expect(b',').ok_or("a comma behind the time")?;
            Some(cursor.string().ok_or("the code of the event as a string")?)
        }
        false => None,
    };
    cursor.expect(b',').ok_or("a comma and the data of the event")?;
    cursor.skip_space();
    let text = match cursor.peek() {
        Some(b'"') => cursor.string().ok_or("the end of a string")?,
        // A later version may write something else for a code that is not known.
        Some(_) if !matches!(code, Some(b"o" | b"i" | b"r" | b"m") | None) => {
            return Ok(Line { time_us, time_end, code, text: cursor.rest() });
        }
        Some(_) | None => return Err("the data of the event as a string"),
    };
    cursor.expect(b']').ok_or("the end of the event")?;
    match cursor.at == bytes.len() {
        true => Ok(Line { time_us, time_end, code, text }),
        false => Err("the end of the event"),
    }
}

/// The time of an event of version 2 or 3 in microseconds, and where in its bytes that ends.
pub(crate) fn time_of(bytes: &[u8]) -> Option<(i64, usize)> {
    line(bytes, true).ok().map(|line| (line.time_us, line.time_end))
}

/// The text that stands between two quotes. `None` when it is no UTF-8, or an escape is none.
pub(super) fn unescape(raw: &[u8], surrogates: &mut Surrogates) -> Option<String> {
    let raw = std::str::from_utf8(raw).ok()?;
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => match characters.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let mut unit = 0;
                    for _ in 0..4 {
                        unit = unit * 16 + characters.next()?.to_digit(16)?;
                    }
                    surrogates.push(unit, &mut text);
                    continue;
                }
                quoted @ ('"' | '\\' | '/') => quoted,
                _ => return None,
            },
            plain => plain,
        };
        surrogates.flush(&mut text);
        text.push(plain);
    }
    Some(text)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn time(&mut self) -> Option<i64> {
        self.skip_space();
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            self.at += 1;
        }
        let token = self.bytes.get(start..self.at)?;
        // A JSON number begins with a digit or a minus.
        if !token.first()?.is_ascii_digit() && token.first() != Some(&b'-') {
            return None;
        }
        microseconds(std::str::from_utf8(token).ok()?)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let string = self.bytes.get(start..self.at)?;
        self.at += 1;
        Some(string)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// A number of seconds in microseconds, within bounds.
pub(super) fn microseconds(seconds: &str) -> Option<i64> {
    let seconds: f64 = seconds.parse().ok()?;
    (!seconds.is_nan()).then(|| rounded((seconds * 1e6).clamp(-TIME_US_MAX, TIME_US_MAX)))
}

#[expect(clippy::as_conversions, reason = "it was clamped to what fits")]
fn rounded(microseconds: f64) -> i64 {
    microseconds.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(raw: &[u8]) -> Option<String> {
        let mut surrogates = Surrogates::default();
        let mut text = unescape(raw, &mut surrogates)?;
        surrogates.flush(&mut text);
        Some(text)
    }

    #[test]
    fn an_event_has_a_time_a_code_and_a_text() {
        let read = line(br#"[ 1.5 , "o", "a\"b"]"#, true).unwrap();
        assert_eq!((read.time_us, read.code, read.text), (1_500_000, Some(&b"o"[..]), &br#"a\"b"#[..]));
        let read = line(br#"[0.25,"text"]"#, false).unwrap();
        assert_eq!((read.time_us, read.code, read.text), (250_000, None, &b"text"[..]));
        assert_eq!(line(br#"[1,"z",{"a":1}]"#, true).unwrap().code, Some(&b"z"[..]));
    }

    #[test]
    fn what_is_no_event_is_told_by_what_was_expected() {
        for (bytes, expected) in [
            (&br#"{"a":1}"#[..], "an event in square brackets"),
            (br#"[NaN,"o",""]"#, "a number of seconds"),
            (br#"[+1,"o",""]"#, "a number of seconds"),
            (br#"[1e,"o",""]"#, "a number of seconds"),
            (br#"[1 "o",""]"#, "a comma behind the time"),
            (br#"[1,o,""]"#, "the code of the event as a string"),
            (br#"[1,"o"]"#, "a comma and the data of the event"),
            (br#"[1,"o",1]"#, "the data of the event as a string"),
            (br#"[1,"o","","]"#, "the end of the event"),
        ] {
            assert_eq!(line(bytes, true), Err(expected), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn times_are_bounded() {
        assert_eq!(microseconds("1e308"), Some(100_000_000_000_000_000));
        assert_eq!(microseconds("-1e999"), Some(-100_000_000_000_000_000));
        assert_eq!(microseconds("0.0000004"), Some(0));
    }

    #[test]
    fn escapes_are_read_and_no_others() {
        assert_eq!(text_of(br#"\u001b[1m\n\/\u00e9"#).unwrap(), "\u{1b}[1m\n/é");
        assert_eq!(text_of("ä\\ud83d\\ude00".as_bytes()).unwrap(), "ä😀");
        assert_eq!(text_of(br"\x"), None);
        assert_eq!(text_of(br"\u12"), None);
        assert_eq!(text_of(b"\xff"), None);
    }
}
