//! All copies of this member, compared with the committed hashes and with the catalog, a little at a time.

use super::Cluster;
use super::errors::ScrubError;
use super::input::Input;
use super::shared::Shared;
use super::worker::{Worker, WorkerOrder, WorkerState, WorkerStatus};
use crate::catalog::{Catalog, SCRUB_DAYS, SCRUB_MIB_PER_S};
use crate::chunk::FileError;
use crate::chunk::disk::{DiskError, Volume};
use crate::id::{ChunkNumber, ObjectId};
use crate::tail::Cause;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where its place is kept.
const FILE: &str = "scrub";
/// The version of that file: its first byte.
const VERSION: u8 = 1;
/// Copies that are compared before others have a turn, and their bytes.
const COPIES_AT_ONCE: u64 = 64;
const BYTES_AT_ONCE: u64 = 4 << 20;
/// Objects that are looked at before that, and rows of their chunks that are read at once.
const OBJECTS_AT_ONCE: usize = 64;
const CHUNKS_AT_ONCE: usize = 64;
/// How often the place is kept.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// While somebody waits for this member, it is so many times slower.
const YIELD_FACTOR: u32 = 4;
/// How long it rests for each copy that is missing or bad.
const FOUND_PAUSE: Duration = Duration::from_millis(1);
const DAY_MS: u64 = 86_400_000;
const MIB_BYTES: u64 = 1 << 20;

/// The worker.
#[derive(Debug)]
pub(super) struct Scrub {
    is_paused: AtomicBool,
    is_wanted_now: AtomicBool,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    kept: Kept,
    /// The cluster's time when it was looked at last.
    now_ms: u64,
    kept_at: Option<Instant>,
    last_error: Option<String>,
}

/// What a start knows of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// When the last round began, in the cluster's time; none before the first.
    began_ms: Option<u64>,
    /// Where it is; none when it is over.
    place: Option<Place>,
    /// Rounds that have begun, and those that are over.
    begun: u64,
    rounds: u64,
    /// What the last round has compared and found.
    copies: u64,
    bytes: u64,
    bad: u64,
    missing: u64,
}

/// The next copy to look at is this one or behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    #[default]
    First,
    Behind(ObjectId),
    At(ObjectId, ChunkNumber),
}

/// A few copies that were compared.
#[derive(Debug, Default)]
struct Step {
    place: Option<Place>,
    copies: u64,
    bytes: u64,
    found: Vec<(ObjectId, ChunkNumber, Cause)>,
}

impl Scrub {
    /// Where the last process was. A place that cannot be read begins anew.
    pub(super) fn open(volume: &Volume) -> Result<Self, DiskError> {
        let kept = match volume.open(Path::new(FILE)) {
            Ok(file) => {
                let mut bytes = [0; 512];
                let length = file.read_at(0, &mut bytes)?;
                bytes.get(..length).and_then(Kept::decode).unwrap_or_default()
            }
            Err(error) if error.is_not_found() => Kept::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            is_paused: AtomicBool::new(false),
            is_wanted_now: AtomicBool::new(false),
            progress: Mutex::new(Progress { kept, now_ms: 0, kept_at: None, last_error: None }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to go on; none when there is nothing to do yet.
    fn begin(&self, now_ms: u64, days: Option<u64>) -> Option<Place> {
        if self.is_paused.load(Ordering::Relaxed) {
            return None;
        }
        let is_wanted_now = self.is_wanted_now.swap(false, Ordering::Relaxed);
        let mut progress = self.lock();
        progress.now_ms = now_ms;
        let Kept { began_ms, place, begun, rounds, .. } = progress.kept;
        let period_ms = days.map(|days| days.saturating_mul(DAY_MS));
        let is_due = match (began_ms, period_ms) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(began_ms), Some(period_ms)) => now_ms.saturating_sub(began_ms) >= period_ms,
        };
        if is_wanted_now || (place.is_none() && is_due) {
            let place = Some(Place::First);
            let begun = begun.saturating_add(1);
            progress.kept = Kept { began_ms: Some(now_ms), place, begun, rounds, ..Kept::default() };
        }
        progress.kept.place
    }

    /// Notes what was done, and says what is to be kept, if it is time.
    fn note(&self, step: &Step) -> Option<Kept> {
        let count = |cause| step.found.iter().filter(|(.., found)| *found == cause).count();
        let mut progress = self.lock();
        let kept = &mut progress.kept;
        kept.place = step.place;
        kept.copies += step.copies;
        kept.bytes = kept.bytes.saturating_add(step.bytes);
        kept.bad += u64::try_from(count(Cause::Bad)).unwrap_or(0);
        kept.missing += u64::try_from(count(Cause::Missing)).unwrap_or(0);
        kept.rounds += u64::from(step.place.is_none());
        let kept = *kept;
        let is_time = progress.kept_at.is_none_or(|at| at.elapsed() >= KEEP_EVERY);
        if !is_time && kept.place.is_some() {
            return None;
        }
        progress.kept_at = Some(Instant::now());
        Some(kept)
    }
}

impl Worker for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    fn status(&self) -> WorkerStatus {
        let progress = self.lock();
        let kept = progress.kept;
        let done = kept.place.map(Place::done);
        let elapsed_ms = progress.now_ms.saturating_sub(kept.began_ms.unwrap_or(progress.now_ms));
        let eta_ms = done.and_then(|done| {
            let left = elapsed_ms.saturating_mul(1000_u64.saturating_sub(done));
            left.checked_div(done)
        });
        let state = match (self.is_paused.load(Ordering::Relaxed), done) {
            (true, _) => WorkerState::Paused,
            (false, Some(_)) => WorkerState::Busy,
            (false, None) => WorkerState::Idle,
        };
        let counted = [
            ("begun", kept.begun),
            ("rounds", kept.rounds),
            ("copies", kept.copies),
            ("bytes", kept.bytes),
            ("bad", kept.bad),
            ("missing", kept.missing),
            ("began_ms", kept.began_ms.unwrap_or(0)),
        ];
        WorkerStatus {
            name: self.name().to_owned(),
            state,
            progress_permille: done.and_then(|done| u16::try_from(done).ok()),
            queue: None,
            eta_ms,
            last_error: progress.last_error.clone(),
            counts: counted.map(|(name, count)| (name.to_owned(), count)).into(),
        }
    }

    fn obey(&self, order: WorkerOrder) {
        self.is_paused.store(order == WorkerOrder::Pause, Ordering::Relaxed);
        if order == WorkerOrder::Start {
            self.is_wanted_now.store(true, Ordering::Relaxed);
        }
    }
}

impl Place {
    /// How much of a round lies before it, in thousandths: recordings have random names, and are looked at in their order.
    fn done(self) -> u64 {
        let (Self::Behind(object) | Self::At(object, _)) = self else { return 0 };
        let [first, second, ..] = object.recording.0;
        u64::from(u16::from_be_bytes([first, second])) * 1000 / u64::from(u16::MAX)
    }
}

impl Kept {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = postcard::to_extend(self, vec![VERSION]).expect("it is plain data");
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (bytes, crc) = bytes.split_last_chunk()?;
        let (version, kept) = bytes.split_first()?;
        let is_whole = crc32c::crc32c(bytes).to_be_bytes() == *crc && *version == VERSION;
        postcard::from_bytes(kept).ok().filter(|_| is_whole)
    }
}

impl Cluster {
    /// Compares some more of this member's copies, when it is time; what is bad or missing is fetched from the others.
    /// Returns how long to wait before the next call.
    ///
    /// A round begins `scrub_days` after the one before; its place outlives the process. It reads `scrub_mib_per_s`, and less
    /// while requests are under way.
    pub async fn scrub(&self) -> Result<Duration, ScrubError> {
        let scrub = &self.shared.scrub;
        let scrubbed = self.scrub_some().await;
        if let Err(error) = &scrubbed {
            scrub.lock().last_error = Some(error.to_string());
        }
        scrubbed
    }

    async fn scrub_some(&self) -> Result<Duration, ScrubError> {
        let catalog = self.catalog()?;
        let now_ms = catalog.clock()?.now_ms;
        let (days, mib_per_s) = (catalog.number(SCRUB_DAYS)?, catalog.number(SCRUB_MIB_PER_S)?);
        let scrub = &self.shared.scrub;
        let Some(place) = scrub.begin(now_ms, days) else { return Ok(LOOK_EVERY) };
        let began = Instant::now();
        let shared = Arc::clone(&self.shared);
        let work = move || -> Result<Step, ScrubError> { compare(&shared, place, now_ms) };
        let step = self.shared.readers.run(work).await.ok_or(ScrubError::Stopped)??;
        for (object, number, cause) in &step.found {
            let (object, number, cause) = (*object, *number, *cause);
            self.shared.inbox.tell(Input::Repair { object, number, cause });
        }
        if let Some(kept) = scrub.note(&step) {
            let shared = Arc::clone(&self.shared);
            let keep = move || shared.keep_scrub(&kept);
            self.shared.readers.run(keep).await.ok_or(ScrubError::Stopped)??;
        }
        let bytes_per_s = mib_per_s.unwrap_or(1).saturating_mul(MIB_BYTES).max(1);
        let micros = step.bytes.saturating_mul(1_000_000) / bytes_per_s;
        let factor = if self.operations() == 0 { 1 } else { YIELD_FACTOR };
        // What is found is work for the thread of the live tail, which must not fall behind.
        let found = FOUND_PAUSE * u32::try_from(step.found.len()).unwrap_or(u32::MAX);
        let pause = (Duration::from_micros(micros) * factor).max(found);
        Ok(pause.saturating_sub(began.elapsed()))
    }
}

impl Shared {
    fn keep_scrub(&self, kept: &Kept) -> Result<(), DiskError> {
        self.store.volume().create(Path::new(FILE), &kept.encode()).map(drop)
    }
}

/// Compares a few copies from a place on.
fn compare(shared: &Shared, place: Place, now_ms: u64) -> Result<Step, ScrubError> {
    let catalog = shared.catalog()?;
    let mut step = Step { place: Some(place), ..Step::default() };
    for _ in 0..OBJECTS_AT_ONCE {
        let (object, from) = match step.place {
            Some(Place::At(object, number)) => (Some(object), number),
            Some(Place::First) => (first(catalog, None)?, ChunkNumber(0)),
            Some(Place::Behind(object)) => (first(catalog, Some(object))?, ChunkNumber(0)),
            None => break,
        };
        step.place = object.map(Place::Behind);
        // What is left of a purged or deleted one is being deleted.
        if let Some(object) = object
            && catalog.is_kept(object)?
        {
            compare_object(shared, object, from, now_ms, &mut step)?;
        }
        if step.copies >= COPIES_AT_ONCE || step.bytes >= BYTES_AT_ONCE {
            break;
        }
    }
    Ok(step)
}

/// Compares copies of an object, from a chunk on.
fn compare_object(
    shared: &Shared,
    object: ObjectId,
    from: ChunkNumber,
    now_ms: u64,
    step: &mut Step,
) -> Result<(), ScrubError> {
    let rows = shared.catalog()?.chunks(object, from, CHUNKS_AT_ONCE + 1)?;
    for (at, (number, row)) in rows.into_iter().enumerate() {
        if at == CHUNKS_AT_ONCE || step.bytes >= BYTES_AT_ONCE {
            step.place = Some(Place::At(object, number));
            break;
        }
        let id = row.chunk.id(object);
        if shared.tails.get(id).is_some() {
            // It is being closed.
            continue;
        }
        let mut cause = lack(shared.store.verify(object, &row.chunk, now_ms))?;
        if cause == Some(Cause::Bad) {
            // A good copy may have taken its place while it was read, and does so with the mark.
            let is_news = shared.store.mark_bad(id).map_err(DiskError::from)?;
            cause = lack(shared.store.verify(object, &row.chunk, now_ms))?;
            if is_news && cause == Some(Cause::Bad) && shared.store.is_bad(id) {
                shared.repairs.found_bad(id);
            }
        }
        step.found.extend(cause.map(|cause| (object, number, cause)));
        if cause != Some(Cause::Missing) {
            step.copies += 1;
            step.bytes = step.bytes.saturating_add(row.chunk.length_bytes);
        }
    }
    Ok(())
}

/// What a copy lacks.
fn lack(verified: Result<(), FileError>) -> Result<Option<Cause>, DiskError> {
    match verified {
        Ok(()) => Ok(None),
        Err(FileError::Missing { .. }) => Ok(Some(Cause::Missing)),
        Err(FileError::Disk(fatal @ DiskError::Fatal(_))) => Err(fatal),
        // A disk that does not give the bytes has as bad a copy as one that gives others.
        Err(FileError::Damaged(_) | FileError::Disk(DiskError::Io { .. })) => Ok(Some(Cause::Bad)),
    }
}

fn first(catalog: &Catalog, after: Option<ObjectId>) -> Result<Option<ObjectId>, ScrubError> {
    Ok(catalog.objects(after, 1)?.first().map(|(object, _)| *object))
}
