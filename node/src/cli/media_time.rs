//! Times and durations as people write them.

/// Units in the order in which they follow one another, with their milliseconds.
const UNITS: [(&str, i64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Most digits of a number: three centuries of seconds.
const DIGITS_MAX: usize = 10;

/// Milliseconds of a time such as `90`, `12.3`, `90s`, `1m30s`, `1500ms`, `1:30` or `1:02:03.5`.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let milliseconds = if text.contains(':') { from_clock(text) } else { from_units(text) };
    milliseconds.ok_or_else(|| {
        format!("expected a time such as 90, 12.3, 90s, 1m30s, 1:30 or 1500ms, found {text:?}")
    })
}

/// Milliseconds of a time that may stand before the beginning: with a minus in front.
pub(super) fn parse_signed(text: &str) -> Result<i64, String> {
    match text.strip_prefix('-') {
        Some(before) => parse(before).map(|ms| -ms),
        None => parse(text),
    }
}

/// `m:ss` or `h:mm:ss`, perhaps with a fraction.
fn from_clock(text: &str) -> Option<i64> {
    let (rest, seconds) = text.rsplit_once(':')?;
    let seconds_ms = number(seconds, 1_000).filter(|ms| *ms < 60_000)?;
    let whole = |part: &str| (!part.contains('.')).then(|| number(part, 1))?;
    let minutes = match rest.split_once(':') {
        Some((hours, minutes)) => whole(hours)? * 60 + whole(minutes).filter(|minutes| *minutes < 60)?,
        None => whole(rest)?,
    };
    Some(minutes * 60_000 + seconds_ms)
}

/// Numbers with units, the largest first; one number without a unit counts seconds.
fn from_units(text: &str) -> Option<i64> {
    let is_numeral = |c: char| c.is_ascii_digit() || c == '.';
    if text.chars().all(is_numeral) {
        return number(text, 1_000);
    }
    let (mut rest, mut units, mut sum_ms) = (text, UNITS.iter(), 0);
    while !rest.is_empty() {
        let (numeral, behind) = rest.split_at(rest.find(|c| !is_numeral(c))?);
        let (name, next) = behind.split_at(behind.find(is_numeral).unwrap_or(behind.len()));
        let (_, unit_ms) = units.find(|(unit, _)| *unit == name)?;
        sum_ms += number(numeral, *unit_ms)?;
        rest = next;
    }
    Some(sum_ms)
}

/// Milliseconds of so many units, to the thousandth of a unit.
fn number(text: &str, unit_ms: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > DIGITS_MAX || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: i64 = whole.parse().ok()?;
    let thousandths: i64 = thousandths.parse().ok()?;
    Some(whole * unit_ms + thousandths * unit_ms / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        for (text, expected) in [
            ("90", 90_000),
            ("12.3", 12_300),
            ("0.515", 515),
            ("1.23456", 1_234),
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("1h2m3.5s", 3_723_500),
            ("1.5h", 5_400_000),
            ("2m", 120_000),
            ("1500ms", 1_500),
            ("1s1ms", 1_001),
            ("1:30", 90_000),
            ("90:00", 5_400_000),
            ("1:02:03.5", 3_723_500),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_time_before_the_beginning_has_a_minus() {
        assert_eq!(parse_signed("-1.5s"), Ok(-1_500));
        assert_eq!(parse_signed("1m"), Ok(60_000));
        for text in ["--1", "-", "+1"] {
            assert!(parse_signed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for text in [
            "",
            "-1",
            "1e3",
            ".5",
            "5.",
            "1.2.3",
            "NaN",
            "99999999999",
            "s",
            "1x",
            "1s30m",
            "1s1s",
            "1m30",
            "1:60",
            "1:60:00",
            "1:2:3:4",
            ":30",
            "1:",
            "1.5:00",
            "1 s",
            "٣",
        ] {
            let expected =
                format!("expected a time such as 90, 12.3, 90s, 1m30s, 1:30 or 1500ms, found {text:?}");
            assert_eq!(parse(text), Err(expected));
        }
    }
}
