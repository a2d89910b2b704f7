//! Where members are, and who is one no more.

use crate::catalog::{Fingerprint, MemberRow, MemberState};
use crate::id::MemberId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most members whose refused requests are counted.
const REFUSED_MAX: usize = 64;

/// What is known of the members: from a configuration or an invitation before the first read, then from the catalog.
#[derive(Debug, Default)]
pub struct Directory {
    members: Mutex<BTreeMap<MemberId, Known>>,
    refused: Mutex<BTreeMap<MemberId, u64>>,
}

/// What is known of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    /// Host and port.
    address: String,
    /// Whether an operator has written the address down for this member alone.
    is_configured: bool,
    fingerprint: Option<Fingerprint>,
    is_removed: bool,
}

/// Why a member is not spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is no member any more.
    #[error("member {member} was removed from the cluster")]
    Removed {
        /// Which.
        member: MemberId,
    },
    /// It has shown another key than the one that was certified for it.
    #[error("member {member} has another key than the cluster knows")]
    OtherKey {
        /// Which.
        member: MemberId,
    },
}

impl Directory {
    /// Members at these places, written as host and port.
    pub fn new(members: impl IntoIterator<Item = (MemberId, String)>) -> Self {
        Self::of(members, false)
    }

    /// The same, and there they stay, whatever the catalog says: a configuration may lead over other ways.
    pub fn configured(members: impl IntoIterator<Item = (MemberId, String)>) -> Self {
        Self::of(members, true)
    }

    fn of(members: impl IntoIterator<Item = (MemberId, String)>, is_configured: bool) -> Self {
        let known = |address| Known { address, is_configured, fingerprint: None, is_removed: false };
        let members = members.into_iter().map(|(member, address)| (member, known(address))).collect();
        Self { members: Mutex::new(members), refused: Mutex::default() }
    }

    /// Takes over what the catalog says. Members that it does not name stay as they are: who starts knows less than its
    /// configuration. A removed one is denied once it is none of Raft's members: until then its vote may be what the
    /// change needs that lets it go.
    pub(crate) fn learn(
        &self,
        rows: impl IntoIterator<Item = (MemberId, MemberRow)>,
        in_raft: &BTreeSet<MemberId>,
    ) {
        let mut members = lock(&self.members);
        for (member, row) in rows {
            let is_removed = row.state == MemberState::Removed && !in_raft.contains(&member);
            let (address, is_configured) = match members.remove(&member) {
                Some(known) if known.is_configured => (known.address, true),
                Some(_) | None => (row.address, false),
            };
            let fingerprint = row.fingerprint;
            members.insert(member, Known { address, is_configured, fingerprint, is_removed });
        }
    }

    /// Where a member is, if it is one.
    pub(super) fn address(&self, member: MemberId) -> Option<String> {
        lock(&self.members).get(&member).filter(|known| !known.is_removed).map(|known| known.address.clone())
    }

    /// Where all members are.
    pub fn addresses(&self) -> Vec<(MemberId, String)> {
        let members = lock(&self.members);
        let there = members.iter().filter(|(_, known)| !known.is_removed);
        there.map(|(member, known)| (*member, known.address.clone())).collect()
    }

    /// Whether a caller is answered whose certificate the CA has signed. One that is not known is newer than what is
    /// known: the CA certifies nobody before the catalog names them, and no id is given twice.
    pub(super) fn check(&self, member: MemberId, shown: &Fingerprint) -> Result<(), Denied> {
        let denied = match lock(&self.members).get(&member) {
            Some(known) if known.is_removed => Denied::Removed { member },
            Some(Known { fingerprint: Some(fingerprint), .. }) if fingerprint != shown => {
                Denied::OtherKey { member }
            }
            Some(_) | None => return Ok(()),
        };
        let mut refused = lock(&self.refused);
        if refused.len() < REFUSED_MAX || refused.contains_key(&member) {
            *refused.entry(member).or_default() += 1;
        }
        Err(denied)
    }

    /// How many requests of whom were refused since this was asked last.
    pub fn take_refused(&self) -> BTreeMap<MemberId, u64> {
        std::mem::take(&mut *lock(&self.refused))
    }
}

impl From<BTreeMap<MemberId, SocketAddr>> for Directory {
    fn from(members: BTreeMap<MemberId, SocketAddr>) -> Self {
        Self::new(members.into_iter().map(|(member, address)| (member, address.to_string())))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
