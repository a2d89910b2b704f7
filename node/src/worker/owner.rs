//! A worker's side of its pipes.

use super::limits;
use super::message::{MessageError, Reply, Request};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Stdin, Stdout, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a file that are asked for at one time: what is decoded of them takes far less than a part may.
const WANTED_BYTES_MAX: usize = 16 << 10;

/// One end of a pipe that several may hold: never two at one time, for a worker has one thread that speaks.
pub(super) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Read> Read for Shared<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

impl<T: Write> Write for Shared<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// The process that asks this one.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) requests: Shared<BufReader<Stdin>>,
    pub(super) replies: Shared<BufWriter<Stdout>>,
}

impl Owner {
    /// Standard input and output.
    pub(super) fn of_this_process() -> Self {
        let requests = BufReader::with_capacity(64 << 10, io::stdin());
        let replies = BufWriter::with_capacity(256 << 10, io::stdout());
        Self {
            requests: Shared(Arc::new(Mutex::new(requests))),
            replies: Shared(Arc::new(Mutex::new(replies))),
        }
    }

    /// A file of the owner, which hands out its bytes as they are read.
    pub(super) fn file(&self, bytes: u64) -> OwnersFile {
        OwnersFile { owner: self.clone(), bytes, at: 0 }
    }

    fn bytes_at(&mut self, at: u64, bytes: u32) -> Result<Vec<u8>, MessageError> {
        Reply::Wanted { at, bytes }.write(&mut self.replies)?;
        self.replies.flush()?;
        match Request::read(&mut self.requests)? {
            Some(Request::FileBytes(bytes)) => Ok(bytes),
            Some(_) | None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// A file that this process may read and cannot open. The time to compute begins anew with each look at it.
pub(super) struct OwnersFile {
    owner: Owner,
    bytes: u64,
    at: u64,
}

impl Read for OwnersFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = u32::try_from(left.min(buffer.len()).min(WANTED_BYTES_MAX)).unwrap_or(0);
        if wanted == 0 {
            return Ok(0);
        }
        limits::allow_part()?;
        let bytes = self.owner.bytes_at(self.at, wanted).map_err(io::Error::other)?;
        let Some(room) = buffer.get_mut(..bytes.len()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        room.copy_from_slice(&bytes);
        self.at += u64::try_from(bytes.len()).expect("a buffer's length fits 64 bits");
        Ok(bytes.len())
    }
}

impl Seek for OwnersFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
