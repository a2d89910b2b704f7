//! One member of a simulated cluster: its disks, which outlive its processes, and the process.

use super::control::Control;
use super::executor::Surroundings;
use super::member_facts::MemberFacts;
use super::random::Dice;
use crate::catalog::{Catalog, MemoryEngine};
use crate::chunk::Keks;
use crate::chunk::disk::{DiskError, MemoryDisk, Volume};
use crate::chunk::journal::{JournalError, JournalLimits};
use crate::id::{MemberId, ObjectId};
use crate::tail::{
    Batch, Closing, Effect, Found, Member, MemberParts, RequestNumber, Shelf, TailError, TailOptions, Ticket,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Segments of the journal are short, so that they come and go while recorders write.
const JOURNAL: JournalLimits =
    JournalLimits { direct_bytes: 2_500, segment_bytes: 20_000, segment_age_ms: 500, syncs_at_once: 1 };

/// A member and what befalls it.
pub(crate) struct Node {
    control: Control,
    /// What is written of the bytes, and of the facts: each has a volume of its own, so that one may be full.
    pub(crate) disk: MemoryDisk,
    pub(crate) facts_disk: MemoryDisk,
    /// The catalog's rows. They stay when the process is killed.
    engine: Arc<MemoryEngine>,
    /// With whom it begins a new cluster.
    founders: BTreeSet<MemberId>,
    /// Counts its processes.
    pub(crate) run: u64,
    /// The process, as far as it has come: its facts are opened first.
    pub(crate) facts: Option<MemberFacts>,
    opening: Option<(Shelf, Found)>,
    pub(crate) process: Option<Process>,
    /// Its disk is gone: it never comes back.
    pub(crate) is_lost: bool,
    /// How far its clock is ahead.
    pub(crate) clock_ahead_ms: u64,
    /// Up to when its syncs are slow, and it applies late.
    pub(crate) slow_until_us: u64,
    pub(crate) late_until_us: u64,
    /// Whether the disk of its facts is, or was, full.
    pub(crate) was_full: bool,
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
    /// Whether it knows what is committed.
    pub(crate) is_ready: bool,
    /// What the disk is busy with.
    pub(crate) batch: Option<Batch>,
    pub(crate) closings: VecDeque<Closing>,
    pub(crate) callers: BTreeMap<RequestNumber, Caller>,
    pub(crate) last_request: u64,
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

    /// Up to which entry the catalog has applied the log.
    pub(crate) fn applied(&self) -> u64 {
        applied(&self.catalog)
    }
}

/// Up to which entry a catalog has applied the log.
pub(crate) fn applied(catalog: &Catalog) -> u64 {
    catalog.applied().expect("rows in memory do not fail").map_or(0, |position| position.index)
}

impl Node {
    pub(crate) fn new(control: Control, founders: BTreeSet<MemberId>) -> Self {
        let (disk, facts_disk) = (MemoryDisk::default(), MemoryDisk::default());
        if control == Control::NoFsync {
            disk.lie_about_syncs();
        }
        if control == Control::NoFactsFsync {
            facts_disk.lie_about_syncs();
        }
        Self {
            control,
            disk,
            facts_disk,
            engine: Arc::default(),
            founders,
            run: 0,
            facts: None,
            opening: None,
            process: None,
            is_lost: false,
            clock_ahead_ms: 0,
            slow_until_us: 0,
            late_until_us: 0,
            was_full: false,
        }
    }

    /// Begins a process on what the disks hold.
    pub(crate) fn start(
        &mut self,
        member: MemberId,
        around: Surroundings,
        dice: &mut Dice,
    ) -> Result<(), JournalError> {
        let volume = Volume::new(Arc::new(self.disk.clone()), "");
        let (shelf, mut found) = Shelf::open(volume, JOURNAL)?;
        if self.control == Control::FenceForgottenAtRestart {
            found.fences.clear();
        }
        self.run += 1;
        self.opening = Some((shelf, found));
        let facts_dice = Dice::new(dice.next());
        let who = (member, self.founders.clone());
        self.facts =
            Some(MemberFacts::start(who, &self.facts_disk, Arc::clone(&self.engine), (facts_dice, around)));
        Ok(())
    }

    /// The facts are open: so is the rest.
    pub(crate) fn open(&mut self, member: MemberId, keks: &Arc<Keks>) {
        let Some((shelf, found)) = self.opening.take() else { return };
        let catalog = Catalog::new(self.engine.clone());
        let options = options(self.control);
        let keks = Arc::clone(keks);
        let parts = MemberParts { member, options, shelf, found, catalog: catalog.clone(), keks };
        self.process = Some(Process {
            member: Member::new(parts),
            catalog,
            is_ready: false,
            batch: None,
            closings: VecDeque::new(),
            callers: BTreeMap::new(),
            last_request: 0,
            openings: BTreeMap::new(),
        });
    }

    /// Ends the process. What was not synced is lost with the power, and the rows are rebuilt.
    pub(crate) fn stop(&mut self, is_power_cut: bool, dice: &mut Dice) {
        (self.process, self.opening, self.facts) = (None, None, None);
        for disk in [&self.disk, &self.facts_disk] {
            match is_power_cut {
                true => disk.cut_power(&mut |choices| dice.index(choices)),
                false => disk.kill(),
            }
        }
        if is_power_cut {
            self.engine = Arc::default();
        }
    }

    /// Whether there is no process, not even one that is being started.
    pub(crate) fn is_down(&self) -> bool {
        self.facts.is_none()
    }

    /// Whether the process is about to die, since one of its disks has stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.disk.is_stopped() || self.facts_disk.is_stopped()
    }

    pub(crate) fn around(&self, now_us: u64) -> Surroundings {
        Surroundings {
            now_us,
            slow_until_us: self.slow_until_us,
            late_until_us: self.late_until_us,
            tears_snapshots: self.control == Control::SnapshotWithoutBeforeImages,
        }
    }

    pub(crate) fn now_ms(&self, now_us: u64) -> u64 {
        now_us / 1000 + self.clock_ahead_ms
    }
}

/// Small sizes and short times, so that much happens in a few seconds.
fn options(control: Control) -> TailOptions {
    TailOptions {
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
