//! What may be read of a file.

use std::io::{self, Read, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// Bytes in front of a tag of ID3v2: its name, version, flags and size.
const TAG_HEAD_BYTES: usize = 10;
/// More tags than this in front of the sound are none.
const TAGS_MAX: usize = 16;
/// Reading goes back where an index stands behind the sound. Beside this it may take so many times the file's length.
const READS_MAX: u64 = 4;
const READ_BYTES_MIN: u64 = 4 << 20;

/// Where sound comes from: bytes at any place.
pub trait SoundSource: Read + Seek + Send + Sync + 'static {}

impl<T: Read + Seek + Send + Sync + 'static> SoundSource for T {}

/// The bytes behind the tags in front, of which no more are read than a well made file needs.
pub(super) struct BoundedSource {
    source: Box<dyn SoundSource>,
    /// Where the sound begins.
    start: u64,
    length: u64,
    readable_bytes: u64,
}

impl BoundedSource {
    /// Passes over tags of ID3v2 by their size: pictures and texts in them are never read.
    pub(super) fn open(mut source: impl SoundSource) -> io::Result<Self> {
        let end = source.seek(SeekFrom::End(0))?;
        let mut start = 0;
        for _ in 0..TAGS_MAX {
            source.seek(SeekFrom::Start(start))?;
            match tag_bytes(&mut source)? {
                Some(bytes) => start = end.min(start.saturating_add(bytes)),
                None => break,
            }
        }
        source.seek(SeekFrom::Start(start))?;
        let length = end - start;
        let readable_bytes = length.saturating_mul(READS_MAX).saturating_add(READ_BYTES_MIN);
        Ok(Self { source: Box::new(source), start, length, readable_bytes })
    }

    /// Bytes from a place to the end.
    pub(super) fn left(&self, at: u64) -> u64 {
        self.length.saturating_sub(at)
    }

    /// Reads from a place on what is there, at most all of `buffer`.
    pub(super) fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        let mut length = 0;
        while length < buffer.len() {
            match self.read(&mut buffer[length..])? {
                0 => break,
                read => length += read,
            }
        }
        Ok(length)
    }
}

/// The length of a tag that begins here (ID3v2.4 section 3.1): four bytes of seven bits, perhaps with a footer.
fn tag_bytes(source: &mut impl Read) -> io::Result<Option<u64>> {
    let mut head = [0; TAG_HEAD_BYTES];
    match source.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = head else { return Ok(None) };
    if size.iter().any(|byte| *byte >= 0x80) {
        return Ok(None);
    }
    let body = size.iter().fold(0, |sum, byte| (sum << 7) | u64::from(*byte));
    let ends = if flags & 0x10 == 0 { 1 } else { 2 };
    Ok(Some(body + 10 * ends))
}

impl Read for BoundedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.readable_bytes == 0 {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let room = usize::try_from(self.readable_bytes).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.source.read(&mut buffer[..room])?;
        // A look at the end counts too, so that even these end.
        self.readable_bytes -= u64::try_from(read).unwrap_or(u64::MAX).max(1).min(self.readable_bytes);
        Ok(read)
    }
}

impl Seek for BoundedSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(self.start.saturating_add(at)),
            other @ (SeekFrom::End(_) | SeekFrom::Current(_)) => other,
        };
        let at = self.source.seek(to)?;
        at.checked_sub(self.start).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl MediaSource for BoundedSource {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn opened(bytes: &[u8]) -> (u64, Vec<u8>) {
        let mut source = BoundedSource::open(Cursor::new(bytes.to_vec())).unwrap();
        let mut rest = Vec::new();
        source.read_to_end(&mut rest).unwrap();
        (source.length, rest)
    }

    #[test]
    fn tags_in_front_are_passed_over_by_their_size() {
        assert_eq!(opened(b"sound"), (5, b"sound".to_vec()));
        assert_eq!(opened(b"ID3\x04\0\0\0\0\0\x02??sound"), (5, b"sound".to_vec()));
        assert_eq!(opened(b"ID3\x04\0\x10\0\0\0\0FOOTER----ID3\x03\0\0\0\0\0\x01?x"), (1, b"x".to_vec()));
        // 256 MiB that are not there.
        assert_eq!(opened(b"ID3\x04\0\0\x7F\x7F\x7F\x7Fsound"), (0, Vec::new()));
        assert_eq!(opened(b"ID3\x04\0\0\xFF\0\0\0").0, 10);
    }

    #[test]
    fn reading_in_circles_ends() {
        let mut source = BoundedSource::open(Cursor::new(vec![7; 100])).unwrap();
        let (mut buffer, mut total) = ([0; 100], 0);
        let error = loop {
            match source.read_at(0, &mut buffer) {
                Ok(read) => total += u64::try_from(read).unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
        assert!(total <= READ_BYTES_MIN + 400);
    }
}
