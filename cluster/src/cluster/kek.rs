//! KEKs come and go: each member fetches those that it lacks and deletes those that wrap nothing any more; the leader
//! has new ones made, taken into use, and all keys wrapped anew.

use super::Cluster;
use super::errors::OpenSessionError;
use super::folder;
use super::rewrap::Walk;
use super::shared::Shared;
use super::worker::{Worker, WorkerOrder, WorkerState, WorkerStatus};
use crate::catalog::{CatalogError, Command, HoldKeks, KEK_ROTATION_DAYS, KekRow, KekState, NextKek};
use crate::chunk::key::{Kek, KekId, NoRandomness, UnwrapError};
use crate::chunk::{DiskError, SealedKek};
use crate::facts::{NotReady, ReadIndexError, SubmitError};
use crate::id::{MemberId, RecordingId};
use crate::joining::CaKeyError;
use crate::rpc;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it is looked whether there is something to do.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Objects that are looked at before others have a turn.
pub(super) const OBJECTS_AT_ONCE: usize = 4096;
const DAY_MS: u64 = 86_400_000;

/// Why the KEKs are not in order. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What is committed is not known.
    #[error(transparent)]
    ReadIndex(#[from] ReadIndexError),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No key could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The KEKs could not be stored.
    #[error("the file of the KEKs cannot be replaced")]
    Store(#[source] io::Error),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A key could not be wrapped anew.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// The CA's key could not be sealed anew.
    #[error(transparent)]
    CaKey(#[from] CaKeyError),
    /// It was not committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// No other member has given it.
    #[error("no other member gives KEK {kek}")]
    KekElsewhere {
        /// Which.
        kek: KekId,
    },
    /// The KEK is kept: it is said to wrap nothing, and wraps a key.
    #[error("KEK {kek} is retired, and still wraps the keys of recording {recording}")]
    StillWraps {
        /// Which.
        kek: KekId,
        /// Whose key.
        recording: RecordingId,
    },
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

/// The worker.
#[derive(Debug, Default)]
pub(super) struct KekWorker {
    is_paused: AtomicBool,
    /// Keys of recordings that were wrapped anew, and KEKs that came and went.
    pub(super) rewrapped: AtomicU64,
    fetched: AtomicU64,
    deleted: AtomicU64,
    progress: Mutex<Progress>,
    /// Held while a KEK is made: two would have one number.
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The walk over all recordings, while there is one.
    pub(super) walk: Option<Walk>,
    waits_for: Option<String>,
    pub(super) last_error: Option<String>,
}

impl KekWorker {
    pub(super) fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker for KekWorker {
    fn name(&self) -> &'static str {
        "kek"
    }

    fn status(&self) -> WorkerStatus {
        let progress = self.lock();
        let state = match (self.is_paused.load(Ordering::Relaxed), &progress.waits_for, progress.walk) {
            (true, ..) => WorkerState::Paused,
            (false, Some(reason), _) => WorkerState::Waiting { reason: reason.clone() },
            (false, None, Some(_)) => WorkerState::Busy,
            (false, None, None) => WorkerState::Idle,
        };
        let counted =
            [("rewrapped", &self.rewrapped), ("fetched", &self.fetched), ("deleted", &self.deleted)];
        WorkerStatus {
            name: self.name().to_owned(),
            state,
            progress_permille: progress.walk.and_then(Walk::done_permille),
            queue: None,
            eta_ms: None,
            last_error: progress.last_error.clone(),
            counts: counted.map(|(name, count)| (name.to_owned(), count.load(Ordering::Relaxed))).into(),
        }
    }

    /// A rotation is begun by [`Cluster::make_kek`] alone.
    fn obey(&self, order: WorkerOrder) {
        self.is_paused.store(order == WorkerOrder::Pause, Ordering::Relaxed);
    }
}

impl Cluster {
    /// Makes the next KEK and stores it here, durably. It is the cluster's once the command is committed, and comes into use
    /// when all members hold it.
    pub async fn make_kek(&self, by: String) -> Result<(KekId, Command), KekError> {
        let _making = self.shared.kek_worker.making.lock().await;
        self.read_index().await?;
        let newest = self.catalog()?.keks()?.last().map_or(0, |(newest, _)| newest.0);
        let made = Kek::generate(KekId(newest.saturating_add(1)), &*self.shared.random)?;
        let (kek, check) = (made.id(), made.check_value());
        self.shared.replace_keks(move |shared| shared.keks.add(made)).await?;
        Ok((kek, Command::NextKek(NextKek { kek, check, member: self.member(), by })))
    }

    /// Does what is next to do with KEKs. Returns how long to wait before the next call.
    ///
    /// Each member has those that it is to hold, deletes the others, and says so; the leader makes one when it is time, takes
    /// it into use when all members hold it, and wraps keys anew until none is left under an older one.
    pub async fn tend_keks(&self) -> Result<Duration, KekError> {
        let worker = Arc::clone(&self.shared.kek_worker);
        let tended = self.tend_some().await;
        if let Err(error) = &tended {
            let mut progress = worker.lock();
            progress.last_error = Some(error.to_string());
            progress.walk = None;
        }
        tended
    }

    async fn tend_some(&self) -> Result<Duration, KekError> {
        let keks = self.catalog()?.keks()?;
        self.delete_unneeded(&keks).await?;
        let fetched = self.fetch_lacking(&keks).await;
        self.tell_keks().await?;
        fetched?;
        if self.shared.facts.leader().await != Some(self.member()) {
            let mut progress = self.shared.kek_worker.lock();
            (progress.walk, progress.waits_for) = (None, None);
            return Ok(LOOK_EVERY);
        }
        self.lead_keks(&keks).await
    }

    /// Says which KEKs this member holds, unless that is known.
    pub(super) async fn tell_keks(&self) -> Result<(), SubmitError> {
        let (me, catalog) = (self.member(), self.shared.facts.catalog()?);
        let unreadable = |_| SubmitError::Stopped;
        let (rows, clock) = (catalog.keks().map_err(unreadable)?, catalog.clock().map_err(unreadable)?);
        let keks = self.shared.keks.checks();
        let is_known = |(kek, row): &(KekId, KekRow)| {
            let is_held = keks.contains(&(*kek, row.check));
            is_held == row.holders.contains(&me) && (row.used_ms != Some(0) || clock.now_ms == 0)
        };
        // Another one of the same number is refused.
        let is_other = |(kek, row): &(KekId, KekRow)| {
            row.wraps() && keks.iter().any(|(held, check)| held == kek && *check != row.check)
        };
        if !rows.is_empty() && rows.iter().all(is_known) && !rows.iter().any(is_other) {
            return Ok(());
        }
        self.submit(Command::HoldKeks(HoldKeks { member: me, keks })).await.map(drop)
    }

    /// Deletes KEKs that wrap nothing, and what is left of a rotation that never was.
    async fn delete_unneeded(&self, keks: &[(KekId, KekRow)]) -> Result<(), KekError> {
        let held = self.shared.keks.checks();
        let row_of = |kek: KekId| keks.iter().find(|(other, _)| *other == kek).map(|(_, row)| row);
        let is_gone = |(kek, check): &(KekId, _)| match row_of(*kek) {
            // It may be about to be the next one.
            None => false,
            Some(row) if row.check != *check => row.state == KekState::Next,
            Some(row) => !row.is_needed(),
        };
        let gone: Vec<KekId> = held.iter().filter(|kek| is_gone(kek)).map(|(kek, _)| *kek).collect();
        let Some(current) = keks.iter().find(|(_, row)| row.state == KekState::Current) else {
            return Ok(());
        };
        let current = self.shared.keks.get(current.0);
        let (Some(current), false) = (current, gone.is_empty()) else { return Ok(()) };
        for kek in &gone {
            if row_of(*kek).is_some_and(|row| row.state == KekState::Retired) {
                self.check_unused(*kek).await?;
            }
        }
        let count = u64::try_from(gone.len()).unwrap_or(0);
        let folder = Arc::clone(&self.shared);
        let belong = move || folder::belong_to(folder.store.volume(), &current);
        self.shared.readers.run(belong).await.ok_or(KekError::Stopped)??;
        self.shared.replace_keks(move |shared| shared.keks.remove(&gone)).await?;
        self.shared.kek_worker.deleted.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a KEK wraps nothing, as this member's own rows say: a key that is deleted too early opens nothing again.
    async fn check_unused(&self, kek: KekId) -> Result<(), KekError> {
        let mut after = None;
        loop {
            let shared = Arc::clone(&self.shared);
            let above = KekId(kek.0.saturating_add(1));
            let look = move || {
                shared.catalog()?.wrapped_before(above, after, (OBJECTS_AT_ONCE, 1)).map_err(KekError::from)
            };
            let found = self.shared.readers.run(look).await.ok_or(KekError::Stopped)??;
            if let Some((recording, _)) = found.keys.into_iter().find(|(_, keys)| keys.kek == kek) {
                return Err(KekError::StillWraps { kek, recording });
            }
            if found.next.is_none() {
                return Ok(());
            }
            after = found.next;
        }
    }

    /// Asks the others for KEKs that this member is to hold and does not.
    async fn fetch_lacking(&self, keks: &[(KekId, KekRow)]) -> Result<(), KekError> {
        let lacks = |(kek, row): &&(KekId, KekRow)| row.is_needed() && self.shared.keks.get(*kek).is_none();
        for (kek, row) in keks.iter().filter(lacks) {
            let held = self.shared.keks.checks().into_iter().map(|(kek, _)| kek).collect();
            let request = rpc::Request::Kek { kek: *kek, held };
            let read = |answer: &[u8]| rpc::decode::<Option<SealedKek>>(answer);
            let answers = self.shared.ask_all(&request, None, read).await;
            let opened = answers.into_values().flatten().flatten().filter_map(|sealed| {
                let opened = self.shared.keks.open(sealed, self.member());
                opened.filter(|opened| opened.id() == *kek && opened.check_value() == row.check)
            });
            let Some(opened) = opened.into_iter().next() else {
                return Err(KekError::KekElsewhere { kek: *kek });
            };
            self.shared.replace_keks(move |shared| shared.keks.add(opened)).await?;
            self.shared.kek_worker.fetched.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn lead_keks(&self, keks: &[(KekId, KekRow)]) -> Result<Duration, KekError> {
        let worker = &self.shared.kek_worker;
        let find = |state: KekState| keks.iter().rfind(|(_, row)| row.state == state);
        if worker.is_paused.load(Ordering::Relaxed) {
            return Ok(LOOK_EVERY);
        }
        let Some((current, row)) = find(KekState::Current) else { return Ok(LOOK_EVERY) };
        let next = find(KekState::Next);
        if self.is_rotation_due(row, next.map(|(_, row)| row))? {
            let (_, command) = self.make_kek(String::new()).await?;
            self.submit(command).await?;
            return Ok(Duration::ZERO);
        }
        let lacking = next.map(|(kek, row)| Ok::<_, KekError>((*kek, self.lacking(row)?))).transpose()?;
        worker.lock().waits_for = match &lacking {
            Some((kek, Some(member))) => Some(format!("member {member} does not hold KEK {kek} yet")),
            Some((_, None)) | None => None,
        };
        if let Some((kek, None)) = lacking {
            self.submit(Command::UseKek { kek }).await?;
            return Ok(Duration::ZERO);
        }
        match find(KekState::Old) {
            Some(_) => self.rewrap_some(*current, keks).await,
            None => {
                worker.lock().walk = None;
                Ok(LOOK_EVERY)
            }
        }
    }

    /// The first member that does not hold a KEK.
    fn lacking(&self, row: &KekRow) -> Result<Option<MemberId>, KekError> {
        let members = self.catalog()?.kek_members()?;
        Ok(members.into_iter().find(|member| !row.holders.contains(member)))
    }

    /// Whether it is time for another KEK. One that is made and that not all members hold yet has as much time.
    fn is_rotation_due(&self, current: &KekRow, next: Option<&KekRow>) -> Result<bool, KekError> {
        let catalog = self.catalog()?;
        let (clock, days) = (catalog.clock()?, catalog.number(KEK_ROTATION_DAYS)?);
        let since_ms =
            next.map_or(current.used_ms, |next| Some(next.made_ms)).filter(|since_ms| *since_ms > 0);
        let (Some(since_ms), Some(days), None) = (since_ms, days, clock.suspicion) else { return Ok(false) };
        Ok(clock.now_ms.saturating_sub(since_ms) >= days.saturating_mul(DAY_MS))
    }
}

impl Shared {
    /// The KEK that wraps new keys.
    pub(super) fn current_kek(&self) -> Result<Arc<Kek>, OpenSessionError> {
        let rows = self.facts.catalog()?.keks()?;
        match rows.into_iter().find(|(_, row)| row.state == KekState::Current) {
            Some((kek, _)) => self.keks.get(kek).ok_or(OpenSessionError::KekMissing { kek }),
            None => Ok(self.keks.newest()),
        }
    }

    /// A KEK for another member, encrypted; none when it is not here.
    pub(super) fn kek_for(&self, member: MemberId, kek: KekId, held: &[KekId]) -> Option<SealedKek> {
        self.keks.seal(kek, held, member, &*self.random).ok().flatten()
    }

    async fn replace_keks(
        self: &Arc<Self>,
        replace: impl FnOnce(&Self) -> io::Result<()> + Send + 'static,
    ) -> Result<(), KekError> {
        let shared = Arc::clone(self);
        let replaced = self.readers.run(move || replace(&shared)).await.ok_or(KekError::Stopped)?;
        replaced.map_err(KekError::Store)
    }
}
