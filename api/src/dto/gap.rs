//! When a recording stood still.

use cluster::catalog;
use serde::Serialize;
use utoipa::ToSchema;

/// From when to when nothing was recorded: its recorder was away, or no quorum of members was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Gap {
    /// How many bytes the recording had.
    pub(crate) offset: u64,
    /// Since when it stood still, in the cluster's time.
    pub(crate) from_ms: u64,
    /// When it went on; absent when it stands still, or never went on before it was sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until_ms: Option<u64>,
}

impl From<catalog::Gap> for Gap {
    fn from(gap: catalog::Gap) -> Self {
        let catalog::Gap { offset, from_ms, until_ms } = gap;
        Self { offset, from_ms, until_ms }
    }
}
