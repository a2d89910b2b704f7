//! Power cuts: what a member has acknowledged is in the image of its disk.

use crate::acknowledged::{Acknowledged, Verdict};
use crate::appender::{Subject, Syncs, scratch_folder};
use crate::loop_disk::LoopDisk;
use crate::processes::{recovery_us, spin};
use crate::random::Random;
use serde::Serialize;

/// The most acknowledgements before a cut.
const LINES_MAX: u64 = 600;
/// The longest time between the last of them and the cut: about what a few more take.
const SPIN_US_MAX: u64 = 20_000;

/// One member that loses its power again and again, and starts on what its disk then holds.
#[derive(Debug, Clone, Copy)]
pub struct PowerCuts {
    /// Chooses everything.
    pub seed: u64,
    /// How often.
    pub cuts: u64,
    /// What its disk does when it is asked to sync. Anything but that tests the test.
    pub syncs: Syncs,
}

/// What was found after each cut.
#[derive(Debug, Serialize)]
pub struct PowerCutsOutcome {
    /// What was acknowledged in all.
    pub acknowledged: usize,
    /// What was lost of it, or is wrong.
    pub losses: Vec<String>,
    /// The findings.
    pub verdicts: Vec<Verdict>,
}

impl PowerCuts {
    /// Does it; ends at the first loss. An error means that the test could not be done.
    pub fn run(self) -> anyhow::Result<PowerCutsOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut disk = LoopDisk::new(folder.path(), "disk-0")?;
        let mut acknowledged = Vec::new();
        let mut outcome = PowerCutsOutcome { acknowledged: 0, losses: Vec::new(), verdicts: Vec::new() };
        for cut in 0..self.cuts {
            acknowledged.extend(self.cut(&disk, cut, &mut random)?);
            disk = disk.after_cut(&format!("disk-{}", cut + 1))?;
            outcome.acknowledged = acknowledged.len();
            let subject = self.subject(&disk, format!("look {cut}"));
            match subject.verify(&acknowledged, random.below(2) == 0) {
                Ok(verdict) => {
                    outcome.losses.extend(verdict.missing.iter().chain(&verdict.wrong).cloned());
                    outcome.verdicts.push(verdict);
                }
                Err(error) => outcome.losses.push(format!("the member does not start: {error:#}")),
            }
            if !outcome.losses.is_empty() {
                break;
            }
        }
        Ok(outcome)
    }

    /// Lets the member work and cuts its power. Returns what it acknowledged.
    fn cut(self, disk: &LoopDisk, cut: u64, random: &mut Random) -> anyhow::Result<Vec<Acknowledged>> {
        let switch = disk.switch()?;
        let mut member = self.subject(disk, format!("work {cut}")).append(cut, None)?;
        // Zero: the cut may come while the member recovers from the one before.
        let lines = match random.below(4) {
            0 if cut > 0 => 0,
            _ => random.below(LINES_MAX) + 1,
        };
        member.wait_lines(usize::try_from(lines)?)?;
        spin(match lines {
            0 => recovery_us(random),
            _ => random.below(SPIN_US_MAX),
        });
        switch.cut(member.id())?;
        member.killed()
    }

    fn subject(self, disk: &LoopDisk, boot_id: String) -> Subject {
        let folder = disk.path().join("member");
        Subject { folder, seed: self.seed, boot_id, syncs: self.syncs }
    }
}
