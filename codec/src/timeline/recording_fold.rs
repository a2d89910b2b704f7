//! The timeline of a recording of any format.

use super::fold::TimelineFold;
use super::keystrokes::Keystrokes;
use super::session_span::SessionSpan;
use super::statement_fold::StatementFold;
use super::timeline::Timeline;
use crate::limits::Limits;
use crate::source::Format;

/// Takes the bytes of a recording of a known format as they come.
pub enum RecordingFold {
    /// Of what its first byte tells: guacd's, or a terminal's.
    Drawn(Box<TimelineFold>),
    /// Of a database session, in which no keys are.
    DbLines(Box<StatementFold>),
}

impl RecordingFold {
    /// Starts at byte 0.
    pub fn new(format: Format, limits: Limits) -> Self {
        match format {
            Format::Guacamole | Format::Terminal(_) => Self::Drawn(Box::new(TimelineFold::new(limits))),
            Format::DbLines => Self::DbLines(Box::new(StatementFold::new(limits))),
        }
    }

    /// The session of the recording lasted so long: its timeline reaches to its end.
    pub fn lasted(&mut self, session: SessionSpan) {
        match self {
            Self::Drawn(fold) => fold.lasted(session),
            Self::DbLines(fold) => fold.lasted(session),
        }
    }

    /// Adds the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Drawn(fold) => fold.push(bytes),
            Self::DbLines(fold) => fold.push(bytes),
        }
    }

    /// The recording ends here.
    pub fn finish(self) -> (Timeline, Keystrokes) {
        match self {
            Self::Drawn(fold) => fold.finish(),
            Self::DbLines(fold) => (fold.timeline(), Keystrokes::none()),
        }
    }
}
