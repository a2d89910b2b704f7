//! What a member does again and again about members: it learns where they are, and the leader brings them in and out.

use crate::tasks::{Stop, TaskError, TaskResult};
use cluster::Cluster;
use cluster::catalog::MemberState;
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
}

/// Looks until it is told to stop. Ends with an error when this member was removed.
pub(crate) async fn run(tended: Tended, stop: Stop) -> TaskResult {
    let Tended { cluster, directory, client } = tended;
    let member = cluster.member();
    let (mut told, mut doubted) = (None, Instant::now());
    loop {
        match cluster.known_members() {
            Ok(rows) => {
                let is_own = |(id, state): &(MemberId, MemberState)| *id == member && *state == MemberState::Removed;
                let is_removed = rows.iter().map(|(id, row)| (*id, row.state)).any(|own| is_own(&own));
                directory.learn(rows);
                if is_removed {
                    return Err(TaskError::new(Removed { member }));
                }
            }
            Err(error) => tracing::warn!(%error, "this member does not learn where the others are"),
        }
        if !cluster.members().iter().any(|status| status.is_leader) && doubted.elapsed() >= DOUBT_EVERY {
            doubted = Instant::now();
            if is_removed(member, &directory, &client).await {
                return Err(TaskError::new(Removed { member }));
            }
        }
        let failed = match cluster.tend_members().await {
            Ok(None) => None,
            Ok(Some(change)) => {
                tracing::info!(?change, "the members of the cluster are changed");
                None
            }
            Err(error) => Some(error),
        };
        if told.is_none_or(|told: Instant| told.elapsed() >= TELL_EVERY) {
            let refused = directory.take_refused();
            if let Some(error) = &failed {
                tracing::warn!(%error, "the members of the cluster are not what they are to be");
            }
            for (member, requests) in &refused {
                tracing::warn!(%member, requests, "somebody with the certificate of no member was refused");
            }
            if failed.is_some() || !refused.is_empty() {
                told = Some(Instant::now());
            }
        }
        if !stop.sleep(LOOK_EVERY).await {
            return Ok(());
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
