use super::delivery_error::DeliveryError;
use crate::mail::Mails;
use crate::webhook::Webhook;
use cluster::catalog::{MailId, MailKind, MailRow, SessionRow};

/// What is to be handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Names it, however often it is tried.
    pub(crate) id: MailId,
    /// What stands in the outbox.
    pub(crate) row: &'a MailRow,
    /// The session that it tells about.
    pub(crate) session: &'a SessionRow,
}

/// Whom something is handed to.
pub(crate) enum Channel {
    /// A mail server.
    Mail(Mails),
    /// A server that was told to us.
    Webhook(Webhook),
}

impl Channel {
    /// Its name in the log, in metrics and in the API.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Whether it is the one for this kind.
    pub(super) fn takes(&self, kind: MailKind) -> bool {
        match (self, kind) {
            (Self::Mail(_), MailKind::VideoReady { .. }) | (Self::Webhook(_), MailKind::Webhook(_)) => true,
            (Self::Mail(_), MailKind::Webhook(_)) | (Self::Webhook(_), MailKind::VideoReady { .. }) => false,
        }
    }

    /// Hands one over. Not cancel-safe: a dropped call may have done it.
    pub(super) async fn deliver(&self, item: Item<'_>) -> Result<(), DeliveryError> {
        match self {
            Self::Mail(mails) => mails.deliver(item).await,
            Self::Webhook(webhook) => webhook.deliver(item).await,
        }
    }
}
