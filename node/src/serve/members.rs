//! How this member talks to the others.

use super::error::StartError;
use crate::config::Members;
use crate::tasks::{Stop, TaskError, TaskResult};
use cluster::id::MemberId;
use cluster::rpc::{Client, Handler, MemberTls, NoPeers, Peers};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

/// What a member of several needs.
pub(super) struct Wire {
    listener: TcpListener,
    tls: MemberTls,
}

/// Who else there is.
pub(super) struct Others {
    pub(super) founders: BTreeSet<MemberId>,
    pub(super) peers: Arc<dyn Peers>,
    /// None in a cluster of one.
    pub(super) wire: Option<Wire>,
}

/// Reads certificates, and takes the address on which other members are answered.
pub(super) fn open(member: MemberId, members: Option<&Members>) -> Result<Others, StartError> {
    let Some(members) = members else {
        return Ok(Others { founders: BTreeSet::from([member]), peers: Arc::new(NoPeers), wire: None });
    };
    let tls = MemberTls {
        ca: read(&members.ca)?,
        certificate: read(&members.certificate)?,
        key: read(&members.key)?,
    };
    let listener = TcpListener::bind(members.listen)
        .map_err(|source| StartError::MemberSocket { address: members.listen, source })?;
    let directory = members.addresses.iter().map(|(member, address)| (MemberId(*member), *address)).collect();
    let peers = Arc::new(Client::new(tls.clone(), directory));
    let founders = members.addresses.keys().copied().map(MemberId).collect();
    Ok(Others { founders, peers, wire: Some(Wire { listener, tls }) })
}

/// Answers other members until it is told to stop.
pub(super) async fn run(wire: Wire, handler: Arc<dyn Handler>, stop: Stop) -> TaskResult {
    let Wire { listener, tls } = wire;
    let served = cluster::rpc::serve(listener, tls, handler, async move { stop.stopped().await }).await;
    served.map_err(TaskError::new)
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::MemberFile { path: path.to_owned(), source })
}
