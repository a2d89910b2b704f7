//! Section B: JPEG.

use super::Case;
use super::outcome::Expected;
use super::png::{cut, image};

/// Kinds of frames (ITU-T T.81, table B.1).
const BASELINE: u8 = 0xC0;
const EXTENDED: u8 = 0xC1;
const PROGRESSIVE: u8 = 0xC2;
const LOSSLESS: u8 = 0xC3;
const ARITHMETIC: u8 = 0xC9;

/// A JPEG segment by segment.
#[derive(Debug, Clone)]
struct Jpeg(Vec<u8>);

impl Jpeg {
    /// The start, one table of ones for quantization, and two Huffman tables of one code each.
    fn start() -> Self {
        let mut table = vec![1; 65];
        table[0] = 0;
        Self(vec![0xFF, 0xD8]).segment(0xDB, &table).huffman(0x00, 1).huffman(0x10, 1)
    }

    fn segment(mut self, marker: u8, data: &[u8]) -> Self {
        self.0.extend([0xFF, marker]);
        self.0.extend(u16::try_from(data.len() + 2).expect("short").to_be_bytes());
        self.0.extend(data);
        self
    }

    /// A table with `codes` codes of one bit, of which there are two at most.
    fn huffman(self, class: u8, codes: u8) -> Self {
        let mut data = vec![0; 17];
        (data[0], data[1]) = (class, codes);
        data.extend(vec![0; usize::from(codes)]);
        self.segment(0xC4, &data)
    }

    /// A frame of components that are sampled alike.
    fn frame(self, kind: u8, (width, height): (u16, u16), depth: u8, sampling: &[u8]) -> Self {
        let mut data = vec![depth];
        data.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
        data.push(u8::try_from(sampling.len()).expect("few"));
        for (id, sampling) in (1..).zip(sampling) {
            data.extend([id, *sampling, 0]);
        }
        self.segment(kind, &data)
    }

    /// A scan of the first components, whose data is zeros: flat blocks.
    fn scan(self, components: u8, spectrum: [u8; 3]) -> Self {
        let ids = (1..=components).flat_map(|id| [id, 0]);
        let data: Vec<u8> = std::iter::once(components).chain(ids).chain(spectrum).collect();
        let mut jpeg = self.segment(0xDA, &data);
        jpeg.0.extend([0; 16]);
        jpeg
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0xFF, 0xD9]);
        self.0
    }

    /// A grey picture of one scan.
    fn grey(kind: u8, width: u16, height: u16) -> Self {
        let spectrum = if kind == PROGRESSIVE { [0, 0, 0] } else { [0, 63, 0] };
        Self::start().frame(kind, (width, height), 8, &[0x11]).scan(1, spectrum)
    }
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = sizes();
    cases.extend(segments());
    cases
}

fn sizes() -> Vec<Case> {
    let limit = Expected::undrawn("LIMIT");
    let malformed = Expected::undrawn("MALFORMED");
    let grey = |kind, width, height| Jpeg::grey(kind, width, height).end();
    let scans = |kind, count: usize, side| {
        let frame = Jpeg::start().frame(kind, (side, side), 8, &[0x11]);
        (0..count).fold(frame, |jpeg, _| jpeg.scan(1, [0, 0, 0])).end()
    };
    // DNL, which tells the height behind the first scan (section B.2.5).
    let late_height = |height: u16| Jpeg::grey(BASELINE, 16, 0).segment(0xDC, &height.to_be_bytes()).end();
    vec![
        image('B', "65500^2", &limit, &[grey(BASELINE, 65_500, 65_500), grey(PROGRESSIVE, 65_500, 65_500)]),
        image('B', "16384^2", &limit, &[grey(BASELINE, 16_384, 16_384), grey(PROGRESSIVE, 16_384, 16_384)]),
        image(
            'B',
            "exactly 16 Mpx",
            &Expected::whole(),
            &[grey(BASELINE, 4_096, 4_096), grey(PROGRESSIVE, 4_096, 4_096)],
        ),
        image('B', "5000 scans", &limit, &[scans(PROGRESSIVE, 5_000, 8), scans(PROGRESSIVE, 65, 4_096)]),
        image('B', "64 scans of 16 Mpx", &Expected::undrawn("TIMEBUDGET"), &[scans(PROGRESSIVE, 64, 4_096)]),
        image('B', "0 x 0", &malformed, &[grey(BASELINE, 0, 0), grey(BASELINE, 0, 9)]),
        image(
            'B',
            "height 0 and DNL",
            &malformed,
            &[late_height(16), late_height(65_535), grey(BASELINE, 9, 0)],
        ),
    ]
}

fn segments() -> Vec<Case> {
    let malformed = Expected::undrawn("MALFORMED");
    let unsupported = Expected::undrawn("UNSUPPORTED");
    let sampled = |sampling: &[u8]| {
        let count = u8::try_from(sampling.len()).expect("few");
        Jpeg::start().frame(BASELINE, (40, 40), 8, sampling).scan(count, [0, 63, 0]).end()
    };
    let of_depth = |depth| Jpeg::start().frame(EXTENDED, (8, 8), depth, &[0x11]).scan(1, [0, 63, 0]).end();
    let table = |data: &[u8]| Jpeg::start().segment(0xC4, data).0;
    let with_frame =
        |bytes: Vec<u8>| Jpeg(bytes).frame(BASELINE, (8, 8), 8, &[0x11]).scan(1, [0, 63, 0]).end();
    let adobe = |transform, components: &[u8]| {
        let count = u8::try_from(components.len()).expect("few");
        let app = [b"Adobe\0d\0\0\0\0".as_slice(), &[transform]].concat();
        let frame = Jpeg::start().segment(0xEE, &app).frame(BASELINE, (9, 9), 8, components);
        frame.scan(count, [0, 63, 0]).end()
    };
    let short_app = |length: u8| {
        [&[0xFF, 0xD8, 0xFF, 0xE0, 0, length][..], &Jpeg::grey(BASELINE, 8, 8).end()[2..]].concat()
    };
    let two = Jpeg::start().frame(BASELINE, (8, 8), 8, &[0x11]).frame(BASELINE, (4_000, 9), 8, &[0x11]);
    let no_tables = Jpeg(vec![0xFF, 0xD8]).frame(BASELINE, (8, 8), 8, &[0x11]).scan(1, [0, 63, 0]).end();
    let good = Jpeg::grey(BASELINE, 64, 64).end();
    vec![
        image('B', "odd sampling", &malformed, &[sampled(&[0x11, 0x55, 0x11]), sampled(&[0x00, 0x11, 0x11])]),
        image(
            'B',
            "over-full DHT",
            &malformed,
            &[
                with_frame(table(&[&[0x00][..], &[255; 16], &[0; 200]].concat())),
                with_frame(table(&[&[0x00, 3][..], &[0; 15], &[0; 3]].concat())),
            ],
        ),
        image('B', "no tables", &malformed, &[no_tables]),
        image('B', "a transform that Adobe does not know", &malformed, &[adobe(9, &[0x11; 3])]),
        image(
            'B',
            "CMYK and lies of Adobe",
            &Expected::whole(),
            &[adobe(2, &[0x11; 4]), adobe(0, &[0x11; 4]), adobe(1, &[0x11; 4])],
        ),
        image(
            'B',
            "arithmetic, lossless, 12 bits",
            &unsupported,
            &[Jpeg::grey(ARITHMETIC, 8, 8).end(), Jpeg::grey(LOSSLESS, 8, 8).end(), of_depth(12)],
        ),
        image('B', "0, 13 and 255 bits", &malformed, &[of_depth(0), of_depth(13), of_depth(255)]),
        image('B', "two frames", &malformed, &[two.scan(1, [0, 63, 0]).end()]),
        image('B', "APP of length 0 and 1", &malformed, &[short_app(0), short_app(1)]),
        Case {
            section: 'B',
            name: "cut at every byte",
            variants: cut(&good[..good.len() - 18], 3, &Expected::undrawn("TRUNCATED")),
        },
        image('B', "cut within a scan", &Expected::whole(), &[good[..good.len() - 4].to_vec()]),
    ]
}
