//! Times as people and other programs read them.

/// The last second that has a year of four digits.
const LAST_S: u64 = 253_402_300_799;
/// Days of 400 years.
const ERA_DAYS: u64 = 146_097;
/// Days from March 1 of the year 0 to January 1, 1970.
const EPOCH_DAYS: u64 = 719_468;

/// Milliseconds since 1970 within the years of four digits.
pub(crate) fn bounded_ms(ms: u64) -> u64 {
    ms.min(LAST_S * 1000 + 999)
}

/// A date and a time of day in UTC, such as 2026-11-22T09:30:00Z (RFC 3339); what is smaller than a second is cut.
pub(crate) fn rfc3339(ms: u64) -> String {
    let seconds = bounded_ms(ms) / 1000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the leap day is the last one of its year.
    let days = days + EPOCH_DAYS;
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_795_318_169, "2026-11-22T03:29:29Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST_S, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds * 1000 + 999), expected);
        }
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
