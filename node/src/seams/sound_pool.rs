//! Files of sound that come in: each waits in an unnamed file until a worker process has decoded all of it.

use crate::conversion::{ConvertError, SideCarFile};
use crate::interrupt::{Interrupt, StopOnDrop};
use crate::tasks::on_thread;
use crate::worker::process::ProcessError;
use api::{BoxFuture, MediaError, PIECE_BYTES_MAX, SoundSpool};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Files that come in at one time: each takes as much of the disk as the API lets it have.
const SPOOLS_AT_ONCE: usize = 8;
/// Files that are decoded at one time; each takes a core.
const SURVEYS_AT_ONCE: usize = 2;
/// How long the decoding may take, and the waiting for its turn: a day of sound takes some minutes.
const SURVEY_LIMIT: Duration = Duration::from_secs(600);
/// When somebody who found all places taken may ask again.
const RETRY_AFTER_S: u64 = 10;

/// Takes files of sound for the API.
pub(super) struct SoundPool {
    work_dir: PathBuf,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A file that comes in. It has no name: what is left of it goes with the process at the latest.
struct Spool {
    file: Arc<File>,
    length: u64,
    turns: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

impl SoundPool {
    /// A pool whose files lie in `work_dir`.
    pub(super) fn new(work_dir: PathBuf) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { work_dir, places: semaphore(SPOOLS_AT_ONCE), turns: semaphore(SURVEYS_AT_ONCE) }
    }

    /// An empty file.
    pub(super) fn begin(&self) -> Result<Box<dyn SoundSpool>, MediaError> {
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy)?;
        let file = Arc::new(tempfile::tempfile_in(&self.work_dir).map_err(|error| unkept(&error))?);
        Ok(Box::new(Spool { file, length: 0, turns: Arc::clone(&self.turns), _place: place }))
    }
}

impl SoundSpool for Spool {
    fn push(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), MediaError>> {
        Box::pin(async move {
            let (file, at) = (Arc::clone(&self.file), self.length);
            self.length = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            in_file(move || file.write_all_at(&bytes, at)).await
        })
    }

    fn survey(&mut self, offset_ms: i64) -> BoxFuture<'_, Result<(), MediaError>> {
        Box::pin(async move {
            let limit_ms = u64::try_from(SURVEY_LIMIT.as_millis()).unwrap_or(u64::MAX);
            let surveyed = timeout(SURVEY_LIMIT, self.survey_in_turn(offset_ms)).await;
            surveyed.unwrap_or(Err(MediaError::Deadline { limit_ms }))
        })
    }

    fn piece(&mut self, at: u64) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(async move {
            let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
            let file = Arc::clone(&self.file);
            in_file(move || {
                let mut piece = vec![0; left.min(PIECE_BYTES_MAX)];
                file.read_exact_at(&mut piece, at)?;
                Ok(piece)
            })
            .await
        })
    }
}

impl Spool {
    async fn survey_in_turn(&self, offset_ms: i64) -> Result<(), MediaError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| MediaError::Crashed)?;
        let file = self.file.try_clone().map_err(|error| unkept(&error))?;
        let interrupt = Interrupt::default();
        let _stop = StopOnDrop(interrupt.clone());
        let surveyed = on_thread("sound", move || {
            // The worker is gone before another one may be started.
            let _turn = turn;
            let side_car = SideCarFile::of_file(file, offset_ms).map_err(|error| unkept(&error))?;
            side_car.survey(&interrupt).map(drop).map_err(unheard)
        });
        match surveyed.await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a file of sound was not looked into");
                Err(MediaError::Crashed)
            }
        }
    }
}

/// Reads or writes on a thread of its own: a disk may be slow.
async fn in_file<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, MediaError> {
    match on_thread("sound", work).await {
        Ok(result) => result.map_err(|error| unkept(&error)),
        Err(error) => Err(MediaError::Unkept { reason: error.to_string() }),
    }
}

fn unkept(error: &io::Error) -> MediaError {
    match [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&error.kind()) {
        true => MediaError::DiskFull,
        false => MediaError::Unkept { reason: error.to_string() },
    }
}

/// What a worker finds wrong is the file's; all else is ours.
fn unheard(error: ConvertError) -> MediaError {
    if let ConvertError::SideCar { refusal, .. } | ConvertError::Worker(ProcessError::Failed(refusal)) = error
    {
        return MediaError::Unheard { reason: refusal.to_string() };
    }
    tracing::error!(%error, "a file of sound was not decoded");
    MediaError::Crashed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_in_is_given_back_and_its_places_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let pool = SoundPool::new(folder.path().to_owned());
        let mut spools: Vec<_> = (0..SPOOLS_AT_ONCE).map(|_| pool.begin().unwrap()).collect();
        assert_eq!(pool.begin().err(), Some(MediaError::Busy { retry_after_s: RETRY_AFTER_S }));
        let mut spool = spools.pop().unwrap();
        let long = vec![7; PIECE_BYTES_MAX + 3];
        spool.push(long.clone()).await.unwrap();
        spool.push(Vec::new()).await.unwrap();
        spool.push(b"end".to_vec()).await.unwrap();
        assert_eq!(spool.piece(0).await.unwrap(), &long[..PIECE_BYTES_MAX]);
        assert_eq!(spool.piece(u64::try_from(PIECE_BYTES_MAX).unwrap()).await.unwrap(), b"\x07\x07\x07end");
        drop(spool);
        assert!(pool.begin().is_ok(), "its place is free");
        // Nothing of it can be found by a name.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
