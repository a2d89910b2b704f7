//! A recording on disk: a plain file, a compressed one, or a pipe, read many times from any place.

use crate::interrupt::Interrupt;
use crate::pipe::Pipe;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes handled at once.
pub(crate) const PIECE_BYTES: usize = 32 << 10;
/// Most bytes that a compressed recording may grow to, against bombs.
const PLAIN_BYTES_MAX: u64 = 64 << 30;
/// What [`codec::source::probe`] asks for.
const HEAD_BYTES: u64 = 512;
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
    /// unnamed temporary file. What plainly is no recording is refused before that.
    pub(crate) fn open(path: &Path, interrupt: &Interrupt) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Read { path: path.to_owned(), source };
        let file = open_file(path).map_err(unreadable)?;
        let is_regular = file.metadata().map_err(unreadable)?.is_file();
        let kept = file.try_clone().map_err(unreadable)?;
        let mut source: Box<dyn Read> =
            if is_regular { Box::new(file) } else { Box::new(Pipe::new(file, interrupt)) };
        let mut head = read_head(&mut source).map_err(unreadable)?;
        if head.starts_with(&ZSTD_MAGIC) {
            let damaged = |source| OpenError::Decompress { path: path.to_owned(), source };
            let whole = io::Cursor::new(head).chain(source);
            let plain = ruzstd::decoding::StreamingDecoder::new(whole);
            source = Box::new(plain.map_err(|error| damaged(io::Error::other(error)))?);
            head = read_head(&mut source).map_err(damaged)?;
        } else if is_regular {
            probe(path, &head)?;
            return Ok(Self { file: kept, path: path.to_owned() });
        }
        probe(path, &head)?;
        let file = spool(path, io::Cursor::new(head).chain(source), interrupt)?;
        Ok(Self { file, path: path.to_owned() })
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

/// Opens a file by name; `-` is standard input.
fn open_file(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    } else {
        File::open(path)
    }
}

/// The first bytes, by which formats are told apart.
fn read_head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// Refuses what plainly is no recording, before any work is done.
fn probe(path: &Path, head: &[u8]) -> Result<(), OpenError> {
    if head.is_empty() {
        return Err(OpenError::Empty { path: path.to_owned() });
    }
    codec::source::probe(head)
        .map(drop)
        .map_err(|error| OpenError::NotARecording { path: path.to_owned(), found: error.to_string() })
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
