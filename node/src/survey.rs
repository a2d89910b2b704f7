//! What a recording holds, without drawing it: one pass of the parser.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::source::Format;
use codec::timeline::{Ending, Keystrokes, RecordingFold, SessionSpan, Timeline, TimelineFold};
use codec::view::{ViewIndex, ViewIndexFold};

/// Says of the view that it is damaged where the recording is. The true words may quote what stands there.
const DAMAGED: &str = "the recording cannot be read on";

/// What of a recording is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// Its first bytes, as if it ended there.
    pub(crate) length: u64,
    /// From when to when its session lasted, once it has ended.
    pub(crate) session: Option<SessionSpan>,
}

/// What one pass tells.
pub(crate) struct Survey {
    pub(crate) timeline: Timeline,
    pub(crate) keystrokes: Keystrokes,
    /// None of a recording in which no keys can be: it is its own view.
    pub(crate) view: Option<SurveyedView>,
}

/// What is seen without the permission Keystrokes.
pub(crate) struct SurveyedView {
    pub(crate) index: ViewIndex,
    /// Of the view: its bytes, and no trace of keys.
    pub(crate) timeline: Timeline,
}

/// Surveys a recording.
pub(crate) fn survey(
    recording: &Recording,
    asked: Asked,
    interrupt: &Interrupt,
) -> Result<Survey, OpenError> {
    match recording.format() {
        Format::Guacamole | Format::Terminal(_) => survey_with_view(recording, asked, interrupt),
        Format::DbLines => {
            let (timeline, keystrokes) = fold(recording, asked, interrupt)?;
            Ok(Survey { timeline, keystrokes, view: None })
        }
    }
}

/// The same for who sees the recording as it was received, in a third of the time.
pub(crate) fn fold(
    recording: &Recording,
    asked: Asked,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let mut fold = RecordingFold::new(recording.format(), Limits::default());
    if let Some(session) = asked.session {
        fold.lasted(session);
    }
    recording.each_piece(0..asked.length, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}

fn survey_with_view(recording: &Recording, asked: Asked, interrupt: &Interrupt) -> Result<Survey, OpenError> {
    let limits = Limits::default();
    let (mut whole, mut view) = (TimelineFold::new(limits), ViewIndexFold::new(limits));
    let mut seen = TimelineFold::new(limits);
    if let Some(session) = asked.session {
        whole.lasted(session);
        seen.lasted(session);
    }
    recording.each_piece(0..asked.length, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        whole.push(piece);
        seen.push(view.push(piece));
        Ok(())
    })?;
    let ((timeline, keystrokes), (view_timeline, _), view) = (whole.finish(), seen.finish(), view.finish());
    let ending = ending_of_view(&timeline.ending, view.bytes);
    let view = SurveyedView { index: view, timeline: Timeline { ending, ..view_timeline } };
    Ok(Survey { timeline, keystrokes, view: Some(view) })
}

/// How the view of a recording with this ending ends.
fn ending_of_view(ending: &Ending, position: u64) -> Ending {
    match ending {
        Ending::Whole => Ending::Whole,
        Ending::Truncated { .. } => Ending::Truncated { position },
        Ending::Damaged { code, .. } => Ending::Damaged { code: *code, position, reason: DAMAGED.to_owned() },
    }
}
