//! Whole clusters in one thread: the facts with openraft, and the machines of the live tail, on disks that lose what was
//! not synced, and a network that loses, delays, repeats and reorders; with crashes, lost disks, and changes of members
//! while recorders write. Oracles watch.
//!
//! A seed decides everything: the same seed gives the same history, and its hash. The executor says why that holds for
//! what is asynchronous, too.

mod control;
mod executor;
mod member_facts;
mod nemesis;
mod network;
mod node;
mod oracles;
mod output;
mod peers;
mod population;
mod random;
mod recorder;
pub(crate) mod runtime;
mod world;

#[cfg(test)]
mod tests;

pub use control::Control;
pub use oracles::{Oracle, Violation};
pub use population::{Populated, Population, PopulationError};

use world::World;

/// One history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulation {
    /// Decides everything that is left open.
    pub seed: u64,
    /// How many members the cluster has, 3 or 5.
    pub members: u64,
    /// What goes wrong.
    pub troubles: Troubles,
    /// The rule that the members do without.
    pub control: Control,
}

/// What goes wrong in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Troubles {
    /// Everything.
    #[default]
    Any,
    /// Owners that do not hear that another member takes over, and power cuts of those that have promised it to take
    /// nothing more of them.
    StaleOwners,
    /// Other layouts in quick succession, and kills.
    Layouts,
    /// Members that hear of no majority of those that acknowledged, slow disks, and takeovers.
    Splits,
}

/// What happened in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The hash of all that happened, in order.
    pub history: u64,
    /// What the oracles found.
    pub violations: Vec<Violation>,
    /// Faults that struck while an append was not acknowledged.
    pub faults: Vec<&'static str>,
    /// Bytes that were acknowledged.
    pub acknowledged_bytes: u64,
    /// Bytes that were read back and compared.
    pub compared_bytes: u64,
    /// Chunks that were closed.
    pub chunks: usize,
    /// Takeovers that were committed.
    pub takeovers: u64,
    /// How long it took, in milliseconds of the simulated time.
    pub simulated_ms: u64,
}

impl Simulation {
    /// A sound cluster: of three members for even seeds, of five for odd ones.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            members: if seed.is_multiple_of(2) { 3 } else { 5 },
            troubles: Troubles::Any,
            control: Control::Sound,
        }
    }

    /// Runs to the end, or to the first violation.
    pub fn run(self) -> Report {
        World::new(self).run()
    }
}
