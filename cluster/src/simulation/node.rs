//! One member of a simulated cluster: its disk, which outlives its processes, and the process.

use super::consensus::Consensus;
use super::control::Control;
use super::random::Dice;
use super::snapshot::Snapshot;
use crate::catalog::{Catalog, MemoryEngine};
use crate::chunk::disk::{DiskError, MemoryDisk, Volume};
use crate::chunk::journal::{JournalError, JournalLimits};
use crate::chunk::key::Kek;
use crate::id::{MemberId, ObjectId};
use crate::tail::{
    Batch, Closing, Effect, Member, MemberParts, RequestNumber, Shelf, TailError, TailOptions, Ticket,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Segments of the journal are short, so that they come and go while recorders write.
const JOURNAL: JournalLimits =
    JournalLimits { direct_bytes: 2_500, segment_bytes: 20_000, segment_age_ms: 500, syncs_at_once: 1 };

/// A member and what befalls it.
pub(crate) struct Node {
    pub(crate) disk: MemoryDisk,
    /// Counts its processes.
    pub(crate) run: u64,
    pub(crate) process: Option<Process>,
    /// Its disk is gone: it never comes back.
    pub(crate) is_lost: bool,
    /// How far its clock is ahead.
    pub(crate) clock_ahead_ms: u64,
    /// Up to when its syncs are slow, and it applies late.
    pub(crate) slow_until_us: u64,
    pub(crate) late_until_us: u64,
    /// How much of the log its catalog had.
    pub(crate) applied_before: usize,
    /// Its newest snapshot.
    pub(crate) snapshot: Option<Snapshot>,
}

/// Who is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) recorder: usize,
    pub(crate) call: u64,
}

/// A running member.
pub(crate) struct Process {
    pub(crate) member: Member,
    pub(crate) catalog: Catalog,
    /// How much of the log is applied.
    pub(crate) applied: usize,
    pub(crate) is_applying: bool,
    /// What the disk is busy with.
    pub(crate) batch: Option<Batch>,
    pub(crate) closings: VecDeque<Closing>,
    pub(crate) callers: BTreeMap<RequestNumber, Caller>,
    pub(crate) last_request: u64,
    /// A snapshot that is being written.
    pub(crate) snapshot: Option<Snapshot>,
    /// Read indexes that are waited for.
    pub(crate) reads: Vec<(usize, Ticket)>,
    /// Sessions that are being opened.
    pub(crate) openings: BTreeMap<Ticket, (Caller, ObjectId)>,
}

impl Process {
    /// The disk does what it is busy with.
    pub(crate) fn sync(&mut self) -> Result<Vec<Effect>, TailError> {
        let Some(batch) = self.batch.take() else { return Ok(Vec::new()) };
        let mut durable = batch.run().map_err(DiskError::from)?;
        let retirement = durable.take_retirement();
        let effects = self.member.durable(durable);
        if let Some(retirement) = retirement {
            self.member.retired(retirement.run().map_err(DiskError::from)?);
        }
        Ok(effects)
    }

    /// The disk closes the next file.
    pub(crate) fn close(&mut self, now_ms: u64) -> Result<Vec<Effect>, TailError> {
        let Some(closing) = self.closings.pop_front() else { return Ok(Vec::new()) };
        self.member.closed(closing.run().map_err(DiskError::from)?, now_ms)
    }
}

impl Node {
    pub(crate) fn new(control: Control) -> Self {
        let disk = MemoryDisk::default();
        if control == Control::NoFsync {
            disk.lie_about_syncs();
        }
        Self {
            disk,
            run: 0,
            process: None,
            is_lost: false,
            clock_ahead_ms: 0,
            slow_until_us: 0,
            late_until_us: 0,
            applied_before: 0,
            snapshot: None,
        }
    }

    /// Starts a process on what the disk holds. The catalog is rebuilt, from a snapshot if there is one, up to some place
    /// that it had reached before.
    pub(crate) fn start(
        &mut self,
        member: MemberId,
        setup: (Control, &Arc<Kek>, &Consensus),
        dice: &mut Dice,
    ) -> Result<(), JournalError> {
        let (control, kek, consensus) = setup;
        let volume = Volume::new(Arc::new(self.disk.clone()), "");
        let (shelf, mut found) = Shelf::open(volume, JOURNAL)?;
        if control == Control::FenceForgottenAtRestart {
            found.fences.clear();
        }
        let catalog = Catalog::new(Arc::new(MemoryEngine::new()));
        let applied = dice.index(self.applied_before + 1);
        let snapshot = self.snapshot.as_ref().filter(|snapshot| snapshot.applied <= applied);
        if let Some(snapshot) = snapshot {
            snapshot.load(&catalog);
        }
        let first = snapshot.map_or(0, |snapshot| snapshot.applied);
        let entries = (first..applied).filter_map(|index| consensus.entry(index));
        let entries = entries.map(|(position, entry)| (position, entry.entry.clone())).collect();
        catalog.apply(entries).expect("rows in memory do not fail");
        let parts = MemberParts {
            member,
            options: options(control),
            shelf,
            found,
            catalog: catalog.clone(),
            kek: Arc::clone(kek),
        };
        self.run += 1;
        self.process = Some(Process {
            member: Member::new(parts),
            catalog,
            applied,
            is_applying: false,
            batch: None,
            closings: VecDeque::new(),
            callers: BTreeMap::new(),
            last_request: 0,
            snapshot: None,
            reads: Vec::new(),
            openings: BTreeMap::new(),
        });
        Ok(())
    }

    /// Ends the process. What was not synced is lost with the power.
    pub(crate) fn stop(&mut self, is_power_cut: bool, dice: &mut Dice) {
        if let Some(process) = self.process.take() {
            self.applied_before = process.applied;
        }
        match is_power_cut {
            true => self.disk.cut_power(&mut |choices| dice.index(choices)),
            false => self.disk.kill(),
        }
    }

    pub(crate) fn now_ms(&self, now_us: u64) -> u64 {
        now_us / 1000 + self.clock_ahead_ms
    }
}

/// Small sizes and short times, so that much happens in a few seconds.
fn options(control: Control) -> TailOptions {
    TailOptions {
        replicas: 3,
        chunk_bytes: 8_000,
        in_flight_bytes: 64_000,
        retry_ms: 100,
        patience_ms: 600,
        behind_bytes: 32_000,
        lease_ms: 400,
        alive_ms: 100,
        idle_ms: 3_000,
        survey_ms: 1_500,
        hedge_ms: 50,
        read_ms: 2_000,
        rules: control.rules(),
    }
}
