//! Tables of the AV1 specification, carried over as data.

pub(super) mod coef_base_cdfs;
pub(super) mod coef_cdfs;
pub(super) mod mode_cdfs;
pub(super) mod palette_cdfs;
pub(super) mod quantizers;
pub(super) mod scans;
pub(super) mod smooth_weights;
