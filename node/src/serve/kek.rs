//! The file with the keys that wrap all keys.

use super::error::StartError;
use super::key_file;
use cluster::chunk::key::{Kek, KekId, Random};
use cluster::chunk::{KekStore, Keks};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a line of the file begins with; the key's number and its hexadecimal digits follow.
const HEAD: &str = "custody-kek-1";

/// The file, a line a key. It is replaced as a whole.
struct KekFile(PathBuf);

impl KekStore for KekFile {
    fn store(&self, keks: &[Arc<Kek>]) -> io::Result<()> {
        key_file::put(&self.0, &text(keks.iter().map(|kek| &**kek)))
    }
}

/// The keys of this member. One is made when neither it nor `data` is there; with data and without the key, nothing
/// is made: a new key would open none of it.
pub(super) fn load_or_create(path: &Path, data: &Path, random: &dyn Random) -> Result<Keks, StartError> {
    let unwritten = |source| StartError::Key { path: path.to_owned(), source };
    key_file::remove_unfinished(path).map_err(unwritten)?;
    let store = Box::new(KekFile(path.to_owned()));
    if let Some(text) = key_file::read(path)? {
        let form = || StartError::KeyForm { path: path.to_owned() };
        return parse(&text).and_then(|keks| Keks::new(keks, store).ok()).ok_or_else(form);
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
    Ok(kek_of(kek, store))
}

/// Writes a member's first key; durable under its name before it is used.
pub(crate) fn write(path: &Path, kek: &Kek) -> Result<(), StartError> {
    key_file::put(path, &text([kek])).map_err(|source| StartError::Key { path: path.to_owned(), source })
}

/// What stands in the file, if it is one.
pub(crate) fn export(path: &Path) -> Result<Zeroizing<String>, StartError> {
    let form = || StartError::KeyForm { path: path.to_owned() };
    let stored = key_file::read(path)?.ok_or_else(form)?;
    parse(&stored).map(|keks| text(&keks)).ok_or_else(form)
}

fn kek_of(kek: Kek, store: Box<KekFile>) -> Keks {
    Keks::new(vec![kek], store).expect("it is one")
}

fn text<'k>(keks: impl IntoIterator<Item = &'k Kek>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for kek in keks {
        text.push_str(&key_file::line(&format!("{HEAD} {}", kek.id()), &kek.to_bytes()));
    }
    text
}

fn parse(text: &str) -> Option<Vec<Kek>> {
    text.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Kek> {
    let mut words = line.split_whitespace();
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
        assert_eq!(read.checks(), made.checks());

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = load_or_create(&path, &data, &random);
        assert!(matches!(open, Err(StartError::KeyMode { mode: 0o640, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for wrong in ["", "custody-kek-1 1 zz", "custody-kek-2 1 00"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KeyForm { .. })));
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(load_or_create(&path, &data, &random), Err(StartError::KekMissing { .. })));
    }

    #[test]
    fn several_keys_are_kept_and_one_that_is_removed_is_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, data) = (folder.path().join("kek"), folder.path().join("store"));
        let random = SystemRandom::new();
        let keks = load_or_create(&path, &data, &random).unwrap();
        let first = keks.newest();
        keks.add(Kek::generate(KekId(2), &random).unwrap()).unwrap();
        assert_eq!(load_or_create(&path, &data, &random).unwrap().checks(), keks.checks());
        // A process ended between writing and renaming.
        std::fs::copy(&path, folder.path().join("kek.new")).unwrap();
        keks.remove(&[KekId(1)]).unwrap();
        std::fs::write(folder.path().join("kek.new"), text([&*first]).as_bytes()).unwrap();
        let read = load_or_create(&path, &data, &random).unwrap();
        assert_eq!((read.checks(), read.newest().id()), (keks.checks(), KekId(2)));
        let digits = key_file::line("", &first.to_bytes());
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let stored = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!stored.contains(digits.trim()), "{stored}");
        }
        assert_eq!(*export(&path).unwrap(), std::fs::read_to_string(&path).unwrap());
    }
}
