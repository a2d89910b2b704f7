//! The outbox: mails and messages to the webhook that are to be sent, written in the batch of what they tell about.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::job::FailureKind;
use super::outcome::{Outcome, Refusal};
use super::parameter;
use super::row::Row;
use super::session::{End, named};
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::{RecordingId, VideoId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A mail or a message to the webhook; its Message-ID or webhook-id follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MailId(pub u64);

impl fmt::Display for MailId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a mail tells. Variants are only ever added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailKind {
    /// A video can be downloaded.
    VideoReady {
        /// Which.
        video: VideoId,
    },
    /// Something for the webhook, and for no person.
    Webhook(WebhookEvent),
}

/// What the webhook is told. Variants are only ever added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// A video can be downloaded.
    VideoReady {
        /// Which.
        video: VideoId,
    },
    /// A session is over.
    SessionEnded {
        /// How it ended.
        end: End,
    },
    /// A video cannot be made.
    ConversionFailed {
        /// Which.
        video: VideoId,
        /// Why.
        failure: FailureKind,
    },
}

named!(
    /// What an operator has to mend before anything can be sent. Variants are only ever added at the end.
    MailFault {
        /// The server's name leads nowhere.
        UnknownHost = "unknown-host",
        /// Nobody answers there.
        Unreachable = "unreachable",
        /// The connection cannot be protected, or the server proves to be another one.
        Tls = "tls",
        /// Name and password are not accepted, or are missing.
        Credentials = "credentials",
        /// The server does not take mails from this sender.
        Sender = "sender",
        /// What answers does not speak as expected.
        Protocol = "protocol",
        /// The webhook's address is one that is not spoken to.
        Address = "address",
        /// A template cannot be filled in.
        Template = "template",
    }
);

/// Whether a mail is still to be sent. Variants are only ever added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailState {
    /// It is.
    Pending {
        /// Not before, in the cluster's time.
        next_ms: u64,
    },
    /// The mail server has it.
    Sent {
        /// Since, in the cluster's time.
        at_ms: u64,
    },
    /// The mail server will not have it.
    Failed {
        /// Since, in the cluster's time.
        at_ms: u64,
    },
    /// It is, and an operator has to mend something first.
    Blocked {
        /// When it is tried again at the latest, in the cluster's time.
        next_ms: u64,
        /// What.
        fault: MailFault,
    },
}

/// A mail in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRow {
    /// What it tells.
    pub kind: MailKind,
    /// About which recording.
    pub recording: RecordingId,
    /// Whom; empty for the webhook.
    pub address: String,
    /// Whether it is still to be sent.
    pub state: MailState,
    /// How often it was not taken; what an operator has to mend does not count.
    pub attempts: u32,
    /// What the mail server said last.
    pub error: String,
    /// The cluster's time when it was written.
    pub created_ms: u64,
}

/// A mail cannot be sent until an operator has mended something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockMail {
    /// Which.
    pub mail: MailId,
    /// What is to be mended.
    pub fault: MailFault,
    /// What the mail server or the connection said.
    pub error: String,
    /// After how long it is tried again at the latest.
    pub retry_after_ms: u64,
}

impl Row for MailRow {
    const TREE: Tree = Tree::Outbox;
}

impl Catalog {
    /// A mail.
    pub fn mail(&self, mail: MailId) -> Result<Option<MailRow>, CatalogError> {
        self.get(&key(mail))
    }

    /// The oldest mails that are still to be sent, behind `after`, at most `limit`.
    pub fn open_mails(
        &self,
        after: Option<MailId>,
        limit: usize,
    ) -> Result<Vec<(MailId, MailRow)>, CatalogError> {
        let range = after.map_or(KeyRange::all(), |after| KeyRange::all().after(key(after).to_vec()));
        self.open(Tree::OutboxOpen, range, limit, MailId)
    }
}

pub(crate) fn create(
    step: &mut Step<'_, '_>,
    kind: MailKind,
    recording: RecordingId,
    address: String,
) -> Result<MailId, Halt> {
    let mail = MailId(step.count(Counter::Mail)?);
    let now_ms = step.now_ms;
    let state = MailState::Pending { next_ms: now_ms };
    let row =
        MailRow { kind, recording, address, state, attempts: 0, error: String::new(), created_ms: now_ms };
    step.rows.put(&key(mail), &row)?;
    step.rows.put_key(Tree::OutboxOpen, key(mail).to_vec());
    Ok(mail)
}

/// Tells the webhook, if it is to be told.
pub(crate) fn tell(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    event: WebhookEvent,
) -> Result<Option<MailId>, Halt> {
    if !parameter::is_on(step, parameter::WEBHOOK_ENABLED)? {
        return Ok(None);
    }
    create(step, MailKind::Webhook(event), recording, String::new()).map(Some)
}

pub(crate) fn sent(step: &mut Step<'_, '_>, mail: MailId) -> Effect {
    let mut row = pending(step, mail)?;
    row.state = MailState::Sent { at_ms: step.now_ms };
    step.rows.put(&key(mail), &row)?;
    step.rows.remove(Tree::OutboxOpen, &key(mail));
    Ok(Outcome::Done)
}

pub(crate) fn failed(
    step: &mut Step<'_, '_>,
    mail: MailId,
    error: String,
    retry_after_ms: Option<u64>,
) -> Effect {
    text::message("error", &error)?;
    let mut row = pending(step, mail)?;
    row.attempts += 1;
    row.error = error;
    row.state = match retry_after_ms {
        Some(after_ms) => MailState::Pending { next_ms: step.now_ms.saturating_add(after_ms) },
        None => MailState::Failed { at_ms: step.now_ms },
    };
    step.rows.put(&key(mail), &row)?;
    if retry_after_ms.is_none() {
        step.rows.remove(Tree::OutboxOpen, &key(mail));
    }
    Ok(Outcome::Failed { is_retried: retry_after_ms.is_some() })
}

pub(crate) fn blocked(step: &mut Step<'_, '_>, command: BlockMail) -> Effect {
    let BlockMail { mail, fault, error, retry_after_ms } = command;
    text::message("error", &error)?;
    let mut row = pending(step, mail)?;
    row.error = error;
    row.state = MailState::Blocked { next_ms: step.now_ms.saturating_add(retry_after_ms), fault };
    step.rows.put(&key(mail), &row)?;
    Ok(Outcome::Failed { is_retried: true })
}

pub(crate) fn key(mail: MailId) -> [u8; 8] {
    mail.0.to_be_bytes()
}

fn pending(step: &Step<'_, '_>, mail: MailId) -> Result<MailRow, Halt> {
    let row: MailRow = step.need(&key(mail), || Refusal::MailUnknown { mail })?;
    match row.state {
        MailState::Pending { .. } | MailState::Blocked { .. } => Ok(row),
        MailState::Sent { .. } | MailState::Failed { .. } => Err(Refusal::MailEnded { mail }.into()),
    }
}
