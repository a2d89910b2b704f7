//! Mails, messages to the webhook, and what became of them.

use cluster::catalog::{MailFault, MailId, MailKind, MailRow, MailState, WebhookEvent};
use cluster::id::VideoId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// What an operator has to mend before mails, or messages to the webhook, can be sent again.
    pub(crate) alerts: Vec<MailAlert>,
}

/// What keeps mails, or messages to the webhook, from being sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MailAlert {
    /// `mail` or `webhook`.
    pub(crate) channel: &'static str,
    /// `unknown-host`, `unreachable`, `tls`, `credentials`, `sender`, `protocol`, `address` or `template`.
    pub(crate) fault: &'static str,
    /// What the server or the connection said last.
    pub(crate) error: String,
}

impl MailAlert {
    /// What keeps mails from being sent, each fault of a channel once, as the newest of these mails says.
    pub(crate) fn of(open: impl IntoIterator<Item = MailRow>) -> Vec<Self> {
        let mut alerts = BTreeMap::new();
        for row in open {
            let (channel, ..) = names(row.kind);
            match row.state {
                MailState::Blocked { fault, .. } => {
                    let fault = fault.as_str();
                    alerts.insert((channel, fault), Self { channel, fault, error: row.error });
                }
                MailState::Pending { .. } | MailState::Sent { .. } | MailState::Failed { .. } => {}
            }
        }
        alerts.into_values().collect()
    }
}

/// A mail, or a message to the webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Mail {
    pub(crate) id: u64,
    /// `mail` or `webhook`.
    pub(crate) channel: &'static str,
    /// What it tells: `video-ready`; to the webhook, `session-ended` and `conversion-failed`, too.
    pub(crate) kind: &'static str,
    pub(crate) session: String,
    pub(crate) video: Option<String>,
    /// Empty for the webhook.
    pub(crate) address: String,
    /// `pending`, `sent`, `failed`, or `blocked`: it is kept and tried again, and an operator has to mend something.
    pub(crate) state: &'static str,
    /// What is to be mended when it is blocked, as in alerts.
    pub(crate) fault: Option<&'static str>,
    /// Since when it is sent or failed; when it is tried next while it is pending or blocked.
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
        let (channel, kind, video) = names(row.kind);
        let fault = match row.state {
            MailState::Blocked { fault, .. } => Some(MailFault::as_str(fault)),
            MailState::Pending { .. } | MailState::Sent { .. } | MailState::Failed { .. } => None,
        };
        let (state, at_ms) = match row.state {
            MailState::Pending { next_ms } => ("pending", next_ms),
            MailState::Sent { at_ms } => ("sent", at_ms),
            MailState::Failed { at_ms } => ("failed", at_ms),
            MailState::Blocked { next_ms, .. } => ("blocked", next_ms),
        };
        Self {
            id: id.0,
            channel,
            kind,
            session: row.recording.to_string(),
            video: video.map(|video| video.to_string()),
            address: row.address,
            state,
            fault,
            at_ms,
            attempts: row.attempts,
            error: row.error,
            created_ms: row.created_ms,
        }
    }
}

/// The channel of a mail, what it tells, and of which video.
fn names(kind: MailKind) -> (&'static str, &'static str, Option<VideoId>) {
    match kind {
        MailKind::VideoReady { video } => ("mail", "video-ready", Some(video)),
        MailKind::Webhook(WebhookEvent::VideoReady { video }) => ("webhook", "video-ready", Some(video)),
        MailKind::Webhook(WebhookEvent::SessionEnded { .. }) => ("webhook", "session-ended", None),
        MailKind::Webhook(WebhookEvent::ConversionFailed { video, .. }) => {
            ("webhook", "conversion-failed", Some(video))
        }
    }
}
