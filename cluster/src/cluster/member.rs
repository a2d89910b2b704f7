//! The members as an operator sees them.

use super::Cluster;
use super::errors::OpenSessionError;
use super::shared::Shared;
use crate::catalog::{CaRow, CatalogError, DescribeMember, MemberRow, MemberState};
use crate::chunk::key::Kek;
use crate::facts::{MembershipChange, TendError};
use crate::id::MemberId;
use crate::joining::{CaKeyError, ca_key_kek, open_ca_key};
use crate::rpc::{self, Directory, Hello};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A member, as the catalog, Raft and it itself tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Which.
    pub id: MemberId,
    /// What the catalog says; none until the member has said where it is.
    pub row: Option<MemberRow>,
    /// Whether it votes.
    pub is_voter: bool,
    /// Whether it is sent the log and does not vote.
    pub is_learner: bool,
    /// Whether it leads.
    pub is_leader: bool,
    /// What it says; none when it does not answer.
    pub hello: Option<Hello>,
}

impl Shared {
    pub(super) fn hello(&self) -> Hello {
        Hello { version: env!("CARGO_PKG_VERSION").to_owned(), is_ready: self.catalog().is_ok() }
    }
}

impl Cluster {
    /// All members that are not removed, by number. Those that do not answer within two seconds are told as such.
    pub async fn member_views(&self) -> Result<Vec<MemberView>, CatalogError> {
        let rows: BTreeMap<MemberId, MemberRow> = self.known_members()?.into_iter().collect();
        let is_there = |row: &MemberRow| row.state != MemberState::Removed;
        let invited = rows.iter().filter(|(_, row)| is_there(row)).map(|(member, _)| *member);
        let statuses: BTreeMap<MemberId, _> =
            self.members().into_iter().map(|status| (status.id, status)).collect();
        let all = statuses.keys().copied().chain(invited).collect();
        let mut hellos =
            self.shared.ask_these(all, &rpc::Request::Hello, self.shared.hello(), rpc::decode).await;
        let mut views = Vec::new();
        let ids: Vec<MemberId> = hellos.keys().copied().collect();
        for id in ids {
            let (row, status) = (rows.get(&id).cloned(), statuses.get(&id));
            let (is_voter, is_leader) =
                status.map_or((false, false), |status| (status.is_voter, status.is_leader));
            let is_learner = status.is_some() && !is_voter;
            let hello = hellos.remove(&id).flatten();
            views.push(MemberView { id, row, is_voter, is_learner, is_leader, hello });
        }
        Ok(views)
    }

    /// Whether a member answers at present.
    pub async fn is_reachable(&self, member: MemberId) -> bool {
        let all = BTreeSet::from([member]);
        let answers =
            self.shared.ask_these(all, &rpc::Request::Hello, self.shared.hello(), rpc::decode::<Hello>).await;
        answers.get(&member).is_some_and(Option::is_some)
    }

    /// What this member has applied about members, whether or not it is ready.
    pub fn known_members(&self) -> Result<Vec<(MemberId, MemberRow)>, CatalogError> {
        self.shared.facts.known_members()
    }

    /// Has the others commit where this member is, also before it is ready: a member that has moved is sent nothing until the
    /// others know where it is. Whether one has answered for the cluster; if not, it may be asked again.
    pub async fn tell_others(&self, own: DescribeMember) -> bool {
        self.shared.facts.tell_others(own).await
    }

    /// Tells a directory what this member knows of the others, whether or not it is ready.
    pub fn teach(&self, directory: &Directory) -> Result<(), CatalogError> {
        let in_raft = self.members().into_iter().map(|status| status.id).collect();
        directory.learn(self.known_members()?, &in_raft);
        Ok(())
    }

    /// Whether this member was removed, as far as it knows.
    pub fn is_removed(&self) -> Result<bool, CatalogError> {
        let own = self.shared.facts.known_members()?.into_iter().find(|(member, _)| *member == self.member());
        Ok(own.is_some_and(|(_, row)| row.state == MemberState::Removed))
    }

    /// Brings Raft's members one step nearer to what the catalog says, if this member leads. Not cancel-safe.
    pub async fn tend_members(&self) -> Result<Option<MembershipChange>, TendError> {
        self.shared.facts.tend_members().await
    }

    /// The KEK that wraps new keys, for members that join.
    pub fn kek(&self) -> Result<Arc<Kek>, OpenSessionError> {
        self.shared.current_kek()
    }

    /// The private key of the cluster's CA.
    pub fn ca_key(&self, ca: &CaRow) -> Result<Zeroizing<Vec<u8>>, CaKeyError> {
        self.shared.ca_key(ca)
    }
}

impl Shared {
    /// The private key of the cluster's CA, by the KEK under which it is sealed.
    pub(super) fn ca_key(&self, ca: &CaRow) -> Result<Zeroizing<Vec<u8>>, CaKeyError> {
        // Without that one, the newest tells which is missing.
        let kek = self.keks.get(ca_key_kek(&ca.sealed_key)?).unwrap_or_else(|| self.keks.newest());
        open_ca_key(&kek, &ca.certificate, &ca.sealed_key)
    }
}
