//! Who this member is: a folder that it gets once, when its cluster is founded or when it joins.
//!
//! `id` is written last, so that a folder without it is that of an attempt which did not come to its end.

use super::authority::pem;
use super::error::IdentityError;
use cluster::id::MemberId;
use cluster::rpc::MemberTls;
use rcgen::{KeyPair, PublicKeyData};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const FOLDER: &str = "member";
const ID: &str = "id";
const KEY: &str = "key.pem";
const CA: &str = "ca.pem";
const CERTIFICATE: &str = "certificate.pem";
const MEMBERS: &str = "members";
const STARTED: &str = "started";
/// What the line of the file `id` begins with.
const HEAD: &str = "custody-member-1";
/// Only their owner may read them.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A member of a cluster that has a CA of its own.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    folder: PathBuf,
    /// Its number, which nobody else ever has.
    pub(crate) member: MemberId,
    /// What it proves that with.
    pub(crate) tls: MemberTls,
    /// Where the members were when it got it.
    pub(crate) members: Vec<(MemberId, String)>,
}

/// What a new member is given. DER.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewIdentity<'a> {
    pub(super) member: MemberId,
    pub(super) ca: &'a [u8],
    pub(super) certificate: &'a [u8],
    pub(super) members: &'a [(MemberId, String)],
}

/// The key pair of a member that has no number yet.
pub(super) struct MemberKey(KeyPair);

impl MemberKey {
    /// The key of an attempt that did not come to its end, or a new one, which is durable before anybody hears of it: who
    /// asks again with the same key gets the same answer.
    pub(super) fn load_or_create(data_dir: &Path) -> Result<Self, IdentityError> {
        let folder = data_dir.join(FOLDER);
        let path = folder.join(KEY);
        let failed = |source| IdentityError::File { path: path.clone(), source };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self(KeyPair::from_pem(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder).map_err(failed)?;
                let key = KeyPair::generate()?;
                put(&folder, KEY, key.serialize_pem().as_bytes())?;
                sync(data_dir)?;
                Ok(Self(key))
            }
            Err(source) => Err(failed(source)),
        }
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub(super) fn public(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }
}

impl Identity {
    /// The identity in a folder for data; none where there is none.
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>, IdentityError> {
        let folder = data_dir.join(FOLDER);
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| IdentityError::File { path, source })
        };
        if !folder.join(ID).exists() {
            return Ok(None);
        }
        let key_path = folder.join(KEY);
        let metadata = std::fs::metadata(&key_path);
        let metadata = metadata.map_err(|source| IdentityError::File { path: key_path.clone(), source })?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::Mode { path: key_path, mode });
        }
        let malformed = |name: &str| IdentityError::Malformed { path: folder.join(name) };
        let member = parse_id(&read(ID)?).ok_or_else(|| malformed(ID))?;
        let members = parse_members(&read(MEMBERS)?).ok_or_else(|| malformed(MEMBERS))?;
        let tls = MemberTls { ca: read(CA)?, certificate: read(CERTIFICATE)?, key: read(KEY)? };
        Ok(Some(Self { folder, member, tls, members }))
    }

    /// Whether a folder for data holds nothing but a key of an attempt that did not come to its end.
    pub(super) fn is_free(data_dir: &Path) -> Result<bool, IdentityError> {
        let entries = match std::fs::read_dir(data_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            entries => entries.map_err(|source| IdentityError::File { path: data_dir.to_owned(), source })?,
        };
        for entry in entries {
            let entry = entry.map_err(|source| IdentityError::File { path: data_dir.to_owned(), source })?;
            if entry.file_name() != FOLDER || entry.path().join(ID).exists() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes what a member was given beside its key, durably.
    pub(super) fn write(data_dir: &Path, new: NewIdentity<'_>) -> Result<(), IdentityError> {
        let folder = data_dir.join(FOLDER);
        let lines: String =
            new.members.iter().map(|(member, address)| format!("{member}={address}\n")).collect();
        put(&folder, CA, pem("CERTIFICATE", new.ca).as_bytes())?;
        put(&folder, CERTIFICATE, pem("CERTIFICATE", new.certificate).as_bytes())?;
        put(&folder, MEMBERS, lines.as_bytes())?;
        put(&folder, ID, format!("{HEAD} {}\n", new.member).as_bytes())
    }

    /// An id never stands for two stores: a member that had one and has it no more does not start.
    pub(crate) fn check_store(&self, store: &Path) -> Result<(), IdentityError> {
        let is_there = ["facts", "bytes"].into_iter().all(|part| store.join(part).exists());
        match self.folder.join(STARTED).exists() && !is_there {
            true => Err(IdentityError::StoreGone { member: self.member, store: store.to_owned() }),
            false => Ok(()),
        }
    }

    /// Writes down that the store is there. Before it has promised anything to anybody.
    pub(crate) fn mark_started(&self) -> Result<(), IdentityError> {
        match self.folder.join(STARTED).exists() {
            true => Ok(()),
            false => put(&self.folder, STARTED, b""),
        }
    }
}

fn parse_id(bytes: &[u8]) -> Option<MemberId> {
    let mut words = std::str::from_utf8(bytes).ok()?.split_whitespace();
    let (head, id) = (words.next()?, words.next()?);
    let is_whole = head == HEAD && words.next().is_none();
    is_whole.then(|| id.parse().ok()).flatten().filter(|id: &MemberId| id.0 > 0)
}

fn parse_members(bytes: &[u8]) -> Option<Vec<(MemberId, String)>> {
    let line = |line: &str| {
        let (member, address) = line.split_once('=')?;
        Some((member.parse().ok()?, address.to_owned()))
    };
    std::str::from_utf8(bytes).ok()?.lines().map(line).collect()
}

/// Writes a file for the eyes of its owner alone, durable under its name.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
    let (path, temporary) = (folder.join(name), folder.join(format!("{name}.new")));
    let written = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| IdentityError::File { path: path.clone(), source })
}

fn sync(folder: &Path) -> Result<(), IdentityError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| IdentityError::File { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(data_dir: &Path) -> Identity {
        MemberKey::load_or_create(data_dir).unwrap();
        let members = [(MemberId(1), "one:1".to_owned()), (MemberId(3), "[::1]:2".to_owned())];
        let new = NewIdentity { member: MemberId(3), ca: b"ca", certificate: b"own", members: &members };
        Identity::write(data_dir, new).unwrap();
        Identity::read(data_dir).unwrap().unwrap()
    }

    #[test]
    fn an_identity_is_read_back_and_an_attempt_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Identity::is_free(folder.path()).unwrap());
        let key = MemberKey::load_or_create(folder.path()).unwrap().public();
        assert!(
            Identity::read(folder.path()).unwrap().is_none() && Identity::is_free(folder.path()).unwrap()
        );
        let identity = written(folder.path());
        assert_eq!(identity.member, MemberId(3));
        assert_eq!(
            identity.members,
            [(MemberId(1), "one:1".to_owned()), (MemberId(3), "[::1]:2".to_owned())]
        );
        assert_eq!(MemberKey::load_or_create(folder.path()).unwrap().public(), key);
        assert!(!Identity::is_free(folder.path()).unwrap());
        for name in [ID, KEY, CA, CERTIFICATE, MEMBERS] {
            let mode = std::fs::metadata(folder.path().join(FOLDER).join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, MODE, "{name}");
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let key = folder.path().join(FOLDER).join(KEY);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Identity::read(folder.path());
        assert!(matches!(refused, Err(IdentityError::Mode { mode: 0o640, .. })), "{refused:?}");
    }

    #[test]
    fn a_member_whose_store_is_gone_does_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let (identity, store) = (written(folder.path()), folder.path().join("store"));
        identity.check_store(&store).unwrap();
        for part in ["facts", "bytes"] {
            std::fs::create_dir_all(store.join(part)).unwrap();
        }
        identity.mark_started().unwrap();
        identity.check_store(&store).unwrap();
        std::fs::remove_dir(store.join("facts")).unwrap();
        let refused = identity.check_store(&store);
        assert!(matches!(refused, Err(IdentityError::StoreGone { member: MemberId(3), .. })), "{refused:?}");
    }
}
