//! Layouts that an operator wants, one after the other, while recorders write.

use super::super::oracles::Oracle;
use super::{Event, World};
use crate::catalog::{ApplyLayout, Catalog, Command, Layout, LayoutRole, StageLayout, StagedLayout};
use crate::chunk::CopyState;
use crate::id::{ChunkNumber, MemberId};
use crate::tail::homes;
use std::collections::{BTreeMap, BTreeSet};

/// How often the operator looks how far it is.
const OPERATOR_US: u64 = 300_000;
/// Members that a layout has at least.
const MEMBERS_MIN: usize = 2;
/// On how many members chunks are, when there are as many.
const REPLICAS: usize = 3;
const OPERATOR: &str = "operator";

type Roles = BTreeMap<MemberId, LayoutRole>;

/// What the layout is to be: all voters but some. None until somebody wants one.
#[derive(Debug, Default)]
pub(in super::super) struct LayoutWish {
    is_wanted: bool,
    out: BTreeSet<MemberId>,
    weights: BTreeMap<MemberId, u16>,
}

impl World {
    /// Members are to be taken out or in, or to hold more or less.
    pub(in super::super) fn change_layout(&mut self) -> &'static str {
        let voters = self.voters_to_be();
        let one = self.dice.choose(&voters).unwrap_or(MemberId(1));
        if self.dice.chance(50) {
            let (mut left, mut kept) = (voters.clone(), BTreeSet::new());
            let wanted = MEMBERS_MIN + self.dice.index(voters.len().saturating_sub(MEMBERS_MIN) + 1);
            while kept.len() < wanted && !left.is_empty() {
                kept.insert(left.swap_remove(self.dice.index(left.len())));
            }
            self.layout.out = left.into_iter().collect();
        } else if !self.layout.out.remove(&one) {
            self.layout.out.insert(one);
        }
        if self.dice.chance(40) {
            let weight = u16::try_from(self.dice.between(1, 9)).unwrap_or(1);
            self.layout.weights.insert(one, weight);
        }
        if !std::mem::replace(&mut self.layout.is_wanted, true) {
            self.after(0, Event::TendLayout);
        }
        "layout change"
    }

    /// The operator does what is to be done next, by whoever leads.
    pub(super) fn tend_layout(&mut self) {
        self.after(OPERATOR_US, Event::TendLayout);
        let Some(command) = self.next_for_layout() else { return };
        let told_before = self.oracles.linearizable.told_yet();
        let mut leaders = self.nodes.values().filter_map(|node| node.facts.as_ref());
        if let Some(leader) = leaders.rfind(|facts| facts.leads().is_some()) {
            leader.submit(None, command, told_before);
        }
    }

    /// What is left to do until the layout is the one that is wanted, and has no moves left.
    pub(super) fn layout_due(&self) -> Option<String> {
        let catalog = self.newest_catalog().filter(|_| self.layout.is_wanted)?;
        let unsettled = catalog.unsettled().expect("rows in memory do not fail");
        let next = self.next_for_layout();
        (next.is_some() || !unsettled.is_empty()).then(|| format!("{next:?} and members {unsettled:?}"))
    }

    fn newest_catalog(&self) -> Option<&Catalog> {
        let processes = self.nodes.values().filter_map(|node| node.process.as_ref());
        processes.max_by_key(|process| process.applied()).map(|process| &process.catalog)
    }

    fn next_for_layout(&self) -> Option<Command> {
        let catalog = self.newest_catalog()?;
        let layout = catalog.layout().expect("rows in memory do not fail");
        let staged = catalog.staged_layout().expect("rows in memory do not fail");
        let unsettled = catalog.unsettled().expect("rows in memory do not fail");
        let is_lost = |member: &MemberId| self.nodes.get(member).is_some_and(|node| node.is_lost);
        let lost = layout.members.keys().chain(&unsettled).filter(|member| is_lost(member));
        let dead: BTreeSet<MemberId> = lost.copied().collect();
        let dead: Vec<MemberId> = dead.into_iter().collect();
        let target = self.target(&layout, &dead);
        let by = OPERATOR.to_owned();
        let version = match &staged {
            Some(StagedLayout { version, members, .. }) if *members == target => *version,
            Some(staged) => return stage(&staged.members, &target),
            None if layout.members == target && dead.is_empty() => return None,
            None if layout.members == target => layout.version,
            None => {
                let single = single(&layout.members, &target).filter(|_| dead.is_empty());
                return single.or_else(|| stage(&layout.members, &target));
            }
        };
        Some(Command::ApplyLayout(ApplyLayout { version, dead, by }))
    }

    /// Who is to hold what next: those that are lost are replaced before anything else is changed.
    fn target(&self, layout: &Layout, dead: &[MemberId]) -> Roles {
        let role = |member: &MemberId| {
            let weight = self.layout.weights.get(member).copied().unwrap_or(1);
            (*member, LayoutRole { zone: String::new(), weight })
        };
        let left = self.voters.iter().filter(|voter| !self.layout.out.contains(voter));
        let wanted: Roles = match left.clone().count() >= MEMBERS_MIN {
            true => left.map(role).collect(),
            false => self.voters.iter().map(role).collect(),
        };
        if dead.is_empty() {
            return wanted;
        }
        let mut target: Roles = layout.members.clone();
        target.retain(|member, _| !dead.contains(member));
        let gone = layout.members.len() - target.len();
        let new = wanted.into_iter().filter(|(member, _)| !layout.members.contains_key(member));
        target.extend(new.take(gone));
        target
    }

    /// Each committed chunk is on all that are to hold it, and on no other member.
    pub(super) fn look_at_homes(&mut self) {
        let Some(catalog) = self.newest_catalog() else { return };
        let layout = catalog.layout().expect("rows in memory do not fail");
        let mut found = Ok(());
        for (object, _) in catalog.objects(None, usize::MAX).expect("rows in memory do not fail") {
            let homes = homes(object, &layout, REPLICAS);
            let rows =
                catalog.chunks(object, ChunkNumber(0), usize::MAX).expect("rows in memory do not fail");
            for (_, row) in rows {
                let id = row.chunk.id(object);
                for member in &self.voters {
                    let process = self.nodes.get(member).and_then(|node| node.process.as_ref());
                    let state = process
                        .map(|process| process.member.shelf().store().copy_state(id, row.chunk.length_bytes));
                    let is_right = match state {
                        Some(Ok(CopyState::Verified { .. })) => homes.contains(member),
                        Some(Ok(CopyState::Missing)) => !homes.contains(member),
                        Some(Ok(CopyState::Bad) | Err(_)) | None => false,
                    };
                    if !is_right && found.is_ok() {
                        found = Err(format!("{id} is {state:?} on member {member}, its homes are {homes:?}"));
                    }
                }
            }
        }
        self.oracles.judge(Oracle::Whole, found);
    }
}

/// The one command for the one member by which two layouts differ.
fn single(before: &Roles, target: &Roles) -> Option<Command> {
    let all: BTreeSet<MemberId> = before.keys().chain(target.keys()).copied().collect();
    let mut differs = all.into_iter().filter(|member| before.get(member) != target.get(member));
    let (Some(member), None) = (differs.next(), differs.next()) else { return None };
    let by = OPERATOR.to_owned();
    match (before.get(&member), target.get(&member)) {
        (Some(_), None) => Some(Command::DrainMember { member, by }),
        (None, Some(_)) => Some(Command::UndrainMember { member, by }),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// Stages the first difference.
fn stage(before: &Roles, target: &Roles) -> Option<Command> {
    let all: BTreeSet<MemberId> = before.keys().chain(target.keys()).copied().collect();
    let member = all.into_iter().find(|member| before.get(member) != target.get(member))?;
    let (role, by) = (target.get(&member).cloned(), OPERATOR.to_owned());
    Some(Command::StageLayout(StageLayout { member, role, by }))
}
