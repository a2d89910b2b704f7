//! How this member talks to the others.

use super::error::StartError;
use crate::config::{ConfigError, Settings};
use crate::membership::{Identity, JoinGate, Own, Removed, Tended, is_removed};
use crate::tasks::{Stop, TaskError, TaskResult};
use cluster::Cluster;
use cluster::id::MemberId;
use cluster::rpc::{Answering, Client, Directory, Gate, MemberTls, NoPeers, Peers, fingerprint_of};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

/// The one who begins a cluster with a CA of its own.
const FIRST: MemberId = MemberId(1);

/// What a member of several needs.
pub(super) struct Wire {
    listener: TcpListener,
    tls: MemberTls,
    pub(super) directory: Arc<Directory>,
    pub(super) client: Arc<Client>,
    /// Whether the cluster has a CA of its own, by which others may join.
    takes_members: bool,
}

/// Who this member is, and who else there is.
pub(super) struct Others {
    pub(super) member: MemberId,
    /// The member that makes what a cluster has once: the key, the first token.
    pub(super) first: MemberId,
    /// Who begins the cluster; none where this member comes to one.
    pub(super) founders: BTreeSet<MemberId>,
    pub(super) peers: Arc<dyn Peers>,
    /// What this member tells the others of itself.
    pub(super) own: Own,
    /// None in a cluster of one that takes no others.
    pub(super) wire: Option<Wire>,
    /// Who it is, where the cluster has a CA of its own.
    pub(super) identity: Option<Identity>,
}

/// Finds out who this member is, and takes the address on which other members are answered.
pub(super) fn open(settings: &Settings) -> Result<Others, StartError> {
    let identity = Identity::read(&settings.data_dir)?;
    match (identity, &settings.members) {
        (Some(_), Some(_)) => Err(StartError::TwoWays),
        (Some(identity), None) => invited(settings, identity),
        (None, Some(_)) => configured(settings),
        (None, None) if settings.peers != Default::default() => Err(StartError::NoIdentity),
        (None, None) => Ok(alone(MemberId(settings.member))),
    }
}

/// A cluster of one that nobody joins.
fn alone(member: MemberId) -> Others {
    Others {
        member,
        first: member,
        founders: BTreeSet::from([member]),
        peers: Arc::new(NoPeers),
        own: Own { address: None, api_address: None, fingerprint: None },
        wire: None,
        identity: None,
    }
}

/// The configuration names all members, and an operator has made their certificates.
fn configured(settings: &Settings) -> Result<Others, StartError> {
    let member = MemberId(settings.member);
    let Some(members) = settings.members.as_ref() else { return Ok(alone(member)) };
    let tls = MemberTls {
        ca: read(&members.ca)?,
        certificate: read(&members.certificate)?,
        key: read(&members.key)?,
    };
    let addresses =
        members.addresses.iter().map(|(member, address)| (MemberId(*member), address.to_string()));
    let wire = wire(tls, Directory::configured(addresses), members.listen, false)?;
    let founders: BTreeSet<MemberId> = members.addresses.keys().copied().map(MemberId).collect();
    let own = members.addresses.get(&settings.member).map(ToString::to_string);
    Ok(Others {
        member,
        first: founders.first().copied().unwrap_or(member),
        founders,
        peers: Arc::<Client>::clone(&wire.client),
        own: Own {
            address: settings.peers.address.clone().or(own),
            api_address: api_address(settings),
            fingerprint: None,
        },
        wire: Some(wire),
        identity: None,
    })
}

/// The cluster has a CA of its own, which has certified this member.
fn invited(settings: &Settings, identity: Identity) -> Result<Others, StartError> {
    let member = identity.member;
    if settings.names_member && settings.member != member.0 {
        return Err(StartError::OtherMember { configured: settings.member, member: member.0 });
    }
    identity.check_store(&settings.data_dir.join("store"))?;
    let missing = ConfigError::Missing {
        key: "cluster.listen",
        expected: "an address and a port, such as 0.0.0.0:8444",
    };
    let listen = settings.peers.listen.ok_or(missing)?;
    let directory = Directory::new(identity.members.iter().cloned());
    let fingerprint = fingerprint_of(&identity.tls.certificate);
    let wire = wire(identity.tls.clone(), directory, listen, true)?;
    Ok(Others {
        member,
        first: FIRST,
        founders: if member == FIRST { BTreeSet::from([FIRST]) } else { BTreeSet::new() },
        peers: Arc::<Client>::clone(&wire.client),
        own: Own { address: settings.peers.address.clone(), api_address: api_address(settings), fingerprint },
        wire: Some(wire),
        identity: Some(identity),
    })
}

/// Where others could ask this member's API: not when it listens on whatever addresses the machine has.
fn api_address(settings: &Settings) -> Option<String> {
    let api = settings.listen.api;
    (!api.ip().is_unspecified() && api.port() != 0).then(|| api.to_string())
}

fn wire(
    tls: MemberTls,
    directory: Directory,
    listen: SocketAddr,
    takes_members: bool,
) -> Result<Wire, StartError> {
    let listener =
        TcpListener::bind(listen).map_err(|source| StartError::MemberSocket { address: listen, source })?;
    let directory = Arc::new(directory);
    let client = Arc::new(Client::new(tls.clone(), Arc::clone(&directory)));
    Ok(Wire { listener, tls, directory, client, takes_members })
}

impl Wire {
    /// Refuses to go on as a member that the others take for none.
    pub(super) async fn check(&self, member: MemberId) -> Result<(), StartError> {
        match is_removed(member, &self.directory, &self.client).await {
            true => Err(Removed { member }.into()),
            false => Ok(()),
        }
    }

    /// What is to be looked after.
    pub(super) fn tended(&self, cluster: &Arc<Cluster>) -> Tended {
        Tended {
            cluster: Arc::clone(cluster),
            directory: Arc::clone(&self.directory),
            client: Arc::clone(&self.client),
            told: None,
        }
    }

    /// Answers other members, and those who want to be some, until it is told to stop.
    pub(super) async fn run(self, cluster: Arc<Cluster>, stop: Stop) -> TaskResult {
        let Self { listener, tls, directory, client: _, takes_members } = self;
        let gate = takes_members
            .then(|| -> Arc<dyn Gate> { Arc::new(JoinGate::new(&cluster, Arc::clone(&directory))) });
        let answering = Answering { handler: cluster.handler(), directory, gate };
        drop(cluster);
        let served = cluster::rpc::serve(listener, tls, answering, async move { stop.stopped().await }).await;
        served.map_err(TaskError::new)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::MemberFile { path: path.to_owned(), source })
}
