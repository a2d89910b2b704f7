//! Section A: PNG.

use super::outcome::Expected;
use super::recording::{Script, ways};
use super::{Case, Variant};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG chunk by chunk.
#[derive(Debug, Clone)]
struct Png(Vec<u8>);

impl Png {
    /// A header: 8 bits, with this colour type (0 grey, 2 RGB, 3 palette) and interlacing (0 or 1).
    fn header(width: u32, height: u32, color: u8, interlaced: u8) -> Self {
        let mut data = [width.to_be_bytes(), height.to_be_bytes()].concat();
        data.extend([8, color, 0, 0, interlaced]);
        Self(SIGNATURE.to_vec()).chunk(b"IHDR", &data)
    }

    fn chunk(mut self, kind: &[u8; 4], data: &[u8]) -> Self {
        let checked = [kind, data].concat();
        self.0.extend(u32::try_from(data.len()).expect("short").to_be_bytes());
        self.0.extend(&checked);
        self.0.extend(crc32(&checked).to_be_bytes());
        self
    }

    fn end(self) -> Vec<u8> {
        self.chunk(b"IEND", &[]).0
    }

    /// A grey picture.
    fn grey(width: u32, height: u32) -> Self {
        let zeros = u64::from(height) * (u64::from(width) + 1);
        Self::header(width, height, 0, 0).chunk(b"IDAT", &zlib_of_zeros(zeros))
    }
}

/// Annex D of the PNG specification.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    let table: Vec<u32> = (0..256_u32).map(|byte| (0..8).fold(byte, |crc, _| step(crc))).collect();
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        let [low, ..] = crc.to_le_bytes();
        table[usize::from(low ^ byte)] ^ crc >> 8
    })
}

/// At least `length` zeros in a thousandth of the bytes: RFC 1951, section 3.2.6, matches of 258 bytes at distance 1.
fn zlib_of_zeros(length: u64) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let (mut word, mut bits) = (0_u64, 0_u32);
    let mut put = |value: u64, count: u32| {
        word |= value << bits;
        bits += count;
        while bits >= 8 {
            bytes.push(word.to_le_bytes()[0]);
            word >>= 8;
            bits -= 8;
        }
    };
    // A final block with fixed codes, and the literal 0, which is 00110000 from its highest bit.
    put(0b011, 3);
    put(0b0000_1100, 8);
    for _ in 0..length.div_ceil(258) {
        // The code of length 285 is 11000101 from its highest bit, that of distance 1 is 00000.
        put(0b1010_0011, 8);
        put(0, 5);
    }
    // The end of the block, and bits to fill the last byte.
    put(0, 7);
    put(0, 7);
    let rest = length.div_ceil(258) * 258 + 1;
    bytes.extend(adler32_of_zeros(rest).to_be_bytes());
    bytes
}

/// RFC 1950, section 8.2.
fn adler32_of_zeros(length: u64) -> u32 {
    let sum = u32::try_from(length % 65_521).expect("below the modulus");
    sum << 16 | 1
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    [sizes(), bombs(), chunks(), cuts()].concat_cases()
}

/// Joins lists of cases.
pub(super) trait ConcatCases {
    /// One list.
    fn concat_cases(self) -> Vec<Case>;
}

impl<const N: usize> ConcatCases for [Vec<Case>; N] {
    fn concat_cases(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

/// An image in all ways, which all end alike.
pub(super) fn image(section: char, name: &'static str, expected: &Expected, images: &[Vec<u8>]) -> Case {
    let in_ways = |(index, image): (usize, &Vec<u8>)| {
        ways(image)
            .into_iter()
            .map(move |(way, bytes)| Variant::of(format!("{index}, {way}"), expected.clone(), bytes))
            .collect::<Vec<_>>()
    };
    Case { section, name, variants: images.iter().enumerate().flat_map(in_ways).collect() }
}

/// One grey pixel.
pub(super) fn pixel() -> Vec<u8> {
    Png::grey(1, 1).end()
}

fn sizes() -> Vec<Case> {
    let limit = Expected::undrawn("LIMIT");
    let malformed = Expected::undrawn("MALFORMED");
    let sized =
        |width, height| Png::header(width, height, 2, 0).chunk(b"IDAT", &zlib_of_zeros(1 << 16)).end();
    vec![
        image('A', "sides of 2^31", &limit, &[sized(1 << 31, 1 << 31), sized(u32::MAX, 1)]),
        image('A', "sides of 2^31 - 1", &limit, &[sized(i32::MAX.unsigned_abs(), i32::MAX.unsigned_abs())]),
        image('A', "1e9 x 1", &limit, &[sized(1_000_000_000, 1), sized(1, 1_000_000_000)]),
        image('A', "0 x 0", &malformed, &[sized(0, 0), sized(0, 5), sized(5, 0)]),
        image(
            'A',
            "bombs of 16000^2 and 30000^2",
            &limit,
            &[Png::grey(16_000, 16_000).end(), Png::grey(30_000, 30_000).end(), sized(4_097, 4_096)],
        ),
        image('A', "a bomb of exactly 16 Mpx", &Expected::whole(), &[Png::grey(4_096, 4_096).end()]),
    ]
}

fn bombs() -> Vec<Case> {
    const GIBIBYTE: u64 = 1 << 30;
    let text = |kind: &[u8; 4], head: &[u8]| {
        let data = [head, &zlib_of_zeros(GIBIBYTE)].concat();
        let pixel = Png::header(1, 1, 0, 0).chunk(kind, &data).chunk(b"IDAT", &zlib_of_zeros(2));
        Script::new().image(&pixel.end(), "image/png", 0, (0, 0)).end()
    };
    let idat = |bytes: u64| Png::header(1, 1, 0, 0).chunk(b"IDAT", &zlib_of_zeros(bytes)).end();
    let texts = (0..100_000).fold(Png::header(1, 1, 0, 0), |png, _| png.chunk(b"tEXt", b"a\0b"));
    let texts = texts.chunk(b"IDAT", &zlib_of_zeros(2)).end();
    let drawn = |image: &[u8]| Script::new().image(image, "image/png", 0, (0, 0)).end();
    let whole = Expected::whole;
    vec![
        Case {
            section: 'A',
            name: "zTXt, iTXt, iCCP of 1 GiB",
            variants: vec![
                Variant::of("zTXt", whole(), text(b"zTXt", b"a\0\0")),
                Variant::of("iTXt", whole(), text(b"iTXt", b"a\0\x01\0\0\0")),
                Variant::of("iCCP", whole(), text(b"iCCP", b"a\0\0")),
            ],
        },
        Case {
            section: 'A',
            name: "IDAT of 1 and 2.3 GiB for one pixel",
            variants: vec![
                Variant::of("1 GiB", whole(), drawn(&idat(GIBIBYTE))),
                Variant::of("2.3 GiB", whole(), drawn(&idat(GIBIBYTE * 23 / 10))),
                Variant::of("20 times 1 GiB", Expected::undrawn("TIMEBUDGET"), {
                    let one = idat(GIBIBYTE);
                    (0..20).fold(Script::new(), |script, _| script.image(&one, "image/png", 0, (0, 0))).end()
                }),
            ],
        },
        image('A', "100,000 tEXt", &whole(), &[texts]),
        image(
            'A',
            "APNG of 2^31 frames",
            &whole(),
            &[Png::header(1, 1, 0, 0)
                .chunk(b"acTL", &[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
                .chunk(b"IDAT", &zlib_of_zeros(2))
                .end()],
        ),
    ]
}

fn chunks() -> Vec<Case> {
    let malformed = Expected::undrawn("MALFORMED");
    let pixel = zlib_of_zeros(2);
    let palette = |entries: usize| {
        let colors = vec![7; 3 * entries];
        Png::header(1, 1, 3, 0).chunk(b"PLTE", &colors).chunk(b"IDAT", &pixel).end()
    };
    let good = Png::grey(3, 3).end();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let tiny = |width, height| {
        let data = zlib_of_zeros(64);
        Png::header(width, height, 2, 1).chunk(b"IDAT", &data).end()
    };
    let late = Png::header(1, 1, 0, 0).chunk(b"IEND", &[]).chunk(b"IDAT", &pixel).end();
    vec![
        image('A', "bad CRC", &malformed, &[flipped(18), flipped(30), flipped(45)]),
        image('A', "IDAT missing or late", &malformed, &[Png::header(1, 1, 0, 0).end(), late]),
        image('A', "PLTE of 0 and 257 entries", &malformed, &[palette(0), palette(257)]),
        image('A', "PLTE missing", &malformed, &[Png::header(1, 1, 3, 0).chunk(b"IDAT", &pixel).end()]),
        image(
            'A',
            "tiny interlaced",
            &Expected::whole(),
            &[tiny(1, 1), tiny(2, 1), tiny(1, 2), tiny(3, 5), tiny(5, 3)],
        ),
        image(
            'A',
            "data that is no deflate",
            &malformed,
            &[Png::header(9, 9, 0, 0).chunk(b"IDAT", &[0xFF; 40]).end()],
        ),
    ]
}

fn cuts() -> Vec<Case> {
    let good = Png::grey(3, 3).end();
    let undrawn = Expected::undrawn;
    vec![Case {
        section: 'A',
        name: "cut at every byte",
        variants: cut(&good, SIGNATURE.len(), &undrawn("TRUNCATED")),
    }]
}

/// One recording for the cuts of an image within its first bytes, by which its format is known, and one for those
/// behind them.
pub(super) fn cut(image: &[u8], magic: usize, behind: &Expected) -> Vec<Variant> {
    let all = |lengths: std::ops::Range<usize>| {
        let draw = |script: Script, length: usize| script.image(&image[..length], "image/png", 0, (0, 0));
        lengths.fold(Script::new(), draw).end()
    };
    vec![
        Variant::of("in its first bytes", Expected::undrawn("UNSUPPORTED"), all(0..magic)),
        Variant::of("behind them", behind.clone(), all(magic..image.len())),
    ]
}
