//! What a member does again and again about members: it learns where they are, and the leader brings them in and out.

use crate::tasks::{Stop, TaskError, TaskResult};
use cluster::Cluster;
use cluster::id::MemberId;
use cluster::rpc::{CallError, Client, Directory};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often refused callers, and a change that cannot be made, are told of.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How often a member that hears of no leader asks whether it still is a member.
const DOUBT_EVERY: Duration = Duration::from_secs(5);
/// How long a member may take to say so.
const HELLO_LIMIT: Duration = Duration::from_millis(500);

/// This member is none any more.
#[derive(Debug, thiserror::Error)]
#[error(
    "member {member} was removed from its cluster, and its id is never used again: to come back, empty the folder for \
     data and join with a new token (custody cluster token, custody cluster join)"
)]
pub(crate) struct Removed {
    /// Which.
    pub(crate) member: MemberId,
}

/// What is looked after.
pub(crate) struct Tended {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) client: Arc<Client>,
    /// When refused callers were told of last.
    pub(crate) told: Option<Instant>,
}

/// Looks until it is told to stop. Ends with an error when this member was removed.
pub(crate) async fn run(mut tended: Tended, stop: Stop) -> TaskResult {
    let mut voice = Voice::default();
    let mut doubted = Instant::now();
    loop {
        if let Err(error) = tended.cluster.teach(&tended.directory) {
            voice.say(|| tracing::warn!(%error, "this member does not learn where the others are"));
        }
        if doubted.elapsed() >= DOUBT_EVERY && tended.has_doubts() {
            doubted = Instant::now();
            let member = tended.cluster.member();
            if is_removed(member, &tended.directory, &tended.client).await {
                return Err(TaskError::new(Removed { member }));
            }
        }
        match tended.cluster.tend_members().await {
            Ok(None) => {}
            Ok(Some(change)) => tracing::info!(?change, "the members of the cluster are changed"),
            Err(error) => voice.say(|| {
                tracing::warn!(%error, "the members of the cluster are not what they are to be");
            }),
        }
        tended.tell_refused();
        if !stop.sleep(LOOK_EVERY).await {
            return Ok(());
        }
    }
}

impl Tended {
    /// A member that hears of no leader, or knows that it was removed, asks the others whether it is one still.
    fn has_doubts(&self) -> bool {
        let has_leader = self.cluster.members().iter().any(|status| status.is_leader);
        !has_leader || self.cluster.is_removed().unwrap_or(false)
    }

    /// Tells of callers that were refused, once a minute.
    fn tell_refused(&mut self) {
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        for (member, requests) in self.directory.take_refused() {
            tracing::warn!(%member, requests, "refused to answer a member that was removed, or has another key");
            self.told = Some(Instant::now());
        }
    }
}

/// Says that something goes wrong, once a minute.
#[derive(Default)]
struct Voice(Option<Instant>);

impl Voice {
    fn say(&mut self, say: impl FnOnce()) {
        if self.0.is_none_or(|said| said.elapsed() >= TELL_EVERY) {
            self.0 = Some(Instant::now());
            say();
        }
    }
}

/// Whether others say that a member is none any more. Those that know less than others may not say it.
pub(crate) async fn is_removed(own: MemberId, directory: &Directory, client: &Client) -> bool {
    for (member, _) in directory.addresses() {
        if member != own
            && let Err(CallError::Denied { .. }) = client.hello(member, HELLO_LIMIT).await
        {
            return true;
        }
    }
    false
}
