//! What a recording holds, without drawing it: one pass of the parser.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::timeline::{Ending, Keystrokes, Timeline, TimelineFold};
use codec::view::{ViewIndex, ViewIndexFold};

/// Says of the view that it is damaged where the recording is. The true words may quote what stands there.
const DAMAGED: &str = "the recording cannot be read on";

/// What one pass tells.
pub(crate) struct Survey {
    pub(crate) timeline: Timeline,
    pub(crate) keystrokes: Keystrokes,
    pub(crate) view: ViewIndex,
    /// Of the view: its bytes, and no trace of keys.
    pub(crate) view_timeline: Timeline,
}

/// Surveys the first bytes of a recording, as if it ended there.
pub(crate) fn survey(recording: &Recording, length: u64, interrupt: &Interrupt) -> Result<Survey, OpenError> {
    let limits = Limits::default();
    let (mut whole, mut view) = (TimelineFold::new(limits), ViewIndexFold::new(limits));
    let mut seen = TimelineFold::new(limits);
    recording.each_piece(0..length, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        whole.push(piece);
        seen.push(view.push(piece));
        Ok(())
    })?;
    let ((timeline, keystrokes), (view_timeline, _), view) = (whole.finish(), seen.finish(), view.finish());
    let ending = ending_of_view(&timeline.ending, view.bytes);
    Ok(Survey { timeline, keystrokes, view_timeline: Timeline { ending, ..view_timeline }, view })
}

/// How the view of a recording with this ending ends.
fn ending_of_view(ending: &Ending, position: u64) -> Ending {
    match ending {
        Ending::Whole => Ending::Whole,
        Ending::Truncated { .. } => Ending::Truncated { position },
        Ending::Damaged { code, .. } => Ending::Damaged { code: *code, position, reason: DAMAGED.to_owned() },
    }
}
