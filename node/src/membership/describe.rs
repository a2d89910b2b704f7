//! What a member tells the others of itself.

use cluster::Cluster;
use cluster::catalog::{Command, DescribeMember, Fingerprint};
use cluster::facts::SubmitError;

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

/// Commits where this member is, if the catalog says otherwise.
pub(crate) async fn describe(cluster: &Cluster, own: &Own) -> Result<(), SubmitError> {
    let Some(address) = own.address.clone() else { return Ok(()) };
    let member = cluster.member();
    // What cannot be read is told again.
    let known = cluster.catalog()?.member(member).ok().flatten();
    let (fingerprint, api_address) = (own.fingerprint, own.api_address.clone());
    let is_told = |told: &Option<String>| api_address.is_none() || *told == api_address;
    if known.is_some_and(|row| row.address == address && is_told(&row.api_address)) {
        return Ok(());
    }
    let command = DescribeMember { member, name: None, address, api_address, fingerprint };
    cluster.submit(Command::DescribeMember(command)).await.map(drop)
}
