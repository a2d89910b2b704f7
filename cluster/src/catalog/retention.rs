//! How long ended sessions are kept: a parameter, and rules that override it.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::parameter::{Parameter, ParameterRow, ParameterValue, RETENTION_DAYS};
use super::row::Row;
use super::session::{Protocol, SessionInfo};
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 86_400_000;
/// The most days, as those of the parameter.
const DAYS_MAX: u64 = 1000;

/// The most rules.
const RULES_MAX: usize = 10_000;

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retention {
    /// Until so many days after the end.
    Days(u64),
    /// Until a person purges it.
    Forever,
}

/// Which sessions a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RetentionScope {
    /// Those on a device.
    Device(String),
    /// Those with a credential.
    Credential(String),
    /// Those over a protocol, by its name.
    Protocol(String),
}

/// Sets, or takes away, a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRetention {
    /// Which sessions.
    pub scope: RetentionScope,
    /// For how long; no rule when none.
    pub retention: Option<Retention>,
    /// Who.
    pub by: String,
}

/// A rule in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRow {
    /// Which sessions.
    pub scope: RetentionScope,
    /// For how long.
    pub retention: Retention,
    /// Who.
    pub changed_by: String,
    /// When, in the cluster's time.
    pub changed_ms: u64,
}

impl Row for RetentionRow {
    const TREE: Tree = Tree::RetentionRules;
}

impl RetentionScope {
    /// Of several rules the first of these decides: what is named most closely.
    fn of(info: &SessionInfo) -> [Self; 3] {
        [
            Self::Device(info.device_address.clone()),
            Self::Credential(info.credential_user.clone()),
            Self::Protocol(info.protocol.as_str().to_owned()),
        ]
    }

    /// The key of its rule.
    pub(super) fn key(&self) -> Vec<u8> {
        let (kind, value) = match self {
            Self::Device(value) => (0, value),
            Self::Credential(value) => (1, value),
            Self::Protocol(value) => (2, value),
        };
        let mut key = vec![kind];
        key.extend_from_slice(value.as_bytes());
        key
    }
}

impl Retention {
    /// When a session that ended then is due, in the cluster's time.
    pub fn due_ms(self, ended_ms: u64) -> Option<u64> {
        match self {
            Self::Days(days) => Some(ended_ms.saturating_add(days.saturating_mul(DAY_MS))),
            Self::Forever => None,
        }
    }
}

impl Catalog {
    /// The rules that override the parameter.
    pub fn retention_rules(&self) -> Result<Vec<RetentionRow>, CatalogError> {
        let rows = self.list(KeyRange::all(), RULES_MAX, |_| Some(()))?;
        Ok(rows.into_iter().map(|((), row)| row).collect())
    }

    /// For how long a session is kept.
    pub fn retention(&self, info: &SessionInfo) -> Result<Retention, CatalogError> {
        of(info, |key| self.get(key), || self.get(RETENTION_DAYS.as_bytes()))
    }
}

pub(crate) fn put(step: &mut Step<'_, '_>, command: PutRetention) -> Effect {
    let PutRetention { scope, retention, by } = command;
    text::needed("by", &by)?;
    match &scope {
        RetentionScope::Device(value) => text::needed("device address", value)?,
        RetentionScope::Credential(value) => text::needed("credential user", value)?,
        RetentionScope::Protocol(value) => {
            if Protocol::from_name(value).is_none() {
                return Err(Refusal::ProtocolUnknown { protocol: value.chars().take(64).collect() }.into());
            }
        }
    }
    match retention {
        Some(Retention::Days(days)) if days == 0 || days > DAYS_MAX => {
            return Err(Refusal::RetentionDays { limit: DAYS_MAX }.into());
        }
        Some(retention) => {
            let row = RetentionRow { scope, retention, changed_by: by, changed_ms: step.now_ms };
            let key = row.scope.key();
            if !step.rows.has_key(Tree::RetentionRules, &key)? {
                let limit = u64::try_from(RULES_MAX).unwrap_or(u64::MAX);
                if step.count(Counter::RetentionRule)? > limit {
                    return Err(Refusal::TooManyRules { limit }.into());
                }
            }
            step.rows.put(&key, &row)?;
        }
        None => {
            let key = scope.key();
            if step.rows.has_key(Tree::RetentionRules, &key)? {
                step.uncount(Counter::RetentionRule)?;
                step.rows.remove(Tree::RetentionRules, &key);
            }
        }
    }
    Ok(Outcome::Done)
}

/// For how long a session is kept, by the rules and the parameter that `read` finds.
fn of(
    info: &SessionInfo,
    rule: impl Fn(&[u8]) -> Result<Option<RetentionRow>, CatalogError>,
    parameter: impl FnOnce() -> Result<Option<ParameterRow>, CatalogError>,
) -> Result<Retention, CatalogError> {
    for scope in RetentionScope::of(info) {
        if let Some(row) = rule(&scope.key())? {
            return Ok(row.retention);
        }
    }
    let set = parameter()?.map(|row| row.value);
    let default = Parameter::named(RETENTION_DAYS).map(|parameter| parameter.default);
    Ok(match set.or(default) {
        Some(ParameterValue::Number(days)) => Retention::Days(days),
        Some(ParameterValue::Never | ParameterValue::Switch(_)) | None => Retention::Forever,
    })
}

/// For how long a session is kept, as a command sees it.
pub(crate) fn of_session(step: &Step<'_, '_>, info: &SessionInfo) -> Result<Retention, Halt> {
    let rows = &step.rows;
    Ok(of(info, |key| rows.get(key), || rows.get(RETENTION_DAYS.as_bytes()))?)
}
