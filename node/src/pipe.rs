//! Input that may keep its reader waiting.

use crate::interrupt::Interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read};

/// A pipe, terminal or socket. Reading it ends with an error soon after an interrupt, whether bytes come or not.
pub(crate) struct Pipe {
    file: File,
    interrupt: Interrupt,
}

impl Pipe {
    /// How long a wait for bytes lasts before the interrupt is looked at again.
    const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

    /// Reads from `file` until `interrupt`.
    pub(crate) fn new(file: File, interrupt: &Interrupt) -> Self {
        Self { file, interrupt: interrupt.clone() }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.interrupt.is_set() {
                return Err(io::Error::other("interrupted"));
            }
            let mut waiting = [PollFd::new(&self.file, PollFlags::IN)];
            match poll(&mut waiting, Some(&Self::LOOK_EVERY)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.file.read(buffer),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
