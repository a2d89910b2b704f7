use super::letter::Letter;
use super::message::{Heading, message};
use super::smtp::Mailer;
use super::templates::Templates;
use crate::outbox::{DeliveryError, Item};
use cluster::catalog::{MailFault, MailKind};
use lettre::message::Mailbox;

/// Puts mails together and hands them to the mail server.
pub(crate) struct Mails {
    /// The mail server.
    pub(crate) mailer: Mailer,
    /// Who the mails are from.
    pub(crate) from: Mailbox,
    /// What links begin with.
    pub(crate) public_url: String,
    /// What they say.
    pub(crate) templates: Templates,
}

impl Mails {
    /// Hands over one mail. Not cancel-safe.
    pub(crate) async fn deliver(&self, Item { id, row, session }: Item<'_>) -> Result<(), DeliveryError> {
        let video = match row.kind {
            MailKind::VideoReady { video } => video,
            MailKind::Webhook(_) => return Err(DeliveryError::Final("this is no mail".to_owned())),
        };
        let letter = Letter::VideoReady { session: row.recording, video, info: &session.info };
        let text = self.templates.text(letter, &self.public_url);
        let text = text.map_err(|error| DeliveryError::fault(MailFault::Template, error))?;
        let heading = Heading {
            name: format!("video-{video}.{id}"),
            from: &self.from,
            to: &row.address,
            written_ms: row.created_ms,
        };
        let message = message(&heading, text).map_err(|error| DeliveryError::Final(error.to_string()))?;
        self.mailer.send(&message, &mut |_| ()).await
    }
}
