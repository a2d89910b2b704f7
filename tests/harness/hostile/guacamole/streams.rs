//! Images, clipboards and blobs.

use crate::hostile::outcome::Expected;
use crate::hostile::recording::{Script, base64, instruction};
use crate::hostile::{Case, Variant};
use std::io::Write;

fn one(name: &'static str, expected: Expected, script: Script) -> Variant {
    Variant::of(name, expected, script.end())
}

fn repeated(
    name: &'static str,
    expected: Expected,
    start: Script,
    (count, piece): (usize, Script),
) -> Variant {
    Variant::large(name, expected, move |file: &mut dyn Write| {
        file.write_all(&start.clone().bytes())?;
        let piece = piece.clone().bytes();
        (0..count).try_for_each(|_| file.write_all(&piece))?;
        file.write_all(&Script::empty().end())
    })
}

pub(super) fn cases() -> Vec<Case> {
    let whole = Expected::whole;
    let (limit, malformed) = (Expected::undrawn("LIMIT"), Expected::undrawn("MALFORMED"));
    let open = || Script::new().draw("img 3 14 0 image/png 0 0");
    let opened =
        (0..65).fold(Script::new(), |script, index| script.draw(&format!("img {index} 14 0 image/png 0 0")));
    let chunk = Script::empty().blob(3, &[7; 6_048]);
    let inline = |bytes: usize| {
        Variant::large(
            format!("{bytes} characters"),
            Expected::undrawn("UNSUPPORTED"),
            move |file: &mut dyn Write| {
                file.write_all(&Script::new().bytes())?;
                file.write_all(&instruction(&[&"png", &14, &0, &0, &0, &base64(&vec![7; bytes / 4 * 3])]))?;
                file.write_all(&Script::empty().end())
            },
        )
    };
    vec![
        Case {
            section: 'E',
            name: "images that never end",
            variants: vec![
                one("65", limit.clone(), opened),
                Variant::large("1e6", limit.clone(), |file: &mut dyn Write| {
                    file.write_all(&Script::new().bytes())?;
                    for index in 0..1_000_000 {
                        let open = format!("img {index} 14 0 image/png 0 0");
                        file.write_all(&Script::empty().draw(&open).bytes())?;
                    }
                    file.write_all(&Script::empty().end())
                }),
                repeated("1 GiB of base64", limit.clone(), open(), (1 << 17, chunk.clone())),
                repeated("20 MiB of base64", limit, open(), (3_500, chunk)),
            ],
        },
        Case {
            section: 'E',
            name: "blobs and ends of streams that were never opened",
            variants: vec![
                one("blob", whole(), Script::new().blob(7, b"x").blob(-1, b"x").blob(i32::MAX, b"x")),
                one("end", whole(), Script::new().draw("end 7").draw("end -2147483648").draw("end 7")),
                one(
                    "drawn twice",
                    Expected::undrawn("UNSUPPORTED"),
                    open().blob(3, b"x").draw("end 3").draw("end 3"),
                ),
            ],
        },
        Case {
            section: 'E',
            name: "base64 that is none",
            variants: ["A", "AAAA=", "====", "AA A", "A*==", "AAAAA", "\u{e4}AAA"]
                .map(|data| {
                    one(data, malformed.clone(), open().raw(instruction(&[&"blob", &3, &data])).draw("end 3"))
                })
                .into(),
        },
        Case {
            section: 'E',
            name: "images that are none, at x = 2^31 - 1",
            variants: vec![
                one("empty", Expected::undrawn("UNSUPPORTED"), open().draw("end 3")),
                one(
                    "text",
                    Expected::undrawn("UNSUPPORTED"),
                    Script::new().image(b"hello", "image/png", 0, (9, 9)),
                ),
                one("a mask", malformed, Script::new().draw("img 3 3 0 image/png 0 0").draw("end 3")),
                one(
                    "far away",
                    whole(),
                    Script::new().image(&pixel(), "image/png", 0, (i64::from(i32::MAX), i64::from(i32::MIN))),
                ),
                one(
                    "a buffer of that size",
                    Expected::undrawn("LIMIT"),
                    Script::new().image(&pixel(), "image/png", -1, (i64::from(i32::MAX), 0)),
                ),
            ],
        },
        Case {
            section: 'E',
            name: "inline images of 1 and 16 MiB",
            variants: vec![inline(1 << 20), inline(16 << 20)],
        },
        Case {
            section: 'E',
            name: "1 GiB clipboard",
            variants: vec![
                repeated(
                    "blobs",
                    whole(),
                    Script::new().draw("clipboard 5 text/plain"),
                    ((1 << 30) / 6_048, Script::empty().blob(5, &[b'x'; 6_048])),
                ),
                repeated(
                    "100 MB",
                    whole(),
                    Script::new().draw("clipboard 5 text/plain"),
                    (100_000_000 / 6_048, Script::empty().blob(5, &[b'x'; 6_048])),
                ),
            ],
        },
    ]
}

/// One grey pixel as PNG.
fn pixel() -> Vec<u8> {
    super::super::png::pixel()
}
