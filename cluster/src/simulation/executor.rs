//! Runs the tasks of one process in simulated time.
//!
//! What a history does must follow from its seed alone. So one task runs at a time, of those that are ready the one that
//! was spawned first, whatever order they were woken in; and timers end one at a time, each when all tasks wait again.
//! openraft waits in places for whichever of two things comes first, and tokio's `select!` looks at them in an order that
//! no seed decides. That makes no difference here: between two events of the world, which are a message, a timer, or a
//! disk that has done what it was busy with, all tasks come to rest, so no task finds a timer and a message at once. (The
//! loop of openraft's core, which takes from two queues, is `biased`; so are our own.) A timer is over when it was its
//! turn to end, not when the time has come: else a task that is woken for something else would find it over, too.

use super::random::Dice;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Executor>>> = const { RefCell::new(None) };
}

/// The tasks and timers of a process. They end with [`Executor::end`].
pub(crate) struct Executor {
    state: Mutex<State>,
    ready: Arc<Ready>,
}

/// What decides about the process besides its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surroundings {
    pub(crate) now_us: u64,
    /// Up to when its disk is slow, and it applies late.
    pub(crate) slow_until_us: u64,
    pub(crate) late_until_us: u64,
    /// Whether entries are applied while a snapshot is written.
    pub(crate) tears_snapshots: bool,
}

struct State {
    around: Surroundings,
    dice: Dice,
    tasks: BTreeMap<u64, Task>,
    last_task: u64,
    /// Timers that are not over: when each will be, and who waits for it.
    timers: BTreeMap<TimerKey, Option<Waker>>,
    last_timer: u64,
}

/// When a timer is over, in microseconds, and which it is.
type TimerKey = (u64, u64);

struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    waker: Waker,
}

/// The tasks that were woken.
#[derive(Debug, Default)]
struct Ready(Mutex<BTreeSet<u64>>);

struct WakeTask {
    task: u64,
    ready: Arc<Ready>,
}

impl Wake for WakeTask {
    fn wake(self: Arc<Self>) {
        self.ready.lock().insert(self.task);
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl Executor {
    pub(crate) fn new(dice: Dice, around: Surroundings) -> Arc<Self> {
        let state = State {
            around,
            dice,
            tasks: BTreeMap::new(),
            last_task: 0,
            timers: BTreeMap::new(),
            last_timer: 0,
        };
        Arc::new(Self { state: Mutex::new(state), ready: Arc::default() })
    }

    /// The one whose task runs on this thread.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.lock();
        state.last_task += 1;
        let task = state.last_task;
        let waker = Waker::from(Arc::new(WakeTask { task, ready: Arc::clone(&self.ready) }));
        state.tasks.insert(task, Task { future: Box::pin(future), waker });
        self.ready.lock().insert(task);
    }

    /// Runs tasks until all of them wait. Whether any did.
    pub(crate) fn run(self: &Arc<Self>, around: Surroundings) -> bool {
        self.lock().around = around;
        if self.ready.lock().is_empty() {
            return false;
        }
        let before = CURRENT.replace(Some(Arc::clone(self)));
        loop {
            let Some(number) = self.ready.lock().pop_first() else { break };
            let Some(mut task) = self.lock().tasks.remove(&number) else { continue };
            let polled = task.future.as_mut().poll(&mut Context::from_waker(&task.waker));
            if polled.is_pending() {
                self.lock().tasks.insert(number, task);
            }
        }
        CURRENT.set(before);
        true
    }

    /// When the next timer is over.
    pub(crate) fn next_timer_us(&self) -> Option<u64> {
        self.lock().timers.keys().next().map(|(at_us, _)| *at_us)
    }

    /// Ends the next timer, if its time has come.
    pub(crate) fn end_timer(&self, now_us: u64) {
        let mut state = self.lock();
        if let Some(timer) = state.timers.first_entry().filter(|timer| timer.key().0 <= now_us) {
            let waker = timer.remove();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// The process is no more.
    pub(crate) fn end(&self) {
        // What a task drops may ask for the lock.
        let tasks = std::mem::take(&mut self.lock().tasks);
        drop(tasks);
        self.ready.lock().clear();
    }

    pub(crate) fn around(&self) -> Surroundings {
        self.lock().around
    }

    /// Randomness for whoever asks for some.
    pub(crate) fn dice(&self) -> Dice {
        Dice::new(self.lock().dice.next())
    }

    /// How long the disk takes for something.
    pub(crate) fn disk_us(&self) -> u64 {
        let state = &mut *self.lock();
        disk_us(&mut state.dice, state.around.now_us < state.around.slow_until_us)
    }

    pub(crate) fn timer(self: Arc<Self>, delay_us: u64) -> Timer {
        let mut state = self.lock();
        state.last_timer += 1;
        let key = (state.around.now_us + delay_us, state.last_timer);
        state.timers.insert(key, None);
        drop(state);
        Timer { executor: self, key }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a disk takes, in microseconds.
pub(crate) fn disk_us(dice: &mut Dice, is_slow: bool) -> u64 {
    match is_slow {
        true => dice.between(200_000, 1_500_000),
        false => dice.between(500, 6_000),
    }
}

/// Is over once its executor has ended it.
#[derive(Debug)]
pub(crate) struct Timer {
    executor: Arc<Executor>,
    key: TimerKey,
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.executor.lock().timers.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.executor.lock().timers.remove(&self.key);
    }
}
