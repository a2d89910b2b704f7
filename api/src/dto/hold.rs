//! Holds: what keeps a session from being purged.

use cluster::catalog::{ClockRow, HoldId, HoldRow, HoldState, HoldWord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A session is to be kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// Why: an inquiry, a court order.
    pub(crate) justification: String,
    /// Until when; until it is released, without.
    pub(crate) expires_ms: Option<u64>,
}

/// Why a hold is to end.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// Kept with the hold.
    #[serde(default)]
    pub(crate) reason: String,
}

/// A hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Hold {
    pub(crate) id: String,
    /// Whether it keeps the session from being purged.
    pub(crate) stands: bool,
    /// `placed`, `release-asked` (a second person is needed) or `released`.
    pub(crate) state: &'static str,
    pub(crate) justification: String,
    pub(crate) placed_by: String,
    pub(crate) placed_ms: u64,
    pub(crate) expires_ms: Option<u64>,
    /// Who asked for its release first, where two persons are needed.
    pub(crate) release_asked: Option<ReleaseWord>,
    /// Who released it.
    pub(crate) released: Option<ReleaseWord>,
}

/// What somebody has said about the end of a hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReleaseWord {
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) at_ms: u64,
}

impl Hold {
    /// A hold at the cluster's time.
    pub(crate) fn new(id: HoldId, row: HoldRow, clock: &ClockRow) -> Self {
        let stands = row.stands(clock);
        let (state, release_asked, released) = match row.state {
            HoldState::Placed => ("placed", None, None),
            HoldState::ReleaseAsked(asked) => ("release-asked", Some(asked.into()), None),
            HoldState::Released { asked, released } => {
                ("released", asked.map(ReleaseWord::from), Some(released.into()))
            }
        };
        Self {
            id: id.to_string(),
            stands,
            state,
            justification: row.justification,
            placed_by: row.placed_by,
            placed_ms: row.placed_ms,
            expires_ms: row.expires_ms,
            release_asked,
            released,
        }
    }
}

impl From<HoldWord> for ReleaseWord {
    fn from(word: HoldWord) -> Self {
        let HoldWord { by, reason, at_ms } = word;
        Self { by, reason, at_ms }
    }
}
