//! The cluster's time.

use cluster::catalog::ClockRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::purge_plan::reason;

/// The cluster's time: the lower median of what the voters' clocks say. It never goes back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Clock {
    pub(crate) now_ms: u64,
    /// Why nothing is purged by age, and no hold expires, until an operator confirms.
    pub(crate) suspended: Option<String>,
}

impl From<ClockRow> for Clock {
    fn from(row: ClockRow) -> Self {
        Self { now_ms: row.now_ms, suspended: row.suspicion.map(reason) }
    }
}
