//! The pass without pixels.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::refusal::Refusal;
use codec::timeline::{Ending, Keystrokes, RecordingFold, SessionSpan, Timeline};

/// What is looked at.
pub(crate) struct Surveyed<'a> {
    pub(crate) recording: &'a Recording,
    /// From when to when its session lasted, if that is known.
    pub(crate) session: Option<SessionSpan>,
    pub(crate) limits: Limits,
}

/// Reads a recording from end to end; nothing is drawn.
pub(crate) fn survey(
    surveyed: &Surveyed<'_>,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    survey_range(surveyed, surveyed.recording.length()?, interrupt)
}

/// Reads a recording up to where it was refused.
pub(super) fn survey_until(
    surveyed: &Surveyed<'_>,
    refusal: &Refusal,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let bytes = surveyed.recording.length()?;
    let position = refusal.position.unwrap_or(bytes);
    let (timeline, keystrokes) = survey_range(surveyed, position, interrupt)?;
    let ending = Ending::Damaged { code: refusal.code, position, reason: refusal.reason.clone() };
    Ok((Timeline { bytes, ending, ..timeline }, keystrokes))
}

fn survey_range(
    surveyed: &Surveyed<'_>,
    end: u64,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let mut fold = RecordingFold::new(surveyed.recording.format(), surveyed.limits);
    if let Some(session) = surveyed.session {
        fold.lasted(session);
    }
    surveyed.recording.each_piece(0..end, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}
