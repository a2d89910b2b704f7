//! Parameters: cluster-wide settings, each with a type, a range, a default and a description.

use super::engine::Tree;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// On how many members each chunk is kept.
pub(crate) const REPLICAS: &str = "replicas";
/// Whether videos may be asked for and downloaded.
pub(crate) const VIDEO_DOWNLOAD_ENABLED: &str = "video_download_enabled";
/// For how long an interrupted recording can be resumed.
pub(crate) const RESUME_HOURS: &str = "resume_hours";
/// After how many days ended sessions are purged.
pub(crate) const RETENTION_DAYS: &str = "retention_days";
/// Whether a hold ends only when two persons want it.
pub(crate) const HOLD_RELEASE_BY_TWO: &str = "hold_release_by_two";
/// How many MiB of missing and bad copies a member fetches in a second while nothing is recorded on it.
pub(crate) const RESYNC_MIB_PER_S: &str = "resync_mib_per_s";
/// How often a member compares all its copies with their hashes.
pub(crate) const SCRUB_DAYS: &str = "scrub_days";
/// How many MiB of them it reads in a second.
pub(crate) const SCRUB_MIB_PER_S: &str = "scrub_mib_per_s";
/// Whether nobody watches a session before another person agrees.
pub(crate) const WATCH_NEEDS_APPROVAL: &str = "watch_needs_approval";
/// After how many days another KEK takes the place of the current one.
pub(crate) const KEK_ROTATION_DAYS: &str = "kek_rotation_days";
/// How often members forget what was purged.
pub(crate) const FORGET_HOURS: &str = "forget_hours";
/// Whether the webhook is told.
pub(crate) const WEBHOOK_ENABLED: &str = "webhook_enabled";

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// On or off.
    Switch,
    /// A number of a range.
    Number {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A number of a range, or never.
    NumberOrNever {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
}

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterValue {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(u64),
    /// Never.
    Never,
}

/// A parameter as Custody knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; the unit stands last.
    pub name: &'static str,
    /// What values it takes.
    pub kind: ParameterKind,
    /// Its value until somebody sets it.
    pub default: ParameterValue,
    /// What it does.
    pub description: &'static str,
}

impl Parameter {
    /// All parameters, by name.
    pub const ALL: &[Self] = &[
        Self {
            name: REPLICAS,
            kind: ParameterKind::Number { min: 1, max: 7 },
            default: ParameterValue::Number(3),
            description: "On how many members each recording and video is kept, if there are as many.",
        },
        Self {
            name: RESUME_HOURS,
            kind: ParameterKind::Number { min: 1, max: 720 },
            default: ParameterValue::Number(24),
            description: "For how long an interrupted recording can be resumed before it is sealed.",
        },
        Self {
            name: RETENTION_DAYS,
            kind: ParameterKind::NumberOrNever { min: 1, max: 1000 },
            default: ParameterValue::Number(90),
            description: "After how many days an ended session is purged.",
        },
        Self {
            name: VIDEO_DOWNLOAD_ENABLED,
            kind: ParameterKind::Switch,
            default: ParameterValue::Switch(false),
            description: "Whether videos of sessions may be made and downloaded.",
        },
        Self {
            name: HOLD_RELEASE_BY_TWO,
            kind: ParameterKind::Switch,
            default: ParameterValue::Switch(false),
            description: "Whether a hold ends only when two different persons release it.",
        },
        Self {
            name: RESYNC_MIB_PER_S,
            kind: ParameterKind::Number { min: 1, max: 10_000 },
            default: ParameterValue::Number(400),
            description: "How many MiB of missing and bad copies each member fetches from the others in a second, \
                          while nothing is recorded on it; else a quarter of it.",
        },
        Self {
            name: SCRUB_DAYS,
            kind: ParameterKind::NumberOrNever { min: 1, max: 365 },
            default: ParameterValue::Number(30),
            description: "After how many days each member compares all its copies with their hashes again.",
        },
        Self {
            name: SCRUB_MIB_PER_S,
            kind: ParameterKind::Number { min: 1, max: 10_000 },
            default: ParameterValue::Number(32),
            description: "How many MiB of its copies a member compares with their hashes in a second, while nobody \
                          asks it for anything; else a quarter of it.",
        },
        Self {
            name: WATCH_NEEDS_APPROVAL,
            kind: ParameterKind::Switch,
            default: ParameterValue::Switch(false),
            description: "Whether nobody watches, downloads or reads the log of a session before another person approves \
                          of it.",
        },
        Self {
            name: WEBHOOK_ENABLED,
            kind: ParameterKind::Switch,
            default: ParameterValue::Switch(false),
            description: "Whether the webhook of the members' configuration is told when a session ends, a video is \
                          ready, or a video cannot be made.",
        },
        Self {
            name: KEK_ROTATION_DAYS,
            kind: ParameterKind::NumberOrNever { min: 1, max: 365 },
            default: ParameterValue::Number(30),
            description: "After how many days another KEK takes the place of the current one, which ends what purged \
                          sessions wait for.",
        },
        Self {
            name: FORGET_HOURS,
            kind: ParameterKind::NumberOrNever { min: 1, max: 720 },
            default: ParameterValue::Number(24),
            description: "How many hours after one another the members begin to rewrite their log, snapshot and rows, so that \
                          nothing of purged sessions is left in them.",
        },
    ];

    /// The parameter of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|parameter| parameter.name == name)
    }
}

impl ParameterKind {
    fn takes(self, value: ParameterValue) -> bool {
        match (self, value) {
            (Self::Switch, ParameterValue::Switch(_))
            | (Self::NumberOrNever { .. }, ParameterValue::Never) => true,
            (
                Self::Number { min, max } | Self::NumberOrNever { min, max },
                ParameterValue::Number(number),
            ) => (min..=max).contains(&number),
            (Self::Switch, ParameterValue::Number(_) | ParameterValue::Never)
            | (Self::Number { .. }, ParameterValue::Switch(_) | ParameterValue::Never)
            | (Self::NumberOrNever { .. }, ParameterValue::Switch(_)) => false,
        }
    }
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => formatter.write_str("true or false"),
            Self::Number { min, max } => write!(formatter, "a number from {min} to {max}"),
            Self::NumberOrNever { min, max } => write!(formatter, "a number from {min} to {max}, or never"),
        }
    }
}

/// Sets a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutParameter {
    /// Which.
    pub name: String,
    /// To what.
    pub value: ParameterValue,
    /// Only if this is its version; 0 if it was never set.
    pub expected_version: Option<u64>,
    /// Who.
    pub by: String,
}

/// A parameter that was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterRow {
    /// To what.
    pub value: ParameterValue,
    /// Counted from 1.
    pub version: u64,
    /// Who.
    pub changed_by: String,
    /// When, in the cluster's time.
    pub changed_ms: u64,
}

impl Row for ParameterRow {
    const TREE: Tree = Tree::Parameters;
}

pub(crate) fn put(step: &mut Step<'_, '_>, command: PutParameter) -> Effect {
    let PutParameter { name, value, expected_version, by } = command;
    text::name("parameter", &name)?;
    text::needed("by", &by)?;
    let Some(parameter) = Parameter::named(&name) else {
        return Err(Refusal::ParameterUnknown { name }.into());
    };
    if !parameter.kind.takes(value) {
        return Err(Refusal::ParameterValue { name, expected: parameter.kind.to_string() }.into());
    }
    let actual = step.rows.get::<ParameterRow>(name.as_bytes())?.map_or(0, |row| row.version);
    check_version(expected_version, actual)?;
    let version = actual + 1;
    let row = ParameterRow { value, version, changed_by: by, changed_ms: step.now_ms };
    step.rows.put(name.as_bytes(), &row)?;
    Ok(Outcome::Version(version))
}

pub(crate) fn check_version(expected: Option<u64>, actual: u64) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != actual => Err(Refusal::VersionDiffers { expected, actual }),
        Some(_) | None => Ok(()),
    }
}

/// Whether a switch is on.
pub(crate) fn is_on(step: &Step<'_, '_>, name: &str) -> Result<bool, Halt> {
    let set = step.rows.get::<ParameterRow>(name.as_bytes())?.map(|row| row.value);
    let value = set.or_else(|| Parameter::named(name).map(|parameter| parameter.default));
    Ok(value == Some(ParameterValue::Switch(true)))
}
