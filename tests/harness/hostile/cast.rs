//! Section F: recordings of terminals.

use super::outcome::Expected;
use super::{Case, Variant};
use std::io::{self, Write};

const HEADER: &str = r#"{"version": 2, "width": 20, "height": 5}"#;
/// Two pictures a second apart, in each of the two dialects with lines.
const SHOWN: &str = "[0.0, \"o\", \"one\"]\n[1.0, \"o\", \"two\"]\n";

fn cast(header: &str, lines: &str) -> Vec<u8> {
    format!("{header}\n{lines}").into_bytes()
}

/// What is seen, then a line, then more.
fn between(line: &str) -> Vec<u8> {
    cast(HEADER, &format!("{SHOWN}{line}\n[2.0, \"o\", \"three\"]\n"))
}

fn sized(size: &str) -> Vec<u8> {
    cast(&format!("{{\"version\": 2, {size}}}"), SHOWN)
}

fn case<const N: usize>(name: &'static str, expected: &Expected, variants: [(&str, Vec<u8>); N]) -> Case {
    let variants = variants.map(|(name, bytes)| Variant::of(name, expected.clone(), bytes));
    Case { section: 'F', name, variants: variants.into() }
}

fn large<const N: usize>(name: &'static str, expected: &Expected, variants: [(&str, Many); N]) -> Case {
    let variant = |(name, many): (&str, Many)| {
        Variant::large(name, expected.clone(), move |file: &mut dyn Write| many.write(file))
    };
    Case { section: 'F', name, variants: variants.map(variant).into() }
}

/// A cast in which something is repeated.
struct Many {
    before: &'static str,
    repeated: &'static str,
    times: u32,
    behind: &'static str,
}

impl Many {
    fn write(&self, file: &mut dyn Write) -> io::Result<()> {
        const AT_ONCE: u32 = 1 << 12;
        write!(file, "{HEADER}\n{SHOWN}{}", self.before)?;
        let many = self.repeated.repeat(usize::try_from(AT_ONCE).map_err(io::Error::other)?);
        (0..self.times / AT_ONCE).try_for_each(|_| file.write_all(many.as_bytes()))?;
        (0..self.times % AT_ONCE).try_for_each(|_| file.write_all(self.repeated.as_bytes()))?;
        writeln!(file, "{}[2.0, \"o\", \"three\"]", self.behind)
    }
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = heads();
    cases.extend(events());
    cases.extend(outputs());
    cases.extend(files());
    cases
}

fn heads() -> Vec<Case> {
    let environment = format!(
        "{{\"version\": 2, \"width\": 20, \"height\": 5, \"env\": {{\"A\": \"{}\"}}}}",
        "x".repeat(5 << 20)
    );
    let deep = format!(
        "{{\"version\": 2, \"width\": 20, \"height\": 5, \"env\": {}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    vec![
        case("a cast", &Expected::whole(), [("version 2", cast(HEADER, SHOWN))]),
        case(
            "a header that is none",
            &Expected::refused("MALFORMED"),
            [
                ("missing", SHOWN.into()),
                ("an array", cast("[2, 20, 5]", SHOWN)),
                ("without a version", cast(r#"{"width": 20, "height": 5}"#, SHOWN)),
            ],
        ),
        case(
            "another version",
            &Expected::refused("UNSUPPORTED"),
            [
                ("4", cast(r#"{"version": 4, "width": 20, "height": 5}"#, SHOWN)),
                ("0", cast(r#"{"version": 0, "width": 20, "height": 5}"#, SHOWN)),
            ],
        ),
        case("a header of 5 MB", &Expected::unseen("LIMIT"), [("one variable", cast(&environment, SHOWN))]),
        case("a header 100,000 deep", &Expected::whole(), [("in what nobody reads", cast(&deep, SHOWN))]),
        case(
            "half a header",
            &Expected::unseen("TRUNCATED"),
            [("20 bytes", HEADER.as_bytes().iter().copied().take(20).collect())],
        ),
        case(
            "sizes that are none",
            &Expected::refused("LIMIT"),
            [
                ("0", sized("\"width\": 0, \"height\": 5")),
                ("1e9", sized("\"width\": 1000000000, \"height\": 5")),
                ("1,001", sized("\"width\": 20, \"height\": 1001")),
            ],
        ),
        case(
            "sizes that are no whole numbers",
            &Expected::refused("MALFORMED"),
            [
                ("1.5", sized("\"width\": 1.5, \"height\": 5")),
                ("negative", sized("\"width\": -20, \"height\": 5")),
                ("text", sized("\"width\": \"20\", \"height\": 5")),
                ("missing", sized("\"height\": 5")),
            ],
        ),
    ]
}

fn events() -> Vec<Case> {
    vec![
        case(
            "times that are none",
            &Expected::ends("MALFORMED"),
            [
                ("text", between("[\"2\", \"o\", \"x\"]")),
                ("NaN", between("[NaN, \"o\", \"x\"]")),
                ("null", between("[null, \"o\", \"x\"]")),
            ],
        ),
        case(
            "times beyond any clock",
            &Expected::whole(),
            [("1e308", between("[1e308, \"o\", \"x\"]")), ("1e400", between("[1e400, \"o\", \"x\"]"))],
        ),
        case(
            "times that go back",
            &Expected::whole(),
            [("decreasing", between("[0.5, \"o\", \"x\"]")), ("negative", between("[-1, \"o\", \"x\"]"))],
        ),
        case(
            "lines that are no events",
            &Expected::ends("MALFORMED"),
            [
                ("an object", between("{}")),
                ("two elements", between("[1.5, \"o\"]")),
                ("a number for its data", between("[1.5, \"o\", 7]")),
                ("no JSON", between("x")),
            ],
        ),
        case(
            "kinds of events that nobody knows",
            &Expected::whole(),
            [("q", between("[1.5, \"q\", \"x\"]")), ("a long one", between("[1.5, \"output\", \"x\"]"))],
        ),
        case(
            "resizes to what is no size",
            &Expected::whole(),
            [("one number", between("[1.5, \"r\", \"80\"]")), ("letters", between("[1.5, \"r\", \"axb\"]"))],
        ),
        case(
            "resizes beyond the limits",
            &Expected::undrawn("LIMIT"),
            [("0x0", between("[1.5, \"r\", \"0x0\"]")), ("1e6x1", between("[1.5, \"r\", \"1000000x1\"]"))],
        ),
        large(
            "very many events",
            &Expected::whole(),
            [(
                "1e6 without text",
                Many { before: "", repeated: "[1.5, \"o\", \"\"]\n", times: 1_000_000, behind: "" },
            )],
        ),
        large(
            "very many sizes",
            &Expected::ends("TIMEBUDGET"),
            [(
                "1e5, the largest by turns",
                Many {
                    before: "",
                    repeated: "[1.5, \"r\", \"20x5\"]\n[1.5, \"r\", \"1000x1000\"]\n",
                    times: 50_000,
                    behind: "",
                },
            )],
        ),
        large(
            "a line of 1 GiB",
            &Expected::ends("LIMIT"),
            [(
                "of output",
                Many { before: "[1.5, \"o\", \"", repeated: "x", times: 1 << 30, behind: "\"]\n" },
            )],
        ),
    ]
}

fn outputs() -> Vec<Case> {
    let shown = |output: &str| between(&format!("[1.5, \"o\", \"{output}\"]"));
    vec![
        case(
            "control sequences of any length",
            &Expected::whole(),
            [
                ("REP of 65,535 in 8 kB", shown(&"x\\u001b[65535b".repeat(800))),
                (
                    "scrolls of 65,535 lines",
                    shown(&"\\u001b[65535S\\u001b[65535T\\u001b[65535L\\u001b[65535M".repeat(500)),
                ),
                ("an OSC without an end", shown(&format!("\\u001b]0;{}", "x".repeat(500_000)))),
                ("300,000 parameters", shown(&format!("\\u001b[{}m", "1;".repeat(300_000)))),
                (
                    "parameters of 30 digits",
                    shown(&format!("\\u001b[{0};{0}H\\u001b[{0}C\\u001b[{0}@", "9".repeat(30))),
                ),
            ],
        ),
        case(
            "text that is hard to place",
            &Expected::whole(),
            [
                (
                    "right to left, with its marks",
                    shown("\\u202e\\u05e9\\u05dc\\u05d5\\u05dd\\u2066x\\u2069"),
                ),
                (
                    "joined emoji",
                    shown("\\ud83d\\udc68\\u200d\\ud83d\\udc69\\u200d\\ud83d\\udc67\\u200d\\ud83d\\udc66"),
                ),
                ("half a character", shown("\\ud800")),
                ("10,000 marks on one letter", shown(&format!("e{}", "\\u0301".repeat(10_000)))),
                ("zeros", shown(&"\\u0000".repeat(1_000))),
                (
                    "a transfer by ZMODEM",
                    shown("rz\\r**\\u0018B00000000000000\\r\\n\\u0011\\u0018\\u0018\\u0018\\u0018\\u0018"),
                ),
                ("wide characters at the edge", shown(&"\\u6f22".repeat(5_000))),
            ],
        ),
        large(
            "a million clears",
            &Expected::ends("TIMEBUDGET"),
            [(
                "of the largest screen",
                Many {
                    before: "[1.5, \"r\", \"1000x1000\"]\n",
                    repeated: "[1.5, \"o\", \"\\u001b[2J\\u001b[41mx\"]\n",
                    times: 1_000_000,
                    behind: "",
                },
            )],
        ),
    ]
}

fn files() -> Vec<Case> {
    let whole = || cast(HEADER, SHOWN);
    let utf16 =
        |text: Vec<u8>| [vec![0xFF, 0xFE], text.into_iter().flat_map(|byte| [byte, 0]).collect()].concat();
    vec![
        case(
            "bytes that are no text",
            &Expected::ends("MALFORMED"),
            [
                ("0xFF", [cast(HEADER, SHOWN), b"[1.5, \"o\", \"\xFF\"]\n".to_vec()].concat()),
                ("zeros", [cast(HEADER, SHOWN), vec![0; 4_096]].concat()),
            ],
        ),
        case(
            "two casts in one file",
            &Expected::ends("MALFORMED"),
            [("of version 2", [whole(), whole()].concat())],
        ),
        case("UTF-16", &Expected::refused("UNSUPPORTED"), [("with its mark", utf16(whole()))]),
        case(
            "a cast that was cut",
            &Expected::ends("TRUNCATED"),
            [("in its last line", {
                let mut cut = whole();
                cut.truncate(cut.len() - 6);
                cut
            })],
        ),
        case("a cast of nothing", &Expected::whole(), [("a header alone", cast(HEADER, ""))]),
        Case {
            section: 'F',
            name: "70 GiB in a small file",
            variants: vec![Variant::large("one line, by Zstandard", Expected::refused("LIMIT"), bomb)],
        },
    ]
}

/// A header and an endless line of zeros, in blocks of Zstandard that repeat one byte (RFC 8878, section 3.1.1.2).
fn bomb(file: &mut dyn Write) -> io::Result<()> {
    let head = format!("{HEADER}\n");
    let length = u8::try_from(head.len()).map_err(io::Error::other)?;
    file.write_all(&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38, length << 3, length >> 5, 0])?;
    file.write_all(head.as_bytes())?;
    (0..70 << 13).try_for_each(|_| file.write_all(&[0x02, 0x00, 0x10, b'x']))
}
