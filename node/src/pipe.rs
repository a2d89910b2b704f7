//! Pipes that may keep their reader or writer waiting.

use crate::interrupt::Interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// A pipe, terminal or socket. Reading and writing it ends with an error soon after an interrupt, whether bytes go
/// through or not, and after a time in which none did.
pub(crate) struct Pipe {
    file: File,
    interrupt: Interrupt,
    /// The longest wait for the other side.
    wait: Option<Duration>,
}

impl Pipe {
    /// What a pipe that is ready takes at once: `PIPE_BUF` of pipe(7).
    const READY_BYTES: usize = 4 << 10;
    /// How long a wait for bytes lasts before the interrupt is looked at again.
    const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

    /// Reads from `file`, or writes to it, until `interrupt`.
    pub(crate) fn new(file: File, interrupt: &Interrupt) -> Self {
        Self { file, interrupt: interrupt.clone(), wait: None }
    }

    /// One end of a pipe of our own, whose other side must move within `wait`.
    pub(crate) fn within(file: File, interrupt: &Interrupt, wait: Duration) -> io::Result<Self> {
        // A pipe that is ready for some bytes would still block on many.
        rustix::io::ioctl_fionbio(&file, true)?;
        Ok(Self { file, interrupt: interrupt.clone(), wait: Some(wait) })
    }

    /// Waits until the pipe is ready, or broken, which the next call tells.
    fn ready(&self, flags: PollFlags) -> io::Result<()> {
        let started = Instant::now();
        loop {
            if self.interrupt.is_set() {
                return Err(io::Error::other("interrupted"));
            }
            match poll(&mut [PollFd::new(&self.file, flags)], Some(&Self::LOOK_EVERY)) {
                Ok(0) if self.wait.is_some_and(|wait| started.elapsed() >= wait) => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ready(PollFlags::IN)?;
        self.file.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ready(PollFlags::OUT)?;
        // Others hold the end of a pipe that is not ours, so it blocks: on more than it is ready for, however long.
        let bytes = if self.wait.is_some() { bytes } else { &bytes[..bytes.len().min(Self::READY_BYTES)] };
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    #[test]
    fn a_side_that_does_not_move_is_not_waited_for() {
        let interrupt = Interrupt::default();
        let wait = Duration::from_millis(1);
        let (reader, writer) = io::pipe().unwrap();
        let within = |end: OwnedFd| Pipe::within(File::from(end), &interrupt, wait).unwrap();
        let (mut reader, mut writer) = (within(reader.into()), within(writer.into()));
        assert_eq!(reader.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(writer.write_all(&vec![7; 1 << 20]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        let mut read = [0; 8];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, [7; 8]);
        // A pipe that blocks, and is full.
        let (_reader, writer) = io::pipe().unwrap();
        let mut writer = Pipe::new(File::from(OwnedFd::from(writer)), &interrupt);
        while poll(&mut [PollFd::new(&writer.file, PollFlags::OUT)], Some(&Timespec::default())).unwrap() > 0
        {
            assert_eq!(writer.write(&[7; 1 << 20]).unwrap(), Pipe::READY_BYTES);
        }
        interrupt.set();
        assert_eq!(writer.write(&[7]).unwrap_err().to_string(), "interrupted");
        assert_eq!(reader.read(&mut read).unwrap_err().to_string(), "interrupted");
    }
}
