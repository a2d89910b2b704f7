//! What asciinema's client sends and understands.

use serde::Serialize;
use utoipa::ToSchema;

/// The form of asciinema 3.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a form that is read while it comes")]
pub(crate) struct CastFile {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The form of asciinema 2.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a form that is read while it comes")]
pub(crate) struct OldCastFile {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    asciicast: Vec<u8>,
}

/// A file that was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// The report of its session.
    pub(crate) url: String,
    /// What the client shows.
    pub(crate) message: String,
}

/// A file that was not taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Refused {
    /// Why, as the client shows it.
    pub(crate) message: String,
}
