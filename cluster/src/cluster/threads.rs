//! The thread that tells the time.

use super::inbox::Inbox;
use super::input::Input;
use super::machine::tick_period;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Wakes the machine while nothing else happens.
#[derive(Debug)]
pub(super) struct Clock {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Clock {
    pub(super) fn start(inbox: Inbox) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let thread = std::thread::Builder::new().name("cluster-clock".to_owned());
        let thread = thread.spawn(move || tell_time(&inbox, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.stop);
        self.thread
    }
}

fn tell_time(inbox: &Inbox, stopped: &Receiver<()>) {
    while stopped.recv_timeout(tick_period()) == Err(RecvTimeoutError::Timeout) {
        inbox.tell(Input::Tick);
    }
}
