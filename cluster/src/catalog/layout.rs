//! The layout: which members hold copies, in which zones and with what weights.
//!
//! Without any row it is version 0: all voters, in one zone, of one weight.

mod change;

use super::catalog::{Catalog, MembershipRow};
use super::engine::Tree;
use super::parameter::{Parameter, ParameterValue, REPLICAS};
use super::row::Row;
use super::transaction::CatalogError;
use crate::id::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use change::{ApplyLayout, LayoutSettled, StageLayout};
pub(crate) use change::{
    apply, bury, checked, drain, fix_founding, holders, names, revert, settled, stage, stage_known, undrain,
    unstage,
};

/// The most members of a layout.
pub const LAYOUT_MEMBERS_MAX: usize = 64;
/// The most bytes of a zone's name.
pub const ZONE_BYTES_MAX: usize = 64;
/// The greatest weight.
pub const WEIGHT_MAX: u16 = 1000;

/// What a member of a layout is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutRole {
    /// What fails together; all members without one are in one zone.
    pub zone: String,
    /// How much it holds, compared with the others of its zone: 1 to [`WEIGHT_MAX`].
    pub weight: u16,
}

impl Default for LayoutRole {
    fn default() -> Self {
        Self { zone: String::new(), weight: 1 }
    }
}

/// Who holds copies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Grows with each layout that is applied, not always by one.
    pub version: u64,
    /// Where in the log these members were made the layout. It tells any two layouts apart, also two of version 0,
    /// and a later one has a greater one.
    pub stamp: u64,
    /// The members that hold copies.
    pub members: BTreeMap<MemberId, LayoutRole>,
}

/// The layout that was applied last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutRow {
    /// It.
    pub layout: Layout,
    /// Those that are no more in it and may still hold what others have not fetched yet.
    pub leaving: Vec<MemberId>,
    /// Who applied it.
    pub by: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

impl LayoutRow {
    pub(super) const KEY: &[u8] = b"applied";
}

impl Row for LayoutRow {
    const TREE: Tree = Tree::Layouts;
}

/// The layout that is to be applied next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedLayout {
    /// Its version; each change of what is staged gives it another one.
    pub version: u64,
    /// Its members.
    pub members: BTreeMap<MemberId, LayoutRole>,
    /// Who changed it last.
    pub by: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

impl StagedLayout {
    pub(super) const KEY: &[u8] = b"staged";
}

impl Row for StagedLayout {
    const TREE: Tree = Tree::Layouts;
}

/// What a member has said about layouts, and what it was to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutMemberRow {
    /// The version at which it had all that it is to hold, and nothing else.
    pub settled: u64,
    /// Its role when it was taken out.
    pub former: Option<LayoutRole>,
}

impl Row for LayoutMemberRow {
    const TREE: Tree = Tree::LayoutMembers;
}

impl Layout {
    /// How many members hold a chunk, when a parameter says how many are wanted.
    pub fn replicas(&self, wanted: usize) -> usize {
        wanted.min(self.members.len())
    }
}

impl Catalog {
    /// The layout that is applied.
    pub fn layout(&self) -> Result<Layout, CatalogError> {
        match self.layout_row()? {
            Some(row) => Ok(row.layout),
            None => Ok(founding(&self.membership()?.unwrap_or_default())),
        }
    }

    /// The layout that was applied last, if any was.
    pub fn layout_row(&self) -> Result<Option<LayoutRow>, CatalogError> {
        self.get(LayoutRow::KEY)
    }

    /// The layout that is staged, if one is.
    pub fn staged_layout(&self) -> Result<Option<StagedLayout>, CatalogError> {
        self.get(StagedLayout::KEY)
    }

    /// What a member has said about layouts.
    pub fn layout_member(&self, member: MemberId) -> Result<LayoutMemberRow, CatalogError> {
        Ok(self.get(&member_key(member))?.unwrap_or_default())
    }

    /// The members of whom moves of the applied layout are left: those that have not said that they are settled.
    pub fn unsettled(&self) -> Result<Vec<MemberId>, CatalogError> {
        let Some(row) = self.layout_row()? else { return Ok(Vec::new()) };
        unsettled(&row, |member| self.layout_member(member))
    }

    /// Whether a member is in no layout and has said so: what it was to hold is on others. Its folders prove it.
    pub fn is_settled_out(&self, member: MemberId) -> Result<bool, CatalogError> {
        let Some(row) = self.layout_row()? else { return Ok(false) };
        let is_out = !row.layout.members.contains_key(&member);
        Ok(is_out && self.layout_member(member)?.settled >= row.layout.version)
    }

    /// On how many members each chunk is to be, if there are as many.
    pub(crate) fn replicas(&self) -> Result<usize, CatalogError> {
        let value = Parameter::named(REPLICAS).map(|parameter| self.parameter(parameter)).transpose()?;
        Ok(wanted(value))
    }

    /// All that may hold copies or ask for them: voters, those that learn, and members of the layout.
    pub(crate) fn all_members(&self) -> Result<BTreeSet<MemberId>, CatalogError> {
        let mut all = self.membership()?.unwrap_or_default().known();
        all.extend(self.layout()?.members.into_keys());
        Ok(all)
    }
}

/// What the parameter says.
fn wanted(value: Option<ParameterValue>) -> usize {
    match value {
        Some(ParameterValue::Number(number)) => usize::try_from(number).unwrap_or(usize::MAX),
        Some(ParameterValue::Switch(_) | ParameterValue::Never) | None => 1,
    }
}

/// The layout of a cluster that never had one.
fn founding(membership: &MembershipRow) -> Layout {
    let members = membership.voters.iter().map(|voter| (*voter, LayoutRole::default())).collect();
    Layout { version: 0, stamp: membership.stamp(), members }
}

fn unsettled<E>(
    row: &LayoutRow,
    said: impl Fn(MemberId) -> Result<LayoutMemberRow, E>,
) -> Result<Vec<MemberId>, E> {
    let mut left = Vec::new();
    for member in row.layout.members.keys().chain(&row.leaving) {
        if said(*member)?.settled < row.layout.version {
            left.push(*member);
        }
    }
    Ok(left)
}

pub(crate) fn member_key(member: MemberId) -> [u8; 8] {
    member.0.to_be_bytes()
}
