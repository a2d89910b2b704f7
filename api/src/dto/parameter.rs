//! Parameters: cluster-wide settings.

use cluster::catalog::{self, ParameterRow, ParameterValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A parameter and its value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Parameter {
    /// Its name; the unit stands last.
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) default: Value,
    /// What it takes.
    pub(crate) takes: String,
    pub(crate) description: &'static str,
    /// 0 until somebody sets it.
    pub(crate) version: u64,
    pub(crate) changed_by: Option<String>,
    pub(crate) changed_ms: Option<u64>,
}

/// A parameter's new value.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    pub(crate) value: Value,
}

/// `true`, `false`, a number, or `"never"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected true, false, a number that is no less than 0, or \"never\"")]
pub(crate) enum Value {
    Switch(bool),
    Number(u64),
    Word(Word),
}

/// A value that is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    Never,
}

impl Parameter {
    /// The parameter as it is set, or not.
    pub(crate) fn new(parameter: &catalog::Parameter, row: Option<ParameterRow>) -> Self {
        Self {
            name: parameter.name,
            value: row.as_ref().map_or(parameter.default, |row| row.value).into(),
            default: parameter.default.into(),
            takes: parameter.kind.to_string(),
            description: parameter.description,
            version: row.as_ref().map_or(0, |row| row.version),
            changed_ms: row.as_ref().map(|row| row.changed_ms),
            changed_by: row.map(|row| row.changed_by),
        }
    }
}

impl From<ParameterValue> for Value {
    fn from(value: ParameterValue) -> Self {
        match value {
            ParameterValue::Switch(is_on) => Self::Switch(is_on),
            ParameterValue::Number(number) => Self::Number(number),
            ParameterValue::Never => Self::Word(Word::Never),
        }
    }
}

impl From<Value> for ParameterValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Switch(is_on) => Self::Switch(is_on),
            Value::Number(number) => Self::Number(number),
            Value::Word(Word::Never) => Self::Never,
        }
    }
}
