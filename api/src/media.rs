//! The seam for short work on recordings: whoever can draw them does so, in a bounded pool and with a deadline.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use cluster::id::{ObjectId, RecordingId};
use serde::Serialize;
use utoipa::ToSchema;

/// A future on the heap, since a trait object answers with it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Short work on recordings.
pub trait Media: Send + Sync {
    /// The picture of a recording at a media time, as a PNG file, with the pointer drawn if asked.
    fn frame(
        &self,
        recording: RecordingId,
        at_ms: u64,
        pointer: bool,
    ) -> BoxFuture<'_, Result<Vec<u8>, MediaError>>;

    /// A part of the view of a recording: its bytes without what only those may see who hold the permission Keystrokes.
    fn view(&self, part: ViewPart) -> BoxFuture<'_, Result<Box<dyn ViewRead>, MediaError>>;

    /// How many bytes of the view of a recording may be read that has no index yet: it grows as the recording does.
    fn view_length(&self, recording: RecordingId) -> BoxFuture<'_, Result<u64, MediaError>>;

    /// What a recording holds as far as it is durable, as JSON; for one that has no index yet.
    fn survey(&self, recording: RecordingId, wanted: Surveyed) -> BoxFuture<'_, Result<Vec<u8>, MediaError>>;

    /// The lines of text of a recording that hold what is looked for, as far as it is durable.
    fn text(&self, recording: RecordingId, wanted: TextQuery)
    -> BoxFuture<'_, Result<FoundText, MediaError>>;

    /// Where somebody begins who joins a recording that grows: its newest key state. None when all is to be drawn from
    /// its beginning.
    fn join(&self, recording: RecordingId, sight: Sight) -> BoxFuture<'_, Result<Option<Join>, MediaError>>;

    /// Room for a file of sound that comes in, empty; given free when it is dropped. [`MediaError::Busy`] when all is taken.
    fn sound(&self) -> Result<Box<dyn SoundSpool>, MediaError>;
}

/// A file of sound that came in and is not stored yet.
pub trait SoundSpool: Send {
    /// Adds bytes behind those that it has.
    fn push(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), MediaError>>;

    /// Decodes all of it, beginning at a media time; [`MediaError::Unheard`] when nothing of it could ever be heard.
    fn survey(&mut self, offset_ms: i64) -> BoxFuture<'_, Result<(), MediaError>>;

    /// The bytes from one on: as many as are appended at once, fewer at the end.
    fn piece(&mut self, at: u64) -> BoxFuture<'_, Result<Vec<u8>, MediaError>>;
}

/// How much of a recording somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Its bytes as they were received.
    Received,
    /// Its view, without keys and clipboards.
    View,
}

/// What of a survey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surveyed {
    /// The timeline of what somebody may see, whose bytes are those.
    Timeline(Sight),
    /// What was typed.
    Keystrokes,
}

/// What is looked for in the text of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// What a line holds, whatever the case of its letters; every line holds the empty text.
    pub text: String,
    /// From which media time on.
    pub from_ms: u64,
    /// The most lines that are told.
    pub limit: usize,
}

/// What was typed and shown in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FoundText {
    /// The first lines that were found, in the order of media time.
    pub lines: Vec<FoundLine>,
    /// How many more were found.
    pub left_out: u64,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FoundLine {
    /// When it began, in milliseconds of media time.
    pub t_ms: u64,
    /// Where it stands.
    pub kind: TextKind,
    /// The line; of a long one the part that holds what was looked for.
    pub text: String,
}

/// Where a line of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// Among the keystrokes.
    Typed,
    /// On the screen of a terminal.
    Shown,
}

/// Where somebody begins who joins a recording that grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The media time of the picture.
    pub at_ms: u64,
    /// The byte of what they may see from which they go on.
    pub position: u64,
    /// Instructions that draw all that was drawn before it.
    pub instructions: Arc<[u8]>,
}

/// A part of the view of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewPart {
    /// Of which recording.
    pub recording: RecordingId,
    /// The view's index, which the job has made; none of a recording that has none yet.
    pub index: Option<ObjectId>,
    /// Bytes of the view: never empty, and within it.
    pub range: Range<u64>,
}

/// A part of a view that is being read.
pub trait ViewRead: Send {
    /// The next bytes; none at the end, and none after an error.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Vec<u8>, MediaError>>>;
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The pool and its queue are full.
    #[error("all workers are busy, expected to be free in {retry_after_s} s")]
    Busy {
        /// When to ask again.
        retry_after_s: u64,
    },
    /// The recording has no picture, or none at this time.
    #[error("the recording has no picture at {at_ms} ms")]
    NoPicture {
        /// What was asked for.
        at_ms: u64,
    },
    /// The recording cannot be drawn that far.
    #[error("the recording cannot be drawn: {reason}")]
    Damaged {
        /// Why, for a person; never with bytes of the recording.
        reason: String,
    },
    /// So much is not surveyed while it grows.
    #[error("more than {limit_bytes} bytes are durable, expected the end of the session")]
    TooLong {
        /// How much is.
        limit_bytes: u64,
    },
    /// It was not done in time.
    #[error("the work took longer than {limit_ms} ms")]
    Deadline {
        /// What it may take.
        limit_ms: u64,
    },
    /// A file is no sound, or none that can be decoded.
    #[error("the sound cannot be heard: {reason}")]
    Unheard {
        /// The refusal's code and words; never with bytes of the file.
        reason: String,
    },
    /// There is no room for what comes in.
    #[error("there is no room for the sound")]
    DiskFull,
    /// What comes in cannot be kept, or read again.
    #[error("the sound cannot be kept: {reason}")]
    Unkept {
        /// What the system says.
        reason: String,
    },
    /// A worker ended without an answer.
    #[error("a worker ended without an answer")]
    Crashed,
}
