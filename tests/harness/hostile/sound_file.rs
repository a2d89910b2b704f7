//! Section D: files of sound that are heard beside a recording.

use super::outcome::{Expected, Outcome};
use super::sound_boxes::{FLAC_FRAME, Mp4, RATE_HZ, Wave, flac, mp4_box, ogg_streams};
use super::sound_switch::{flac_then_stereo, mp3_then, ogg_flac, ogg_opus, ogg_unknown};
use super::{Case, Variant};
use std::io::Write;

/// The head of Matroska, and the beginning of a segment of unknown length.
const EBML: &[u8] = b"\x1A\x45\xDF\xA3\x80";
const SEGMENT: &[u8] = b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF";

fn refused(code: &str) -> Expected {
    Expected::heard(Outcome::Refused(code.to_owned()))
}

fn partial(code: &str) -> Expected {
    Expected::heard(Outcome::Partial(code.to_owned()))
}

fn case<const N: usize>(name: &'static str, variants: [(&str, Expected, Vec<u8>); N]) -> Case {
    let variants = variants.map(|(name, expected, bytes)| Variant::of(name, expected, bytes).heard());
    Case { section: 'D', name, variants: variants.into() }
}

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = waves();
    cases.extend(tags());
    cases.extend(containers());
    cases.extend(others());
    cases
}

fn waves() -> Vec<Case> {
    let wave = |channels, rate_hz, bits| Wave { channels, rate_hz, bits, claimed: None }.bytes();
    let claimed = |all, data| Wave { claimed: Some([all, data]), ..Wave::SOUND }.bytes();
    vec![
        case("a WAVE file", [("of a second", Expected::whole(), Wave::SOUND.bytes())]),
        case(
            "a WAVE file that claims 4 GiB",
            [
                ("unknown lengths", Expected::whole(), claimed(u32::MAX, u32::MAX)),
                ("lengths that are not there", partial("TRUNCATED"), claimed(u32::MAX - 1, u32::MAX - 47)),
                ("more sound than file", refused("MALFORMED"), claimed(16_036, u32::MAX - 1)),
            ],
        ),
        case(
            "WAVE with 0 and 65,535 channels",
            [
                ("65,535", refused("MALFORMED"), wave(65_535, RATE_HZ, 16)),
                ("0", refused("MALFORMED"), wave(0, RATE_HZ, 16)),
                ("9", refused("LIMIT"), wave(9, RATE_HZ, 16)),
                ("65,535, extensible", refused("UNSUPPORTED"), Wave::extensible(65_535)),
            ],
        ),
        case(
            "WAVE with rates of 0 and 4e9",
            [
                ("0", refused("LIMIT"), wave(1, 0, 16)),
                ("4e9", refused("LIMIT"), wave(1, 4_000_000_000, 16)),
                ("7,999", refused("LIMIT"), wave(1, 7_999, 16)),
            ],
        ),
        case(
            "WAVE with samples of 0 bits",
            [
                ("0", refused("MALFORMED"), wave(1, RATE_HZ, 0)),
                ("12", refused("MALFORMED"), wave(1, RATE_HZ, 12)),
                ("65,535", refused("MALFORMED"), wave(1, RATE_HZ, 65_535)),
            ],
        ),
    ]
}

fn tags() -> Vec<Case> {
    /// Frames of a third of a second together, at 44.1 kHz.
    const MP3_FRAMES: usize = 13;
    let mp3 = [&b"\xFF\xFB\x90\x64"[..], &[0; 413]].concat().repeat(MP3_FRAMES);
    // A picture whose bytes are said to be 4 GiB, in a block of 40 bytes.
    let picture = [&[0; 28][..], &[0xFF; 4], &[0; 8]].concat();
    let behind_a_tag = move |file: &mut dyn Write| {
        file.write_all(b"ID3\x04\0\0\x7F\x7F\x7F\x7F")?;
        (0..256).try_for_each(|mib| file.write_all(&vec![0; (1 << 20) - usize::from(mib == 255)]))?;
        file.write_all(&mp3)
    };
    vec![
        case("a FLAC picture of 4 GiB", [("in 40 bytes", refused("TRUNCATED"), flac(&[(6, &picture)], 1))]),
        Case {
            section: 'D',
            name: "a tag of 256 MiB",
            variants: vec![
                Variant::of(
                    "that is not there",
                    refused("UNSUPPORTED"),
                    b"ID3\x04\0\0\x7F\x7F\x7F\x7F".to_vec(),
                )
                .heard(),
                Variant::large("before MP3", Expected::whole(), behind_a_tag).heard(),
            ],
        },
        case(
            "false syncs of MP3",
            [("100,000", refused("UNSUPPORTED"), [0xFF, 0xFB, 0x90, 0x64, 0, 0, 0].repeat(100_000))],
        ),
    ]
}

fn containers() -> Vec<Case> {
    let nested = |depth: usize| (0..depth).fold(Vec::new(), |inner, _| mp4_box(b"moov", &inner));
    let ftyp = mp4_box(b"ftyp", b"M4A \0\0\0\0");
    let tables = |stts, stsz| Mp4 { stts, stsz, ..Mp4::default() }.bytes(2);
    let edit = |edits: &[u8]| Mp4 { edits: Some(edits), ..Mp4::default() }.bytes(2);
    // Version 1 has 64 bits for each: how long, from when, how fast.
    let farthest = [&[1, 0, 0, 0, 0, 0, 0, 1][..], &i64::MAX.to_be_bytes().repeat(2), &[0, 1, 0, 0]].concat();
    let silence =
        [&[1, 0, 0, 0, 0, 0, 0, 1][..], &i64::MAX.to_be_bytes(), &[0xFF; 8], &[0, 1, 0, 0]].concat();
    vec![
        case("an MP4 file", [("of FLAC", Expected::whole(), Mp4::default().bytes(2))]),
        case("moov in moov", [("10,000 deep", refused("MALFORMED"), [ftyp, nested(10_000)].concat())]),
        case(
            "tables of 4e9",
            [
                ("sizes", refused("MALFORMED"), tables(None, Some(&[&[0; 8][..], &[0xFF; 4]].concat()))),
                (
                    "samples of one size",
                    Expected::whole(),
                    tables(None, Some(&[&[0; 7][..], &[14], &[0xFF; 4]].concat())),
                ),
                ("times", refused("MALFORMED"), tables(Some(&[&[0; 4][..], &[0xFF; 4]].concat()), None)),
                (
                    "samples of one time",
                    partial("MALFORMED"),
                    tables(
                        Some(
                            &[
                                &[0, 0, 0, 0, 0, 0, 0, 1][..],
                                &[0xFF; 4],
                                &u32::from(FLAC_FRAME).to_be_bytes(),
                            ]
                            .concat(),
                        ),
                        None,
                    ),
                ),
            ],
        ),
        case(
            "edits of INT64_MAX",
            [
                ("from there", Expected::whole(), edit(&farthest)),
                ("of silence", partial("LIMIT"), edit(&silence)),
            ],
        ),
        case(
            "an MP4 timescale of 0",
            [("0", refused("MALFORMED"), Mp4 { timescale: Some(0), ..Mp4::default() }.bytes(2))],
        ),
        case(
            "lies of Matroska",
            [
                (
                    "a timescale of 0",
                    refused("MALFORMED"),
                    [EBML, SEGMENT, b"\x15\x49\xA9\x66\x84\x2A\xD7\xB1\x80"].concat(),
                ),
                (
                    "a huge size",
                    refused("MALFORMED"),
                    [EBML, b"\x18\x53\x80\x67\x01\0\xFF\xFF\xFF\xFF\xFF\xFE\x15\x49\xA9\x66"].concat(),
                ),
                (
                    "3,000 segments in one another",
                    refused("MALFORMED"),
                    [EBML, &SEGMENT.repeat(3_000)].concat(),
                ),
            ],
        ),
        case("streams of Ogg", [("100,000", refused("TRUNCATED"), ogg_streams(100_000))]),
    ]
}

fn others() -> Vec<Case> {
    let hours = 60 * 3600 * RATE_HZ / u32::from(FLAC_FRAME);
    let wave = Wave::SOUND.bytes();
    let within = mp4_box(b"free", &wave);
    vec![
        Case {
            section: 'D',
            name: "silence of 60 hours in 400 kB",
            variants: vec![
                Variant::of("a minute", Expected::whole(), flac(&[], 8)).heard(),
                Variant::large("60 hours", partial("LIMIT"), move |file: &mut dyn Write| {
                    file.write_all(&flac(&[], hours))
                })
                .heard(),
            ],
        },
        case(
            "a codec switch",
            [
                ("FLAC, then Opus", Expected::whole(), [ogg_flac(1), ogg_opus(2)].concat()),
                ("Opus, then nothing known", partial("UNSUPPORTED"), [ogg_opus(1), ogg_unknown(2)].concat()),
                ("layer III, then 48 kHz", partial("TRUNCATED"), mp3_then([0xFF, 0xFB, 0x94, 0x64], 384)),
                ("layer III, then layer II", partial("TRUNCATED"), mp3_then([0xFF, 0xFD, 0x84, 0x64], 384)),
                ("a channel, then two", partial("TRUNCATED"), flac_then_stereo(true)),
                ("the same, of unknown length", Expected::whole(), flac_then_stereo(false)),
                (
                    "an entry of MP4, then another",
                    refused("UNSUPPORTED"),
                    Mp4 { is_switched: true, ..Mp4::default() }.bytes(2),
                ),
            ],
        ),
        case(
            "polyglots",
            [
                ("FLAC behind WAVE", Expected::whole(), [wave.clone(), flac(&[], 1)].concat()),
                ("WAVE behind FLAC", partial("TRUNCATED"), [flac(&[], 1), wave.clone()].concat()),
                (
                    "WAVE in an MP4 file",
                    refused("UNSUPPORTED"),
                    [mp4_box(b"ftyp", b"M4A \0\0\0\0"), within].concat(),
                ),
                ("a recording behind WAVE", Expected::whole(), [wave, b"4.sync,1.0;".repeat(9)].concat()),
                ("a recording", refused("UNSUPPORTED"), b"4.sync,1.0;".repeat(9)),
            ],
        ),
    ]
}
