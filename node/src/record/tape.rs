//! Lines on their way to the cluster.

use crate::client::{Client, ClientError, LiveEnd, Order, is_passing};
use crate::interrupt::Interrupt;
use crate::serve::wall_ms;
use codec::source::db_lines::Line;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that wait for a member; who has more to say waits for room.
const PENDING_BYTES_MAX: usize = 1 << 20;
/// From when on an unrecorded line holds the user's input back.
const LATE: Duration = Duration::from_secs(2);
/// From when on it ends the connection.
const LOST: Duration = Duration::from_secs(15);
/// For how long what was said before the end is still tried to be recorded.
const FLUSH_LIMIT: Duration = Duration::from_secs(600);
/// How often a session in which nothing is said asks for its orders.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long to wait behind a failure.
const RETRY_EVERY: Duration = Duration::from_millis(250);

/// The lines of one session.
#[derive(Debug, Default)]
pub(super) struct Tape {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    pending: Vec<u8>,
    /// Since when the oldest of them waits.
    since: Option<Instant>,
    order: Order,
    /// No more lines come.
    is_over: bool,
    /// The connection has to end.
    is_cut: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { pending: Vec::new(), since: None, order: Order::GoOn, is_over: false, is_cut: false }
    }
}

/// What the writer of a tape has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Somebody ended the session.
    Dropped,
    /// Its lines cannot be recorded.
    Unrecorded,
}

impl Tape {
    /// Takes a line; waits while there is no room.
    pub(super) fn put(&self, line: &Line) {
        let mut state = self.lock();
        while state.pending.len() >= PENDING_BYTES_MAX && !state.is_cut {
            state = self.wait(state, ASK_EVERY);
        }
        state.pending.extend_from_slice(line.to_json().as_bytes());
        state.since.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Waits while the user's input is to be held back: the session is blocked, or what was said is not recorded yet. Answers
    /// whether the connection goes on.
    pub(super) fn lets_through(&self) -> bool {
        let mut state = self.lock();
        loop {
            let is_late = state.since.is_some_and(|since| since.elapsed() >= LATE);
            if state.is_cut || state.is_over || (state.order == Order::GoOn && !is_late) {
                return !state.is_cut && !state.is_over;
            }
            state = self.wait(state, ASK_EVERY);
        }
    }

    /// Nothing of the user goes on from here on, and nobody waits.
    pub(super) fn hold_back(&self) {
        self.cut();
    }

    /// No more lines come.
    pub(super) fn finish(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Writes all lines to the session, on whichever member takes them, until no more come; tells news as soon as there are
    /// any. Gives the bytes of the recording; none when the session is not to be sealed.
    pub(super) fn write(
        &self,
        clients: &[Client],
        session: &str,
        interrupt: &Interrupt,
        mut tell: impl FnMut(News),
    ) -> Result<Option<u64>, ClientError> {
        let (mut offset, mut at, mut has_failed) = (0, 0, false);
        loop {
            let (bytes, is_over) = self.next(has_failed);
            if bytes.is_empty() && is_over {
                return Ok(Some(offset));
            }
            let Some(client) = clients.get(at % clients.len().max(1)) else { return Ok(None) };
            // What a broken request has left behind is asked before more is sent.
            let bytes = if has_failed { Vec::new() } else { bytes };
            match client.record(session, offset, &bytes) {
                Ok((_, Order::Drop)) => {
                    self.cut();
                    tell(News::Dropped);
                    return Ok(None);
                }
                Ok((durable, order)) => {
                    self.take(durable.saturating_sub(offset), order);
                    (offset, has_failed) = (durable.max(offset), false);
                }
                Err(error) if is_passing(&error) => {
                    (at, has_failed) = (at + 1, true);
                    let waited = self.waited();
                    if waited >= LOST && self.cut() {
                        tracing::warn!(%session, %error, "statements cannot be recorded: their connection ends");
                        tell(News::Unrecorded);
                    }
                    if waited >= flush_limit(interrupt) {
                        return Err(error);
                    }
                }
                Err(error) => {
                    self.cut();
                    tell(News::Unrecorded);
                    return Err(error);
                }
            }
        }
    }

    /// The next bytes to be written, none when it is time to ask for orders; and whether they are the last.
    fn next(&self, has_failed: bool) -> (Vec<u8>, bool) {
        let state = self.lock();
        let state = match (has_failed, state.pending.is_empty() && !state.is_over) {
            (true, _) => {
                let until = Instant::now() + RETRY_EVERY;
                let (mut state, mut left) = (state, RETRY_EVERY);
                // News of further lines are no reason to try sooner.
                while !left.is_zero() {
                    state = self.wait(state, left);
                    left = until.saturating_duration_since(Instant::now());
                }
                state
            }
            (false, true) => self.wait(state, ASK_EVERY),
            (false, false) => state,
        };
        (state.pending.clone(), state.is_over)
    }

    /// So many bytes are durable.
    fn take(&self, bytes: u64, order: Order) {
        let mut state = self.lock();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(state.pending.len());
        state.pending.drain(..bytes);
        state.since = match (bytes, state.pending.is_empty()) {
            (_, true) => None,
            (0, false) => state.since,
            (_, false) => Some(Instant::now()),
        };
        state.order = order;
        self.changed.notify_all();
    }

    /// For how long the oldest line has waited.
    fn waited(&self) -> Duration {
        self.lock().since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Lets nobody wait any longer; answers whether that is new.
    fn cut(&self) -> bool {
        let was_cut = std::mem::replace(&mut self.lock().is_cut, true);
        self.changed.notify_all();
        !was_cut
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// For how long lines are tried, and sessions sealed. Who stops the recorder does not wait for a cluster that is away.
fn flush_limit(interrupt: &Interrupt) -> Duration {
    if interrupt.is_set() { LOST } else { FLUSH_LIMIT }
}

/// Seals a session on whichever member does it.
pub(super) fn seal(
    clients: &[Client],
    session: &str,
    length: u64,
    error_message: &str,
    interrupt: &Interrupt,
) -> Result<(), ClientError> {
    let end = if error_message.is_empty() { "finished" } else { "failed" };
    let end = LiveEnd { end, end_ms: wall_ms(), error_message, length };
    let since = Instant::now();
    loop {
        for client in clients {
            match client.end(session, &end) {
                Ok(()) => return Ok(()),
                Err(error) if is_passing(&error) && since.elapsed() < flush_limit(interrupt) => {
                    std::thread::sleep(RETRY_EVERY);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
