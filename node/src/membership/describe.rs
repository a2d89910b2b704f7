//! What a member tells the others of itself.

use cluster::Cluster;
use cluster::catalog::{Command, DescribeMember, Fingerprint};
use cluster::facts::SubmitError;
use std::time::Duration;
use tokio::time::sleep;

/// After so long a member that knows of no move of its own says where it is all the same: what it has told before may never
/// have come back to it.
const UNHEARD: Duration = Duration::from_secs(5);
/// How long until the others are told again.
const PAUSE: Duration = Duration::from_millis(500);

/// What this member's configuration and certificate say.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Host and port on which other members reach it, if that is told here.
    pub(crate) address: Option<String>,
    /// Where its API answers, if others could ask there.
    pub(crate) api_address: Option<String>,
    /// The key that the cluster's own CA has certified; none where an operator made the certificate.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// Tells the others where this member is until one has answered, at once if it has moved as far as it knows. For a member
/// that is not ready: the leader sends it what is committed to where it was. Cancel-safe: it may be told twice.
pub(crate) async fn introduce(cluster: &Cluster, own: &Own) {
    let Some(address) = own.address.clone() else { return };
    let known = cluster.known_members().unwrap_or_default();
    let row = known.into_iter().find(|(member, _)| *member == cluster.member()).map(|(_, row)| row);
    if row.is_none_or(|row| row.address == address) {
        sleep(UNHEARD).await;
    }
    let command = command(cluster, own, address);
    while !cluster.tell_others(command.clone()).await {
        sleep(PAUSE).await;
    }
}

/// Commits where this member is, if the catalog says otherwise.
pub(crate) async fn describe(cluster: &Cluster, own: &Own) -> Result<(), SubmitError> {
    let Some(address) = own.address.clone() else { return Ok(()) };
    // What cannot be read is told again.
    let known = cluster.catalog()?.member(cluster.member()).ok().flatten();
    let api_address = &own.api_address;
    let is_told = |told: &Option<String>| api_address.is_none() || told == api_address;
    if known.is_some_and(|row| row.address == address && is_told(&row.api_address)) {
        return Ok(());
    }
    let command = command(cluster, own, address);
    cluster.submit(Command::DescribeMember(command)).await.map(drop)
}

fn command(cluster: &Cluster, own: &Own, address: String) -> DescribeMember {
    let (fingerprint, api_address) = (own.fingerprint, own.api_address.clone());
    DescribeMember { member: cluster.member(), name: None, address, api_address, fingerprint }
}
