//! Bad inputs of sound: each has its refusal, in bounded time and memory, and nothing panics.

use super::tests::{made, wav};
use super::*;
use crate::refusal::RefusalCode::{self, Limit, Malformed, Truncated, Unsupported};
use std::io::Cursor;

/// What came of a file: how much of it is heard, and its refusal.
fn outcome(bytes: Vec<u8>) -> (i64, Option<RefusalCode>) {
    match SideCar::survey(Cursor::new(bytes), 0, &Limits::default()) {
        Ok(survey) => (survey.end_ms, survey.loss.map(|loss| loss.code)),
        Err(error) => (0, Some(error.code())),
    }
}

fn second() -> Vec<StereoSample> {
    (0..8_000).map(|index: i16| [index.wrapping_mul(900); 2]).collect()
}

/// A WAVE file of a second with other bytes somewhere.
fn wav_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = wav(&second(), 8_000);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// The same with another format: channels, rate, bits.
fn wav_of(channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let mut file = wav_with(22, &channels.to_le_bytes());
    file[24..28].copy_from_slice(&rate_hz.to_le_bytes());
    file[32..34].copy_from_slice(&channels.wrapping_mul(bits / 8).to_le_bytes());
    file[34..36].copy_from_slice(&bits.to_le_bytes());
    file
}

/// WAVE's extensible format with so many channels: the mask of symphonia's panic.
fn extensible(channels: u16) -> Vec<u8> {
    let mut file = Vec::from(*b"RIFF\xFF\xFF\xFF\x7FWAVEfmt \x28\0\0\0\xFE\xFF");
    file.extend(channels.to_le_bytes());
    file.extend(8_000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0\x16\0\x10\0\xFF\xFF\xFF\xFF\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71data\x10\0\0\0");
    file.extend([1; 16]);
    file
}

fn mp4_box(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), name.as_slice(), body].concat()
}

/// Puts other bytes behind the name of a box, `skip` bytes further.
fn edited(mut file: Vec<u8>, name: &[u8], skip: usize, bytes: &[u8]) -> Vec<u8> {
    let at = file.windows(name.len()).position(|window| window == name).unwrap() + name.len() + skip;
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn nested(depth: usize) -> Vec<u8> {
    let moov = (0..depth)
        .fold(Vec::new(), |inner, _| if inner.len() > 1 << 20 { inner } else { mp4_box(b"moov", &inner) });
    [mp4_box(b"ftyp", b"M4A \0\0\0\0"), moov].concat()
}

#[test]
fn wave_is_refused_for_what_it_claims() {
    let whole = (1_000, None);
    assert_eq!(outcome(wav(&second(), 8_000)), whole);
    // Four GiB that are not there: what is there is heard. Of two claims that contradict each other, none counts.
    let claimed = |all: [u8; 4], data: [u8; 4]| {
        let mut file = wav_with(4, &all);
        file[40..44].copy_from_slice(&data);
        outcome(file)
    };
    assert_eq!(claimed([0xFF; 4], [0xFF; 4]), whole);
    assert_eq!(claimed([0xFE, 0xFF, 0xFF, 0xFF], [0xD0, 0xFF, 0xFF, 0xFF]), (1_000, Some(Truncated)));
    assert_eq!(outcome(wav_with(40, &[0xFE, 0xFF, 0xFF, 0xFF])), (0, Some(Malformed)));
    for channels in [0, 9, 64, 65_535] {
        let (end_ms, code) = outcome(wav_of(channels, 8_000, 16));
        assert_eq!(end_ms, 0, "{channels} channels");
        assert!(matches!(code, Some(Limit | Malformed | Unsupported)), "{channels} channels: {code:?}");
        assert_eq!(outcome(extensible(channels)).0, 0, "{channels} channels");
    }
    for rate_hz in [0, 1, 7_999, 192_001, 1_000_000_000, u32::MAX] {
        let (end_ms, code) = outcome(wav_of(2, rate_hz, 16));
        assert_eq!(end_ms, 0, "{rate_hz} Hz");
        assert!(matches!(code, Some(Limit | Malformed)), "{rate_hz} Hz: {code:?}");
    }
    assert_eq!(outcome(wav_of(2, 44_101, 16)), (0, Some(Unsupported)));
    for bits in [0, 1, 7, 12, 33, 65_535] {
        assert_eq!(outcome(wav_of(2, 8_000, bits)), (0, Some(Malformed)), "{bits} bits");
    }
}

#[test]
fn what_is_no_sound_is_refused() {
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("a byte", vec![0xFF]),
        ("text", b"4.sync,1.0;".repeat(1_000)),
        ("zeros", vec![0; 2 << 20]),
        ("a tag alone", [b"ID3\x04\0\0\x7F\x7F\x7F\x7F".as_slice(), &[0; 100]].concat()),
        ("a picture", b"\x89PNG\r\n\x1a\n".repeat(20)),
    ] {
        let (end_ms, code) = outcome(bytes);
        assert_eq!((end_ms, code), (0, Some(Unsupported)), "{what}");
    }
    for (what, bytes) in [
        ("an MP4 without a track", nested(1)),
        ("nested boxes", nested(10_000)),
        ("FLAC without frames", [b"fLaC\x84\xFF\xFF\xFF".as_slice(), &[0; 100]].concat()),
        (
            "nested segments",
            b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF".repeat(3_000),
        ),
        (
            "a huge size",
            b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\x01\0\xFF\xFF\xFF\xFF\xFF\xFE\x15\x49\xA9\x66".to_vec(),
        ),
        ("false syncs", [0xFF, 0xFB, 0x90, 0x64, 0, 0, 0].repeat(100_000)),
        ("streams of Ogg", ogg_streams(100_000)),
    ] {
        let (end_ms, code) = outcome(bytes);
        assert_eq!(end_ms, 0, "{what}");
        assert!(code.is_some(), "{what}");
    }
}

/// Pages that begin streams, each with a number of its own and nothing that is known.
fn ogg_streams(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|serial| {
            let mut page = Vec::from(*b"OggS\0\x02\0\0\0\0\0\0\0\0");
            page.extend(serial.to_le_bytes());
            page.extend([0; 8]);
            page.extend([1, 1, 7]);
            let crc = page.iter().fold(0_u32, |crc, byte| {
                (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| (crc << 1) ^ ((crc >> 31) * 0x04C1_1DB7))
            });
            page[22..26].copy_from_slice(&crc.to_le_bytes());
            page
        })
        .collect()
}

#[test]
fn files_that_were_cut_are_heard_as_far_as_they_go() {
    for (name, options) in [
        ("a.wav", [].as_slice()),
        ("a.flac", &[]),
        ("a.mp3", &[]),
        ("a.m4a", &["-movflags", "faststart"]),
        ("end.m4a", &[]),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("opus.ogg", &["-c:a", "libopus"]),
        ("a.mka", &["-c:a", "libopus"]),
    ] {
        let whole = made(48_000, name, options);
        let (end_ms, code) = outcome(whole.clone());
        assert!((3_000..3_030).contains(&end_ms) && code.is_none(), "{name}: {end_ms} ms, {code:?}");
        for part in 0..24 {
            let cut = whole[..whole.len() * part / 24].to_vec();
            let (heard_ms, code) = outcome(cut);
            assert!(heard_ms <= end_ms, "{name} cut at {part}/24");
            assert!(heard_ms > 0 || code.is_some(), "{name} cut at {part}/24: neither heard nor refused");
        }
    }
}

#[test]
fn tables_and_times_that_lie_are_bounded() {
    let m4a = || made(48_000, "a.m4a", &[]);
    let limit_ms = Limits::default().side_car_ms;
    for (what, bytes) in [
        ("4e9 samples of stts", edited(m4a(), b"stts", 8, &[0xFF; 4])),
        ("4e9 entries of stts", edited(m4a(), b"stts", 4, &[0xFF; 4])),
        ("4e9 sizes", edited(m4a(), b"stsz", 8, &[0xFF; 4])),
        ("one size for 4e9", edited(m4a(), b"stsz", 4, &[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF])),
        ("no size for 4e9", edited(m4a(), b"stsz", 4, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])),
        (
            "an edit from i32::MAX",
            edited(m4a(), b"elst", 8, &[0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]),
        ),
        ("silence of u32::MAX", edited(m4a(), b"elst", 8, &[0xFF; 8])),
        ("chunks far away", edited(m4a(), b"stco", 8, &[0xFF; 4])),
        ("no time scale", edited(m4a(), b"mdhd", 12, &[0; 4])),
        ("a scale of 1", edited(m4a(), b"mdhd", 12, &[0, 0, 0, 1])),
        ("a scale of 0", edited(made(48_000, "a.mka", &["-c:a", "libopus"]), b"\x2A\xD7\xB1", 1, &[0; 3])),
    ] {
        let (end_ms, _) = outcome(bytes);
        assert!(end_ms <= limit_ms + 60_000, "{what}: {end_ms} ms");
    }
}

#[test]
fn sixty_hours_of_silence_end_at_the_limit() {
    // One frame of FLAC with constant samples says 65,535 of them in 14 bytes; their numbers go on.
    let mut limits = Limits { side_car_ms: 10_000, ..Limits::default() };
    let file = made(8_000, "long.flac", &["-af", "volume=0,apad=pad_dur=60", "-ac", "1"]);
    let survey = |limits: &Limits| SideCar::survey(Cursor::new(file.clone()), 0, limits).unwrap();
    let cut = survey(&limits);
    assert_eq!(cut.loss.map(|loss| loss.code), Some(Limit));
    assert!((10_000..11_000).contains(&cut.end_ms), "{}", cut.end_ms);
    assert!(cut.audible_ms.is_empty());
    limits.side_car_ms = 100_000;
    let whole = survey(&limits);
    assert_eq!((whole.loss, whole.end_ms), (None, 63_000));
}

#[test]
fn samples_that_are_no_numbers_are_silence_and_loud_ones_are_cut() {
    let mut file = made(8_000, "float.wav", &["-c:a", "pcm_f32le"]);
    let at = file.windows(4).position(|window| window == b"data").unwrap() + 8;
    for (moment, level) in
        file[at..].chunks_exact_mut(8).zip([f32::NAN, f32::INFINITY, -1e30, 1e30].repeat(6_000))
    {
        moment.copy_from_slice([level.to_le_bytes(), level.to_le_bytes()].as_flattened());
    }
    let mut feed = Feed::open(Cursor::new(file), 0, &Limits::default()).unwrap();
    let piece = feed.next().unwrap();
    assert_eq!(piece.samples[..4], [[0; 2], [i16::MAX; 2], [i16::MIN; 2], [i16::MAX; 2]]);
}

#[test]
fn a_stream_that_changes_goes_on_and_its_rate_may_change() {
    let [first, second] = [44_100, 48_000].map(|rate_hz| made(rate_hz, "a.ogg", &["-c:a", "libvorbis"]));
    let (end_ms, code) = outcome([first, second].concat());
    assert_eq!(code, None);
    assert!((6_000..6_010).contains(&end_ms), "{end_ms}");
}

#[test]
fn a_reader_that_fails_is_told_as_that() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    impl std::io::Seek for Broken {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(9)
        }
    }
    let error = SideCar::open(Broken, 0, &Limits::default()).err();
    assert_eq!(error, Some(SideCarError::Unreadable { reason: "gone".to_owned() }));
    assert_eq!(outcome(wav(&second(), 8_000)[..30].to_vec()).1, Some(Truncated));
}
