//! The task that empties the outbox.
//!
//! A row is there from the moment in which its video can be downloaded; it goes when the mail server has taken the
//! mail. Between the two the process may end: then the mail is sent again, under the same Message-ID.

use super::message::{Addressed, MessageError};
use super::smtp::{Mailer, SendError};
use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::catalog::{Command, MailId, MailKind, MailRow, MailState};
use lettre::Message;
use lettre::message::Mailbox;
use std::sync::Arc;
use std::time::Duration;

/// Mails handed to the mail server, by what it said.
const MAILS: &str = "custody_mails_total";
/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Mails taken at one look.
const MAILS_AT_ONCE: usize = 64;
/// After the first failure it is tried again after this; each time after, twice as long.
const RETRY_FIRST_MS: u64 = 10_000;
/// It never takes longer than this to try again.
const RETRY_LAST_MS: u64 = 3_600_000;
/// A mail that was refused this often is given up: that takes about two days.
const ATTEMPTS_MAX: u32 = 56;
/// What is kept of a mail server's words.
const ERROR_CHARS: usize = 200;

/// Sends what stands in the outbox.
pub(crate) struct Outbox {
    /// The facts.
    pub(crate) cluster: Arc<Cluster>,
    /// The mail server.
    pub(crate) mailer: Mailer,
    /// Who the mails are from.
    pub(crate) from: Mailbox,
    /// What links begin with.
    pub(crate) public_url: String,
}

impl Outbox {
    /// Runs until it is told to stop.
    pub(crate) async fn run(self, stop: Stop) -> TaskResult {
        while stop.sleep(LOOK_EVERY).await {
            let due = match self.due() {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    continue;
                }
            };
            for (mail, row) in due {
                if stop.is_set() {
                    break;
                }
                self.send(mail, &row).await;
            }
        }
        Ok(())
    }

    /// The mails whose time has come. The leader alone sends, so that no two members send the same one.
    fn due(&self) -> Result<Vec<(MailId, MailRow)>, ReadError> {
        let own = self.cluster.member();
        let is_leader = self.cluster.members().iter().any(|member| member.id == own && member.is_leader);
        if !is_leader {
            return Ok(Vec::new());
        }
        let catalog = self.cluster.catalog()?;
        let now_ms = catalog.clock()?.now_ms;
        let mut mails = catalog.open_mails(MAILS_AT_ONCE)?;
        mails.retain(|(_, row)| match row.state {
            MailState::Pending { next_ms } => next_ms <= now_ms,
            MailState::Sent { .. } | MailState::Failed { .. } => false,
        });
        Ok(mails)
    }

    /// Sends one mail and commits what became of it.
    async fn send(&self, mail: MailId, row: &MailRow) {
        let outcome = match self.message(mail, row) {
            Ok(message) => self.mailer.send(message).await,
            Err(error) => Err(SendError { message: error.to_string(), is_final: true }),
        };
        let command = match outcome {
            Ok(()) => {
                metrics::counter!(MAILS, "result" => "sent").increment(1);
                tracing::info!(%mail, "mail sent");
                Command::MailSent { mail }
            }
            Err(error) => {
                metrics::counter!(MAILS, "result" => "refused").increment(1);
                let retry_after_ms = retry_after_ms(row.attempts, error.is_final);
                tracing::warn!(%mail, %error, ?retry_after_ms, "mail not taken");
                Command::MailFailed { mail, error: kept(&error.message), retry_after_ms }
            }
        };
        if let Err(error) = self.cluster.submit(command).await {
            tracing::warn!(%mail, %error, "what became of a mail is not kept: it may be sent again");
        }
    }

    fn message(&self, mail: MailId, row: &MailRow) -> Result<Message, MessageError> {
        let addressed = Addressed { mail, from: &self.from, to: &row.address, public_url: &self.public_url };
        match row.kind {
            MailKind::VideoReady { video } => addressed.video_ready(row.recording, video),
        }
    }
}

/// Why the outbox cannot be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    NotReady(#[from] cluster::facts::NotReady),
    #[error(transparent)]
    Catalog(#[from] cluster::catalog::CatalogError),
}

/// How long to wait after a failure, when `attempts` have failed before it; never, when there is no use.
fn retry_after_ms(attempts: u32, is_final: bool) -> Option<u64> {
    if is_final || attempts + 1 >= ATTEMPTS_MAX {
        return None;
    }
    Some(RETRY_FIRST_MS.saturating_mul(1 << attempts.min(20)).min(RETRY_LAST_MS))
}

/// One line of what a mail server said.
fn kept(error: &str) -> String {
    error.chars().map(|char| if char.is_control() { ' ' } else { char }).take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_an_hour_and_has_an_end() {
        let waits: Vec<_> = (0..4).map(|attempts| retry_after_ms(attempts, false)).collect();
        assert_eq!(waits, [Some(10_000), Some(20_000), Some(40_000), Some(80_000)]);
        assert_eq!(retry_after_ms(30, false), Some(RETRY_LAST_MS));
        assert_eq!(retry_after_ms(ATTEMPTS_MAX - 1, false), None);
        assert_eq!(retry_after_ms(0, true), None);
    }

    #[test]
    fn what_a_mail_server_says_is_kept_as_one_short_line() {
        assert_eq!(kept("550 no\r\nsuch user"), "550 no  such user");
        assert_eq!(kept(&"x".repeat(1000)).len(), ERROR_CHARS);
    }
}
