//! The bytes of a recording, read many times from any place: a plain file, a compressed one, a pipe, or what the
//! cluster keeps.

use crate::counted::Counted;
use crate::interrupt::Interrupt;
use crate::pipe::Pipe;
use crate::typescript::TypescriptFiles;
use cluster::Cluster;
use cluster::catalog;
use cluster::id::{ObjectId, RecordingId};
use codec::limits::Limits;
use codec::refusal::{Refusal, RefusalCode};
use codec::source::Format;
use codec::source::db_lines::Transcript;
use codec::source::terminal::TerminalFormat;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;

/// Bytes handled at once.
pub(crate) const PIECE_BYTES: usize = 256 << 10;
/// Most bytes of the plain copy of a recording.
const PLAIN_BYTES_MAX: u64 = 64 << 30;
/// What a compressed recording may grow to however small it is, and so many times its size beyond that: recordings shrink to
/// a hundredth at best, and bombs to less than a ten-thousandth.
const UNPACKED_BYTES: u64 = 1 << 30;
const UNPACKED_TIMES_MAX: u64 = 1_000;
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
    #[error("{}: cannot decompress {}: {source}", RefusalCode::Malformed, path.display())]
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
    #[error("{}: {} holds more than the limit of {limit_bytes} bytes", RefusalCode::Limit, path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// Something else than a recording.
    #[error("{}: {} is no recording: {}", refusal.code, path.display(), refusal.reason)]
    NotARecording {
        /// Which.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// The cluster cannot read its bytes.
    #[error("cannot read {object}: {source}")]
    Stored {
        /// What was read.
        object: ObjectId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// The plain bytes of a recording, at any place, from any thread.
pub(crate) struct Recording {
    source: Source,
    format: Format,
}

/// Where the bytes stand.
enum Source {
    /// In a file; the path is what errors name.
    File { file: File, path: PathBuf },
    /// In the cluster.
    Stored(Stored),
    /// In memory.
    Made(Vec<u8>),
}

/// A sealed object of the cluster, read from threads that are not the runtime's: each waits for the runtime.
struct Stored {
    cluster: Arc<Cluster>,
    runtime: Handle,
    object: ObjectId,
    length: u64,
}

impl Recording {
    /// Opens `path`; `-` is standard input. What is compressed or comes from a pipe is copied, plain, to an
    /// unnamed temporary file, and so is a typescript with its timing. What plainly is no recording is refused before that.
    pub(crate) fn open(
        path: &Path,
        typescript: &TypescriptFiles,
        interrupt: &Interrupt,
    ) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Read { path: path.to_owned(), source };
        let file = open_file(path).map_err(unreadable)?;
        let is_regular = file.metadata().map_err(unreadable)?.is_file();
        let kept = file.try_clone().map_err(unreadable)?;
        let mut source: Box<dyn Read> =
            if is_regular { Box::new(file) } else { Box::new(Pipe::new(file, interrupt)) };
        let mut head = read_head(&mut source).map_err(unreadable)?;
        let mut packed = None;
        if head.starts_with(&ZSTD_MAGIC) {
            let damaged = |source| OpenError::Decompress { path: path.to_owned(), source };
            let (whole, bytes) = Counted::new(io::Cursor::new(head).chain(source));
            packed = Some(bytes);
            let plain = ruzstd::decoding::StreamingDecoder::new(whole);
            source = Box::new(plain.map_err(|error| damaged(io::Error::other(error)))?);
            head = read_head(&mut source).map_err(damaged)?;
        } else if is_regular && let Ok(format) = probe(path, &head) {
            return Ok(Self { source: Source::File { file: kept, path: path.to_owned() }, format });
        }
        let (format, timing) = match probe(path, &head) {
            Err(error) => {
                let timing = typescript.timing_of(path).ok_or(error)?;
                (Format::Terminal(TerminalFormat::Typescript), Some(timing))
            }
            Ok(format) => (format, None),
        };
        let mut whole = io::Cursor::new(head).chain(source);
        let file = match timing {
            Some(timing) => {
                let unjoined = |source| OpenError::Read { path: timing.clone(), source };
                typescript.join(&timing, &mut whole).map_err(unjoined)?
            }
            None => spool(path, whole, packed.as_deref(), interrupt)?,
        };
        Ok(Self { source: Source::File { file, path: path.to_owned() }, format })
    }

    /// A sealed recording of `length` bytes that the cluster keeps. Its bytes are decrypted as they are read and
    /// never stand on a disk in clear. Not to be read on a thread of the runtime.
    pub(crate) fn stored(cluster: Arc<Cluster>, runtime: Handle, object: ObjectId, length: u64) -> Self {
        let source = Source::Stored(Stored { cluster, runtime, object, length });
        Self { source, format: Format::Guacamole }
    }

    /// The same, of the format that the session of the recording was opened with.
    pub(crate) fn of_session(
        cluster: &Arc<Cluster>,
        runtime: &Handle,
        recording: RecordingId,
        length: u64,
    ) -> Result<Self, OpenError> {
        let object = ObjectId::from(recording);
        let unreadable = |source| OpenError::Stored { object, source };
        let catalog = cluster.catalog().map_err(|error| unreadable(error.into()))?;
        let session = catalog.session(recording).map_err(|error| unreadable(error.into()))?;
        let session = session.ok_or_else(|| unreadable("there is no such session".into()))?;
        let format = format_of(session.info.format);
        Ok(Self { format, ..Self::stored(Arc::clone(cluster), runtime.clone(), object, length) })
    }

    /// What its bytes are.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The same, as the cluster names it.
    pub(crate) fn catalog_format(&self) -> catalog::Format {
        match self.format {
            Format::Guacamole => catalog::Format::Guacamole,
            Format::Terminal(TerminalFormat::Asciicast) => catalog::Format::Asciicast,
            Format::Terminal(TerminalFormat::Typescript) => catalog::Format::Typescript,
            Format::DbLines => catalog::Format::DbLines,
        }
    }

    /// What is drawn of it: itself, or the transcript of a database session, which is held in memory.
    pub(crate) fn drawn(self, interrupt: &Interrupt) -> Result<Self, OpenError> {
        if self.format != Format::DbLines {
            return Ok(self);
        }
        let (mut transcript, head) = Transcript::begin(&Limits::default());
        let mut bytes = head.into_bytes();
        self.each_piece(0..self.length()?, |piece| {
            bytes.extend_from_slice(transcript.push(piece).as_bytes());
            if interrupt.is_set() { Err(OpenError::Interrupted) } else { Ok(()) }
        })?;
        bytes.extend_from_slice(transcript.finish().as_bytes());
        Ok(Self { source: Source::Made(bytes), format: Format::Terminal(TerminalFormat::Asciicast) })
    }

    /// Whether it is drawn as a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.format, Format::Terminal(_))
    }

    /// Hands out the bytes from `range.start` up to `range.end`, or to the end, piece by piece, until the
    /// receiver gives an error.
    pub(crate) fn each_piece<E: From<OpenError>>(
        &self,
        range: Range<u64>,
        receive: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.source {
            Source::File { file, path } => each_piece_of_file(file, path, range, receive),
            Source::Stored(stored) => stored.each_piece(range, receive),
            Source::Made(bytes) => {
                let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
                let part = bytes.get(at(range.start)..at(range.end)).unwrap_or_default();
                part.chunks(PIECE_BYTES).try_for_each(receive)
            }
        }
    }

    /// Size in bytes, as it is now.
    pub(crate) fn length(&self) -> Result<u64, OpenError> {
        match &self.source {
            Source::File { file, path } => {
                let unreadable = |source| OpenError::Read { path: path.clone(), source };
                Ok(file.metadata().map_err(unreadable)?.len())
            }
            Source::Stored(stored) => Ok(stored.length),
            Source::Made(bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        }
    }
}

impl Stored {
    fn each_piece<E: From<OpenError>>(
        &self,
        range: Range<u64>,
        mut receive: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let range = range.start.min(self.length)..range.end.min(self.length);
        if range.is_empty() {
            return Ok(());
        }
        let unreadable = |source| OpenError::Stored { object: self.object, source };
        let mut read = self
            .runtime
            .block_on(self.cluster.read(self.object, range))
            .map_err(|error| unreadable(error.into()))?;
        while let Some(bytes) = self.runtime.block_on(read.next()) {
            let bytes = bytes.map_err(|error| unreadable(error.into()))?;
            for piece in bytes.chunks(PIECE_BYTES) {
                receive(piece)?;
            }
        }
        Ok(())
    }
}

fn each_piece_of_file<E: From<OpenError>>(
    file: &File,
    path: &Path,
    range: Range<u64>,
    mut receive: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = range.start;
    while offset < range.end {
        let left = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
        let length = read_at(file, path, &mut piece[..left.min(PIECE_BYTES)], offset)?;
        if length == 0 {
            break;
        }
        receive(&piece[..length])?;
        offset += u64::try_from(length).expect("a buffer's length fits 64 bits");
    }
    Ok(())
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
fn probe(path: &Path, head: &[u8]) -> Result<Format, OpenError> {
    let refused = |error| OpenError::NotARecording { path: path.to_owned(), refusal: Refusal::from(&error) };
    codec::source::probe(head).map_err(refused)
}

/// How a format of the catalog is read.
fn format_of(format: catalog::Format) -> Format {
    match format {
        catalog::Format::Guacamole => Format::Guacamole,
        catalog::Format::Asciicast => Format::Terminal(TerminalFormat::Asciicast),
        catalog::Format::Typescript => Format::Terminal(TerminalFormat::Typescript),
        catalog::Format::DbLines => Format::DbLines,
    }
}

/// Reads at a place; returns how many bytes were read, 0 at the end.
fn read_at(file: &File, path: &Path, buffer: &mut [u8], offset: u64) -> Result<usize, OpenError> {
    let mut length = 0;
    while length < buffer.len() {
        let at = offset + u64::try_from(length).expect("a buffer's length fits 64 bits");
        match file.read_at(&mut buffer[length..], at) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(OpenError::Read { path: path.to_owned(), source }),
        }
    }
    Ok(length)
}

/// What a recording may grow to of which so many compressed bytes are read.
fn plain_bytes_max(packed: Option<&AtomicU64>) -> u64 {
    packed.map_or(PLAIN_BYTES_MAX, |packed| {
        packed
            .load(Ordering::Relaxed)
            .saturating_mul(UNPACKED_TIMES_MAX)
            .clamp(UNPACKED_BYTES, PLAIN_BYTES_MAX)
    })
}

/// Copies to an unnamed temporary file. The compressed bytes that are read for it are counted by `packed`.
fn spool(
    path: &Path,
    mut source: impl Read,
    packed: Option<&AtomicU64>,
    interrupt: &Interrupt,
) -> Result<File, OpenError> {
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
        let limit_bytes = plain_bytes_max(packed);
        if total > limit_bytes {
            return Err(OpenError::TooLong { path: path.to_owned(), limit_bytes });
        }
        file.write_all(&piece[..length]).map_err(full)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(full)?;
    Ok(file)
}
