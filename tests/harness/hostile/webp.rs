//! Section C: WebP (RFC 9649).

use super::Case;
use super::outcome::Expected;
use super::png::{cut, image};

/// A RIFF chunk, padded to an even length.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_vec();
    bytes.extend(u32::try_from(data.len()).expect("short").to_le_bytes());
    bytes.extend(data);
    bytes.extend(vec![0; data.len() % 2]);
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [&[b"WEBP".to_vec()], chunks].concat().concat();
    chunk(b"RIFF", &body)
}

/// Three bytes, lowest first.
fn three(value: u32) -> [u8; 3] {
    let [low, middle, high, _] = value.to_le_bytes();
    [low, middle, high]
}

/// The extended header; `flags` are those of section 2.7.1, sizes count from 1.
fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let data = [&[flags, 0, 0, 0][..], &three(width - 1), &three(height - 1)].concat();
    chunk(b"VP8X", &data)
}

/// A lossless picture in one colour: five Huffman codes of one symbol, which take no bits for a pixel.
fn lossless(width: u32, height: u32) -> Vec<u8> {
    // No transform, no colour cache, no meta codes, then five simple codes of the symbol 0 or 1.
    let header = (width - 1) | (height - 1) << 14;
    let mut bits = vec![0, 0, 0];
    for _ in 0..5 {
        bits.extend([1, 0, 0, 0]);
    }
    let packed = bits.chunks(8).map(|byte| byte.iter().rev().fold(0_u8, |byte, bit| byte << 1 | bit));
    let data: Vec<u8> = [0x2F].into_iter().chain(header.to_le_bytes()).chain(packed).chain([0; 4]).collect();
    chunk(b"VP8L", &data)
}

/// The header of a lossy key frame, and zeros.
fn lossy(width: u16, height: u16) -> Vec<u8> {
    let head = [&[0x10, 0, 0, 0x9D, 0x01, 0x2A][..], &width.to_le_bytes(), &height.to_le_bytes()].concat();
    chunk(b"VP8 ", &[head, vec![0; 40]].concat())
}

/// A frame of an animation (section 2.7.1.1): place, size, duration, then its picture.
fn frame((x, y): (u32, u32), (width, height): (u32, u32), picture: &[u8]) -> Vec<u8> {
    let head = [three(x / 2), three(y / 2), three(width - 1), three(height - 1), three(10)].concat();
    chunk(b"ANMF", &[&head[..], &[0], picture].concat())
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    const ANIMATED: u8 = 0x02;
    const WITH_EXIF: u8 = 0x08;
    let limit = Expected::undrawn("LIMIT");
    let malformed = Expected::undrawn("MALFORMED");
    let animation = |frames: usize, side: u32| {
        let one = frame((0, 0), (side, side), &lossless(side, side));
        let mut chunks = vec![extended(ANIMATED, side, side), chunk(b"ANIM", &[0; 6])];
        chunks.extend(vec![one; frames]);
        riff(&chunks)
    };
    let mut exif = riff(&[extended(WITH_EXIF, 4, 4), lossless(4, 4)]);
    exif.extend([&b"EXIF"[..], &[0xFF; 4], b"short"].concat());
    let claiming = |size: u32| {
        let mut bytes = riff(&[lossless(4, 4)]);
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes
    };
    let outside = riff(&[
        extended(ANIMATED, 4, 4),
        chunk(b"ANIM", &[0; 6]),
        frame((2, 2), (16, 16), &lossless(16, 16)),
    ]);
    let good = riff(&[lossless(4, 4)]);
    vec![
        image(
            'C',
            "VP8X of 2^24",
            &limit,
            &[
                riff(&[extended(0, 1 << 24, 1 << 24), lossless(4, 4)]),
                riff(&[extended(0, 1 << 24, 200), lossy(8, 8)]),
            ],
        ),
        image(
            'C',
            "VP8L of 16384^2",
            &limit,
            &[
                riff(&[lossless(16_384, 16_384)]),
                riff(&[extended(0, 4, 4), lossless(16_384, 16_384)]),
                riff(&[extended(0, 4, 4), lossy(16_383, 16_383)]),
            ],
        ),
        image('C', "exactly 16 Mpx", &Expected::whole(), &[riff(&[lossless(4_096, 4_096)])]),
        image('C', "5000 frames of 2048^2", &Expected::whole(), &[animation(5_000, 2_048)]),
        image('C', "EXIF that claims 4 GiB", &Expected::whole(), &[exif]),
        image(
            'C',
            "RIFF size that lies",
            &Expected::whole(),
            &[claiming(0), claiming(5), claiming(u32::MAX)],
        ),
        image('C', "a frame outside of the canvas", &malformed, &[outside]),
        Case {
            section: 'C',
            name: "cut at every byte",
            variants: cut(&good, 12, &Expected::undrawn("TRUNCATED")),
        },
    ]
}
