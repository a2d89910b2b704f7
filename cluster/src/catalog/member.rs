//! The members: who they are, where they are reached, and that an id is never given twice.

use super::ca::{self, CaRow};
use super::catalog::{Catalog, MembershipRow};
use super::engine::{KeyRange, Tree};
use super::join_token::JoinTokenRow;
use super::layout::{self, LayoutRole, StageLayout};
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::token::TokenId;
use super::transaction::CatalogError;
use crate::id::MemberId;
use serde::{Deserialize, Serialize};

/// The most members that a cluster has at one time.
pub const MEMBERS_MAX: usize = 64;
/// More than members that ever were.
const ROWS_MAX: usize = 1 << 16;

/// SHA-256 of the SubjectPublicKeyInfo of a member's certificate (RFC 7469 takes the same bytes).
pub type Fingerprint = [u8; 32];

/// How far a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberState {
    /// It has a certificate, and does not know yet what the others know.
    Joining,
    /// It is one of the members.
    Member,
    /// It is no more, and never again.
    Removed,
}

/// A member in the catalog. Rows of removed ones stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// What people call it; may be empty.
    pub name: String,
    /// Host and port on which other members reach it.
    pub address: String,
    /// Where its API answers, if it has said so.
    pub api_address: Option<String>,
    /// The key that it proves to have. A member whose certificate an operator has made has none here.
    pub fingerprint: Option<Fingerprint>,
    /// The zone that it asked for.
    pub zone: String,
    /// The weight that it asked for.
    pub weight: u16,
    /// How far it is.
    pub state: MemberState,
    /// Since when it is that far, in the cluster's time.
    pub since_ms: u64,
    /// Who has done that.
    pub by: String,
}

impl Row for MemberRow {
    const TREE: Tree = Tree::Members;
}

/// Somebody who shows a token becomes a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitMember {
    /// The token.
    pub token: TokenId,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// The key that the member is to prove.
    pub fingerprint: Fingerprint,
    /// What people call it; may be empty.
    pub name: String,
    /// Host and port on which other members reach it.
    pub address: String,
    /// The zone that it asks for.
    pub zone: String,
    /// The weight that it asks for.
    pub weight: u16,
}

/// A member says where it is. One that Raft was begun with gets its row by this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeMember {
    /// Which.
    pub member: MemberId,
    /// What people call it; none leaves it as it is.
    pub name: Option<String>,
    /// Host and port on which other members reach it.
    pub address: String,
    /// Where its API answers.
    pub api_address: Option<String>,
    /// The key that it proves to have, in the first row of a member that the cluster's own CA has certified.
    pub fingerprint: Option<Fingerprint>,
}

/// A member is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveMember {
    /// Which.
    pub member: MemberId,
    /// Whether it is given up as lost, with all that it had.
    pub is_lost: bool,
    /// Who takes its place, if somebody does.
    pub replaced_by: Option<MemberId>,
    /// Who says so.
    pub by: String,
}

impl Catalog {
    /// A member, also one that is no more.
    pub fn member(&self, member: MemberId) -> Result<Option<MemberRow>, CatalogError> {
        self.get(&key(member))
    }

    /// All members that ever were, by number.
    pub fn members(&self) -> Result<Vec<(MemberId, MemberRow)>, CatalogError> {
        self.list(KeyRange::all(), usize::MAX, member_of)
    }
}

fn key(member: MemberId) -> [u8; 8] {
    member.0.to_be_bytes()
}

fn member_of(key: &[u8]) -> Option<MemberId> {
    key.try_into().ok().map(u64::from_be_bytes).map(MemberId)
}

pub(crate) fn admit(step: &mut Step<'_, '_>, command: AdmitMember) -> Effect {
    let AdmitMember { token, hash, fingerprint, name, address, zone, weight } = command;
    let refused = || Refusal::JoinTokenUnknown { token };
    let mut shown: JoinTokenRow = step.need(&token.0, refused)?;
    if shown.hash != hash {
        return Err(refused().into());
    }
    if let Some(used) = &shown.used {
        let row: Option<MemberRow> = step.rows.get(&key(used.member))?;
        let is_gone = row.is_none_or(|row| row.state == MemberState::Removed);
        return match used.fingerprint == fingerprint && !is_gone {
            true => Ok(Outcome::Admitted { member: used.member }),
            false => Err(Refusal::JoinTokenUsed { token, member: used.member }.into()),
        };
    }
    if step.now_ms >= shown.expires_ms {
        return Err(Refusal::JoinTokenExpired { expires_ms: shown.expires_ms, now_ms: step.now_ms }.into());
    }
    check_texts(&name, &address)?;
    let LayoutRole { zone, weight } = layout::checked(LayoutRole { zone, weight })?;
    if step.rows.get::<CaRow>(ca::KEY)?.is_none() {
        return Err(Refusal::CaMissing.into());
    }
    if count(step)? >= MEMBERS_MAX {
        let limit = u64::try_from(MEMBERS_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyMembers { limit }.into());
    }
    layout::fix_founding(step, &shown.by)?;
    let member = next_id(step)?;
    let (state, since_ms, by) = (MemberState::Joining, step.now_ms, shown.by.clone());
    let (fingerprint_kept, api_address) = (Some(fingerprint), None);
    let row = MemberRow {
        name,
        address,
        api_address,
        fingerprint: fingerprint_kept,
        zone,
        weight,
        state,
        since_ms,
        by,
    };
    step.rows.put(&key(member), &row)?;
    shown.used = Some(super::join_token::Used { fingerprint, member });
    step.rows.put(&token.0, &shown)?;
    Ok(Outcome::Admitted { member })
}

pub(crate) fn describe(step: &mut Step<'_, '_>, command: DescribeMember) -> Effect {
    let DescribeMember { member, name, address, api_address, fingerprint } = command;
    check_texts(name.as_deref().unwrap_or_default(), &address)?;
    text::name("api_address", api_address.as_deref().unwrap_or_default())?;
    let row = match step.rows.get::<MemberRow>(&key(member))? {
        Some(row) if row.state == MemberState::Removed => {
            return Err(Refusal::MemberRemoved { member }.into());
        }
        Some(row) => MemberRow {
            name: name.unwrap_or(row.name),
            address,
            api_address: api_address.or(row.api_address),
            ..row
        },
        None if founders(step)?.contains(&member) => MemberRow {
            name: name.unwrap_or_default(),
            address,
            api_address,
            fingerprint,
            zone: LayoutRole::default().zone,
            weight: LayoutRole::default().weight,
            state: MemberState::Member,
            since_ms: step.now_ms,
            by: String::new(),
        },
        None => return Err(Refusal::MemberUnknown { member }.into()),
    };
    step.rows.put(&key(member), &row)?;
    Ok(Outcome::Done)
}

/// A member that joined has all that the others have.
pub(crate) fn settle(step: &mut Step<'_, '_>, member: MemberId) -> Effect {
    let row: MemberRow = step.need(&key(member), || Refusal::MemberUnknown { member })?;
    if row.state == MemberState::Joining {
        let row = MemberRow { state: MemberState::Member, since_ms: step.now_ms, ..row };
        step.rows.put(&key(member), &row)?;
        // What it is to hold is for an operator to apply, who sees what would move.
        let role = Some(LayoutRole { zone: row.zone, weight: row.weight });
        layout::stage_known(step, StageLayout { member, role, by: row.by })?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn remove(step: &mut Step<'_, '_>, command: RemoveMember) -> Effect {
    let RemoveMember { member, is_lost, replaced_by, by } = command;
    text::needed("by", &by)?;
    let row: MemberRow = step.need(&key(member), || Refusal::MemberUnknown { member })?;
    if let Some(heir) = replaced_by {
        let row: MemberRow = step.need(&key(heir), || Refusal::MemberUnknown { member: heir })?;
        if heir == member || row.state != MemberState::Member {
            return Err(Refusal::MemberNotThere { member: heir }.into());
        }
    }
    if row.state == MemberState::Removed {
        // One that a layout names all the same is taken out of it, or everybody would wait for it for ever.
        layout::bury(step, member, replaced_by, &by)?;
        return Ok(Outcome::Done);
    }
    let all = step.rows.list::<MemberRow>(&[], ROWS_MAX)?;
    let others =
        all.iter().filter(|(at, row)| member_of(at) != Some(member) && row.state == MemberState::Member);
    if others.count() == 0 {
        return Err(Refusal::LastMember { member }.into());
    }
    match is_lost {
        true => layout::bury(step, member, replaced_by, &by)?,
        false if layout::names(step, member)? => return Err(Refusal::InLayout { member }.into()),
        false => layout::unstage(step, member)?,
    }
    let row = MemberRow { state: MemberState::Removed, since_ms: step.now_ms, by, ..row };
    step.rows.put(&key(member), &row)?;
    Ok(Outcome::Done)
}

/// How far a member is, if it has a row.
pub(super) fn state(step: &Step<'_, '_>, member: MemberId) -> Result<Option<MemberState>, Halt> {
    Ok(step.rows.get::<MemberRow>(&key(member))?.map(|row| row.state))
}

fn check_texts(name: &str, address: &str) -> Result<(), Refusal> {
    text::name("name", name)?;
    text::needed("address", address)
}

/// Those that are not removed.
fn count(step: &Step<'_, '_>) -> Result<usize, Halt> {
    let all = step.rows.list::<MemberRow>(&[], ROWS_MAX)?;
    Ok(all.iter().filter(|(_, row)| row.state != MemberState::Removed).count())
}

fn founders(step: &Step<'_, '_>) -> Result<Vec<MemberId>, Halt> {
    Ok(step.rows.get::<MembershipRow>(MembershipRow::KEY)?.unwrap_or_default().voters)
}

/// An id that nobody ever had.
fn next_id(step: &mut Step<'_, '_>) -> Result<MemberId, Halt> {
    let founders = founders(step)?;
    loop {
        let member = MemberId(step.count(Counter::Member)?);
        if !founders.contains(&member) && !step.rows.has_key(Tree::Members, &key(member))? {
            return Ok(member);
        }
    }
}
