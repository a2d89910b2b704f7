//! The threads of the journal, and the one that tells the time.

use super::shared::Shared;
use crate::chunk::disk::Fatal;
use crate::chunk::journal::{Committer, Retirer};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the time is told.
const TICK: Duration = Duration::from_millis(500);

/// Starts the journal's two threads. A failure of either is told.
pub(super) fn start_journal(
    committer: Committer,
    retirer: Retirer,
    fatal: &watch::Sender<Option<Fatal>>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let (tell, tell_too) = (fatal.clone(), fatal.clone());
    let told = |tell: &watch::Sender<Option<Fatal>>, ended: Result<(), Fatal>| {
        if let Err(fatal) = ended {
            tell.send_replace(Some(fatal));
        }
    };
    let journal = std::thread::Builder::new().name("journal".to_owned());
    let retire = std::thread::Builder::new().name("journal-retire".to_owned());
    Ok(vec![
        journal.spawn(move || told(&tell, committer.run()))?,
        retire.spawn(move || told(&tell_too, retirer.run()))?,
    ])
}

/// Tells the journal the time, and lets objects rest that nobody writes.
#[derive(Debug)]
pub(super) struct Clock {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Clock {
    pub(super) fn start(shared: &Arc<Shared>, idle_after: Duration) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let shared = Arc::downgrade(shared);
        let idle_ms = u64::try_from(idle_after.as_millis()).unwrap_or(u64::MAX);
        let thread = std::thread::Builder::new().name("cluster-clock".to_owned());
        let thread = thread.spawn(move || tell_time(&shared, &stopped, idle_ms))?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.stop);
        self.thread
    }
}

fn tell_time(shared: &Weak<Shared>, stopped: &Receiver<()>, idle_ms: u64) {
    let start = Instant::now();
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let Some(shared) = shared.upgrade() else { return };
        let now_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        shared.now_ms.store(now_ms, Ordering::Relaxed);
        shared.journal.tick(now_ms);
        for object in shared.all() {
            if now_ms.saturating_sub(object.used_ms()) >= idle_ms {
                shared.rest_later(&object);
            }
        }
    }
}
