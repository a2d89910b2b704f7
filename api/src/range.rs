//! Byte ranges and conditions of a GET (RFC 9110, sections 13 and 14).

use actix_web::HttpRequest;
use actix_web::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use std::ops::Range;

use crate::problem::Problem;

/// A tag is written between quotes; content has strong ones only.
pub(crate) struct Tag(pub(crate) String);

impl Tag {
    /// As the header ETag has it.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of it.
    Whole,
    /// One range of it: never empty, and within it.
    Part(Range<u64>),
    /// Nothing: the client has it.
    NotModified,
}

/// What a request wants of content of this length. More than one range is answered with the whole, as section 14.2
/// allows; so is what is no range of bytes.
pub(crate) fn select(request: &HttpRequest, length: u64, tag: Option<&Tag>) -> Result<Selection, Problem> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let (Some(tag), Some(known)) = (tag, header(IF_NONE_MATCH))
        && knows(known, tag)
    {
        return Ok(Selection::NotModified);
    }
    let is_current = header(IF_RANGE).is_none_or(|expected| tag.is_some_and(|tag| tag.quoted() == expected));
    match header(RANGE).filter(|_| is_current) {
        Some(range) => part(range, length),
        None => Ok(Selection::Whole),
    }
}

fn knows(known: &str, tag: &Tag) -> bool {
    let tag = tag.quoted();
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn part(range: &str, length: u64) -> Result<Selection, Problem> {
    let parsed = range.split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = parsed.and_then(|(_, range)| range.trim().split_once('-')) else {
        return Ok(Selection::Whole);
    };
    let selected = match (number(first), number(last)) {
        (Number::Is(first), Number::Is(last)) if first > last => return Ok(Selection::Whole),
        (Number::Is(first), Number::Is(last)) => first..last.saturating_add(1).min(length),
        (Number::Is(first), Number::Missing) => first..length,
        (Number::Missing, Number::Is(suffix)) => length.saturating_sub(suffix)..length,
        (Number::Missing, Number::Missing) | (Number::None, _) | (_, Number::None) => {
            return Ok(Selection::Whole);
        }
    };
    match selected.is_empty() {
        true => Err(Problem::range_not_satisfiable(length)),
        false => Ok(Selection::Part(selected)),
    }
}

enum Number {
    Missing,
    Is(u64),
    None,
}

/// Decimal digits; what does not fit is as good as the greatest number, which is behind every end.
fn number(digits: &str) -> Number {
    match digits {
        "" => Number::Missing,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Number::Is(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Number::None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn selected(headers: &[(&'static str, &str)], length: u64) -> Result<Selection, Problem> {
        let request = headers
            .iter()
            .fold(TestRequest::get(), |request, (name, value)| request.insert_header((*name, *value)));
        select(&request.to_http_request(), length, Some(&Tag("a".to_owned())))
    }

    fn range(range: &str, length: u64) -> Result<Selection, Problem> {
        selected(&[("range", range)], length)
    }

    #[test]
    fn one_range_is_sent() {
        for (text, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..10),
            ("BYTES=3-4", 3..5),
            ("bytes=9-9", 9..10),
            ("bytes=8-100", 8..10),
            ("bytes=8-18446744073709551615", 8..10),
            ("bytes=8-99999999999999999999999999", 8..10),
            ("bytes=-3", 7..10),
            ("bytes=-100", 0..10),
            ("bytes=-99999999999999999999999999", 0..10),
        ] {
            assert_eq!(range(text, 10), Ok(Selection::Part(expected)), "{text}");
        }
    }

    #[test]
    fn a_range_behind_the_end_is_refused() {
        for (text, length) in [
            ("bytes=10-", 10),
            ("bytes=10-11", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-1", 0),
            ("bytes=99999999999999999999999999-", 10),
        ] {
            assert_eq!(range(text, length), Err(Problem::range_not_satisfiable(length)), "{text}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_answered_with_the_whole() {
        let many = format!("bytes={}", "0-1,".repeat(100_000));
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=4-3",
            "bytes=+1-2",
            "bytes=0-1,2-3",
            "lines=1-2",
            &many,
        ] {
            assert_eq!(range(text, 10), Ok(Selection::Whole), "{text}");
        }
    }

    #[test]
    fn conditions_hold_for_the_tag_alone() {
        let part = Ok(Selection::Part(0..2));
        assert_eq!(selected(&[("range", "bytes=0-1"), ("if-range", "\"a\"")], 10), part);
        for other in ["\"b\"", "W/\"a\"", "a", "Sat, 21 Nov 2026 00:00:00 GMT"] {
            assert_eq!(selected(&[("range", "bytes=0-1"), ("if-range", other)], 10), Ok(Selection::Whole));
        }
        for known in ["\"a\"", "*", "W/\"a\"", "\"b\", \"a\""] {
            assert_eq!(selected(&[("if-none-match", known)], 10), Ok(Selection::NotModified));
        }
        assert_eq!(selected(&[("if-none-match", "\"b\"")], 10), Ok(Selection::Whole));
    }
}
