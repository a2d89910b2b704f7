//! The pass without pixels.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::refusal::Refusal;
use codec::timeline::{Ending, Keystrokes, RecordingFold, Timeline};

/// Reads a recording from end to end; nothing is drawn.
pub(crate) fn survey(
    recording: &Recording,
    limits: Limits,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    survey_range(recording, recording.length()?, limits, interrupt)
}

/// Reads a recording up to where it was refused.
pub(super) fn survey_until(
    recording: &Recording,
    limits: Limits,
    refusal: &Refusal,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let bytes = recording.length()?;
    let position = refusal.position.unwrap_or(bytes);
    let (timeline, keystrokes) = survey_range(recording, position, limits, interrupt)?;
    let ending = Ending::Damaged { code: refusal.code, position, reason: refusal.reason.clone() };
    Ok((Timeline { bytes, ending, ..timeline }, keystrokes))
}

fn survey_range(
    recording: &Recording,
    end: u64,
    limits: Limits,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let mut fold = RecordingFold::new(recording.format(), limits);
    recording.each_piece(0..end, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}
