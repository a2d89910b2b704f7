//! Ctrl-C and TERM, as a flag that long work looks at.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once somebody asks the work to stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    parent: Option<Arc<Interrupt>>,
}

impl Interrupt {
    /// Begins to listen for the operator's and the system's signals. A second signal ends the process at once.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.flag))?;
            signal_hook::flag::register(signal, Arc::clone(&interrupt.flag))?;
        }
        Ok(interrupt)
    }

    /// A flag for a part of the work: set when this one is, or by [`Interrupt::set`] alone.
    pub(crate) fn part(&self) -> Self {
        Self { flag: Arc::default(), parent: Some(Arc::new(self.clone())) }
    }

    /// Whether to stop.
    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed) || self.parent.as_ref().is_some_and(|parent| parent.is_set())
    }

    /// Asks all who look at this flag to stop.
    pub(crate) fn set(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

/// Stops a piece of work when nobody waits for its result any more.
pub(crate) struct StopOnDrop(pub(crate) Interrupt);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
