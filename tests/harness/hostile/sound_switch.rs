//! Section D: sound whose coding becomes another one on the way.

use super::sound_boxes::{FLAC_FRAME, OGG_BEGIN, OGG_END, flac, flac_frame, ogg_page};

/// Where the head of FLAC tells its samples.
const FLAC_SAMPLES: usize = 8 + 14;
/// Samples of a packet of Opus, at 48 kHz.
const OPUS_PACKET: u64 = 960;

/// FLAC in Ogg, a frame.
pub(super) fn ogg_flac(serial: u32) -> Vec<u8> {
    let head = [&b"\x7FFLAC\x01\0\0\x01"[..], &flac(&[], 0)].concat();
    let comments = b"\x84\0\0\x08\0\0\0\0\0\0\0\0";
    let samples = u64::from(FLAC_FRAME);
    [
        ogg_page(serial, 0, OGG_BEGIN, 0, &head),
        ogg_page(serial, 1, 0, 0, comments),
        ogg_page(serial, 2, OGG_END, samples, &flac_frame(0, 1)),
    ]
    .concat()
}

/// Opus in Ogg, a second of silence.
pub(super) fn ogg_opus(serial: u32) -> Vec<u8> {
    let head = b"OpusHead\x01\x01\0\0\x80\xBB\0\0\0\0\0";
    let tags = b"OpusTags\0\0\0\0\0\0\0\0";
    let mut pages = [ogg_page(serial, 0, OGG_BEGIN, 0, head), ogg_page(serial, 1, 0, 0, tags)].concat();
    for number in 1..=50 {
        let flags = if number == 50 { OGG_END } else { 0 };
        // 20 ms of one channel, in which nothing is coded.
        let packet = [0xF8, 0xFF, 0xFE];
        pages.extend(ogg_page(serial, number + 1, flags, u64::from(number) * OPUS_PACKET, &packet));
    }
    pages
}

/// A stream in Ogg of which nothing is known, with a second of something.
pub(super) fn ogg_unknown(serial: u32) -> Vec<u8> {
    let begin = ogg_page(serial, 0, OGG_BEGIN, 0, b"Unheard of");
    let page = |number| {
        ogg_page(serial, number, 0, u64::from(number) * OPUS_PACKET, &[number.to_le_bytes()[0]; 200])
    };
    [begin, (1..=50).flat_map(page).collect()].concat()
}

/// Layer III at 44.1 kHz, then frames with another head.
pub(super) fn mp3_then(head: [u8; 4], length: usize) -> Vec<u8> {
    let frames = |head: [u8; 4], length: usize| [&head[..], &vec![0; length - 4]].concat().repeat(20);
    [frames([0xFF, 0xFB, 0x90, 0x64], 417), frames(head, length)].concat()
}

/// FLAC with one channel, and then a frame of two; whether its head tells how long it is.
pub(super) fn flac_then_stereo(is_told: bool) -> Vec<u8> {
    let mut file = [flac(&[], 1), flac_frame(1, 2)].concat();
    if is_told {
        // The last 32 of the 36 bits.
        file[FLAC_SAMPLES..FLAC_SAMPLES + 4].copy_from_slice(&(2 * u32::from(FLAC_FRAME)).to_be_bytes());
    }
    file
}
