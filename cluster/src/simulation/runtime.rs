//! openraft's runtime: the executor of a simulation inside of one, tokio everywhere else.

use super::executor::{Executor, Timer};
use super::random::Dice;
use openraft::async_runtime::TokioOneShotSender;
use openraft::{AsyncRuntime, OptionalSend};
use rand_core::RngCore;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where time begins outside of a simulation.
static BEGIN: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);
/// When a simulation begins, so that what was before has a time, too.
const SIMULATION_BEGIN: Duration = Duration::from_secs(3600);

/// Whether the caller is a task of a simulation.
pub(crate) fn is_simulated() -> bool {
    Executor::current().is_some()
}

/// What the disk of a simulated member is to be waited for; nothing outside of a simulation.
pub(crate) async fn disk_pause() {
    if let Some(executor) = Executor::current() {
        let delay_us = executor.disk_us();
        executor.timer(delay_us).await;
    }
}

/// A simulated member that applies late waits here.
pub(crate) async fn apply_late() {
    if let Some(executor) = Executor::current() {
        let around = executor.around();
        if let Some(delay_us) = around.late_until_us.checked_sub(around.now_us).filter(|delay| *delay > 0) {
            executor.timer(delay_us).await;
        }
    }
}

/// Whether a simulated member goes on applying while it writes a snapshot.
pub(crate) fn tears_snapshots() -> bool {
    Executor::current().is_some_and(|executor| executor.around().tears_snapshots)
}

/// The runtime that openraft is told of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Runtime;

impl AsyncRuntime for Runtime {
    type JoinError = oneshot::error::RecvError;
    type JoinHandle<T: OptionalSend + 'static> = oneshot::Receiver<T>;
    type Sleep = Sleep;
    type Instant = Instant;
    type TimeoutError = Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = Timeout<T>;
    type ThreadLocalRng = Dice;
    type OneshotSender<T: OptionalSend> = TokioOneShotSender<T>;
    type OneshotReceiver<T: OptionalSend> = oneshot::Receiver<T>;
    type OneshotReceiverError = oneshot::error::RecvError;

    fn spawn<T>(future: T) -> oneshot::Receiver<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        let (done, output) = oneshot::channel();
        let task = async move {
            // Nobody may wait for it.
            let _: Result<(), T::Output> = done.send(future.await);
        };
        match Executor::current() {
            Some(executor) => executor.spawn(task),
            None => drop(openraft::TokioRuntime::spawn(task)),
        }
        output
    }

    fn sleep(duration: Duration) -> Sleep {
        match Executor::current() {
            Some(executor) => Sleep::Simulated(executor.timer(micros(duration))),
            None => Sleep::Tokio(Box::pin(tokio::time::sleep(duration))),
        }
    }

    fn sleep_until(deadline: Instant) -> Sleep {
        Self::sleep(deadline - <Instant as openraft::Instant>::now())
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(duration: Duration, future: F) -> Timeout<F> {
        Timeout { future: Box::pin(future), sleep: Self::sleep(duration) }
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(deadline: Instant, future: F) -> Timeout<F> {
        Timeout { future: Box::pin(future), sleep: Self::sleep_until(deadline) }
    }

    /// A task without an output has panicked.
    fn is_panic(_: &oneshot::error::RecvError) -> bool {
        true
    }

    fn thread_rng() -> Dice {
        match Executor::current() {
            Some(executor) => executor.dice(),
            None => Dice::new(RandomState::new().build_hasher().finish()),
        }
    }

    fn oneshot<T: OptionalSend>() -> (TokioOneShotSender<T>, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (TokioOneShotSender(sender), receiver)
    }
}

/// A place in time, simulated or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(match Executor::current() {
            Some(executor) => SIMULATION_BEGIN + Duration::from_micros(executor.around().now_us),
            None => BEGIN.elapsed(),
        })
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self - earlier
    }
}

impl openraft::Instant for Instant {
    fn now() -> Self {
        Self::now()
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Waits for a while.
#[derive(Debug)]
pub(crate) enum Sleep {
    Simulated(Timer),
    Tokio(Pin<Box<tokio::time::Sleep>>),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.get_mut() {
            Self::Simulated(timer) => Pin::new(timer).poll(context),
            Self::Tokio(sleep) => sleep.as_mut().poll(context),
        }
    }
}

/// A future took too long.
#[derive(Debug, thiserror::Error)]
#[error("expected an end in time")]
pub(crate) struct Elapsed;

/// Waits for a future no longer than a while.
#[derive(Debug)]
pub(crate) struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        ready!(Pin::new(&mut self.sleep).poll(context));
        Poll::Ready(Err(Elapsed))
    }
}

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)
    }

    fn next_u64(&mut self) -> u64 {
        self.next()
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        for part in into.chunks_mut(8) {
            let bytes = self.next().to_be_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
