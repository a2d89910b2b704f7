//! The keys that wrap all keys of recordings.

use cluster::catalog::{KekRow, KekState};
use cluster::chunk::key::KekId;
use cluster::id::MemberId;
use serde::Serialize;
use utoipa::ToSchema;

use super::hex;

/// All KEKs that there were, the newest last. The keys themselves are in no answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Keks {
    pub(crate) keks: Vec<Kek>,
}

/// A KEK.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Kek {
    id: u64,
    state: State,
    /// Tells two keys apart and nothing about either.
    check: String,
    /// The members that hold it.
    holders: Vec<u64>,
    /// The members that are to hold it and have not said that they do.
    lacking: Vec<u64>,
    /// Who wanted it; none when it was time, and of the first one.
    by: Option<String>,
    made_ms: u64,
    /// Since when it wraps new keys.
    used_ms: Option<u64>,
    /// When nothing was wrapped by it any more.
    retired_ms: Option<u64>,
}

/// What a KEK is for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = KekState)]
enum State {
    /// It wraps nothing until all members hold it.
    Next,
    /// It wraps new keys.
    Current,
    /// What it wraps is being wrapped by the current one.
    Old,
    /// It wraps nothing: members delete it.
    Retired,
    /// It never wrapped anything: members delete it.
    GivenUp,
}

impl From<KekState> for State {
    fn from(state: KekState) -> Self {
        match state {
            KekState::Next => Self::Next,
            KekState::Current => Self::Current,
            KekState::Old => Self::Old,
            KekState::Retired => Self::Retired,
            KekState::GivenUp => Self::GivenUp,
        }
    }
}

impl Keks {
    /// What the catalog says of them, for these members.
    pub(crate) fn new(rows: Vec<(KekId, KekRow)>, members: &[MemberId]) -> Self {
        let kek = |(id, row): (KekId, KekRow)| {
            let is_lacking = |member: &&MemberId| row.is_needed() && !row.holders.contains(member);
            Kek {
                id: id.0,
                state: row.state.into(),
                check: hex(&row.check),
                lacking: members.iter().filter(is_lacking).map(|member| member.0).collect(),
                holders: row.holders.iter().map(|member| member.0).collect(),
                by: Some(row.by).filter(|by| !by.is_empty()),
                made_ms: row.made_ms,
                used_ms: row.used_ms,
                retired_ms: row.retired_ms,
            }
        };
        Self { keks: rows.into_iter().map(kek).collect() }
    }
}
