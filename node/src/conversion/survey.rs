//! The pass without pixels.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::refusal::Refusal;
use codec::timeline::{Ending, Timeline, TimelineFold};

/// Reads a recording from end to end; nothing is drawn.
pub(crate) fn survey(recording: &Recording, interrupt: &Interrupt) -> Result<Timeline, OpenError> {
    survey_range(recording, recording.length()?, interrupt)
}

/// Reads a recording up to where it was refused.
pub(super) fn survey_until(
    recording: &Recording,
    refusal: &Refusal,
    interrupt: &Interrupt,
) -> Result<Timeline, OpenError> {
    let bytes = recording.length()?;
    let position = refusal.position.unwrap_or(bytes);
    let timeline = survey_range(recording, position, interrupt)?;
    let ending = Ending::Damaged { code: refusal.code, position, reason: refusal.reason.clone() };
    Ok(Timeline { bytes, ending, ..timeline })
}

fn survey_range(recording: &Recording, end: u64, interrupt: &Interrupt) -> Result<Timeline, OpenError> {
    let mut fold = TimelineFold::new(Limits::default());
    recording.each_piece(0..end, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}
