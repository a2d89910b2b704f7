//! A file that a worker process reads through its owner, for it can open none.

use crate::recording::{OpenError, Recording};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

/// Bytes of a stored file that are read at once: a worker asks for far fewer, and mostly for those behind them.
const WINDOW_BYTES: u64 = 512 << 10;

/// A file that is lent, read at any place and from any thread.
pub(crate) struct Lent {
    bytes: u64,
    source: Source,
}

enum Source {
    File(File),
    /// In the cluster: decrypted as it is read, so that nothing of it stands on a disk in clear.
    Stored {
        file: Recording,
        window: Mutex<Window>,
    },
}

/// What was read last of a stored file.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Lent {
    /// A regular file.
    pub(crate) fn file(file: File) -> io::Result<Self> {
        Ok(Self { bytes: file.metadata()?.len(), source: Source::File(file) })
    }

    /// A sealed object of the cluster; not to be read on a thread of the runtime.
    pub(crate) fn stored(file: Recording) -> Result<Self, OpenError> {
        let bytes = file.length()?;
        Ok(Self { bytes, source: Source::Stored { file, window: Mutex::default() } })
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes from one on, at most `length`; fewer at its end.
    pub(super) fn read_at(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.bytes.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = length.min(left);
        match &self.source {
            // A worker may ask for a place that no file has.
            _ if length == 0 => Ok(Vec::new()),
            Source::File(file) => read_file(file, at, length),
            Source::Stored { file, window } => {
                let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
                if window.part(at, length).is_none() {
                    *window = read_stored(file, at, length).map_err(io::Error::other)?;
                }
                let part = window.part(at, length);
                Ok(part.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
            }
        }
    }
}

impl Window {
    /// The bytes that are asked for, if all of them are here.
    fn part(&self, at: u64, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(start..start.checked_add(length)?)
    }
}

fn read_file(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let (mut buffer, mut read) = (vec![0; length], 0);
    while read < length {
        let from = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        match file.read_at(&mut buffer[read..], from) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(read);
    Ok(buffer)
}

fn read_stored(file: &Recording, at: u64, length: usize) -> Result<Window, OpenError> {
    let wanted = u64::try_from(length).unwrap_or(u64::MAX).max(WINDOW_BYTES);
    let mut bytes = Vec::new();
    file.each_piece(at..at.saturating_add(wanted), |piece| {
        bytes.extend_from_slice(piece);
        Ok::<_, OpenError>(())
    })?;
    Ok(Window { at, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_read_at_any_place_up_to_its_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let lent = Lent::file(file).unwrap();
        assert_eq!(lent.bytes(), 10);
        for (at, length, expected) in [(0, 3, &b"012"[..]), (8, 9, b"89"), (10, 1, b""), (u64::MAX, 1, b"")] {
            assert_eq!(lent.read_at(at, length).unwrap(), expected, "{at}");
        }
    }

    #[test]
    fn a_window_holds_all_that_is_asked_for_or_nothing_of_it() {
        let window = Window { at: 4, bytes: b"4567".to_vec() };
        assert_eq!((window.part(4, 4), window.part(5, 2)), (Some(&b"4567"[..]), Some(&b"56"[..])));
        assert_eq!(
            [(3, 2), (0, 1), (7, 2), (9, 1), (u64::MAX, usize::MAX)]
                .map(|(at, length)| window.part(at, length)),
            [None; 5]
        );
    }
}
