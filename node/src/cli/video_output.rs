//! Where `custody convert` writes its video.

use crate::interrupt::Interrupt;
use crate::output::{Output, folder_of};
use crate::partial_output::PartialOutput;
use crate::pipe::Pipe;
use codec::mux::Container;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The name that stands for standard output.
const STANDARD_OUTPUT: &str = "-";

/// A video that is being written.
pub(super) enum VideoOutput {
    /// It appears under its name when it is complete.
    Whole(Output),
    /// It can be read under another name before.
    Growing(PartialOutput),
    /// Standard output, and the bytes that went there.
    Standard(Pipe, u64),
}

impl VideoOutput {
    /// Whether a name stands for standard output.
    pub(super) fn is_standard(path: &Path) -> bool {
        path == Path::new(STANDARD_OUTPUT)
    }

    /// Begins the video that will stand at `path`.
    pub(super) fn create(path: &Path, container: Container, interrupt: &Interrupt) -> io::Result<Self> {
        if Self::is_standard(path) {
            let stdout = io::stdout();
            if stdout.is_terminal() {
                return Err(io::Error::other("standard output is a terminal, expected a pipe or a file"));
            }
            let file = File::from(stdout.as_fd().try_clone_to_owned()?);
            return Ok(Self::Standard(Pipe::new(file, interrupt), 0));
        }
        match container {
            Container::Indexed(_) => Ok(Self::Whole(Output::create(path)?)),
            Container::FragmentedMp4 => Ok(Self::Growing(PartialOutput::create(path)?)),
        }
    }

    /// A folder for what waits to be written.
    pub(super) fn work_dir(path: &Path) -> PathBuf {
        if Self::is_standard(path) { std::env::temp_dir() } else { folder_of(path).to_owned() }
    }

    /// Puts the complete video in its place; returns its size in bytes.
    pub(super) fn publish(self) -> io::Result<u64> {
        match self {
            Self::Whole(output) => output.publish(),
            Self::Growing(output) => output.publish(),
            Self::Standard(_, bytes) => Ok(bytes),
        }
    }
}

impl Write for VideoOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Whole(output) => output.write(bytes),
            Self::Growing(output) => output.write(bytes),
            Self::Standard(pipe, written) => {
                let length = pipe.write(bytes)?;
                *written += u64::try_from(length).unwrap_or(0);
                Ok(length)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Whole(output) => output.flush(),
            Self::Growing(output) => output.flush(),
            Self::Standard(pipe, _) => pipe.flush(),
        }
    }
}
