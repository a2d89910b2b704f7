//! What those get who lack the permission Keystrokes: all that was seen and heard, nothing that was typed.

use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use codec::timeline::TimelineFold;
use codec::view::{View, ViewError};
use harness::recordings;
use std::hash::{DefaultHasher, Hasher};

/// The view of a recording, and why it ends early.
fn view(recording: &[u8]) -> (Vec<u8>, Option<ViewError>) {
    let (mut view, mut seen) = (View::new(Limits::default()), Vec::new());
    let ended = recording.chunks(10_000).find_map(|piece| view.push(piece, &mut seen).err());
    (seen, ended)
}

/// The times of all frames, and of every twentieth a number that stands for its picture.
fn pictures(recording: &[u8]) -> Vec<(i64, Option<u64>)> {
    let (mut replay, mut screen, mut pictures) =
        (Replay::new(Limits::default()), Screen::default(), Vec::new());
    replay.push(recording);
    while let Ok(Some(moment)) = replay.step() {
        let Moment::Frame { at_ms, index } = moment else { continue };
        screen.show_frame(replay.canvas());
        let number = index.is_multiple_of(20).then(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(screen.picture().pixels.as_flattened());
            hasher.finish()
        });
        pictures.push((at_ms, number));
    }
    pictures
}

#[test]
fn the_view_of_every_recording_shows_all_pictures_and_no_key() -> anyhow::Result<()> {
    for recording in recordings()? {
        let name = &recording.name;
        let plain = recording.plain()?;
        let (seen, ended) = view(&plain);
        let damaged = recording
            .unparsable_from
            .is_some_and(|from| plain[usize::try_from(from).unwrap_or(0)..].len() > 8192);
        assert_eq!(ended.is_some(), damaged, "{name}");
        for opcode in [&b"3.key,"[..], b"9.clipboard,"] {
            assert!(seen.windows(opcode.len()).all(|bytes| bytes != opcode), "{name}");
        }
        let mut fold = TimelineFold::new(Limits::default());
        fold.push(&seen);
        let (timeline, keystrokes) = fold.finish();
        assert_eq!(keystrokes.batches, [], "{name}");
        assert_eq!(
            (timeline.key_presses, timeline.sync_count),
            (0, usize::try_from(recording.syncs)?),
            "{name}"
        );
        assert_eq!(timeline.sound, recording.sound, "{name}");
        // Without a sync the first timestamp is zero, which may be a key's.
        if recording.syncs > 0 {
            assert_eq!(pictures(&seen), pictures(&plain), "{name}");
        }
    }
    Ok(())
}
