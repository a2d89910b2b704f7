//! The file with the key that wraps all keys.

use super::error::StartError;
use cluster::chunk::key::{KEY_BYTES, Kek, KekId, Random};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// What the file's line begins with; the key's number and its hexadecimal digits follow.
const HEAD: &str = "custody-kek-1";
/// Only its owner may read it.
const MODE: u32 = 0o600;

/// The key of this member. One is made when neither it nor `data` is there; with data and without the key, nothing
/// is made: a new key would open none of it.
pub(super) fn load_or_create(path: &Path, data: &Path, random: &dyn Random) -> Result<Kek, StartError> {
    match read(path) {
        Err(StartError::Kek { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if data.exists() {
                return Err(StartError::KekMissing { path: path.to_owned(), data: data.to_owned() });
            }
            let kek = Kek::generate(KekId(1), random)?;
            write(path, &kek).map_err(|source| StartError::Kek { path: path.to_owned(), source })?;
            tracing::warn!(
                file = %path.display(),
                "made a new key: keep a copy of this file elsewhere, without it no recording can be read"
            );
            Ok(kek)
        }
        result => result,
    }
}

fn read(path: &Path) -> Result<Kek, StartError> {
    let unreadable = |source| StartError::Kek { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StartError::KekMode { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
    parse(&text).ok_or_else(|| StartError::KekForm { path: path.to_owned() })
}

fn parse(text: &str) -> Option<Kek> {
    let mut words = text.split_whitespace();
    let (head, id, digits) = (words.next()?, words.next()?, words.next()?);
    if head != HEAD || words.next().is_some() || digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Kek::from_bytes(KekId(id.parse().ok()?), key))
}

/// Durable under its name before anything is encrypted with it.
fn write(path: &Path, kek: &Kek) -> io::Result<()> {
    let folder = crate::output::folder_of(path);
    let temporary = path.with_extension("new");
    let mut line = Zeroizing::new(format!("{HEAD} {} ", kek.id().0));
    for byte in kek.to_bytes().iter() {
        line.push_str(&format!("{byte:02x}"));
    }
    line.push('\n');
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(&temporary)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    #[test]
    fn a_key_is_made_once_kept_private_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, data) = (folder.path().join("kek"), folder.path().join("store"));
        let random = SystemRandom::new();
        let made = load_or_create(&path, &data, &random).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::create_dir(&data).unwrap();
        let read = load_or_create(&path, &data, &random).unwrap();
        assert_eq!((read.id(), read.check_value()), (made.id(), made.check_value()));

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = load_or_create(&path, &data, &random);
        assert!(matches!(open, Err(StartError::KekMode { mode: 0o640, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "custody-kek-1 1 zz").unwrap();
        assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KekForm { .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KekMissing { .. })));
    }
}
