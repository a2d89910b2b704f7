//! The file with the key that wraps all keys.

use super::error::StartError;
use super::key_file;
use cluster::chunk::key::{Kek, KekId, Random};
use std::path::Path;

/// What the file's line begins with; the key's number and its hexadecimal digits follow.
const HEAD: &str = "custody-kek-1";

/// The key of this member. One is made when neither it nor `data` is there; with data and without the key, nothing
/// is made: a new key would open none of it.
pub(super) fn load_or_create(path: &Path, data: &Path, random: &dyn Random) -> Result<Kek, StartError> {
    if let Some(text) = key_file::read(path)? {
        return parse(&text).ok_or_else(|| StartError::KeyForm { path: path.to_owned() });
    }
    if data.exists() {
        return Err(StartError::KekMissing { path: path.to_owned(), data: data.to_owned() });
    }
    let kek = Kek::generate(KekId(1), random)?;
    write(path, &kek)?;
    tracing::warn!(
        file = %path.display(),
        "made a new key: keep a copy of this file elsewhere, without it no recording can be read"
    );
    Ok(kek)
}

/// Writes a key; durable under its name before it is used.
pub(crate) fn write(path: &Path, kek: &Kek) -> Result<(), StartError> {
    key_file::write(path, &format!("{HEAD} {}", kek.id().0), &kek.to_bytes())
}

fn parse(text: &str) -> Option<Kek> {
    let mut words = text.split_whitespace();
    let (head, id, digits) = (words.next()?, words.next()?, words.next()?);
    if head != HEAD || words.next().is_some() {
        return None;
    }
    Some(Kek::from_bytes(KekId(id.parse().ok()?), key_file::parse(digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

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
        assert!(matches!(open, Err(StartError::KeyMode { mode: 0o640, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "custody-kek-1 1 zz").unwrap();
        assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KeyForm { .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KekMissing { .. })));
    }
}
