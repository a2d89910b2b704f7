//! Timestamps, keys and the mouse.

use crate::hostile::outcome::Expected;
use crate::hostile::recording::Script;
use crate::hostile::{Case, Variant};
use std::io::Write;

/// Milliseconds of a year.
const YEAR_MS: i64 = 365 * 86_400_000;

fn syncs(name: &'static str, timestamps: &[i64]) -> Variant {
    let frame = |(script, red): (Script, u8), &at: &i64| (script.paint(red, 9).sync(at), red ^ 0xFF);
    let (script, _) = timestamps.iter().fold((Script::new(), 0), frame);
    Variant::of(name, Expected::whole(), script.bytes())
}

fn many(name: &'static str, expected: Expected, count: i64, each: fn(i64) -> Script) -> Variant {
    Variant::large(name, expected, move |file: &mut dyn Write| {
        file.write_all(&Script::new().bytes())?;
        (0..count).try_for_each(|index| file.write_all(&each(index).bytes()))?;
        file.write_all(&Script::empty().end())
    })
}

pub(super) fn cases() -> Vec<Case> {
    let whole = Expected::whole;
    vec![
        Case {
            section: 'E',
            name: "time that runs back and forth",
            variants: vec![
                syncs("1 ms back", &[2_000, 1_999, 2_500]),
                syncs("10 years back", &[10 * YEAR_MS, 2_000, 3_000]),
                syncs("10 years forward", &[2_000, 10 * YEAR_MS, 10 * YEAR_MS + 500]),
                syncs("the ends of the numbers", &[i64::MAX, i64::MIN, 0, i64::MIN, i64::MAX]),
                syncs("a day forward, five times", &[1, 2, 3, 4, 5].map(|day| day * 86_400_000)),
            ],
        },
        Case {
            section: 'E',
            name: "sync 1e6 times",
            variants: vec![
                many("equal", whole(), 1_000_000, |_| Script::empty().sync(1_000)),
                many("with a key each, equal", whole(), 300_000, |_| {
                    Script::empty().draw("key 65 1 1000").sync(1_000)
                }),
                many("a millisecond apart", whole(), 1_000_000, |index| Script::empty().sync(1_000 + index)),
            ],
        },
        Case {
            section: 'E',
            name: "1e7 key and mouse events",
            variants: vec![
                many("keys at once", whole(), 10_000_000, |index| {
                    Script::empty().draw(if index % 2 == 0 { "key 65 1 1000" } else { "key 65 0 1000" })
                }),
                many("keys a millisecond apart", whole(), 10_000_000, |index| {
                    Script::empty().draw(&format!("key 65 1 {}", 1_000 + index))
                }),
                many("mouse at once", whole(), 10_000_000, |index| {
                    Script::empty().draw(&format!("mouse {} 9 0 1000", index % 64))
                }),
                many("1e5 mouse events at once", whole(), 100_000, |index| {
                    Script::empty().draw(&format!("mouse {} 9 0 1000", index % 64))
                }),
            ],
        },
    ]
}
