use super::*;
use crate::audio::SoundSurvey;
use crate::cut::CutSettings;
use crate::timeline::IdleSpan;
use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder};
use proptest::prelude::*;

/// A recording in the making: the instructions go to a track and to a survey.
struct Recording {
    track: SoundTrack,
    survey: SoundSurvey,
    packets: Vec<SoundPacket>,
    now_ms: i64,
}

impl Recording {
    fn new(limits: Limits) -> Self {
        Self::cut(limits, Cut::whole(3_600_000))
    }

    fn cut(limits: Limits, cut: Cut) -> Self {
        let track = SoundTrack::new(limits, SoundSettings::default(), cut).expect("usual settings");
        let mut recording = Self { track, survey: SoundSurvey::new(limits), packets: Vec::new(), now_ms: 0 };
        recording.sync(0);
        recording
    }

    fn apply(&mut self, instruction: &Instruction<'_>) {
        self.track.apply(instruction, self.now_ms);
        self.survey.apply(instruction, self.now_ms);
        self.read();
    }

    fn sync(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        self.apply(&Instruction::Sync { timestamp: now_ms });
    }

    fn syncs(&mut self, until_ms: i64) {
        while self.now_ms < until_ms {
            self.sync(self.now_ms + 50);
        }
    }

    fn open(&mut self, stream: i32, mimetype: &str) {
        self.apply(&Instruction::Audio { stream, mimetype });
    }

    fn blob(&mut self, stream: i32, bytes: &[u8]) {
        self.apply(&Instruction::Blob { stream, data: &base64_simd::STANDARD.encode_to_string(bytes) });
    }

    fn read(&mut self) {
        while let Some(packet) = self.track.next_packet().expect("encoded") {
            self.packets.push(packet);
        }
    }

    /// The decoded track, left and right.
    fn finish(&mut self) -> Vec<[i16; 2]> {
        self.track.finish(self.now_ms);
        self.read();
        self.survey.finish();
        assert_eq!(self.track.sound_end_ms(), self.survey.sound_end_ms());
        assert_eq!(self.track.report(), self.survey.report());
        assert!(self.track.voices.is_empty() || self.track.cut.is_past(self.now_ms));
        let mut decoder = OpusDecoder::new(48_000, 2).expect("usual settings");
        let mut block = vec![0; 2 * MAX_PACKET_SAMPLES];
        let mut samples = Vec::new();
        for packet in &self.packets {
            decoder.decode_s16(&packet.data, MAX_PACKET_SAMPLES, &mut block).expect("decoded");
            let (moments, _) = block.as_chunks::<2>();
            samples.extend_from_slice(&moments[..usize::try_from(packet.samples).expect("small")]);
        }
        samples.drain(..samples.len().min(usize::from(self.track.head().pre_skip)));
        samples
    }
}

/// A tone of 1 kHz, as 16-bit stereo at 44.1 kHz; the right side is silent.
#[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
fn tone(samples: usize, amplitude: f64) -> Vec<u8> {
    (0..samples)
        .flat_map(|index| {
            let level = (index as f64 / 44.1 * std::f64::consts::TAU).sin() * amplitude;
            [(level as i16).to_le_bytes(), [0, 0]].concat()
        })
        .collect()
}

/// The first and the last sample that are loud, on the left.
fn loud(samples: &[[i16; 2]]) -> Option<(usize, usize)> {
    let is_loud = |moment: &[i16; 2]| moment[0].unsigned_abs() > 2_000;
    Some((samples.iter().position(is_loud)?, samples.iter().rposition(is_loud)?))
}

#[test]
fn a_recording_without_sound_has_no_track() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(60_000);
    assert_eq!(recording.finish().len(), 0);
    assert!(recording.packets.is_empty() && !recording.survey.has_sound());
}

#[test]
fn a_beep_is_heard_where_it_was_placed_and_only_on_its_side() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(20_000);
    for piece in tone(6_615, 12_000.0).chunks(6_048) {
        recording.blob(1, piece);
    }
    recording.syncs(40_000);
    let samples = recording.finish();
    // It ends at the sync after its blobs; the track ends with the recording.
    assert_eq!((samples.len(), recording.survey.sound_end_ms()), (40_000 * 48, 20_050));
    let (first, last) = loud(&samples).expect("a beep");
    assert!(first.abs_diff(19_900 * 48) < 48 && last.abs_diff(20_050 * 48) < 120, "{first} to {last}");
    assert!(samples.iter().all(|moment| moment[1].unsigned_abs() < 100));
    let bytes: usize = recording.packets.iter().map(|packet| packet.data.len()).sum();
    assert!(bytes < 12_000, "silence took part of {bytes} bytes");
}

#[test]
fn a_tone_in_many_blobs_is_heard_without_a_seam() {
    let mut recording = Recording::new(Limits::default());
    recording.open(1, "audio/L16;rate=44100,channels=2");
    // Pieces of a prime size cut samples.
    for (index, piece) in (1_i64..).zip(tone(30 * 44_100, 12_000.0).chunks(8_191)) {
        recording.blob(1, piece);
        recording.sync(index * 8_191 * 1_000 / (44_100 * 4));
    }
    let samples = recording.finish();
    let (first, last) = loud(&samples).expect("a tone");
    assert!((last - first).abs_diff(30 * 48_000) < 96, "{first} to {last}");
    // Every millisecond of a tone of 1 kHz has a crest.
    for millisecond in samples[first + 480..last - 480].chunks_exact(48) {
        let crest = millisecond.iter().map(|moment| moment[0]).max().expect("48 samples");
        assert!((11_000..13_000).contains(&crest), "a crest of {crest}");
    }
}

#[test]
fn streams_that_sound_together_are_mixed_and_never_wrap() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(1_000);
    for stream in [1, 3, 5] {
        recording.open(stream, "audio/L8;rate=8000");
        recording.blob(stream, &[100; 4_000]);
    }
    recording.syncs(2_000);
    let samples = recording.finish();
    let middle = &samples[800 * 48..1_000 * 48];
    assert!(middle.iter().all(|moment| moment[0] > 25_000 && moment[1] > 25_000), "{:?}", &middle[..4]);
}

/// A tone of `hz` as mono at 16 bits or, from -128 to 127, at 8.
#[expect(clippy::as_conversions, reason = "a test tone needs no exact rounding")]
fn mono(bits: usize, rate_hz: u32, hz: f64, seconds: f64) -> Vec<u8> {
    let level = |index: u32| (f64::from(index) / f64::from(rate_hz) * hz * std::f64::consts::TAU).sin() * 0.5;
    (0..(f64::from(rate_hz) * seconds) as u32)
        .flat_map(|index| ((level(index) * 32_767.0) as i16).to_le_bytes()[2 - bits / 8..].to_vec())
        .collect()
}

/// Left or right of stereo, the other side silent.
fn sided(mono: &[u8], side: usize) -> Vec<u8> {
    let pair =
        |sample: &[u8]| if side == 0 { [sample, &[0, 0]].concat() } else { [&[0, 0], sample].concat() };
    mono.chunks(2).flat_map(pair).collect()
}

/// The amplitude of the tone of `hz` on a side, of 32,767 (Goertzel's algorithm).
fn amplitude(samples: &[[i16; 2]], side: usize, hz: f64) -> f64 {
    let turn = hz / 48_000.0 * std::f64::consts::TAU;
    let (mut sine, mut cosine, mut count) = (0.0, 0.0, 0.0);
    for (index, moment) in (0_u32..).zip(samples) {
        let (sin, cos) = (f64::from(index) * turn).sin_cos();
        sine += f64::from(moment[side]) * sin;
        cosine += f64::from(moment[side]) * cos;
        count += 0.5;
    }
    f64::hypot(sine, cosine) / count
}

#[test]
fn streams_of_all_formats_keep_their_pitch_their_level_and_their_sides() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(1_000);
    recording.open(1, "audio/L16;rate=44100,channels=2");
    recording.open(3, "audio/L16;rate=22050,channels=2");
    let left = sided(&mono(16, 44_100, 1_000.0, 1.0), 0);
    let right = sided(&mono(16, 22_050, 600.0, 1.0), 1);
    // Pieces of 50 ms come in time.
    for (left, right) in left.chunks(8_820).zip(right.chunks(4_410)) {
        recording.blob(1, left);
        recording.blob(3, right);
        recording.sync(recording.now_ms + 50);
    }
    // The rate of a stream changes, which cuts samples; a beep comes beside it.
    recording.open(1, "audio/L16;rate=11025,channels=2");
    recording.open(5, "audio/L8;rate=8000");
    let right = sided(&mono(16, 11_025, 1_000.0, 1.0), 1);
    let beep = mono(8, 8_000, 440.0, 0.5);
    let mut beeps = beep.chunks(400);
    for right in right.chunks(2_205) {
        recording.blob(1, right);
        if let Some(beep) = beeps.next() {
            recording.blob(5, beep);
        }
        recording.sync(recording.now_ms + 50);
    }
    recording.syncs(4_000);
    let samples = recording.finish();
    let hear = |from_ms: usize, side| {
        let part = &samples[from_ms * 48..(from_ms + 200) * 48];
        [440.0, 600.0, 1_000.0].map(|hz| match amplitude(part, side, hz) {
            level if level < 300.0 => '-',
            level if (14_700.0..18_000.0).contains(&level) => '+',
            _ => '?',
        })
    };
    let heard = [1_400, 2_200, 2_700, 3_400].map(|from_ms| [hear(from_ms, 0), hear(from_ms, 1)]);
    assert_eq!(
        heard,
        [
            [['-', '-', '+'], ['-', '+', '-']],
            [['+', '-', '-'], ['+', '-', '+']],
            [['-', '-', '-'], ['-', '-', '+']],
            [['-', '-', '-'], ['-', '-', '-']],
        ]
    );
}

#[test]
fn speech_over_a_still_picture_lies_within_its_timestamps() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(10_000);
    for piece in tone(32 * 4_410, 12_000.0).chunks(6_048) {
        recording.blob(1, piece);
    }
    recording.sync(14_000);
    recording.syncs(16_000);
    let (first, last) = loud(&recording.finish()).expect("a tone");
    assert!(first > 9_750 * 48 && last < 14_000 * 48 + 120, "{first} to {last}");
    assert!((last - first).abs_diff(3_200 * 48) < 240, "{first} to {last}");
}

#[test]
fn sound_goes_on_behind_the_last_timestamp_and_odd_orphans_are_left_out() {
    let mut recording = Recording::new(Limits::default());
    recording.syncs(1_000);
    for piece in tone(5 * 44_100, 12_000.0).chunks(6_048) {
        recording.blob(1, piece);
        recording.blob(1, &[77; 6_047]);
    }
    let samples = recording.finish();
    let (first, last) = loud(&samples).expect("a tone");
    assert!((last - first).abs_diff(5 * 48_000) < 96 && samples.len() >= last, "{first} to {last}");
    assert_eq!(recording.survey.report().odd_blobs, recording.survey.report().blobs);
    assert!(recording.survey.sound_end_ms() >= 5_750, "{}", recording.survey.sound_end_ms());
}

#[test]
fn a_backlog_at_connect_is_heard_from_the_start_and_delays_nothing_for_long() {
    let mut recording = Recording::new(Limits::default());
    recording.open(1, "audio/L16;rate=44100,channels=2");
    // Five seconds of silence were waiting; then sound comes in time, a beep among it.
    recording.blob(1, &vec![0; 5 * 44_100 * 4]);
    for piece in 0..400 {
        let beep = (100..104).contains(&piece);
        recording.blob(1, &if beep { tone(2_205, 12_000.0) } else { vec![0; 2_205 * 4] });
        recording.sync(100 + piece * 50);
    }
    let (first, last) = loud(&recording.finish()).expect("a beep");
    // The beep came 5.1 s after the first sync, the silence before it as late as that.
    assert!((last - first).abs_diff(200 * 48) < 96, "{first} to {last}");
    assert!(first.abs_diff(5_050 * 48) < 100 * 48, "{}", first / 48);
}

#[test]
fn endless_sound_without_timestamps_takes_bounded_memory_and_stays_whole() {
    let limits = Limits { audio_held_bytes: 1 << 20, ..Limits::default() };
    let mut recording = Recording::new(limits);
    recording.syncs(1_000);
    for piece in tone(60 * 44_100, 12_000.0).chunks(6_048) {
        recording.blob(1, piece);
        let held: usize = recording.track.voices.values().map(Voice::held_bytes).sum();
        assert!(held <= 2 << 20, "{held} bytes are held");
    }
    let samples = recording.finish();
    let (first, last) = loud(&samples).expect("a tone");
    assert!((last - first).abs_diff(60 * 48_000) < 960, "{first} to {last}");
}

#[test]
fn sound_far_ahead_of_the_timestamps_is_left_out() {
    let limits = Limits { audio_ahead_ms: 2_000, ..Limits::default() };
    let mut recording = Recording::new(limits);
    for _ in 0..100 {
        recording.blob(1, &[1; 4 * 4_410]);
    }
    recording.finish();
    assert_eq!(recording.survey.sound_end_ms(), 2_000);
    assert_eq!(recording.survey.report().early_blobs, 80);
}

#[test]
fn more_streams_than_the_limit_are_left_out() {
    let mut recording = Recording::new(Limits::default());
    for stream in 0..20 {
        recording.blob(stream, &[0; 400]);
    }
    recording.finish();
    assert_eq!(recording.survey.report().crowded_blobs, 12);
}

/// A recording of 40 s with a tone from 8 s to 22 s, of which a cut keeps some.
fn tone_of_14_s(cut: Cut) -> Recording {
    let mut recording = Recording::cut(Limits::default(), cut);
    recording.syncs(8_000);
    recording.open(1, "audio/L16;rate=44100,channels=2");
    for piece in tone(14 * 44_100, 12_000.0).chunks(4 * 4_410) {
        recording.blob(1, piece);
        recording.syncs(recording.now_ms + 100);
    }
    recording.syncs(40_000);
    recording
}

fn quietest_crest(samples: &[[i16; 2]]) -> i16 {
    samples.chunks_exact(48).filter_map(|ms| ms.iter().map(|moment| moment[0]).max()).min().expect("samples")
}

#[test]
fn what_a_cut_leaves_out_is_not_heard_and_its_joints_do_not_click() {
    let settings = CutSettings { from_ms: Some(5_000), to_ms: Some(20_000), idle_max_ms: Some(1_000) };
    let cut = Cut::new(&settings, 40_000, &[IdleSpan { start_ms: 9_500, end_ms: 15_001 }]).expect("a cut");
    let mut recording = tone_of_14_s(cut.clone());
    let samples = recording.finish();
    assert_eq!(samples.len(), usize::try_from(from_ms(cut.duration_ms())).expect("small"));
    let at = |media_ms| usize::try_from(from_ms(cut.video_ms(media_ms))).expect("small");
    let (first, last) = loud(&samples).expect("a tone");
    assert!(first.abs_diff(at(8_000)) < 60 * 48 && last.abs_diff(at(20_000)) < 240, "{first} to {last}");
    // Only the joint is quiet, and what follows it is in time.
    let joint = at(15_001);
    assert_eq!(joint, at(10_500));
    assert!(samples[joint - 24..joint + 24].iter().all(|moment| moment[0].abs() < 4_000));
    assert!(quietest_crest(&samples[at(8_010)..joint - 480]) > 10_000);
    assert!(quietest_crest(&samples[joint + 480..at(19_990)]) > 10_000);
}

#[test]
fn a_track_is_complete_as_soon_as_all_of_its_cut_is_final() {
    let early = Cut::new(&CutSettings { to_ms: Some(9_010), ..CutSettings::default() }, 40_000, &[]);
    let recording = tone_of_14_s(early.expect("a cut"));
    assert!(recording.track.is_complete());
    let samples: u32 = recording.packets.iter().map(|packet| packet.samples).sum();
    assert_eq!(samples, 9_010 * 48 + u32::from(recording.track.head().pre_skip));
    let late = Cut::new(&CutSettings { from_ms: Some(39_000), ..CutSettings::default() }, 40_000, &[]);
    let mut recording = tone_of_14_s(late.expect("a cut"));
    assert!(recording.track.voices.is_empty(), "what is left out is not kept");
    assert!(loud(&recording.finish()).is_none());
}

#[derive(Debug, Clone)]
enum Step {
    Sync(i64),
    Open(i32, u32, u32),
    Blob(i32, usize),
    Clipboard(i32),
    End(i32),
}

fn step() -> impl Strategy<Value = Step> {
    let rates = prop::sample::select(vec![8_000, 11_025, 22_050, 44_100, 48_000, 192_000, 7, 44_101]);
    prop_oneof![
        3 => (0..400_i64).prop_map(Step::Sync),
        1 => (0..4, rates, 0..10_u32).prop_map(|(stream, rate, channels)| Step::Open(stream, rate, channels)),
        4 => (0..4, 0..6_100_usize).prop_map(|(stream, bytes)| Step::Blob(stream, bytes)),
        1 => (0..4).prop_map(Step::Clipboard),
        1 => (0..4).prop_map(Step::End),
    ]
}

#[test]
fn a_run_that_memory_forces_out_goes_on_where_a_frame_ends() {
    let mut recording = Recording::new(Limits { audio_held_bytes: 64 << 10, ..Limits::default() });
    for later_ms in [247, 213, 357, 24, 69, 38] {
        recording.sync(recording.now_ms + later_ms);
        if later_ms == 247 {
            recording.blob(1, &[77; 1028]);
        }
    }
    recording.open(2, "audio/L16;rate=192000,channels=4");
    recording.apply(&Instruction::End { stream: 1 });
    recording.sync(recording.now_ms + 139);
    recording.sync(recording.now_ms + 190);
    // 144 ticks that end with a frame of the track, and 75 more.
    recording.blob(2, &[77; 4608]);
    recording.blob(2, &[77; 2392]);
    let samples = recording.finish();
    assert!(samples.iter().rev().take(75).any(|[left, _]| left.abs() > 5_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// `finish` compares the track with the survey; memory is small so that its bound is met often.
    #[test]
    fn whatever_comes_the_track_is_as_long_as_it_says(steps in prop::collection::vec(step(), 0..150)) {
        let mut recording = Recording::new(Limits { audio_held_bytes: 64 << 10, ..Limits::default() });
        for step in steps {
            match step {
                Step::Sync(later_ms) => recording.sync(recording.now_ms + later_ms),
                Step::Open(stream, rate, channels) => {
                    recording.open(stream, &format!("audio/L16;rate={rate},channels={channels}"));
                }
                Step::Blob(stream, bytes) => recording.blob(stream, &vec![77; bytes]),
                Step::Clipboard(stream) => {
                    recording.apply(&Instruction::Clipboard { stream, mimetype: "text/plain" });
                }
                Step::End(stream) => recording.apply(&Instruction::End { stream }),
            }
        }
        let samples = recording.finish();
        if recording.survey.has_sound() {
            let length = from_ms(recording.now_ms.max(recording.survey.sound_end_ms()));
            prop_assert_eq!(i64::try_from(samples.len()), Ok(length));
        } else {
            prop_assert_eq!(samples.len(), 0);
        }
    }
}
