//! Bytes of a fuzzer as recordings: most of them can be read, so that what lies behind the parser is reached.

use base64_simd::STANDARD;
use std::fmt::Write;

/// Numbers that recordings are likely to trip over, beside small ones.
const NUMBERS: [i64; 16] = [
    -1,
    -2,
    64,
    100,
    255,
    256,
    599,
    600,
    601,
    1 << 16,
    1 << 24,
    (1 << 31) - 2,
    (1 << 31) - 1,
    -(1 << 31),
    i64::MAX,
    i64::MIN,
];

/// A PNG of 2x2 pixels, half of them translucent.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAE0lEQVR4nGP4z8DQ8J+BoYHhPwMDADDgBQF+8CTcAAAAAElFTkSuQmCC";

/// Reads the fuzzer's bytes one after the other.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Small numbers most of the time.
    fn number(&mut self) -> Option<i64> {
        let byte = self.next()?;
        Some(match byte {
            0..=127 => i64::from(byte),
            128..=191 => i64::from(byte) - 160,
            192..=223 => NUMBERS[usize::from(byte - 192) % NUMBERS.len()],
            224..=255 => i64::from(byte - 224) * 256 + i64::from(self.next()?),
        })
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }
}

/// The opcodes with their number of arguments, for those that take nothing but numbers.
const NUMERIC: [(&str, usize); 29] = [
    ("size", 3),
    ("move", 5),
    ("shade", 2),
    ("dispose", 1),
    ("rect", 5),
    ("cfill", 6),
    ("copy", 9),
    ("transfer", 9),
    ("cursor", 7),
    ("mouse", 4),
    ("key", 3),
    ("end", 1),
    ("rect", 5),
    ("nop", 0),
    ("start", 3),
    ("line", 3),
    ("curve", 7),
    ("arc", 7),
    ("close", 1),
    ("clip", 1),
    ("lfill", 3),
    ("cstroke", 9),
    ("lstroke", 6),
    ("push", 1),
    ("pop", 1),
    ("reset", 1),
    ("identity", 1),
    ("transform", 7),
    ("distort", 7),
];

/// A recording of any instructions.
pub(super) fn recording(data: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes(data);
    let mut recording = Vec::new();
    let mut clock = 1_000_i64;
    while push_instruction(&mut bytes, &mut recording, &mut clock).is_some() {}
    recording
}

fn push_instruction(bytes: &mut Bytes<'_>, recording: &mut Vec<u8>, clock: &mut i64) -> Option<()> {
    let choice = bytes.next()?;
    let mut elements = Vec::new();
    match choice % 42 {
        index @ 0..29 => {
            let (opcode, arguments) = NUMERIC[usize::from(index)];
            elements.push(opcode.to_owned());
            for _ in 0..arguments {
                elements.push(bytes.number()?.to_string());
            }
        }
        29..=34 => {
            *clock = clock.saturating_add(bytes.number()?);
            elements.extend(["sync".to_owned(), clock.to_string()]);
        }
        35 => elements.extend(image_opening(bytes)?),
        36 => {
            let (stream, length) = (bytes.number()?, bytes.next()?);
            let data = STANDARD.encode_to_string(bytes.take(usize::from(length)));
            elements.extend(["blob".to_owned(), stream.to_string(), data]);
        }
        37..=39 => {
            // A whole image, drawn.
            let opening = image_opening(bytes)?;
            let stream = opening[1].clone();
            push(recording, &opening);
            push(recording, &["blob".to_owned(), stream.clone(), PNG.to_owned()]);
            elements.extend(["end".to_owned(), stream]);
        }
        40 => {
            let other = [bytes.number()?, bytes.number()?, bytes.number()?, bytes.number()?];
            elements.push("png".to_owned());
            elements.extend(other.map(|number| number.to_string()));
            elements.push(PNG.to_owned());
        }
        _ => {
            // Whatever it is.
            let length = bytes.next()?;
            recording.extend(bytes.take(usize::from(length % 16)));
            return Some(());
        }
    }
    push(recording, &elements);
    Some(())
}

fn image_opening(bytes: &mut Bytes<'_>) -> Option<[String; 7]> {
    let stream = (bytes.next()? % 6).to_string();
    let [mask, layer, x, y] = [bytes.number()?, bytes.number()?, bytes.number()?, bytes.number()?];
    let [mask, layer, x, y] = [mask, layer, x, y].map(|number| number.to_string());
    Some(["img".to_owned(), stream, mask, layer, "image/png".to_owned(), x, y])
}

/// A recording of sound.
pub(super) fn sound(data: &[u8]) -> Vec<u8> {
    const MIMETYPES: [&str; 8] = [
        "audio/L16;rate=44100,channels=2",
        "audio/L16;rate=22050,channels=1",
        "audio/L8;rate=8000",
        "audio/L8;rate=192000,channels=8",
        "audio/L16;rate=48000,channels=3",
        "audio/L16;rate=8025,channels=2",
        "audio/L16;rate=0",
        "audio/ogg",
    ];
    let mut bytes = Bytes(data);
    let mut recording = Vec::new();
    let mut clock = 1_000_i64;
    push(&mut recording, &["sync".to_owned(), clock.to_string()]);
    while let (Some(choice), Some(stream)) = (bytes.next(), bytes.next()) {
        let stream = (stream % 5).to_string();
        let elements = match choice % 16 {
            0 => vec!["audio".to_owned(), stream, MIMETYPES[usize::from(choice >> 4) % 8].to_owned()],
            1 => vec!["end".to_owned(), stream],
            2 => vec!["clipboard".to_owned(), stream, "text/plain".to_owned()],
            3 => {
                let [mask, layer, x, y] = ["14", "0", "0", "0"].map(str::to_owned);
                vec!["img".to_owned(), stream, mask, layer, "image/png".to_owned(), x, y]
            }
            4..=8 => {
                clock += i64::from(choice >> 4).pow(2) * 4;
                vec!["sync".to_owned(), clock.to_string()]
            }
            _ => {
                // A tone whose samples are one byte repeated.
                let length = usize::from(choice >> 4) * 13 + 4 * usize::from(choice % 16);
                let level = bytes.next().unwrap_or(0);
                vec!["blob".to_owned(), stream, STANDARD.encode_to_string(vec![level; length])]
            }
        };
        push(&mut recording, &elements);
    }
    recording
}

fn push(recording: &mut Vec<u8>, elements: &[String]) {
    let mut text = String::new();
    for element in elements {
        if !text.is_empty() {
            text.push(',');
        }
        write!(text, "{}.{element}", element.chars().count()).expect("a string takes any text");
    }
    recording.extend(text.as_bytes());
    recording.push(b';');
}
