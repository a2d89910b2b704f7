//! Lengths, characters and whole files.

use crate::hostile::outcome::Expected;
use crate::hostile::recording::{Script, instruction};
use crate::hostile::{Case, Outcome, Variant};
use std::fmt::Display;
use std::io::Write;

/// A recording that has shown a picture when these bytes come, and goes on behind them; and one that begins with them.
fn both(name: &str, code: &str, bytes: &[u8]) -> [Variant; 2] {
    let behind = Script::new().raw(bytes).end();
    let alone = Script::empty().raw(bytes).end();
    [
        Variant::of(format!("{name}, in it"), Expected::ends(code), behind),
        Variant::of(format!("{name}, at its start"), Expected::refused(code), alone),
    ]
}

fn case(name: &'static str, code: &str, inputs: &[(&str, &[u8])]) -> Case {
    let variants = inputs.iter().flat_map(|(name, bytes)| both(name, code, bytes)).collect();
    Case { section: 'E', name, variants }
}

pub(super) fn cases() -> Vec<Case> {
    let long = |chars: usize| format!("{chars}.{}", "x".repeat(chars)).into_bytes();
    let longest = [&long(8_000)[..], b","].concat().repeat(5);
    let elements = |count: usize| {
        let all: Vec<&dyn Display> = vec![&"x"; count];
        instruction(&all)
    };
    vec![
        case(
            "lengths that are too long",
            "LIMIT",
            &[
                ("99999999999", b"99999999999.sync,1.0;"),
                ("8193", &long(8_193)),
                ("six digits", b"000004.sync,1.0;"),
            ],
        ),
        case(
            "lengths that are none",
            "MALFORMED",
            &[
                ("-1", b"-1.sync;"),
                ("+5", b"+5.mouse;"),
                ("a letter", b"x.sync;"),
                ("a blank", b" 4.sync;"),
                ("nothing", b".sync;"),
            ],
        ),
        case(
            "lengths that lie",
            "MALFORMED",
            &[
                ("too short", b"3.sync,4.2000;"),
                ("too long", b"5.sync,4.2000;"),
                ("bytes for characters", "4.name,4.\u{e4}\u{f6};".as_bytes()),
            ],
        ),
        Case {
            section: 'E',
            name: "lengths that are odd and right",
            variants: vec![
                Variant::of(
                    "leading zeros",
                    Expected::whole(),
                    Script::new().raw("0004.sync,05.01500;").end(),
                ),
                Variant::of("an empty opcode", Expected::whole(), Script::new().raw("0.;0.,0.;").end()),
                Variant::of(
                    "characters beyond the BMP",
                    Expected::whole(),
                    Script::new().raw("1.\u{1F600};").end(),
                ),
                Variant::of(
                    "a nested instruction",
                    Expected::whole(),
                    Script::new().raw("3.log,35.4.size,1.0,9.999999999,9.999999999;;").end(),
                ),
            ],
        },
        case("too many elements", "LIMIT", &[("129", &elements(129)), ("4000", &elements(4_000))]),
        Case {
            section: 'E',
            name: "as many as there may be",
            variants: vec![
                Variant::of("128 elements", Expected::whole(), Script::new().raw(elements(128)).end()),
                Variant::of(
                    "an opcode of 8192",
                    Expected::whole(),
                    Script::new().raw([&long(8_192)[..], b";"].concat()).end(),
                ),
            ],
        },
        Case {
            section: 'E',
            name: "too long an instruction",
            variants: vec![
                Variant::of("in it", Expected::ends("LIMIT"), Script::new().raw(&longest).end()),
                Variant::of("at its start", Expected::unseen("LIMIT"), Script::empty().raw(&longest).end()),
            ],
        },
        case(
            "no text",
            "MALFORMED",
            &[
                ("NUL", b"\0\0\0\0"),
                ("0xFF", b"4.\xFF\xFF\xFF\xFF,1.0;"),
                ("an overlong character", b"1.\xC0\x80;"),
                ("a continuation alone", b"2.a\x80b;"),
            ],
        ),
        endless(),
        files(),
        cuts(),
    ]
}

fn endless() -> Case {
    let without_end = |piece: &'static [u8], bytes: usize| {
        move |file: &mut dyn Write| {
            file.write_all(&Script::new().bytes())?;
            (0..bytes / piece.len()).try_for_each(|_| file.write_all(piece))
        }
    };
    const DIGITS: &[u8] = &[b'7'; 4_096];
    const ELEMENTS: &[u8] = b"8192.";
    Case {
        section: 'E',
        name: "no ; for 1 GiB",
        variants: vec![
            Variant::large("digits", Expected::ends("LIMIT"), without_end(DIGITS, 1 << 30)),
            Variant::large("commas", Expected::ends("LIMIT"), without_end(b"1.x,", 1 << 30)),
            Variant::large("lengths", Expected::ends("MALFORMED"), without_end(ELEMENTS, 1 << 30)),
            Variant::large("an inline image", Expected::ends("LIMIT"), move |file: &mut dyn Write| {
                file.write_all(&Script::new().raw("3.png,2.14,1.0,1.0,1.0,16777217.").bytes())?;
                (0..1 << 18).try_for_each(|_| file.write_all(&[b'A'; 4_096]))
            }),
            Variant::of("1 MiB", Expected::ends("LIMIT"), Script::new().raw(b"1.x,".repeat(1 << 18)).bytes()),
        ],
    }
}

fn files() -> Case {
    let recording = Script::new().end();
    let utf_16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(recording.iter().flat_map(|&byte| [byte, 0])).collect();
    let tail = &Script::new().end()[5..];
    let nothing = Variant::of("nothing", Expected::refused("TRUNCATED"), Vec::new());
    Case {
        section: 'E',
        name: "other files, joined files",
        variants: vec![
            Variant::of("gzip", Expected::refused("UNSUPPORTED"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
            Variant::of("UTF-16", Expected::refused("UNSUPPORTED"), utf_16),
            Variant::of("zeros", Expected::refused("MALFORMED"), vec![0; 5_000]),
            Variant::of(
                "a broken zstd",
                Expected::refused("MALFORMED"),
                b"\x28\xb5\x2f\xfd\0\x38\xFF\xFF\xFF".to_vec(),
            ),
            nothing,
            Variant::of("two recordings joined", Expected::whole(), [&recording[..], &recording].concat()),
            Variant::of("overwritten", Expected::ends("MALFORMED"), [&recording[..], tail].concat()),
            Variant::of("no sync at all", Expected::pictureless(), Script::empty().paint(1, 2).bytes()),
        ],
    }
}

fn cuts() -> Case {
    let recording = Script::new().end();
    let shown = Script::new().bytes().len();
    let cut = |length: usize| {
        let is_boundary = recording[..length].ends_with(b";");
        let expected = match (length > shown, is_boundary) {
            (true, true) => Expected::whole(),
            (true, false) => Expected::ends("TRUNCATED"),
            (false, true) if length == shown => Expected::whole(),
            (false, true) => Expected::pictureless(),
            (false, false) => Expected::unseen("TRUNCATED"),
        };
        Variant::of(format!("{length} bytes"), expected, recording[..length].to_vec())
    };
    let mut variants: Vec<_> = (1..recording.len()).step_by(7).map(cut).collect();
    // Lengths and opcodes are cut as well as values.
    variants.extend((shown - 3..=shown + 9).map(cut));
    debug_assert!(variants.iter().any(|variant| variant.expected.inspect == Outcome::Whole));
    Case { section: 'E', name: "cut within an instruction", variants }
}
