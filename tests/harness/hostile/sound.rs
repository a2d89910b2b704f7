//! Section D, as far as sound reaches us: raw PCM in the streams of a recording.

use super::outcome::Expected;
use super::recording::{Script, instruction};
use super::{Case, Variant};
use std::io::Write;

/// A second of sound at 8 kHz with one byte a sample.
const SECOND: [u8; 8_000] = [0x20; 8_000];

fn opened(mimetype: &str) -> Script {
    Script::new().raw(instruction(&[&"audio", &9, &mimetype]))
}

fn played(mimetype: &str) -> Vec<u8> {
    let script = SECOND.chunks(4_000).fold(opened(mimetype), |script, piece| script.blob(9, piece));
    script.draw("end 9").end()
}

fn mimetypes(name: &'static str, expected: &Expected, mimetypes: &[&str]) -> Case {
    let variant = |mimetype: &&str| Variant::of(*mimetype, expected.clone(), played(mimetype));
    Case { section: 'D', name, variants: mimetypes.iter().map(variant).collect() }
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    let limit = Expected::unheard("LIMIT");
    let mut cases = vec![
        mimetypes(
            "rates of 0 and 4e9",
            &limit,
            &["audio/L16;rate=0", "audio/L8;rate=4000000000", "audio/L8;rate=7999"],
        ),
        mimetypes(
            "0 and 65,535 channels",
            &limit,
            &[
                "audio/L16;rate=44100,channels=0",
                "audio/L16;rate=44100,channels=65535",
                "audio/L16;rate=44100,channels=9",
            ],
        ),
        mimetypes(
            "mimetypes that lie",
            &Expected::unheard("UNSUPPORTED"),
            &["audio/ogg", "image/png", "audio/L24;rate=48000", "audio/L16;rate=44101"],
        ),
        mimetypes(
            "parameters that are no numbers",
            &Expected::unheard("MALFORMED"),
            &[
                "audio/L16",
                "audio/L16;rate=-1",
                "audio/L16;rate=99999999999",
                "audio/L16;rate=8000,channels=one",
            ],
        ),
        mimetypes(
            "everything at its limit",
            &Expected::whole(),
            &["audio/L8;rate=8000", "audio/L16;rate=192000,channels=8", "audio/L16;rate=8025,channels=3"],
        ),
    ];
    cases.extend(streams());
    cases.extend(lengths());
    cases
}

fn streams() -> Vec<Case> {
    let odd = |length: usize| {
        let cd = "audio/L16;rate=44100,channels=2";
        (0..50).fold(opened(cd), |script, _| script.blob(9, &SECOND[..length])).end()
    };
    let unopened = (0..64).fold(Script::new(), |script, index| script.blob(index, &SECOND[..400])).end();
    let many = |count: u32| {
        move |file: &mut dyn Write| {
            file.write_all(&Script::new().bytes())?;
            for index in 0..count {
                file.write_all(&instruction(&[&"audio", &(index % 200), &"audio/L8;rate=8000"]))?;
            }
            file.write_all(&Script::empty().end())
        }
    };
    vec![
        Case {
            section: 'D',
            name: "odd counts of bytes",
            variants: [1, 3, 5, 4_001]
                .map(|length| Variant::of(format!("{length} bytes"), Expected::whole(), odd(length)))
                .into(),
        },
        Case {
            section: 'D',
            name: "64 streams at one time",
            variants: vec![Variant::of("never opened", Expected::unheard("LIMIT"), unopened)],
        },
        Case {
            section: 'D',
            name: "1e6 streams",
            variants: vec![
                Variant::large("1e4", Expected::whole(), many(10_000)),
                Variant::large("1e6", Expected::whole(), many(1_000_000)),
            ],
        },
    ]
}

fn lengths() -> Vec<Case> {
    /// Milliseconds.
    const DAY: i64 = 86_400_000;
    let silence = |gap_ms: i64, times: i64| {
        let script = (1..=times).fold(opened("audio/L8;rate=8000"), |script, index| {
            script.blob(9, &SECOND[..160]).sync(1_000 + index * gap_ms)
        });
        script.bytes()
    };
    let endless = |seconds: u32, syncs: bool| {
        move |file: &mut dyn Write| {
            file.write_all(&opened("audio/L8;rate=8000").bytes())?;
            for second in 0..seconds {
                file.write_all(&Script::empty().blob(9, &SECOND[..4_000]).blob(9, &SECOND[..4_000]).bytes())?;
                if syncs {
                    file.write_all(&Script::empty().sync(1_000 + 1_000 * i64::from(second)).bytes())?;
                }
            }
            Ok(())
        }
    };
    let large = |name: &'static str, expected, variant: Vec<u8>| {
        Variant::large(name, expected, move |file: &mut dyn Write| file.write_all(&variant))
    };
    vec![
        Case {
            section: 'D',
            name: "an endless stream",
            variants: vec![
                Variant::large("with no timestamps", Expected::unheard("LIMIT"), endless(8_000, false)),
                Variant::large("ten minutes", Expected::whole(), endless(600, true)),
            ],
        },
        Case {
            section: 'D',
            name: "silence for hours",
            variants: vec![
                Variant::of("an hour", Expected::whole(), silence(DAY / 24, 1)),
                large("60 hours", Expected::whole(), silence(DAY / 4, 10)),
                large("120 hours", Expected::whole(), silence(DAY, 4)),
                large(
                    "20 days",
                    Expected { convert: super::Outcome::Refused("LIMIT".into()), ..Expected::whole() },
                    silence(DAY, 20),
                ),
            ],
        },
    ]
}
