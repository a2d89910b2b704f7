//! What a member tells the others of itself.

use cluster::Cluster;
use cluster::catalog::{Command, DescribeMember, Fingerprint};
use cluster::facts::SubmitError;

/// What this member's configuration and certificate say.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Host and port on which other members reach it, if that is told here.
    pub(crate) address: Option<String>,
    /// The key that the cluster's own CA has certified; none where an operator made the certificate.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// Commits where this member is, if the catalog says otherwise.
pub(crate) async fn describe(cluster: &Cluster, own: &Own) -> Result<(), SubmitError> {
    let Some(address) = own.address.clone() else { return Ok(()) };
    let member = cluster.member();
    // What cannot be read is told again.
    let known = cluster.catalog()?.member(member).ok().flatten();
    if known.is_some_and(|row| row.address == address) {
        return Ok(());
    }
    let fingerprint = own.fingerprint;
    let command = DescribeMember { member, name: None, address, api_address: None, fingerprint };
    cluster.submit(Command::DescribeMember(command)).await.map(drop)
}
