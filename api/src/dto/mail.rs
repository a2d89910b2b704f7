//! Mails and what became of them.

use cluster::catalog::{MailId, MailKind, MailRow, MailState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which mails.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MailQuery {
    /// Those after this one; all without.
    pub(crate) after: Option<u64>,
    /// At most so many; 100 without.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
}

/// Mails, the oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MailPage {
    pub(crate) mails: Vec<Mail>,
    /// For `after`; none after the last page.
    pub(crate) next: Option<u64>,
}

/// A mail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Mail {
    pub(crate) id: u64,
    /// What it tells: `video-ready`.
    pub(crate) kind: &'static str,
    pub(crate) session: String,
    pub(crate) video: Option<String>,
    pub(crate) address: String,
    /// `pending`, `sent` or `failed`.
    pub(crate) state: &'static str,
    /// Since when it is sent or failed; when it is tried next while it is pending.
    pub(crate) at_ms: u64,
    /// How often it was not taken.
    pub(crate) attempts: u32,
    /// What the mail server said last.
    pub(crate) error: String,
    pub(crate) created_ms: u64,
}

impl Mail {
    /// The mail of a row.
    pub(crate) fn new(id: MailId, row: MailRow) -> Self {
        let (kind, video) = match row.kind {
            MailKind::VideoReady { video } => ("video-ready", Some(video.to_string())),
        };
        let (state, at_ms) = match row.state {
            MailState::Pending { next_ms } => ("pending", next_ms),
            MailState::Sent { at_ms } => ("sent", at_ms),
            MailState::Failed { at_ms } => ("failed", at_ms),
        };
        Self {
            id: id.0,
            kind,
            session: row.recording.to_string(),
            video,
            address: row.address,
            state,
            at_ms,
            attempts: row.attempts,
            error: row.error,
            created_ms: row.created_ms,
        }
    }
}
