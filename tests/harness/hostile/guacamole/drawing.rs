//! Layers, buffers, sizes and what is drawn on them.

use crate::hostile::outcome::Expected;
use crate::hostile::recording::Script;
use crate::hostile::{Case, Variant};
use std::io::Write;

fn drawn(expected: &Expected, instructions: &str) -> Variant {
    let script = instructions.split(';').filter(|text| !text.trim().is_empty());
    Variant::of(instructions, expected.clone(), script.fold(Script::new(), Script::draw).end())
}

fn case(name: &'static str, expected: &Expected, instructions: &[&str]) -> Case {
    Case { section: 'E', name, variants: instructions.iter().map(|text| drawn(expected, text)).collect() }
}

/// The same instruction for many numbers.
fn many(
    name: &str,
    expected: Expected,
    count: i64,
    each: impl Fn(Script, i64) -> Script + Send + 'static,
) -> Variant {
    Variant::large(name, expected, move |file: &mut dyn Write| {
        file.write_all(&Script::new().bytes())?;
        (0..count).try_for_each(|index| file.write_all(&each(Script::empty(), index).bytes()))?;
        file.write_all(&Script::empty().end())
    })
}

pub(super) fn cases() -> Vec<Case> {
    let limit = Expected::undrawn("LIMIT");
    let malformed = Expected::undrawn("MALFORMED");
    let whole = Expected::whole();
    let mut cases = vec![
        case(
            "sizes of 1e9",
            &limit,
            &[
                "size 0 1000000000 1000000000",
                "size 0 8193 1",
                "size -1 2147483647 1",
                "size 3 99999999999999999999 1; size 3 2147483648 1",
                "rect -1 2147483647 0 2147483647 1",
            ],
        ),
        case(
            "sizes of 0 and below",
            &whole,
            &["size 0 0 0; size 0 64 48", "size -1 -5 -2147483648", "size 5 0 7; cfill 14 5 1 2 3 255"],
        ),
        case(
            "layers of +-2^31",
            &whole,
            &[
                "rect 2147483647 0 0 1 1; cfill 14 2147483647 1 2 3 255",
                "rect -2147483648 0 0 1 1; cfill 14 -2147483648 1 2 3 255",
                "copy -2147483648 0 0 9 9 14 2147483647 0 0; dispose 2147483647",
            ],
        ),
        case(
            "moved into itself and around",
            &malformed,
            &[
                "move 1 1 0 0 0",
                "move 1 2 0 0 0; move 2 1 0 0 0",
                "move 1 2 0 0 0; move 2 3 0 0 0; move 3 1 0 0 0",
            ],
        ),
        case(
            "disposed of in use, twice, layer 0",
            &whole,
            &[
                "dispose 0",
                "dispose 7; dispose 7; dispose -7",
                "move 1 2 0 0 0; dispose 2; cfill 14 1 1 1 1 1; dispose 1",
                "cursor 0 0 -3 0 0 9 9; dispose -3; mouse 5 5 0",
            ],
        ),
        case(
            "copies outside and over themselves",
            &whole,
            &[
                "copy 0 0 0 64 48 14 0 1 1; copy 0 0 0 64 48 12 0 -1 -1",
                "copy 0 -2147483648 -2147483648 2147483647 2147483647 14 0 2147483647 2147483647",
                "copy 0 50 40 99 99 9 0 -9 60; transfer 0 0 0 64 48 6 0 3 3",
                "rect 0 2147483647 2147483647 2147483647 2147483647; cfill 12 0 1 2 3 4",
            ],
        ),
        case("a cursor of 65535^2", &limit, &["cursor 0 0 0 0 0 65535 65535", "cursor 0 0 -1 0 0 513 1"]),
        case(
            "masks and functions that are not defined",
            &malformed,
            &[
                "rect 0 0 0 9 9; cfill 0 0 1 2 3 255",
                "copy 0 0 0 9 9 255 0 0 0",
                "transfer 0 0 0 9 9 16 0 0 0",
            ],
        ),
        case(
            "opcodes and arguments that are none",
            &whole,
            &[
                "unknown 1 2 3",
                "size 0 wide high",
                "cfill",
                "rect 0 1e3 0x10 NaN -",
                "shade 1 256; shade 1 -1",
            ],
        ),
    ];
    cases.extend(budgets());
    cases
}

fn budgets() -> Vec<Case> {
    let (limit, memory, time) =
        (Expected::undrawn("LIMIT"), Expected::undrawn("MEMBUDGET"), Expected::undrawn("TIMEBUDGET"));
    let fill = |layer: i64, side: i64| {
        move |script: Script| {
            script
                .draw(&format!("rect {layer} 0 0 {side} {side}"))
                .draw(&format!("cfill 14 {layer} 9 9 9 255"))
        }
    };
    let whole_screens = |(width, height): (i64, i64), timed: bool| {
        move |script: Script, index: i64| {
            let script = if index == 0 { script.draw(&format!("size 0 {width} {height}")) } else { script };
            let script = script.draw(&format!("rect 0 0 0 {width} {height}")).draw("cfill 14 0 9 9 9 128");
            script.sync(if timed { 1_000 + index * 200 } else { 1_000 })
        }
    };
    vec![
        Case {
            section: 'E',
            name: "more layers, buffers, pixels than there may be",
            variants: vec![
                many("1e6 layers", time.clone(), 1_000_000, |script, index| {
                    script.draw(&format!("size {} 1 1", index + 1))
                }),
                many("1e6 buffers", limit.clone(), 1_000_000, |script, index| {
                    script.draw(&format!("size {} 1 1", -index - 1))
                }),
                many("4096 buffers of 8192^2", limit.clone(), 4_096, move |script, index| {
                    fill(-index - 1, 8_192)(script)
                }),
                many("64 Mpx of buffers, filled", Expected::whole(), 15, move |script, index| {
                    fill(-index - 1, 2_048)(script)
                }),
                many("64 layers of 1 Mpx", Expected::whole(), 60, move |script, index| {
                    fill(index + 1, 1_024)(script.draw(&format!("size {} 1024 1024", index + 1)))
                }),
            ],
        },
        Case {
            section: 'E',
            name: "more memory than there may be",
            variants: vec![
                drawn(&memory, "size 0 8192 8192"),
                drawn(&memory, "size -1 6000 6000; size 0 5000 5000"),
            ],
        },
        Case {
            section: 'E',
            name: "move to a depth of 1e5",
            variants: vec![many("1e5", limit, 100_000, |script, index| {
                script.draw(&format!("move {} {index} 1 1 0", index + 1))
            })],
        },
        Case {
            section: 'E',
            name: "more drawing than there is time for",
            variants: vec![
                many(
                    "16 Mpx, 2000 times at once",
                    Expected::ends_drawing(),
                    2_000,
                    whole_screens((4_096, 4_096), false),
                ),
                many("a path of 256 boxes, filled again and again", time, 30_000, |script, index| {
                    let boxes = if index == 0 { 256 } else { 0 };
                    let add = |script: Script, at: i64| {
                        script.draw(&format!("rect 0 {} {} 1 {}", at % 64, at % 48, at % 7 + 1))
                    };
                    (0..boxes).fold(script, add).draw("cfill 9 0 1 1 1 1")
                }),
                many("1080p, 5 times a second", Expected::whole(), 20, whole_screens((1_920, 1_080), true)),
            ],
        },
    ]
}
