//! What auditors say about a session, and who has reviewed it.

use cluster::catalog::{CommentId, CommentRow, ReviewRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something to say about a session.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewComment {
    /// 1 to 1024 bytes.
    pub(crate) text: String,
    /// The place that it is about, in media time; all of the session without.
    pub(crate) t_ms: Option<u64>,
}

/// What somebody has said about a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Comment {
    pub(crate) id: String,
    pub(crate) by: String,
    pub(crate) at_ms: u64,
    /// The place that it is about, in media time.
    pub(crate) t_ms: Option<u64>,
    pub(crate) text: String,
}

impl From<(CommentId, CommentRow)> for Comment {
    fn from((id, row): (CommentId, CommentRow)) -> Self {
        let CommentRow { t_ms, text, by, at_ms } = row;
        Self { id: id.to_string(), by, at_ms, t_ms, text }
    }
}

/// Somebody who has reviewed a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Review {
    pub(crate) by: String,
    pub(crate) at_ms: u64,
}

impl From<ReviewRow> for Review {
    fn from(row: ReviewRow) -> Self {
        let ReviewRow { by, at_ms } = row;
        Self { by, at_ms }
    }
}
