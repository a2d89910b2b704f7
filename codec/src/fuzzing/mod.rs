//! What must hold for any bytes: the oracles of the fuzz targets in `codec/fuzz`, which run over the inputs saved in
//! `tests/data/fuzz` as well.
//!
//! Each takes the bytes that a fuzzer made and panics when a law does not hold. Limits are small, so that the code
//! behind them is reached by small inputs.

mod audio;
mod db;
mod script;
mod terminal;

use crate::audio::{SoundSettings, SoundSurvey, SoundTrack};
use crate::canvas::{Canvas, Decoders, Packing, decodes_within};
use crate::cut::Cut;
use crate::geometry::Rect;
use crate::limits::Limits;
use crate::picture::Picture;
use crate::replay::{Moment, Replay};
use crate::screen::Screen;
use crate::source::ReadError;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser};
use crate::timeline::TimelineFold;
use std::sync::{Arc, LazyLock};

pub use audio::audio;
pub use db::db;
pub use terminal::{cast, terminal};

/// A target: its name in `codec/fuzz` and `tests/data/fuzz`, and its oracle.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 10] = [
    ("parser", parser),
    ("timeline", timeline),
    ("canvas", canvas),
    ("key_state", key_state),
    ("image", image),
    ("sound", sound),
    ("cast", cast),
    ("terminal", terminal),
    ("db", db),
    ("audio", audio),
];

/// Limits that small inputs reach.
fn limits() -> Limits {
    Limits {
        element_chars: 300,
        inline_image_chars: 2_000,
        elements: 20,
        instruction_bytes: 1_000,
        line_bytes: 1_000,
        terminal_side: 50,
        timing_bytes: 300,
        layers: 6,
        buffers: 6,
        streams: 4,
        canvas_pixels: 1 << 18,
        side_pixels: 600,
        path_segments: 8,
        all_segments: 30,
        clips: 3,
        saved_states: 3,
        pattern_pixels: 1 << 14,
        cursor_side_pixels: 32,
        image_bytes: 4_000,
        image_pixels: 1 << 14,
        memory_bytes: 2 << 20,
        audio_streams: 3,
        audio_held_bytes: 40_000,
        audio_ahead_ms: 3_000,
        ..Limits::default()
    }
}

/// Cuts bytes into pieces of sizes that `seed` decides.
fn pieces(bytes: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (bytes, u32::from(seed) + 1);
    std::iter::from_fn(move || {
        // A linear congruential generator (Numerical Recipes) is random enough for places to cut.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = usize::try_from(state >> 27).unwrap_or(0) + 1;
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Bytes pushed in any pieces give the same instructions and the same end as all at once.
pub fn parser(data: &[u8]) {
    let Some((&seed, data)) = data.split_first() else { return };
    let whole = parsed(std::iter::once(data));
    assert_eq!(parsed(pieces(data, seed)), whole, "pieces give another result");
    assert_eq!(parsed(data.chunks(1)), whole, "single bytes give another result");
}

/// The instructions with their ends, and how the recording ends.
fn parsed<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<(String, u64)>, Result<(), ParseError>, u64) {
    let mut parser = Parser::new(limits());
    let mut instructions = Vec::new();
    for piece in pieces {
        parser.push(piece);
        while let Ok(Some((instruction, end))) = parser.read_with_end() {
            instructions.push((format!("{instruction:?}"), end));
        }
    }
    (instructions, parser.finish(), parser.position())
}

/// A timeline is the same for any pieces, its lists are in order, and its facts fit one another.
pub fn timeline(data: &[u8]) {
    let Some((&seed, data)) = data.split_first() else { return };
    let recording = script::recording(data);
    let fold = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut fold = TimelineFold::new(limits());
        for piece in pieces {
            fold.push(piece);
        }
        fold.finish()
    };
    let (whole, keys) = fold(&mut std::iter::once(recording.as_slice()));
    let (in_pieces, keys_in_pieces) = fold(&mut pieces(&recording, seed));
    assert_eq!(in_pieces, whole, "pieces give another timeline");
    assert_eq!(keys_in_pieces, keys, "pieces give other keystrokes");
    assert!(whole.readable_bytes <= whole.bytes);
    assert!(whole.sound_end_ms <= whole.media_duration_ms && whole.media_duration_ms >= 0);
    assert!(whole.syncs.is_sorted_by_key(|sync| (sync.at_ms, sync.end_byte, sync.index)));
    assert!(whole.syncs.iter().all(|sync| sync.at_ms <= whole.media_duration_ms));
    assert!(whole.syncs.len() <= whole.sync_count);
}

/// Drawing keeps to its limits and costs the same in any pieces, and what changed is never more than what the damage
/// tells: a screen kept up to date by damage equals one drawn anew.
pub fn canvas(data: &[u8]) {
    let Some((&seed, data)) = data.split_first() else { return };
    let recording = script::recording(data);
    let draw = |mut replay: Replay, pieces: &mut dyn Iterator<Item = &[u8]>| drawn(&mut replay, pieces);
    let whole = draw(Replay::new(limits()), &mut std::iter::once(recording.as_slice()));
    assert!(
        draw(Replay::new(limits()), &mut pieces(&recording, seed)) == whole,
        "pieces give other pictures"
    );
    let mut ahead = Replay::new(limits());
    ahead.decode_ahead(Arc::clone(&DECODERS));
    ahead.announce(&recording);
    assert!(draw(ahead, &mut pieces(&recording, seed)) == whole, "other threads give other pictures");
}

/// Threads for all inputs.
static DECODERS: LazyLock<Arc<Decoders>> = LazyLock::new(|| Arc::new(Decoders::start(2, 1 << 20)));

/// All pictures of a recording by their hash, its end, and what it cost.
fn drawn(
    replay: &mut Replay,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> (Vec<u64>, Option<ReadError>, u64, u64) {
    let mut screen = Screen::default();
    let (mut pictures, mut error) = (Vec::new(), None);
    let mut play = |replay: &mut Replay| {
        while error.is_none() {
            match replay.step() {
                Ok(Some(Moment::Frame { .. })) => {
                    screen.show_frame(replay.canvas());
                    check_screen(replay.canvas(), &screen);
                }
                Ok(Some(Moment::Pointer { .. })) => {
                    screen.show_pointer(replay.canvas());
                }
                Ok(None) => break,
                Err(end) => error = Some(end),
            }
            pictures.push(hash(screen.picture()));
        }
    };
    for piece in pieces {
        replay.push(piece);
        play(replay);
    }
    replay.release();
    play(replay);
    (pictures, error, replay.cost().ns(), replay.faults().count)
}

fn check_screen(canvas: &Canvas, screen: &Screen) {
    let size = canvas.size();
    assert!(canvas.memory_bytes() <= limits().memory_bytes, "more memory than the limit");
    assert!(size.width <= limits().side_pixels && size.height <= limits().side_pixels);
    let mut anew = Picture::black(size);
    canvas.flatten(Rect::of_size(size), &mut anew);
    assert!(anew == *screen.picture_without_pointer(), "something changed outside of the damage");
}

/// A replay restored from the key state of any frame goes on as the one that wrote it, and a damaged key state is
/// refused or restored within the limits.
pub fn key_state(data: &[u8]) {
    /// Most bytes of a key state.
    const BYTES_MAX: usize = 1 << 20;
    let [frame, place, change, data @ ..] = data else { return };
    let recording = script::recording(data);
    let mut replay = Replay::new(limits());
    replay.push(&recording);
    let frames = (0..=frame % 16).map_while(|_| next_frame(&mut replay)).count();
    let packing = if *frame < 128 { Packing::Tight } else { Packing::Quick };
    let Some(key_state) = replay.key_state(packing, BYTES_MAX) else { return };
    assert!(key_state.bytes.len() <= BYTES_MAX, "longer than the limit");
    assert_eq!(key_state.point.frames, frames, "another frame's key state");
    let mut restored = Replay::restore(&key_state.bytes, limits()).expect("what was written can be read");
    let position = usize::try_from(restored.position()).expect("a recording in memory");
    restored.push(recording.get(position..).expect("a key state stands in its recording"));
    assert_eq!(flattened(&mut restored), flattened(&mut replay), "the restored canvas shows another picture");
    while let Some(shown) = next_frame(&mut replay) {
        assert_eq!(next_frame(&mut restored), Some(shown), "the restored replay goes on with another frame");
    }
    assert_eq!(next_frame(&mut restored), None, "the restored replay goes on for longer");

    let mut damaged = key_state.bytes;
    let at = usize::from(*place) * damaged.len() / 256;
    if let Some(byte) = damaged.get_mut(at) {
        *byte = byte.wrapping_add(*change);
    }
    if let Ok(mut replay) = Replay::restore(&damaged, limits()) {
        assert!(replay.canvas().memory_bytes() <= limits().memory_bytes, "more memory than the limit");
        replay.push(&recording);
        while next_frame(&mut replay).is_some() {}
    }
}

/// The media time of the next frame and the hash of its picture.
fn next_frame(replay: &mut Replay) -> Option<(i64, u64)> {
    loop {
        if let Moment::Frame { at_ms, .. } = replay.step().ok().flatten()? {
            return Some((at_ms, flattened(replay)));
        }
    }
}

/// The hash of the whole screen, drawn anew.
fn flattened(replay: &mut Replay) -> u64 {
    let size = replay.canvas().size();
    let mut picture = Picture::black(size);
    replay.canvas().flatten(Rect::of_size(size), &mut picture);
    hash(&picture)
}

/// FNV-1a (Fowler, Noll, Vo).
fn hash(picture: &Picture) -> u64 {
    picture
        .pixels
        .as_flattened()
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Any bytes are an image within the limits or a refusal.
pub fn image(data: &[u8]) {
    let Limits { image_pixels, memory_bytes, .. } = limits();
    if let Ok(size) = decodes_within(data, image_pixels, memory_bytes) {
        assert!((1..=image_pixels).contains(&size.area()));
    }
}

/// What the survey says of the sound is what the track makes of it; nothing is held beyond the limit.
pub fn sound(data: &[u8]) {
    /// Longer recordings only take time.
    const END_MAX_MS: i64 = 600;
    let recording = script::sound(data);
    let mut parser = Parser::new(limits());
    let mut time = MediaTime::new(limits().gap_ms);
    let mut survey = SoundSurvey::new(limits());
    // Longer than any sound may run ahead.
    let cut = Cut::whole(60_000);
    let mut track = SoundTrack::new(limits(), SoundSettings::default(), cut).expect("usual settings");
    let mut samples = 0_i64;
    let mut play = |track: &mut SoundTrack| {
        while let Some(packet) = track.next_packet().expect("no sound leads to an error") {
            samples += i64::from(packet.samples);
        }
    };
    parser.push(&recording);
    while let Ok(Some(instruction)) = parser.read() {
        let now_ms = time.follow(&instruction);
        if now_ms > END_MAX_MS {
            break;
        }
        survey.apply(&instruction, now_ms);
        track.apply(&instruction, now_ms);
        if matches!(instruction, Instruction::Sync { .. }) {
            play(&mut track);
        }
    }
    survey.finish();
    track.finish(time.now_ms().min(END_MAX_MS));
    play(&mut track);
    assert_eq!(survey.sound_end_ms(), track.sound_end_ms(), "survey and track disagree");
    assert_eq!(survey.report(), track.report(), "survey and track disagree");
    assert_eq!(survey.has_sound(), samples > 0, "sound without a packet, or the other way round");
    if survey.has_sound() {
        // The track is heard from behind its first samples, up to its end.
        let heard = samples - i64::from(track.head().pre_skip);
        assert!(heard / 48 >= track.sound_end_ms() - 1, "{heard} samples until {} ms", track.sound_end_ms());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_laws_hold_for_all_saved_inputs() {
        for (name, oracle) in TARGETS {
            let folder = format!("{}/../tests/data/fuzz/{name}", env!("CARGO_MANIFEST_DIR"));
            let inputs: Vec<_> = std::fs::read_dir(&folder).expect(&folder).collect();
            assert!(inputs.len() > 20, "{name} has {} inputs", inputs.len());
            for input in inputs {
                let path = input.unwrap().path();
                let data = std::fs::read(&path).unwrap();
                let held = std::panic::catch_unwind(|| oracle(&data));
                assert!(held.is_ok(), "{}", path.display());
            }
        }
    }
}
