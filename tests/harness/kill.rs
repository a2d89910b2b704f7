//! Kills: a member that the system ends at any instant starts again and has what it acknowledged.

use crate::acknowledged::{Acknowledged, Verdict};
use crate::appender::{Subject, Syncs, scratch_folder};
use crate::processes::{recovery_us, spin};
use crate::random::Random;
use serde::Serialize;

/// The most acknowledgements before a kill.
const LINES_MAX: u64 = 600;
/// The longest time between the last of them and the kill.
const SPIN_US_MAX: u64 = 20_000;

/// One member that is killed again and again.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    /// Chooses everything.
    pub seed: u64,
    /// How often at work; each may be followed by one during recovery.
    pub kills: u64,
}

/// What was found after the kills.
#[derive(Debug, Serialize)]
pub struct KillsOutcome {
    /// What was acknowledged in all.
    pub acknowledged: usize,
    /// Kills while the member was at work.
    pub at_work: u64,
    /// Kills while it recovered.
    pub in_recovery: u64,
    /// What was lost, or is wrong.
    pub losses: Vec<String>,
    /// The findings.
    pub verdicts: Vec<Verdict>,
}

impl Kills {
    /// Does it; ends at the first loss. An error means that the test could not be done, or that the member did not
    /// start again.
    pub fn run(self) -> anyhow::Result<KillsOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let subject = Subject {
            folder: folder.path().join("member"),
            seed: self.seed,
            boot_id: "the only one".to_owned(),
            syncs: Syncs::Done,
        };
        let mut acknowledged: Vec<Acknowledged> = Vec::new();
        let (mut at_work, mut in_recovery, mut verdicts) = (0, 0, Vec::new());
        let mut losses = Vec::new();
        for round in 0..self.kills {
            let mut member = subject.append(2 * round, None)?;
            member.wait_lines(usize::try_from(random.below(LINES_MAX) + 1)?)?;
            spin(random.below(SPIN_US_MAX));
            acknowledged.extend(member.kill()?);
            at_work += 1;
            if random.below(2) == 0 {
                let member = subject.append(2 * round + 1, None)?;
                spin(recovery_us(&mut random));
                let lines = member.kill()?;
                in_recovery += u64::from(lines.is_empty());
                acknowledged.extend(lines);
            }
            let verdict = subject.verify(&acknowledged, random.below(2) == 0)?;
            losses.extend(verdict.missing.iter().chain(&verdict.wrong).cloned());
            verdicts.push(verdict);
            if !losses.is_empty() {
                break;
            }
        }
        Ok(KillsOutcome { acknowledged: acknowledged.len(), at_work, in_recovery, losses, verdicts })
    }
}
