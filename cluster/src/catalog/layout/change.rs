//! Changes of the layout: staged first, then applied, when all moves of the one before are done.

use super::{
    LAYOUT_MEMBERS_MAX, Layout, LayoutMemberRow, LayoutRole, LayoutRow, StagedLayout, WEIGHT_MAX,
    ZONE_BYTES_MAX, founding, member_key, unsettled, wanted,
};
use crate::catalog::catalog::MembershipRow;
use crate::catalog::engine::Tree;
use crate::catalog::member::{self, MemberState};
use crate::catalog::outcome::{Outcome, Refusal};
use crate::catalog::parameter::{Parameter, ParameterRow, REPLICAS, check_version};
use crate::catalog::step::{Counter, Effect, Halt, Step};
use crate::catalog::text;
use crate::id::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Changes the role of one member in the layout that is staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageLayout {
    /// Which member.
    pub member: MemberId,
    /// Its role; none takes it out.
    pub role: Option<LayoutRole>,
    /// Who.
    pub by: String,
}

/// Makes the staged layout the one that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyLayout {
    /// Its version; another one is refused.
    pub version: u64,
    /// Members that are gone for good: nobody waits for what they would say.
    pub dead: Vec<MemberId>,
    /// Who.
    pub by: String,
}

/// A member has all that it is to hold, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutSettled {
    /// Which member.
    pub member: MemberId,
    /// By which version of the layout.
    pub version: u64,
}

/// Why a layout may follow another one that has moves left.
#[derive(Debug, Clone, Copy)]
enum Exempt<'a> {
    /// It only takes out these, which are gone for good, and puts others in their places.
    Dead(&'a [MemberId]),
    /// It takes this member back that is only being taken out.
    Undone(MemberId),
}

pub(crate) fn stage(step: &mut Step<'_, '_>, command: StageLayout) -> Effect {
    // Told at once, not when it is applied: who has made a slip of the finger sees it.
    if command.role.is_some() {
        let current = current(step)?.0;
        check_known(step, &current, [command.member])?;
    }
    stage_known(step, command)
}

/// The same for one of which it is known that it is a member.
pub(crate) fn stage_known(step: &mut Step<'_, '_>, command: StageLayout) -> Effect {
    let StageLayout { member, role, by } = command;
    text::needed("by", &by)?;
    let staged: Option<StagedLayout> = step.rows.get(StagedLayout::KEY)?;
    let mut members = match staged {
        Some(staged) => staged.members,
        None => current(step)?.0.members,
    };
    match role {
        Some(role) => drop(members.insert(member, checked(role)?)),
        None => drop(members.remove(&member).ok_or(Refusal::NotInLayout { member })?),
    }
    if members.len() > LAYOUT_MEMBERS_MAX {
        let limit = u64::try_from(LAYOUT_MEMBERS_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyLayoutMembers { limit }.into());
    }
    let version = step.count(Counter::Layout)?;
    let at_ms = step.now_ms;
    step.rows.put(StagedLayout::KEY, &StagedLayout { version, members, by, at_ms })?;
    Ok(Outcome::Version(version))
}

pub(crate) fn revert(step: &mut Step<'_, '_>, by: &str) -> Effect {
    text::needed("by", by)?;
    step.rows.remove(Tree::Layouts, StagedLayout::KEY);
    Ok(Outcome::Done)
}

pub(crate) fn apply(step: &mut Step<'_, '_>, command: ApplyLayout) -> Effect {
    let ApplyLayout { version, dead, by } = command;
    text::needed("by", &by)?;
    let (current, _) = current(step)?;
    let staged: Option<StagedLayout> = step.rows.get(StagedLayout::KEY)?;
    let (actual, members) = match staged {
        Some(staged) => (staged.version, staged.members),
        // That a member is gone for good which is out of the layout already is a change of nothing else.
        None if !dead.is_empty() => (current.version, current.members),
        None => return Err(Refusal::LayoutNotStaged.into()),
    };
    check_version(Some(version), actual)?;
    put(step, members, Exempt::Dead(&dead), by)
}

pub(crate) fn drain(step: &mut Step<'_, '_>, member: MemberId, by: String) -> Effect {
    text::needed("by", &by)?;
    refuse_staged(step)?;
    let mut members = current(step)?.0.members;
    members.remove(&member).ok_or(Refusal::NotInLayout { member })?;
    put(step, members, Exempt::Dead(&[]), by)
}

pub(crate) fn undrain(step: &mut Step<'_, '_>, member: MemberId, by: String) -> Effect {
    text::needed("by", &by)?;
    refuse_staged(step)?;
    let mut members = current(step)?.0.members;
    let said: LayoutMemberRow = step.rows.get(&member_key(member))?.unwrap_or_default();
    if members.insert(member, said.former.unwrap_or_default()).is_some() {
        return Err(Refusal::InLayout { member }.into());
    }
    put(step, members, Exempt::Undone(member), by)
}

pub(crate) fn settled(step: &mut Step<'_, '_>, command: LayoutSettled) -> Effect {
    let LayoutSettled { member, version } = command;
    check_version(Some(version), current(step)?.0.version)?;
    let said: LayoutMemberRow = step.rows.get(&member_key(member))?.unwrap_or_default();
    step.rows.put(&member_key(member), &LayoutMemberRow { settled: version, ..said })?;
    Ok(Outcome::Done)
}

/// Somebody is to join: what counts now does not change by itself when they vote.
pub(crate) fn fix_founding(step: &mut Step<'_, '_>, by: &str) -> Result<(), Halt> {
    if step.rows.get::<LayoutRow>(LayoutRow::KEY)?.is_some() {
        return Ok(());
    }
    let members = current(step)?.0.members;
    let (version, at_ms, by) = (step.count(Counter::Layout)?, step.now_ms, by.to_owned());
    let layout = Layout { version, stamp: step.index, members };
    Ok(step.rows.put(LayoutRow::KEY, &LayoutRow { layout, leaving: Vec::new(), by, at_ms })?)
}

/// A member is no more: what was staged with it in mind is not applied.
pub(crate) fn unstage(step: &mut Step<'_, '_>, gone: MemberId) -> Result<(), Halt> {
    let staged: Option<StagedLayout> = step.rows.get(StagedLayout::KEY)?;
    if staged.is_some_and(|staged| staged.members.contains_key(&gone)) {
        step.rows.remove(Tree::Layouts, StagedLayout::KEY);
    }
    Ok(())
}

/// A member is given up as lost; another one, if there is one, takes its role. What was staged is no more: it was thought of
/// with the lost one in mind.
pub(crate) fn bury(
    step: &mut Step<'_, '_>,
    lost: MemberId,
    heir: Option<MemberId>,
    by: &str,
) -> Result<(), Halt> {
    let (before, leaving) = current(step)?;
    let mut members = before.members;
    let role = members.remove(&lost);
    if role.is_none() && !leaving.contains(&lost) {
        return unstage(step, lost);
    }
    if let (Some(heir), Some(role)) = (heir, role) {
        members.entry(heir).or_insert(role);
    }
    step.rows.remove(Tree::Layouts, StagedLayout::KEY);
    put(step, members, Exempt::Dead(&[lost]), by.to_owned()).map(drop)
}

/// Whether a member is in the layout.
pub(crate) fn names(step: &Step<'_, '_>, member: MemberId) -> Result<bool, Halt> {
    Ok(current(step)?.0.members.contains_key(&member))
}

/// Makes members the layout.
fn put(
    step: &mut Step<'_, '_>,
    members: BTreeMap<MemberId, LayoutRole>,
    exempt: Exempt<'_>,
    by: String,
) -> Effect {
    let (before, leaving) = current(step)?;
    check_members(step, &before, &members)?;
    let left = match step.rows.get::<LayoutRow>(LayoutRow::KEY)? {
        Some(row) => unsettled(&row, |member| said(step, member))?,
        None => Vec::new(),
    };
    if let Some(member) = left.first().copied().filter(|_| !exempt.covers(&before, &leaving, &members)) {
        return Err(Refusal::LayoutUnsettled { version: before.version, member }.into());
    }
    let taken_out: Vec<MemberId> =
        before.members.keys().copied().filter(|member| !members.contains_key(member)).collect();
    for member in &taken_out {
        let former = before.members.get(member).cloned();
        let said = said(step, *member)?;
        step.rows.put(&member_key(*member), &LayoutMemberRow { former, ..said })?;
    }
    let stays = |member: &MemberId| !members.contains_key(member) && !exempt.is_dead(*member);
    let leaving = leaving.into_iter().filter(|member| left.contains(member)).chain(taken_out);
    let leaving = leaving.filter(stays).collect();
    let staged: Option<StagedLayout> = step.rows.get(StagedLayout::KEY)?;
    let version = match staged {
        Some(staged) => staged.version,
        None => step.count(Counter::Layout)?,
    };
    step.rows.remove(Tree::Layouts, StagedLayout::KEY);
    let layout = Layout { version, stamp: step.index, members };
    let at_ms = step.now_ms;
    step.rows.put(LayoutRow::KEY, &LayoutRow { layout, leaving, by, at_ms })?;
    Ok(Outcome::Version(version))
}

impl Exempt<'_> {
    fn covers(self, before: &Layout, leaving: &[MemberId], members: &BTreeMap<MemberId, LayoutRole>) -> bool {
        match self {
            Self::Undone(member) => leaving.contains(&member),
            Self::Dead(dead) => {
                let gone = before.members.keys().filter(|member| !members.contains_key(member));
                let added = members.keys().filter(|member| !before.members.contains_key(member));
                let (gone, added): (Vec<_>, Vec<_>) = (gone.collect(), added.collect());
                let is_same = |(member, role): (&MemberId, &LayoutRole)| {
                    before.members.get(member).is_none_or(|before| before == role)
                };
                !dead.is_empty()
                    && gone.iter().all(|member| dead.contains(member))
                    && added.len() <= gone.len()
                    && members.iter().all(is_same)
            }
        }
    }

    fn is_dead(self, member: MemberId) -> bool {
        match self {
            Self::Dead(dead) => dead.contains(&member),
            Self::Undone(_) => false,
        }
    }
}

/// The layout that counts, and who leaves.
fn current(step: &Step<'_, '_>) -> Result<(Layout, Vec<MemberId>), Halt> {
    if let Some(row) = step.rows.get::<LayoutRow>(LayoutRow::KEY)? {
        return Ok((row.layout, row.leaving));
    }
    let membership: MembershipRow = step.rows.get(MembershipRow::KEY)?.unwrap_or_default();
    Ok((founding(&membership), Vec::new()))
}

/// All that may have files: voters, those that learn, members of the layout, and those that leave it.
pub(crate) fn holders(step: &Step<'_, '_>) -> Result<BTreeSet<MemberId>, Halt> {
    let (layout, leaving) = current(step)?;
    let mut holders = step.rows.get::<MembershipRow>(MembershipRow::KEY)?.unwrap_or_default().known();
    holders.extend(layout.members.into_keys().chain(leaving));
    Ok(holders)
}

fn said(step: &Step<'_, '_>, member: MemberId) -> Result<LayoutMemberRow, Halt> {
    Ok(step.rows.get(&member_key(member))?.unwrap_or_default())
}

/// Nobody applies by the way what somebody else has staged.
fn refuse_staged(step: &Step<'_, '_>) -> Result<(), Halt> {
    match step.rows.get::<StagedLayout>(StagedLayout::KEY)? {
        Some(_) => Err(Refusal::LayoutStaged.into()),
        None => Ok(()),
    }
}

/// Whether these may be the layout: all new ones known, and not fewer than a majority of the replicas.
fn check_members(
    step: &Step<'_, '_>,
    before: &Layout,
    members: &BTreeMap<MemberId, LayoutRole>,
) -> Result<(), Halt> {
    let set = step.rows.get::<ParameterRow>(REPLICAS.as_bytes())?.map(|row| row.value);
    let replicas = wanted(set.or_else(|| Parameter::named(REPLICAS).map(|parameter| parameter.default)));
    let needed = replicas / 2 + 1;
    // A cluster that never had as many may change what it has.
    if members.is_empty() || (members.len() < needed && members.len() < before.members.len()) {
        return Err(Refusal::LayoutTooSmall { needed: u64::try_from(needed).unwrap_or(u64::MAX) }.into());
    }
    check_known(step, before, members.keys().copied())
}

/// Whether those of these that a layout does not name may come in: Raft knows them, and they were not removed. Raft names a
/// removed one for a moment still.
fn check_known(
    step: &Step<'_, '_>,
    before: &Layout,
    members: impl IntoIterator<Item = MemberId>,
) -> Result<(), Halt> {
    let known = step.rows.get::<MembershipRow>(MembershipRow::KEY)?.unwrap_or_default().known();
    // Who is in the layout was known when it came in, and may be gone for good: then it is taken out by its name.
    for member in members.into_iter().filter(|member| !before.members.contains_key(member)) {
        if !known.contains(&member) || member::state(step, member)? == Some(MemberState::Removed) {
            return Err(Refusal::LayoutMemberUnknown { member }.into());
        }
    }
    Ok(())
}

pub(crate) fn checked(role: LayoutRole) -> Result<LayoutRole, Refusal> {
    text::name("zone", &role.zone)?;
    if role.zone.len() > ZONE_BYTES_MAX {
        let limit_bytes = u64::try_from(ZONE_BYTES_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TextTooLong { field: "zone".to_owned(), limit_bytes });
    }
    match (1..=WEIGHT_MAX).contains(&role.weight) {
        true => Ok(role),
        false => Err(Refusal::LayoutWeight { limit: WEIGHT_MAX }),
    }
}
