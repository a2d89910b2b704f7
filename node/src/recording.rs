//! A recording on disk: a plain file, a compressed one, or a pipe, read many times from any place.

use crate::interrupt::Interrupt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes handled at once.
pub(crate) const PIECE_BYTES: usize = 32 << 10;
/// Most bytes that a compressed recording may grow to, against bombs.
const PLAIN_BYTES_MAX: u64 = 64 << 30;
/// A window beyond this is refused: it is memory that the decoder must hold.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Why a recording cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The compressed data is damaged.
    #[error("cannot decompress {}: {source}", path.display())]
    Decompress {
        /// Which.
        path: PathBuf,
        /// What the decoder says.
        source: io::Error,
    },
    /// The plain copy cannot be kept.
    #[error("cannot keep a plain copy of {} in the folder for temporary files: {source}", path.display())]
    Spool {
        /// Of what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It grows beyond the limit.
    #[error("{} holds more than the limit of {limit_bytes} bytes", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// No bytes at all.
    #[error("{} is empty: there is nothing to read", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Something else than a recording.
    #[error("{} is not a recording of guacd: {found}", path.display())]
    NotARecording {
        /// Which.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// The plain bytes of a recording, at any place, from any thread.
pub(crate) struct Recording {
    file: File,
    path: PathBuf,
}

impl Recording {
    /// Opens `path`; `-` is standard input. What is compressed or comes from a pipe is copied, plain, to an
    /// unnamed temporary file.
    pub(crate) fn open(path: &Path, interrupt: &Interrupt) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Read { path: path.to_owned(), source };
        let piped = path == Path::new("-");
        let mut source: Box<dyn Read> = if piped {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(path).map_err(unreadable)?;
            Box::new(file)
        };
        let mut head = Vec::new();
        source.by_ref().take(512).read_to_end(&mut head).map_err(unreadable)?;
        if head.is_empty() {
            return Err(OpenError::Empty { path: path.to_owned() });
        }
        let compressed = head.starts_with(&ZSTD_MAGIC);
        let file = if compressed {
            let whole = io::Cursor::new(head).chain(source);
            let plain = ruzstd::decoding::StreamingDecoder::new(whole).map_err(|error| {
                OpenError::Decompress { path: path.to_owned(), source: io::Error::other(error) }
            })?;
            spool(path, plain, interrupt)?
        } else if piped {
            spool(path, io::Cursor::new(head).chain(source), interrupt)?
        } else {
            drop(source);
            File::open(path).map_err(unreadable)?
        };
        let recording = Self { file, path: path.to_owned() };
        recording.probe()?;
        Ok(recording)
    }

    /// Refuses what plainly is no recording, before any work is done.
    fn probe(&self) -> Result<(), OpenError> {
        let mut head = vec![0; 512];
        let length = self.read_at(&mut head, 0)?;
        codec::source::probe(&head[..length])
            .map(drop)
            .map_err(|error| OpenError::NotARecording { path: self.path.clone(), found: error.to_string() })
    }

    /// Reads at a place; returns how many bytes were read, 0 at the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, OpenError> {
        let mut length = 0;
        while length < buffer.len() {
            let at = offset + u64::try_from(length).expect("a buffer's length fits 64 bits");
            match self.file.read_at(&mut buffer[length..], at) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(OpenError::Read { path: self.path.clone(), source }),
            }
        }
        Ok(length)
    }

    /// Hands out the bytes from `range.start` up to `range.end`, or to the end, piece by piece, until the
    /// receiver gives an error.
    pub(crate) fn each_piece<E: From<OpenError>>(
        &self,
        range: std::ops::Range<u64>,
        mut receive: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut offset = range.start;
        while offset < range.end {
            let left = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
            let wanted = left.min(PIECE_BYTES);
            let length = self.read_at(&mut piece[..wanted], offset)?;
            if length == 0 {
                break;
            }
            receive(&piece[..length])?;
            offset += u64::try_from(length).expect("a buffer's length fits 64 bits");
        }
        Ok(())
    }

    /// Size in bytes, as it is now.
    pub(crate) fn length(&self) -> Result<u64, OpenError> {
        let unreadable = |source| OpenError::Read { path: self.path.clone(), source };
        Ok(self.file.metadata().map_err(unreadable)?.len())
    }
}

/// Copies to an unnamed temporary file.
fn spool(path: &Path, mut source: impl Read, interrupt: &Interrupt) -> Result<File, OpenError> {
    let full = |source| OpenError::Spool { path: path.to_owned(), source };
    let mut file = tempfile::tempfile().map_err(full)?;
    let mut piece = vec![0; 4 * PIECE_BYTES];
    let mut total = 0_u64;
    loop {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        let length = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(OpenError::Decompress { path: path.to_owned(), source }),
        };
        total += u64::try_from(length).expect("a buffer's length fits 64 bits");
        if total > PLAIN_BYTES_MAX {
            return Err(OpenError::TooLong { path: path.to_owned(), limit_bytes: PLAIN_BYTES_MAX });
        }
        file.write_all(&piece[..length]).map_err(full)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(full)?;
    Ok(file)
}
