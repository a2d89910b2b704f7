//! The key states of a recording, where the cluster keeps them: one object, its index at the end.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::key_states::{IndexError, KeyState, KeyStateIndex};
use std::io::{self, Write};

/// Why key states cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    /// The recording cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The worker failed.
    #[error(transparent)]
    Worker(#[from] ProcessError),
    /// They cannot be written.
    #[error("cannot write key states: {0}")]
    Write(#[from] io::Error),
}

/// Why a key state cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Its bytes cannot.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its index cannot.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Has a worker process draw a recording, and writes its key states and their index. Answers how many there are;
/// nothing is written for none.
pub(crate) fn make_key_states(
    recording: &Recording,
    output: &mut impl Write,
    interrupt: &Interrupt,
) -> Result<usize, MakeError> {
    let mut index = KeyStateIndex::default();
    let mut receive = |reply| -> Result<(), MakeError> {
        match reply {
            Reply::KeyState(key_state) => {
                output.write_all(&key_state.bytes)?;
                index.add(&key_state);
            }
            Reply::Packet(_)
            | Reply::SoundHead { .. }
            | Reply::Sound { .. }
            | Reply::Picture { .. }
            | Reply::NoPicture
            | Reply::NoKeyState
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Wanted { .. }
            | Reply::SoundSurvey(_)
            | Reply::Ready => {}
        }
        Ok(())
    };
    let mut worker = WorkerProcess::start(interrupt)?;
    worker.request(&Request::KeyStates, &mut receive)?;
    recording.each_piece(0..recording.length()?, |piece| {
        worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
    })?;
    let count = index.places().len();
    if count > 0 {
        output.write_all(&index.to_bytes())?;
    }
    Ok(count)
}

/// The newest key state that is not later than a media time.
pub(crate) fn key_state_before(stored: &Recording, at_ms: i64) -> Result<Option<KeyState>, ReadError> {
    let length = stored.length()?;
    let end = bytes_of(stored, length.saturating_sub(KeyStateIndex::END_BYTES)..length)?;
    let index_bytes = KeyStateIndex::length(&end)?;
    let index_start = length.checked_sub(index_bytes).ok_or(IndexError::Damaged)?;
    let index = KeyStateIndex::read(&bytes_of(stored, index_start..length)?)?;
    let Some(place) = index.before(at_ms) else { return Ok(None) };
    let bytes = bytes_of(stored, place.start..place.start.saturating_add(place.length).min(index_start))?;
    Ok(Some(KeyState { point: place.point, bytes }))
}

fn bytes_of(stored: &Recording, range: std::ops::Range<u64>) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    stored.each_piece(range, |piece| {
        bytes.extend_from_slice(piece);
        Ok::<_, OpenError>(())
    })?;
    Ok(bytes)
}
