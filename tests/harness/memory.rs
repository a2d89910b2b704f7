//! Memory of ended processes.

use nix::sys::resource::{UsageWho, getrusage};

/// The largest resident set of any process that this one, or one of its children, has waited for, in KiB. Each test
/// is a process of its own, so it tells of that test's commands alone.
pub fn children_peak_kib() -> anyhow::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}
