//! What views and refusals leave in the audit log.
//!
//! A view's first request commits a leaf before its first byte. The next ones of the same view only count, as long as the
//! view's newest leaf is younger than the window; [`Trail::flush`] commits what they have counted. Without flushes, or
//! without a quorum, a view is over after the window, and its next request needs a leaf again.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::Cluster;
use cluster::catalog::{AuditEvent, Command};
use cluster::facts::SubmitError;
use futures_util::StreamExt;
use futures_util::stream::iter;
use policy::Action;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::refusals::{self, Caller, Count, Refusals, Refused};
use super::tally::Tally;
use super::{View, Who};
use crate::metrics::VIEWS;

/// Views that are remembered; each request of a further one commits a leaf.
const VIEWS_MAX: usize = 10_000;
/// Leaves that are committed at once by a flush: they share log entries.
const FLUSHED_AT_ONCE: usize = 64;

/// Views that go on, and refusals that were not told yet.
pub struct Trail {
    window: Duration,
    views: Mutex<HashMap<View, Ongoing>>,
    refusals: Mutex<Refusals>,
}

/// A view that goes on.
#[derive(Debug, Default)]
struct Ongoing {
    /// When its first leaf was asked for, once that is committed.
    opened: Arc<OnceCell<Instant>>,
    /// When the newest of the leaves that followed was.
    renewed: Option<Instant>,
    /// What no leaf tells yet.
    pending: Tally,
}

impl Ongoing {
    /// When the newest of its leaves was asked for.
    fn newest(&self) -> Option<Instant> {
        self.opened.get().copied().max(self.renewed)
    }
}

/// What a request finds of its view.
enum Joined {
    /// It goes on, and the request is counted.
    GoesOn,
    /// It begins with this, once.
    Begins(Arc<OnceCell<Instant>>),
    /// There are too many others.
    Crowded,
}

/// What is to be told.
enum Untold {
    View(View, Tally),
    Refusals(Caller, Count),
}

impl Trail {
    /// Nothing was seen yet. What follows the beginning of a view is to be flushed more often than once in a window.
    pub fn new(window: Duration) -> Self {
        Self { window, views: Mutex::default(), refusals: Mutex::default() }
    }

    /// Commits what was counted since the last time; what is not committed is counted on, and the first error returned.
    /// How many leaves were committed.
    pub async fn flush(&self, cluster: &Cluster) -> Result<usize, SubmitError> {
        let now = Instant::now();
        let committed = iter(self.untold(now)).map(|untold| self.tell(cluster, untold, now));
        let committed: Vec<_> = committed.buffer_unordered(FLUSHED_AT_ONCE).collect().await;
        let count = committed.len();
        committed.into_iter().collect::<Result<(), _>>().map(|()| count)
    }

    /// Notes that a part of something is about to be shown. Once this returns, a leaf of the view is committed.
    pub(crate) async fn show(
        &self,
        cluster: &Cluster,
        view: &View,
        part: Range<u64>,
    ) -> Result<(), SubmitError> {
        self.show_by(view, part, |event| async { cluster.submit(Command::Audit(event)).await.map(|_| ()) })
            .await
    }

    async fn show_by<E, F: Future<Output = Result<(), E>>>(
        &self,
        view: &View,
        part: Range<u64>,
        commit: impl Fn(AuditEvent) -> F,
    ) -> Result<(), E> {
        loop {
            let opened = match self.join(view, &part) {
                Joined::GoesOn => return Ok(()),
                Joined::Crowded => return commit(view.first(&part)).await,
                Joined::Begins(opened) => opened,
            };
            let mut is_first = false;
            let open = || {
                is_first = true;
                let at = Instant::now();
                let commit = commit(view.first(&part));
                async move { commit.await.map(|()| at) }
            };
            opened.get_or_try_init(open).await?;
            if is_first {
                return Ok(());
            }
        }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, who: Who, action: Option<Action>, refused: Refused, object: String) {
        let action = action.map_or("none", Action::name);
        self.refusals().count(Caller { who, action }, refused, object);
    }

    /// Counts a part, if its view goes on; else says what its beginning waits for.
    fn join(&self, view: &View, part: &Range<u64>) -> Joined {
        let mut views = self.views();
        if !views.contains_key(view) && views.len() >= VIEWS_MAX {
            return Joined::Crowded;
        }
        let ongoing = views.entry(view.clone()).or_default();
        match ongoing.newest() {
            Some(at) if at.elapsed() < self.window => {
                ongoing.pending.add(Tally::of(part.clone()));
                return Joined::GoesOn;
            }
            // It is over: another one begins. What it has counted stays to be told.
            Some(_) => (ongoing.opened, ongoing.renewed) = (Arc::default(), None),
            None => {}
        }
        Joined::Begins(Arc::clone(&ongoing.opened))
    }

    /// Takes what was counted, and forgets views that are over.
    fn untold(&self, now: Instant) -> Vec<Untold> {
        let mut untold = Vec::new();
        let mut views = self.views();
        views.retain(|view, ongoing| {
            if !ongoing.pending.is_empty() {
                untold.push(Untold::View(view.clone(), std::mem::take(&mut ongoing.pending)));
                return true;
            }
            match ongoing.newest() {
                Some(at) => now.saturating_duration_since(at) < self.window,
                // Its first leaf is waited for, or could not be committed.
                None => Arc::strong_count(&ongoing.opened) > 1,
            }
        });
        metrics::gauge!(VIEWS).set(u32::try_from(views.len()).map_or(f64::MAX, f64::from));
        drop(views);
        let refused = self.refusals().take();
        untold.extend(refused.into_iter().map(|(caller, count)| Untold::Refusals(caller, count)));
        untold
    }

    async fn tell(&self, cluster: &Cluster, untold: Untold, now: Instant) -> Result<(), SubmitError> {
        let event = match &untold {
            Untold::View(view, tally) => view.further(tally),
            Untold::Refusals(caller, count) => refusals::event(caller, count),
        };
        let committed = cluster.submit(Command::Audit(event)).await;
        match (untold, &committed) {
            (Untold::View(view, _), Ok(_)) => {
                if let Some(ongoing) = self.views().get_mut(&view) {
                    ongoing.renewed = Some(now);
                }
            }
            (Untold::Refusals(..), Ok(_)) => {}
            (Untold::View(view, tally), Err(_)) => self.views().entry(view).or_default().pending.add(tally),
            (Untold::Refusals(caller, count), Err(_)) => self.refusals().add(caller, count),
        }
        committed.map(|_| ())
    }

    fn views(&self) -> MutexGuard<'_, HashMap<View, Ongoing>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
