//! Changes of what somebody has looked at, made only while it is still so.
//!
//! The condition is checked where the change is applied, so that of two changes of one row that were asked for on two
//! members only the first one passes.

use super::catalog::Catalog;
use super::command::Command;
use super::engine::Tree;
use super::hold::{self, HoldId};
use super::outcome::Refusal;
use super::retention::RetentionScope;
use super::step::{Halt, Step};
use super::transaction::CatalogError;
use crate::chunk::Hash;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The bytes of a tag.
const TAG_BYTES: usize = 8;

/// A change, and how its row must be for it to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlyIf {
    /// Which row.
    pub row: Tagged,
    /// How it must be.
    pub condition: Condition,
    /// The change, which has no condition of its own.
    pub command: Box<Command>,
}

/// A row that persons change, and so has a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tagged {
    /// A parameter.
    Parameter(String),
    /// A role.
    Role(String),
    /// A local user.
    User(String),
    /// A rule of retention.
    Retention(RetentionScope),
    /// The auditors of a session.
    Access(RecordingId),
    /// A hold.
    Hold {
        /// Of which session.
        recording: RecordingId,
        /// Which.
        hold: HoldId,
    },
}

/// How a row must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It is not there.
    Absent,
    /// It is there, whatever it says. What has a default is always there.
    Present,
    /// It is there and has this tag.
    Tag(RowTag),
}

/// Names what a row says: it changes with every change of the row. 16 lower-case hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTag([u8; TAG_BYTES]);

impl RowTag {
    /// Of what was never set and has a default.
    const UNSET: Self = Self([0; TAG_BYTES]);

    /// The tag of its text form; none when the text is none of a tag.
    pub fn from_text(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_tag = text.len() == 2 * TAG_BYTES && text.bytes().all(is_digit);
        let number = is_tag.then(|| u64::from_str_radix(text, 16).ok())??;
        Some(Self(number.to_be_bytes()))
    }

    fn of(row: &[u8]) -> Self {
        let Hash(hash) = Hash::of(&[row]);
        Self(hash.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for RowTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Tagged {
    fn place(&self) -> (Tree, Vec<u8>) {
        match self {
            Self::Parameter(name) => (Tree::Parameters, name.as_bytes().to_vec()),
            Self::Role(name) => (Tree::Roles, name.as_bytes().to_vec()),
            Self::User(name) => (Tree::Users, name.as_bytes().to_vec()),
            Self::Retention(scope) => (Tree::RetentionRules, scope.key()),
            Self::Access(recording) => (Tree::Access, recording.0.to_vec()),
            Self::Hold { recording, hold } => (Tree::Holds, hold::key(*recording, *hold)),
        }
    }

    fn tag(&self, row: Option<&[u8]>) -> Option<RowTag> {
        match self {
            Self::Parameter(_) | Self::Access(_) => Some(row.map_or(RowTag::UNSET, RowTag::of)),
            Self::Role(_) | Self::User(_) | Self::Retention(_) | Self::Hold { .. } => row.map(RowTag::of),
        }
    }
}

impl Catalog {
    /// The tag of a row, if it is there. Who shows the row as well reads the tag first: then a change in between makes
    /// the tag too old, and never too new.
    pub fn tag(&self, row: &Tagged) -> Result<Option<RowTag>, CatalogError> {
        let (tree, key) = row.place();
        Ok(row.tag(self.engine().get(tree, &key)?.as_deref()))
    }
}

/// Refuses what was asked for when the row was another.
pub(crate) fn check(step: &Step<'_, '_>, row: &Tagged, condition: Condition) -> Result<(), Halt> {
    let (tree, key) = row.place();
    let tag = row.tag(step.rows.bytes(tree, &key)?.as_deref());
    let holds = match condition {
        Condition::Absent => tag.is_none(),
        Condition::Present => tag.is_some(),
        Condition::Tag(expected) => tag == Some(expected),
    };
    if holds { Ok(()) } else { Err(Refusal::ConditionFailed.into()) }
}
