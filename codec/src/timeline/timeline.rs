//! The facts of a recording.

use crate::geometry::Size;
use crate::refusal::{Refusal, RefusalCode};
use crate::source::guac::ParseError;
use serde::Serialize;
use std::collections::BTreeMap;

/// What one pass over a recording tells. Times are milliseconds of media time: they count from the first `sync`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// Version of this description.
    pub version: u32,
    /// Media type of the recording.
    pub format: &'static str,
    /// Bytes of the recording.
    pub bytes: u64,
    /// Bytes up to the end of its last whole instruction.
    pub readable_bytes: u64,
    /// How the recording ends.
    pub ending: Ending,
    /// From the first `sync` to the last `sync`, mouse, key or sound.
    pub media_duration_ms: i64,
    /// The first timestamp, in milliseconds of the monotonic clock of the recording host.
    pub first_timestamp_ms: Option<i64>,
    /// Sizes of the picture in order.
    pub sizes: Vec<SizeChange>,
    /// The ends of frames; of more than [`Timeline::SYNCS_MAX`] only some, which stand for those before them.
    /// Not part of the printed facts, which hold their number.
    #[serde(skip)]
    pub syncs: Vec<SyncPoint>,
    /// Number of frames' ends.
    pub sync_count: usize,
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
    /// Errors that the server told the user.
    pub errors: Vec<SessionError>,
    /// How often each instruction occurs; what is not drawn or heard counts as `other`.
    pub instructions: BTreeMap<&'static str, u64>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeChange {
    /// When.
    pub at_ms: i64,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// An `error` instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionError {
    /// When.
    pub at_ms: i64,
    /// What the user was told.
    pub text: String,
    /// Guacamole's status code.
    pub status: i32,
}

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
    /// Most ends of frames that are kept: more than two days of ten frames a second.
    pub const SYNCS_MAX: usize = 2 << 20;
    /// Media type of recordings of guacd.
    pub const GUACAMOLE: &'static str = "application/vnd.apache.guacamole";

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
