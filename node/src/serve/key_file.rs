//! Files with keys: one line, for the eyes of its owner alone.

use super::error::StartError;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Only its owner may read it.
const MODE: u32 = 0o600;
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The text of a key's file, which nobody else can read; none when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, StartError> {
    let unreadable = |source| StartError::Key { path: path.to_owned(), source };
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StartError::KeyMode { path: path.to_owned(), mode });
    }
    std::fs::read_to_string(path).map(|text| Some(Zeroizing::new(text))).map_err(unreadable)
}

/// The key of hexadecimal digits.
pub(super) fn parse(digits: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Writes a head and a key; durable under its name before it is used.
pub(super) fn write(path: &Path, head: &str, key: &[u8; KEY_BYTES]) -> Result<(), StartError> {
    put(path, &line(head, key)).map_err(|source| StartError::Key { path: path.to_owned(), source })
}

/// A head and a key as they are written.
pub(super) fn line(head: &str, key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(format!("{head} "));
    for byte in key {
        line.push_str(&format!("{byte:02x}"));
    }
    line.push('\n');
    line
}

/// Removes what a process has left that ended before a file had its name: it may hold a key that is to be gone.
pub(super) fn remove_unfinished(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(unfinished(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Replaces a file, durably and as a whole.
pub(super) fn put(path: &Path, line: &str) -> io::Result<()> {
    let folder = crate::output::folder_of(path);
    let temporary = unfinished(path);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(&temporary)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}
