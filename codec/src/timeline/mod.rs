//! What happens when in a recording: one pass over its instructions, no pixels.

mod activity;
mod beside;
mod clipboard;
mod event_counts;
mod facts;
mod fold;
mod guac_fold;
mod heat_map;
mod idle;
mod keystrokes;
mod marker;
mod recording_fold;
mod screen_text;
mod session_span;
mod statement;
mod statement_fold;
mod sync_columns;
mod terminal_fold;
mod text;
#[expect(clippy::module_inception, reason = "the main type of the module")]
mod timeline;

pub use event_counts::EventCounts;
pub use fold::TimelineFold;
pub use heat_map::{Events, HeatMap};
pub use idle::IdleSpan;
pub use keystrokes::{KeyBatch, Keystrokes};
pub use marker::{GapCause, Marker, MarkerEvent, SkippedBytes};
pub use recording_fold::RecordingFold;
pub use session_span::SessionSpan;
pub use statement::Statement;
pub use statement_fold::StatementFold;
pub use text::{FoundText, TextKind, TextLine, TextQuery};
pub use timeline::{Ending, SizeChange, SyncPoint, Timeline};
