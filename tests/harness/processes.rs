//! Other processes, as proc(5) shows them, and waiting for states.

use crate::random::Random;
use anyhow::{Context, bail};
use std::fs;
use std::time::{Duration, Instant};

/// Asks for a state again and again; an error when it is not there by the deadline.
pub fn wait_until(
    what: &str,
    deadline: Duration,
    mut state: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    /// Time between two questions.
    const PAUSE: Duration = Duration::from_millis(2);
    let started = Instant::now();
    while !state()? {
        if started.elapsed() > deadline {
            bail!("waited {deadline:?} for {what}");
        }
        std::thread::park_timeout(PAUSE);
    }
    Ok(())
}

/// Lets a time pass that is too short to sleep through: the scheduler would round it.
pub(crate) fn spin(us: u64) {
    let (started, time) = (Instant::now(), Duration::from_micros(us));
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A time after the start of a member that recovers: short ones as often as long ones, since a fast machine is done
/// in tens of milliseconds and a busy one in half a second.
pub(crate) fn recovery_us(random: &mut Random) -> u64 {
    let magnitude = 12 + random.below(8);
    random.below(1 << magnitude)
}

/// The ids of the processes that `id` started and that still run.
pub fn children_of(id: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("proc(5) is needed")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if stat_of(child).is_some_and(|stat| stat.parent == id && stat.runs) {
            children.push(child);
        }
    }
    Ok(children)
}

/// Whether the process runs. An ended one that nobody has waited for does not.
pub fn is_alive(id: u32) -> bool {
    stat_of(id).is_some_and(|stat| stat.runs)
}

/// Time that the process has computed, in clock ticks of proc(5): hundredths of a second.
pub fn computed_ticks(id: u32) -> u64 {
    stat_of(id).map_or(0, |stat| stat.user_ticks)
}

/// The same and what the kernel computed for it, in seconds.
pub(crate) fn computed_s(id: u32) -> f64 {
    let ticks = stat_of(id).map_or(0, |stat| stat.user_ticks + stat.system_ticks);
    Duration::from_millis(10 * ticks).as_secs_f64()
}

struct Stat {
    parent: u32,
    runs: bool,
    user_ticks: u64,
    system_ticks: u64,
}

/// The fields behind the name, which may hold anything.
fn stat_of(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let user_ticks = fields.nth(9)?.parse().ok()?;
    let system_ticks = fields.next()?.parse().ok()?;
    Some(Stat { parent, runs: !matches!(state, "Z" | "X"), user_ticks, system_ticks })
}
