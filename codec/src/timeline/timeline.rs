//! The facts of a recording.

use super::heat_map::{Events, HeatMap};
use super::idle::IdleSpan;
use super::marker::Marker;
use super::statement::Statement;
use super::sync_columns;
use crate::geometry::Size;
use crate::refusal::{Refusal, RefusalCode};
use crate::source::guac::ParseError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What one pass over a recording tells, keystrokes excepted. Times are milliseconds of media time: they count from
/// the first `sync`, or from the first timestamp where there is none. The form in JSON is described in DESIGN.md.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Version of this description.
    pub version: u32,
    /// Media type of the recording.
    pub format: Cow<'static, str>,
    /// Bytes of the recording.
    pub bytes: u64,
    /// Bytes up to the end of its last whole instruction.
    pub readable_bytes: u64,
    /// Of those, bytes of damage that were skipped.
    pub skipped_bytes: u64,
    /// How the recording ends.
    pub ending: Ending,
    /// From the first `sync` to the last `sync`, mouse, key or sound, or to the end of the session, if that is later.
    pub media_duration_ms: i64,
    /// The last `sync`, mouse, key or sound, if the session went on behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_ms: Option<i64>,
    /// The first timestamp, in milliseconds of the monotonic clock of the recording host.
    pub first_timestamp_ms: Option<i64>,
    /// When it was recorded, in seconds since 1970, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_s: Option<u64>,
    /// Sizes of the picture in order.
    pub sizes: Vec<SizeChange>,
    /// Number of frames' ends.
    pub sync_count: usize,
    /// How many of them came before there was a picture: the first ones may have no size.
    #[serde(default)]
    pub empty_syncs: usize,
    /// The longest silence between two `sync`.
    pub longest_gap_ms: i64,
    /// Keys that were pressed.
    pub key_presses: u64,
    /// Mouse movements and buttons.
    pub mouse_events: u64,
    /// Whether it has sound.
    pub sound: bool,
    /// End of the placed sound.
    pub sound_end_ms: i64,
    /// Why some of its sound cannot be heard.
    pub sound_loss: Option<Refusal>,
    /// Where to look, in the order of time.
    pub markers: Vec<Marker>,
    /// Markers that are not in the list because there were too many of their kind.
    pub markers_left_out: u64,
    /// Of a session of a database: its statements, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Statement>,
    /// Statements that are not in the list because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub statements_left_out: u64,
    /// Stretches in which nothing happens, in order; two of them touch where something happened for an instant.
    pub idle: Vec<IdleSpan>,
    /// The shortest stretch that is in the list; longer than a second only if there were too many.
    pub idle_min_ms: i64,
    /// Activity in the buckets of Guacamole's player.
    pub heat_map: HeatMap,
    /// What heat maps are made of.
    pub events: Events,
    /// How often each instruction occurs; what is not drawn or heard counts as `other`.
    pub instructions: BTreeMap<Cow<'static, str>, u64>,
    /// The ends of frames; of more than the limit only some, which stand for those before them.
    #[serde(with = "sync_columns")]
    pub syncs: Vec<SyncPoint>,
}

/// The end of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPoint {
    /// How many frames were before.
    pub index: usize,
    /// When.
    pub at_ms: i64,
    /// Byte of the recording after the `sync`.
    pub end_byte: u64,
    /// How many visible pixels were drawn on since the frame before; an estimate, because images are not decoded.
    pub dirty_pixels: usize,
}

/// The picture got a new size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeChange {
    /// When.
    pub at_ms: i64,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// With a whole instruction.
    #[default]
    Whole,
    /// Inside an instruction, as when the recorder is killed.
    Truncated {
        /// Where that instruction starts.
        position: u64,
    },
    /// With something that is no instruction; what follows it is not read.
    Damaged {
        /// What kind of damage.
        code: RefusalCode,
        /// Where.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Ending {
    /// Why the recording is not whole.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Whole => None,
            Self::Truncated { position } => {
                Some(Refusal::from(&ParseError::Truncated { position: *position }))
            }
            Self::Damaged { code, position, reason } => Some(Refusal::new(*code, reason).at(*position)),
        }
    }
}

impl Timeline {
    /// The version of this description.
    pub const VERSION: u32 = 2;
    /// Media type of recordings of guacd.
    pub const GUACAMOLE: &'static str = "application/vnd.apache.guacamole";
    /// Media type of sessions of databases.
    pub const DB_LINES: &'static str = "application/vnd.custody.db-lines";

    /// Media type of asciicasts.
    pub const ASCIICAST: &'static str = "application/x-asciicast";
    /// Media type of a timing and its typescript.
    pub const TYPESCRIPT: &'static str = "application/vnd.custody.typescript";

    /// Activity in `buckets` of equal length, by the rules of [`Timeline::heat_map`]; at least one and at most
    /// [`HeatMap::BUCKETS_MAX`].
    pub fn heat_map(&self, buckets: usize) -> HeatMap {
        HeatMap::new(&self.events, buckets)
    }

    /// The last `sync`, mouse, key or sound, in milliseconds of media time.
    pub fn recorded_end_ms(&self) -> i64 {
        self.recorded_ms.unwrap_or(self.media_duration_ms)
    }

    /// Whether all bytes of the recording were read.
    pub fn is_complete(&self) -> bool {
        self.ending == Ending::Whole && self.skipped_bytes == 0
    }

    /// The widest and the highest picture, as one size; `None` if there never is a picture.
    pub fn largest_size(&self) -> Option<Size> {
        if self.syncs.is_empty() {
            return None;
        }
        let width = self.sizes.iter().map(|size| size.width).max()?;
        let height = self.sizes.iter().map(|size| size.height).max()?;
        (width > 0 && height > 0).then_some(Size { width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_frames_are_written_as_differences_and_read_back() {
        let sync = |index, at_ms, end_byte| SyncPoint { index, at_ms, end_byte, dirty_pixels: 7 };
        let whole = Timeline { syncs: vec![sync(0, 0, 90), sync(1, 40, 120)], ..Timeline::default() };
        let json = serde_json::to_value(&whole).unwrap();
        let expected =
            serde_json::json!({ "after_ms": [0, 40], "after_bytes": [90, 30], "dirty_pixels": [7, 7] });
        assert_eq!(json["syncs"], expected);
        assert_eq!(serde_json::from_value::<Timeline>(json).unwrap(), whole);
        let thinned = Timeline { syncs: vec![sync(0, 0, 90), sync(2, 80, 150)], ..Timeline::default() };
        let json = serde_json::to_value(&thinned).unwrap();
        assert_eq!(json["syncs"]["index"], serde_json::json!([0, 2]));
        assert_eq!(serde_json::from_value::<Timeline>(json).unwrap(), thinned);
    }
}
