//! How far a conversion is, and how a terminal shows it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Is told how much media time is done, by many threads.
pub(crate) trait Progress: Sync {
    /// Nothing is done of `total_ms` of media time.
    fn begin(&self, total_ms: u64);
    /// More media time is done.
    fn advance(&self, step_ms: u64);
    /// All is done.
    fn finish(&self);
}

/// Shows on standard error how much is done, how fast, and how long it still takes: a bar on a terminal, plain
/// lines otherwise.
pub(crate) struct TerminalProgress {
    bar: ProgressBar,
    started: Instant,
    /// When the next plain line is due; `None` on a terminal, or when nothing is to be shown.
    lines: Option<Mutex<Instant>>,
}

impl TerminalProgress {
    /// Shows nothing when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = match terminal && !quiet {
            true => ProgressDrawTarget::stderr_with_hz(10),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let started = Instant::now();
        let lines = (!terminal && !quiet).then(|| Mutex::new(started + LINE_EVERY));
        Self { bar, started, lines }
    }

    #[expect(clippy::print_stderr, reason = "progress of the command line")]
    fn print(&self, line: &str) {
        eprintln!("{line}");
    }

    fn status(&self, done_ms: u64) -> String {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let speed_tenths = done_ms.saturating_mul(10) / elapsed_ms;
        format!(
            "{} of {} done, {}.{}x",
            clock(Duration::from_millis(done_ms)),
            clock(Duration::from_millis(self.total_ms())),
            speed_tenths / 10,
            speed_tenths % 10
        )
    }

    fn total_ms(&self) -> u64 {
        self.bar.length().unwrap_or(0)
    }

    fn left(&self, done_ms: u64) -> Duration {
        let left_ms = self.total_ms().saturating_sub(done_ms);
        self.started.elapsed().mul_f64(ratio(left_ms, done_ms.max(1)))
    }
}

impl Progress for TerminalProgress {
    fn begin(&self, total_ms: u64) {
        self.bar.set_length(total_ms);
    }

    fn advance(&self, step_ms: u64) {
        self.bar.inc(step_ms);
        let done_ms = self.bar.position();
        self.bar.set_message(self.status(done_ms));
        let Some(lines) = &self.lines else { return };
        let now = Instant::now();
        let mut next = lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if now >= *next {
            *next = now + LINE_EVERY;
            drop(next);
            self.print(&format!("{}, {} left", self.status(done_ms), clock(self.left(done_ms))));
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "an estimate for people")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

/// `h:mm:ss`, or `m:ss` below an hour.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
