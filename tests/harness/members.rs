//! Three members as processes to which things happen while recorders write, and which are then asked for everything.

use crate::acknowledged::Verdict;
use crate::appender::scratch_folder;
use crate::fault::Fault;
use crate::random::Random;
use crate::trio::{MEMBERS, Trio};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The longest time between two faults.
const BETWEEN_MS_MAX: u64 = 300;

/// Members that suffer.
#[derive(Debug, Clone, Copy)]
pub struct Members {
    /// Chooses everything.
    pub seed: u64,
    /// How often something happens to one of them, or to all.
    pub faults: u64,
}

/// What happened once.
#[derive(Debug, Serialize)]
pub struct Struck {
    /// When, in milliseconds from the start.
    pub at_ms: u64,
    /// What.
    pub fault: Fault,
    /// To which member.
    pub member: u64,
    /// What else there is to say.
    pub detail: String,
    /// Appends that were begun before it and not answered when it was there.
    pub in_flight: usize,
    /// From its beginning until each member acknowledged again, the fault's own time included.
    pub until_all_go_on_ms: u64,
}

/// What was found at the end.
#[derive(Debug, Serialize)]
pub struct MembersOutcome {
    /// What was acknowledged in all.
    pub acknowledged: usize,
    /// What happened while an append had no answer, by kind.
    pub faults: BTreeMap<Fault, u64>,
    /// All that happened, in order.
    pub history: Vec<Struck>,
    /// After a kill: how long no acknowledgement came from the members that were left, in milliseconds.
    pub silence_ms: Vec<u64>,
    /// Changed chunks, and those of them that are whole again at the end.
    pub flips: (usize, usize),
    /// What was lost, or is wrong, and on which member.
    pub losses: Vec<String>,
    /// The findings of each member.
    pub verdicts: Vec<Verdict>,
}

impl Members {
    /// Does it. An error means that the test could not be done, or that the cluster did not go on.
    pub fn run(self) -> anyhow::Result<MembersOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut trio = Trio::start(folder.path(), self.seed)?;
        let mut history = Vec::new();
        let began = Instant::now();
        trio.wait_until_all_go_on("the start")?;
        for fault in Fault::some(&mut random, self.faults) {
            std::thread::park_timeout(Duration::from_millis(random.below(BETWEEN_MS_MAX)));
            let at = began.elapsed();
            let stroke = trio.strike(fault, &mut random)?;
            trio.wait_until_all_go_on(&format!("{fault:?} of member {}: {}", stroke.member, stroke.detail))?;
            history.push(Struck {
                at_ms: u64::try_from(at.as_millis())?,
                fault,
                member: stroke.member,
                detail: stroke.detail,
                in_flight: stroke.in_flight,
                until_all_go_on_ms: u64::try_from((began.elapsed() - at).as_millis())?,
            });
        }
        let mut faults = BTreeMap::new();
        for struck in history.iter().filter(|struck| struck.in_flight > 0) {
            *faults.entry(struck.fault).or_default() += 1;
        }
        let end = trio.end()?;
        let losses = end.verdicts.iter().zip(MEMBERS).flat_map(|(verdict, member)| {
            let all = verdict.missing.iter().chain(&verdict.wrong);
            all.map(move |loss| format!("member {member}: {loss}"))
        });
        let losses = losses.collect();
        let (acknowledged, silence_ms, flips) = (end.acknowledged, end.silence_ms, end.flips);
        Ok(MembersOutcome {
            acknowledged,
            faults,
            history,
            silence_ms,
            flips,
            losses,
            verdicts: end.verdicts,
        })
    }
}
