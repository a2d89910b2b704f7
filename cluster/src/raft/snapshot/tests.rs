use super::{SnapshotError, SnapshotFile, SnapshotStore};
use crate::catalog::{
    Catalog, Command, CommandEntry, Format, KeyAndRow, LogPosition, MemoryEngine, OpenSession, Protocol,
    Request, SessionInfo, SledEngine, Tree, WrappedKeys,
};
use crate::chunk::disk::{Disk as _, MemoryDisk};
use crate::chunk::key::KekId;
use crate::id::{MemberId, RecordingId};
use crate::raft::types::{LogId, SnapshotMeta};
use openraft::CommittedLeaderId;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "snapshots";
const MEMBER: MemberId = MemberId(1);

fn store(disk: &MemoryDisk, dir: &str) -> Result<SnapshotStore, SnapshotError> {
    SnapshotStore::open(Arc::new(disk.clone()), Path::new(dir))
}

/// So many sessions that the rows fill several blocks.
fn catalog(sessions: u64) -> (Catalog, SnapshotMeta) {
    let catalog = Catalog::new(Arc::new(MemoryEngine::new()));
    for index in 1..=sessions {
        let info = SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Asciicast,
            device_address: format!("device {}", index % 7),
            credential_user: "root".to_owned(),
            user_name: "ada".to_owned(),
            user_address: String::new(),
            start_ms: index,
            recorder_token: None,
        };
        let recording = RecordingId(u128::from(index).to_be_bytes());
        let keys = WrappedKeys { kek: KekId(1), data: vec![1], derived: vec![2] };
        let command = Command::OpenSession(OpenSession { recording, info, keys, owner: MEMBER });
        let position = LogPosition { term: 1, leader: MEMBER, index };
        let entry = CommandEntry::Requests(vec![Request { id: None, command }]);
        catalog.apply(vec![(position, entry)]).unwrap();
    }
    (catalog, meta(sessions))
}

fn meta(index: u64) -> SnapshotMeta {
    let last_log_id = Some(LogId::new(CommittedLeaderId::new(1, MEMBER.0), index));
    SnapshotMeta { last_log_id, snapshot_id: format!("snapshot {index}"), ..SnapshotMeta::default() }
}

fn dump(catalog: &Catalog) -> Vec<(Tree, KeyAndRow)> {
    let (mut rows, mut after) = (Vec::new(), None);
    while let Some((tree, (key, row))) = catalog.dump(after.as_ref()).unwrap().into_iter().next() {
        after = Some((tree, key.clone()));
        rows.push((tree, (key, row)));
    }
    rows
}

#[test]
fn an_installed_snapshot_is_the_catalog_that_was_written_down() {
    let disk = MemoryDisk::default();
    let (leader, meta) = catalog(300);
    let written = store(&disk, DIR).unwrap().write(&leader, &meta).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let follower = Catalog::new(Arc::new(SledEngine::open(dir.path(), "this boot").unwrap().0));
    let followers = store(&disk, "other").unwrap();
    let (stale, stale_meta) = catalog(3);
    followers.write(&stale, &stale_meta).unwrap();
    followers.load(&follower).unwrap();
    followers.install(&follower, &meta, &written).unwrap();
    assert_eq!(dump(&follower), dump(&leader));
    assert_eq!(followers.current().unwrap().0, meta);
    assert_eq!(disk.list(Path::new("other")).unwrap().len(), 1, "older ones are gone");
}

#[test]
fn the_indexes_of_an_older_snapshot_are_made_again() {
    let (leader, meta) = catalog(300);
    let indexes = [
        Tree::SessionsByStart,
        Tree::SessionsByUser,
        Tree::SessionsByDevice,
        Tree::SessionsByProtocol,
        Tree::SessionsByState,
        Tree::SessionsByFinish,
        Tree::SessionsByDuration,
        Tree::SessionsByCredential,
        Tree::SessionsByUserAddress,
        Tree::SessionsByFormat,
        Tree::SessionsBySize,
    ];
    for last in [None, Some(Tree::JobStarts)] {
        // The first ones had no rows, later ones not as many indexes.
        let older = Catalog::new(Arc::new(MemoryEngine::new()));
        let rows = dump(&leader).into_iter().filter(|(tree, _)| last.is_none_or(|last| *tree <= last));
        let rows = rows.map(|(tree, (key, row))| match last.is_none() && indexes.contains(&tree) {
            true => (tree, (key, Vec::new())),
            false => (tree, (key, row)),
        });
        older.load(rows.collect()).unwrap();
        assert!(!older.has_index_rows().unwrap());
        assert_ne!(dump(&older), dump(&leader));

        let snapshots = store(&MemoryDisk::default(), DIR).unwrap();
        snapshots.write(&older, &meta).unwrap();
        let found = Catalog::new(Arc::new(MemoryEngine::new()));
        snapshots.load(&found).unwrap();
        assert_eq!(dump(&found), dump(&leader));
        assert!(found.has_index_rows().unwrap());
    }
}

#[test]
fn a_received_snapshot_is_durable_when_it_is_kept_and_older_ones_do_not_replace_it() {
    let disk = MemoryDisk::default();
    let (leader, new) = catalog(20);
    let (other, old) = catalog(3);
    let written = store(&disk, DIR).unwrap().write(&leader, &new).unwrap();
    let stale = store(&disk, "stale").unwrap().write(&other, &old).unwrap();

    let followers = store(&disk, "other").unwrap();
    followers.keep(&new, &written).unwrap();
    followers.keep(&old, &stale).unwrap();
    followers.write(&other, &old).unwrap();
    assert_eq!(followers.current().unwrap().0, new);
    disk.cut_power(&mut |_| 0);

    let followers = store(&disk, "other").unwrap();
    assert_eq!(followers.current().unwrap().0, new);
    let follower = Catalog::new(Arc::new(MemoryEngine::new()));
    followers.load(&follower).unwrap();
    assert_eq!(dump(&follower), dump(&leader));
}

#[test]
fn a_snapshot_that_was_adopted_survives_a_power_cut() {
    let disk = MemoryDisk::default();
    let (catalog, meta) = catalog(50);
    store(&disk, DIR).unwrap().write(&catalog, &meta).unwrap();
    for cut in 0..20 {
        disk.stop_after_changes(cut);
        let _: Result<SnapshotFile, SnapshotError> =
            store(&disk, DIR).and_then(|store| store.write(&catalog, &meta));
        disk.cut_power(&mut |choices| cut % choices);
        let found = store(&disk, DIR).unwrap();
        assert_eq!(found.current().unwrap().0, meta);
        let other = Catalog::new(Arc::new(MemoryEngine::new()));
        found.load(&other).unwrap();
        assert_eq!(dump(&other), dump(&catalog));
    }
}

#[test]
fn a_damaged_snapshot_is_refused_wherever_it_is_damaged() {
    let disk = MemoryDisk::default();
    let (catalog, meta) = catalog(2);
    let written = store(&disk, DIR).unwrap().write(&catalog, &meta).unwrap();
    let whole = disk.contents(&written.path).unwrap();
    for at in 0..whole.len() {
        disk.tamper(&written.path, |bytes| bytes[at] ^= 1).unwrap();
        let refused = store(&disk, DIR).err().unwrap();
        assert!(matches!(refused, SnapshotError::Damaged { .. }), "byte {at}: {refused}");
        disk.tamper(&written.path, |bytes| {
            bytes.clone_from(&whole);
            bytes.truncate(at);
        })
        .unwrap();
        assert!(store(&disk, DIR).is_err(), "cut at byte {at}");
        disk.tamper(&written.path, |bytes| bytes.clone_from(&whole)).unwrap();
    }
    disk.tamper(&written.path, |bytes| bytes.push(0)).unwrap();
    assert!(store(&disk, DIR).is_err(), "something follows the end");
}

#[test]
fn another_snapshot_than_the_announced_is_refused() {
    let disk = MemoryDisk::default();
    let (catalog, meta) = catalog(2);
    let store = store(&disk, DIR).unwrap();
    let written = store.write(&catalog, &meta).unwrap();
    let refused = store.install(&catalog, &self::meta(9), &written);
    assert!(matches!(refused, Err(SnapshotError::Other { .. })));
}
