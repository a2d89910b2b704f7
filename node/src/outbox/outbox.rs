//! The task that empties the outbox.
//!
//! A row is there from the moment in which it is true; it goes when the other side has taken it. Between the two the
//! process may end: then it is sent again, under the same name.

use super::channel::{Channel, Item};
use super::delivery_error::DeliveryError;
use super::rest::Rest;
use super::shown::shown;
use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::catalog::{
    BlockMail, Catalog, CatalogError, Command, MailId, MailKind, MailRow, MailState, SessionRow,
    SessionState, WebhookEvent,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Mails and messages that were tried, by channel and by what became of them.
const TRIED: &str = "custody_outbox_total";
/// Whether an operator has to mend something before a channel can go on: 1 or 0.
const ALERT: &str = "custody_outbox_alert";
/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Rows that are read at once.
const PAGE_ROWS: usize = 256;
/// Pages that are read at one look while nothing is due: what waits for long never hides what is due.
const PAGES_MAX: usize = 16;
/// After the first failure it is tried again after this; each time after, twice as long.
const RETRY_FIRST_MS: u64 = 10_000;
/// It never takes longer than this to try again.
const RETRY_LAST_MS: u64 = 3_600_000;
/// What was refused this often is given up: that takes about two days.
const ATTEMPTS_MAX: u32 = 56;
/// What is kept of the other side's words.
const ERROR_CHARS: usize = 200;

/// Hands over what stands in the outbox for one channel.
pub(crate) struct Outbox {
    cluster: Arc<Cluster>,
    channel: Channel,
    rest: Rest,
    after: Option<MailId>,
}

/// A row whose time has come, and the session that it tells about, or why there is nothing to tell any more.
struct Due {
    id: MailId,
    row: MailRow,
    session: Result<SessionRow, &'static str>,
}

impl Outbox {
    /// An outbox from its beginning on.
    pub(crate) fn new(cluster: Arc<Cluster>, channel: Channel) -> Self {
        Self { cluster, channel, rest: Rest::default(), after: None }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self, stop: Stop) -> TaskResult {
        self.set_alert(false);
        while stop.sleep(LOOK_EVERY).await {
            if self.rest.holds(Instant::now()) {
                continue;
            }
            let due = match self.due() {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    continue;
                }
            };
            for due in due {
                if stop.is_set() || self.rest.holds(Instant::now()) {
                    break;
                }
                self.deliver(due).await;
            }
        }
        Ok(())
    }

    /// What is due in the next page that has any. The leader alone sends, so that no two members send the same one.
    fn due(&mut self) -> Result<Vec<Due>, ReadError> {
        let own = self.cluster.member();
        let is_leader = self.cluster.members().iter().any(|member| member.id == own && member.is_leader);
        if !is_leader {
            self.mended();
            return Ok(Vec::new());
        }
        let catalog = self.cluster.catalog()?;
        let now_ms = catalog.clock()?.now_ms;
        let mut due = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = catalog.open_mails(self.after, PAGE_ROWS)?;
            self.after = page.get(PAGE_ROWS - 1).map(|(id, _)| *id);
            for (id, row) in page {
                if self.channel.takes(row.kind) && is_due(row.state, now_ms) {
                    let session = subject(catalog, &row)?;
                    due.push(Due { id, row, session });
                }
            }
            if !due.is_empty() || self.after.is_none() {
                break;
            }
        }
        Ok(due)
    }

    /// Hands one over and commits what became of it.
    async fn deliver(&mut self, Due { id, row, session }: Due) {
        let outcome = match &session {
            Err(gone) => Err(DeliveryError::Final((*gone).to_owned())),
            Ok(session) => self.channel.deliver(Item { id, row: &row, session }).await,
        };
        let command = self.command(id, row.attempts, outcome);
        if let Err(error) = self.cluster.submit(command).await {
            self.rest.begin(Instant::now());
            let channel = self.channel.name();
            tracing::warn!(%id, channel, %error, "what became of a mail is not kept: it may be sent again");
        }
    }

    /// What is to be committed when this became of something that had failed `attempts` times before.
    fn command(&mut self, mail: MailId, attempts: u32, outcome: Result<(), DeliveryError>) -> Command {
        let channel = self.channel.name();
        let count = |result| metrics::counter!(TRIED, "channel" => channel, "result" => result).increment(1);
        let outcome = outcome.map_err(|error| error.said(|message| shown(message, ERROR_CHARS)));
        let (error, retry_after_ms) = match outcome {
            Ok(()) => {
                count("sent");
                tracing::info!(%mail, channel, "sent");
                self.mended();
                return Command::MailSent { mail };
            }
            Err(DeliveryError::Fault { fault, message: error }) => {
                count("blocked");
                let pause = self.rest.begin(Instant::now());
                // Others are tried before this one is again: the fault may be its own.
                self.after = Some(mail);
                self.set_alert(true);
                tracing::error!(%mail, channel, %fault, %error, ?pause, "nothing is sent until this is mended");
                let retry_after_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                return Command::BlockMail(BlockMail { mail, fault, error, retry_after_ms });
            }
            Err(DeliveryError::Later(error)) => (error, retry_after_ms(attempts)),
            Err(DeliveryError::Final(error)) => (error, None),
        };
        count(if retry_after_ms.is_some() { "later" } else { "failed" });
        tracing::warn!(%mail, channel, %error, ?retry_after_ms, "not taken");
        Command::MailFailed { mail, error, retry_after_ms }
    }

    fn mended(&mut self) {
        self.rest.end();
        self.set_alert(false);
    }

    fn set_alert(&self, is_on: bool) {
        metrics::gauge!(ALERT, "channel" => self.channel.name()).set(if is_on { 1.0 } else { 0.0 });
    }
}

/// Why the outbox cannot be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    NotReady(#[from] cluster::facts::NotReady),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The session that a row tells about. Nobody is told of what was purged or deleted meanwhile: the link would lead nowhere.
fn subject(catalog: &Catalog, row: &MailRow) -> Result<Result<SessionRow, &'static str>, CatalogError> {
    let session = match catalog.session(row.recording)? {
        Some(SessionRow { state: SessionState::Purging(_) | SessionState::Purged { .. }, .. }) | None => {
            return Ok(Err("its session is gone"));
        }
        Some(session) => session,
    };
    let is_deleted = match row.kind {
        MailKind::VideoReady { video } | MailKind::Webhook(WebhookEvent::VideoReady { video }) => {
            catalog.video(video)?.is_none()
        }
        MailKind::Webhook(WebhookEvent::SessionEnded { .. } | WebhookEvent::ConversionFailed { .. }) => false,
    };
    Ok(if is_deleted { Err("its video was deleted") } else { Ok(session) })
}

/// Whether something is to be tried. What was blocked always is: the channel rests while an operator has to mend
/// something, and a member that was started again may have another configuration.
fn is_due(state: MailState, now_ms: u64) -> bool {
    match state {
        MailState::Pending { next_ms } => next_ms <= now_ms,
        MailState::Blocked { .. } => true,
        MailState::Sent { .. } | MailState::Failed { .. } => false,
    }
}

/// How long to wait after a failure, when `attempts` have failed before it; never, when there is no use.
fn retry_after_ms(attempts: u32) -> Option<u64> {
    let is_last = attempts + 1 >= ATTEMPTS_MAX;
    (!is_last).then(|| RETRY_FIRST_MS.saturating_mul(1 << attempts.min(20)).min(RETRY_LAST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_an_hour_and_has_an_end() {
        let waits: Vec<_> = (0..4).map(retry_after_ms).collect();
        assert_eq!(waits, [Some(10_000), Some(20_000), Some(40_000), Some(80_000)]);
        assert_eq!(retry_after_ms(30), Some(RETRY_LAST_MS));
        assert_eq!(retry_after_ms(ATTEMPTS_MAX - 1), None);
        let days: u64 = (0..ATTEMPTS_MAX).filter_map(retry_after_ms).sum::<u64>() / 86_400_000;
        assert_eq!(days, 1, "nearly two whole days");
    }
}
