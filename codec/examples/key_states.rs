//! What key states of recordings cost, in bytes and time, beside what drawing them costs.
//!
//!     cargo run --release -p codec --example key_states -- <recording.guac>...
//!
//! For each recording: the time of drawing it and the counted cost; of key states at ten places, in both kinds, the mean size and the
//! mean times of writing and of restoring one; and those that the product makes.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use anyhow::{Context, Result};
use codec::canvas::Packing;
use codec::key_states::{KeyStateFold, Spacing};
use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PUSH_BYTES: usize = 32 << 10;
const PLACES: usize = 10;

fn main() -> Result<()> {
    for path in std::env::args_os().skip(1).map(PathBuf::from) {
        let recording = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let name = path.file_stem().and_then(|name| name.to_str()).context("expected a name in UTF-8")?;
        let (frames, drawing, replay) = draw(&recording, |_, _| Ok(()))?;
        let counted = Duration::from_nanos(replay.cost().ns());
        println!("{name}: {} bytes, drawn in {drawing:.1?}, counted {counted:.1?}", recording.len());
        for packing in [Packing::Tight, Packing::Quick] {
            measure(&recording, frames, packing).with_context(|| name.to_owned())?;
        }
        let mut fold = KeyStateFold::new(Limits::default(), Spacing::default());
        let sizes: Vec<_> = recording
            .chunks(PUSH_BYTES)
            .flat_map(|piece| fold.push(piece))
            .map(|key_state| key_state.bytes.len())
            .collect();
        println!("  made: {}, of {} bytes in all", sizes.len(), sizes.iter().sum::<usize>());
    }
    Ok(())
}

/// Writes and restores a key state at some places.
fn measure(recording: &[u8], frames: usize, packing: Packing) -> Result<()> {
    let mut bytes = 0;
    let (mut writing, mut restoring) = (Duration::ZERO, Duration::ZERO);
    let mut places = 0;
    let every = (frames / PLACES).max(1);
    draw(recording, |replay, index| {
        if index % every == every - 1 {
            let started = Instant::now();
            let key_state = replay.key_state(packing, usize::MAX).context("there is no limit")?;
            writing += started.elapsed();
            let started = Instant::now();
            Replay::restore(&key_state.bytes, Limits::default())?;
            restoring += started.elapsed();
            bytes += key_state.bytes.len();
            places += 1;
        }
        Ok(())
    })?;
    let count = places.max(1);
    println!(
        "  {packing:?}: one has {} bytes, is written in {:.1?}, restored in {:.1?}",
        bytes / usize::try_from(count)?,
        writing / count,
        restoring / count
    );
    Ok(())
}

/// Draws a recording up to its end or damage; answers its frames and the time that it took.
fn draw(
    recording: &[u8],
    mut at_frame: impl FnMut(&mut Replay, usize) -> Result<()>,
) -> Result<(usize, Duration, Replay)> {
    let mut replay = Replay::new(Limits::default());
    let mut frames = 0;
    let started = Instant::now();
    for piece in recording.chunks(PUSH_BYTES) {
        replay.push(piece);
        while let Ok(Some(moment)) = replay.step() {
            if let Moment::Frame { index, .. } = moment {
                frames = index + 1;
                at_frame(&mut replay, index)?;
            }
        }
    }
    Ok((frames, started.elapsed(), replay))
}
