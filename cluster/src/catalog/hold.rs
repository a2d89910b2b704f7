//! Holds: while one stands, its session is not purged.

use super::catalog::Catalog;
use super::clock::{self, ClockRow};
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::parameter;
use super::row::Row;
use super::session;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most holds of a session, released ones included.
const HOLDS_MAX: usize = 64;

/// Names a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldId(pub [u8; 16]);

impl fmt::Display for HoldId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Somebody wants a session to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold {
    /// Its name.
    pub hold: HoldId,
    /// Of which session.
    pub recording: RecordingId,
    /// Why.
    pub justification: String,
    /// Until when, in the cluster's time; until it is released, when none.
    pub expires_ms: Option<u64>,
    /// Who.
    pub by: String,
}

/// Somebody wants a hold to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseHold {
    /// Which.
    pub hold: HoldId,
    /// Of which session.
    pub recording: RecordingId,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// What somebody has said about the end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldWord {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

/// Whether a hold was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    /// It was not.
    Placed,
    /// One of the two persons who are needed wants it.
    ReleaseAsked(HoldWord),
    /// It was, by the last of these.
    Released {
        /// The first of two persons.
        asked: Option<HoldWord>,
        /// Who released it.
        released: HoldWord,
    },
}

/// A hold in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// Why.
    pub justification: String,
    /// Who placed it.
    pub placed_by: String,
    /// When, in the cluster's time.
    pub placed_ms: u64,
    /// Until when, in the cluster's time.
    pub expires_ms: Option<u64>,
    /// Whether it was released.
    pub state: HoldState,
}

impl Row for HoldRow {
    const TREE: Tree = Tree::Holds;
}

impl HoldRow {
    /// Whether it still keeps its session. While the clocks are suspected none expires.
    pub fn stands(&self, clock: &ClockRow) -> bool {
        let expired = self.expires_ms.is_some_and(|expires_ms| clock.cautious_ms() >= expires_ms);
        match self.state {
            HoldState::Placed | HoldState::ReleaseAsked(_) => !expired || clock.suspicion.is_some(),
            HoldState::Released { .. } => false,
        }
    }
}

impl Catalog {
    /// The holds of a session, released ones included.
    pub fn holds(&self, recording: RecordingId) -> Result<Vec<(HoldId, HoldRow)>, CatalogError> {
        self.list(KeyRange::prefix(&recording.0), HOLDS_MAX, |key| key.last_chunk().copied().map(HoldId))
    }
}

pub(crate) fn place(step: &mut Step<'_, '_>, command: PlaceHold) -> Effect {
    let PlaceHold { hold, recording, justification, expires_ms, by } = command;
    text::needed("by", &by)?;
    text::needed_message("justification", &justification)?;
    session::kept(step, recording)?;
    if let Some(expires_ms) = expires_ms.filter(|expires_ms| *expires_ms <= step.now_ms) {
        return Err(Refusal::HoldExpired { expires_ms, now_ms: step.now_ms }.into());
    }
    if step.rows.list::<HoldRow>(&recording.0, HOLDS_MAX)?.len() >= HOLDS_MAX {
        return Err(Refusal::TooManyHolds { limit: u64::try_from(HOLDS_MAX).unwrap_or(u64::MAX) }.into());
    }
    let key = key(recording, hold);
    if step.rows.has_key(Tree::Holds, &key)? {
        return Err(Refusal::HoldExists { hold }.into());
    }
    let (placed_ms, state) = (step.now_ms, HoldState::Placed);
    step.rows.put(&key, &HoldRow { justification, placed_by: by, placed_ms, expires_ms, state })?;
    Ok(Outcome::Done)
}

/// Releases a hold, or, where two persons are needed, takes the word of the first.
pub(crate) fn release(step: &mut Step<'_, '_>, command: ReleaseHold) -> Effect {
    let ReleaseHold { hold, recording, reason, by } = command;
    text::needed("by", &by)?;
    text::message("reason", &reason)?;
    let key = key(recording, hold);
    let mut row: HoldRow = step.need(&key, || Refusal::HoldUnknown { hold })?;
    let needs_two = parameter::is_on(step, parameter::HOLD_RELEASE_BY_TWO)?;
    let released = HoldWord { by, reason, at_ms: step.now_ms };
    row.state = match row.state {
        HoldState::Released { .. } => return Err(Refusal::HoldReleased { hold }.into()),
        HoldState::Placed if needs_two => HoldState::ReleaseAsked(released),
        HoldState::ReleaseAsked(asked) if needs_two && asked.by == released.by => {
            return Err(Refusal::SecondPersonNeeded { hold }.into());
        }
        HoldState::Placed => HoldState::Released { asked: None, released },
        HoldState::ReleaseAsked(asked) => HoldState::Released { asked: Some(asked), released },
    };
    let is_released = matches!(row.state, HoldState::Released { .. });
    step.rows.put(&key, &row)?;
    Ok(Outcome::HoldRelease { is_released })
}

/// How many holds keep a session.
pub(crate) fn standing(step: &Step<'_, '_>, recording: RecordingId) -> Result<usize, Halt> {
    let clock: ClockRow = step.rows.get(clock::KEY)?.unwrap_or_default();
    let holds = step.rows.list::<HoldRow>(&recording.0, HOLDS_MAX)?;
    Ok(holds.iter().filter(|(_, hold)| hold.stands(&clock)).count())
}

/// Recording, then hold: all holds of a session stand together.
pub(super) fn key(recording: RecordingId, hold: HoldId) -> Vec<u8> {
    [recording.0, hold.0].concat()
}
