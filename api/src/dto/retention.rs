//! Rules that override the parameter `retention_days`.

use cluster::catalog::{self, Retention, RetentionRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parameter::Word;

/// A rule: for how long which sessions are kept. Of several, that of the device decides, then that of the credential,
/// then that of the protocol.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RetentionRule {
    pub(crate) scope: RetentionScope,
    /// The device's address, the credential's user name or the protocol's name.
    pub(crate) name: String,
    pub(crate) days: Days,
    pub(crate) changed_by: String,
    pub(crate) changed_ms: u64,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RetentionScope {
    Device,
    Credential,
    Protocol,
}

/// For how long.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionValue {
    pub(crate) days: Days,
}

/// Days after the end of a session, 1 to 1000, or `"never"`: it is kept until a person purges it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a number that is no less than 0, or \"never\"")]
pub(crate) enum Days {
    Number(u64),
    Word(Word),
}

impl RetentionScope {
    /// The scope of its text form.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "device" => Some(Self::Device),
            "credential" => Some(Self::Credential),
            "protocol" => Some(Self::Protocol),
            _ => None,
        }
    }

    /// The same for the catalog.
    pub(crate) fn of(self, name: String) -> catalog::RetentionScope {
        match self {
            Self::Device => catalog::RetentionScope::Device(name),
            Self::Credential => catalog::RetentionScope::Credential(name),
            Self::Protocol => catalog::RetentionScope::Protocol(name),
        }
    }
}

impl From<Days> for Retention {
    fn from(days: Days) -> Self {
        match days {
            Days::Number(days) => Self::Days(days),
            Days::Word(Word::Never) => Self::Forever,
        }
    }
}

impl From<RetentionRow> for RetentionRule {
    fn from(row: RetentionRow) -> Self {
        let (scope, name) = match row.scope {
            catalog::RetentionScope::Device(name) => (RetentionScope::Device, name),
            catalog::RetentionScope::Credential(name) => (RetentionScope::Credential, name),
            catalog::RetentionScope::Protocol(name) => (RetentionScope::Protocol, name),
        };
        let days = match row.retention {
            Retention::Days(days) => Days::Number(days),
            Retention::Forever => Days::Word(Word::Never),
        };
        Self { scope, name, days, changed_by: row.changed_by, changed_ms: row.changed_ms }
    }
}
