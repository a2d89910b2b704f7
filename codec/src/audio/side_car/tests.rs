//! Formats: what ffmpeg makes of a sweep is decoded to the same samples at the same places.

use super::*;
use std::io::Cursor;
use std::process::Command;

/// Samples that are compared are these far from the ends, where lossy coding rings.
const MARGIN: usize = 4_000;

/// A tone from 200 Hz to 5 kHz in three seconds, its left louder than its right.
#[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
fn sweep(rate_hz: u32) -> Vec<StereoSample> {
    (0..3 * rate_hz)
        .map(|index| {
            let time = f64::from(index) / f64::from(rate_hz);
            let level = ((200.0 + 800.0 * time) * time * std::f64::consts::TAU).sin();
            [(level * 16_000.0) as i16, (level * -6_000.0) as i16]
        })
        .collect()
}

pub(super) fn wav(samples: &[StereoSample], rate_hz: u32) -> Vec<u8> {
    let data_bytes = u32::try_from(samples.len() * 4).unwrap();
    let mut bytes = Vec::from(*b"RIFF");
    bytes.extend((36 + data_bytes).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    bytes.extend([rate_hz, 4 * rate_hz].map(u32::to_le_bytes).as_flattened());
    bytes.extend(b"\x04\0\x10\0data");
    bytes.extend(data_bytes.to_le_bytes());
    bytes.extend(samples.as_flattened().iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// What ffmpeg makes of the sweep.
pub(super) fn made(rate_hz: u32, name: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("sweep.wav"), folder.path().join(name));
    std::fs::write(&from, wav(&sweep(rate_hz), rate_hz)).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&from).args(options).arg(&to);
    assert!(ffmpeg.status().unwrap().success(), "{name} {options:?}");
    std::fs::read(&to).unwrap()
}

/// All samples, with the tick at which they begin, their rate, and what is missing.
fn decoded(bytes: Vec<u8>, offset_ms: i64) -> (i64, u32, Vec<StereoSample>, Option<SideCarError>) {
    let mut feed = Feed::open(Cursor::new(bytes), offset_ms, &Limits::default()).unwrap();
    let (mut begin, mut rate_hz, mut samples) = (None, 0, Vec::new());
    while let Some(piece) = feed.next() {
        begin = begin.or(piece.at);
        rate_hz = piece.rate_hz;
        samples.extend_from_slice(piece.samples);
    }
    (begin.unwrap(), rate_hz, samples, feed.loss)
}

/// Signal to noise, in decibels, when `heard` is `lag` samples late.
fn snr_db(heard: &[StereoSample], original: &[StereoSample], lag: isize) -> f64 {
    let (mut signal, mut noise) = (0.0, 1e-9);
    for index in MARGIN..original.len() - MARGIN {
        let late = heard.get(index.checked_add_signed(lag).unwrap()).copied().unwrap_or_default();
        for (late, original) in late.iter().zip(original[index]) {
            signal += f64::from(original).powi(2);
            noise += (f64::from(*late) - f64::from(original)).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn each_format_is_heard_at_its_place_to_the_sample() {
    // Those that are late say nothing of the encoder's delay: whatever plays them plays it.
    let formats: [(&str, u32, &[&str], isize, f64); 19] = [
        ("s16.wav", 44_100, &[], 0, 100.0),
        ("s24.wav", 48_000, &["-c:a", "pcm_s24le"], 0, 100.0),
        ("f32.wav", 96_000, &["-c:a", "pcm_f32le"], 0, 80.0),
        ("u8.wav", 8_000, &["-c:a", "pcm_u8"], 0, 30.0),
        ("a.flac", 44_100, &[], 0, 100.0),
        ("ogg.flac.oga", 44_100, &["-c:a", "flac", "-f", "ogg"], 0, 100.0),
        ("a.mp3", 44_100, &["-b:a", "192k"], 0, 25.0),
        ("tagged.mp3", 48_000, &["-b:a", "192k", "-metadata", "title=a title"], 0, 25.0),
        ("aac.m4a", 44_100, &["-c:a", "aac", "-b:a", "192k"], 0, 25.0),
        ("fast.m4a", 48_000, &["-c:a", "aac", "-b:a", "192k", "-movflags", "faststart"], 0, 25.0),
        (
            "frag.m4a",
            48_000,
            &["-c:a", "aac", "-b:a", "192k", "-movflags", "frag_keyframe+empty_moov"],
            1_024,
            25.0,
        ),
        ("alac.m4a", 44_100, &["-c:a", "alac"], 0, 100.0),
        ("opus.mp4", 48_000, &["-c:a", "libopus", "-b:a", "128k"], 0, 15.0),
        ("vorbis.ogg", 44_100, &["-c:a", "libvorbis", "-q:a", "6"], 0, 20.0),
        ("opus.ogg", 48_000, &["-c:a", "libopus", "-b:a", "128k"], 0, 15.0),
        ("opus.mka", 48_000, &["-c:a", "libopus", "-b:a", "128k"], 0, 15.0),
        ("vorbis.mka", 44_100, &["-c:a", "libvorbis", "-q:a", "6"], 0, 20.0),
        ("flac.mka", 44_100, &["-c:a", "flac"], 0, 100.0),
        ("aac.mka", 48_000, &["-c:a", "aac", "-b:a", "192k"], 1_024, 25.0),
    ];
    let mut wrong = Vec::new();
    for (name, rate_hz, options, lag, least_db) in formats {
        let original = sweep(rate_hz);
        let (begin, decoded_hz, heard, loss) = decoded(made(rate_hz, name, options), 0);
        let [db, early_db, late_db] = [lag, lag - 1, lag + 1].map(|lag| snr_db(&heard, &original, lag));
        let is_there = db >= least_db && db > early_db.max(late_db) + 3.0;
        if !is_there || decoded_hz != rate_hz || begin != 0 || loss.is_some() {
            wrong.push(format!(
                "{name}: {decoded_hz} Hz from {begin}, {db:.1} dB, {} samples, {loss:?}",
                heard.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn an_offset_moves_the_sound_and_cuts_what_is_before_the_beginning() {
    // The first cut lies between two packets.
    for (rate_hz, begin_ms) in [(48_000, 240), (48_000, 751), (44_100, 1_250)] {
        let original = sweep(rate_hz);
        let file = wav(&original, rate_hz);
        assert_eq!(decoded(file.clone(), 750), (from_ms(750), rate_hz, original.clone(), None));
        let cut = usize::try_from(to_samples(from_ms(begin_ms), rate_hz)).unwrap();
        assert_eq!(decoded(file.clone(), -begin_ms), (0, rate_hz, original[cut..].to_vec(), None));
        let mut feed = Feed::open(Cursor::new(file), -3_000, &Limits::default()).unwrap();
        assert!(feed.next().is_none() && feed.loss.is_none(), "all of it is before the beginning");
    }
}

#[test]
fn the_mix_has_it_from_its_offset_to_its_end_and_holds_little_of_it() {
    /// Where it begins: in the middle of a frame.
    const OFFSET_MS: i64 = 130;
    let original = sweep(48_000);
    let file = Cursor::new(wav(&original, 48_000));
    let mut side_car = SideCar::open(file, OFFSET_MS, &Limits::default()).unwrap();
    let (mut heard, mut held_bytes) = (Vec::new(), 0);
    for frame in 0..200 {
        let mut mix = [[0.25; 2]; 960];
        let is_heard = side_car.add_to(&mut mix, frame * 960).unwrap();
        assert_eq!(is_heard, (6..157).contains(&frame), "frame {frame}");
        heard.extend(mix);
        held_bytes = held_bytes.max(side_car.held_bytes());
    }
    let silence = [0; 2];
    let before = std::iter::repeat_n(&silence, usize::try_from(from_ms(OFFSET_MS)).unwrap());
    let expected = before.chain(&original).chain(std::iter::repeat(&silence));
    let level = |sample: i16| f32::from(sample) / 32_768.0 + 0.25;
    assert!(heard.iter().zip(expected).all(|(heard, sample)| *heard == sample.map(level)));
    assert!(side_car.loss().is_none() && held_bytes < 300_000, "{held_bytes} bytes were held");
}

#[test]
fn a_survey_tells_where_it_is_heard() {
    let pause = vec![[0; 2]; 96_000];
    let file = wav(&[sweep(48_000), pause, sweep(48_000)].concat(), 48_000);
    let survey = SideCar::survey(Cursor::new(file), -1_000, &Limits::default()).unwrap();
    let [first, second] = survey.audible_ms[..] else { panic!("{survey:?}") };
    assert!(first.0 == 0 && (2_000..2_100).contains(&first.1), "{first:?}");
    assert!((3_900..4_001).contains(&second.0) && second.1 == 7_000, "{second:?}");
    assert_eq!((survey.end_ms, survey.loss), (7_000, None));
}
