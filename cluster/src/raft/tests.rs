use super::log::{LogOptions, LogStore, RaftLog};
use super::snapshot::SnapshotStore;
use super::state_machine::StateMachine;
use super::types::{Entry, LogId, Proposal, REQUESTS_BYTES_MAX, StorageError, TypeConfig, Vote, entry_bytes};
use crate::catalog::{Catalog, Command, Engine, MemoryEngine, Request, SledEngine};
use crate::chunk::disk::{Disk, MemoryDisk, RealDisk};
use openraft::RaftLogReader as _;
use openraft::storage::{RaftLogStorage as _, RaftLogStorageExt as _};
use openraft::testing::{StoreBuilder, Suite};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The suite saves votes of smaller numbers.
const MEMBER: u64 = 9;
/// Small enough for the suite's entries to fill many segments.
const OPTIONS: LogOptions = LogOptions { segment_bytes: 256 };

fn store(disk: Arc<dyn Disk>, engine: Arc<dyn Engine>, dir: &Path) -> (LogStore, StateMachine) {
    let (log, torn_tail) = RaftLog::open(Arc::clone(&disk), &dir.join("log"), OPTIONS).unwrap();
    assert_eq!(torn_tail, None);
    let snapshots = Arc::new(SnapshotStore::open(disk, &dir.join("snapshots")).unwrap());
    (LogStore::new(Arc::new(log), MEMBER), StateMachine::new(Catalog::new(engine), snapshots))
}

struct OnRealDisk;

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for OnRealDisk {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError> {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _) = SledEngine::open(&dir.path().join("engine"), "this boot").unwrap();
        let (log, machine) = store(Arc::new(RealDisk), Arc::new(engine), dir.path());
        Ok((dir, log, machine))
    }
}

struct InMemory;

impl StoreBuilder<TypeConfig, LogStore, StateMachine> for InMemory {
    async fn build(&self) -> Result<((), LogStore, StateMachine), StorageError> {
        let (log, machine) =
            store(Arc::new(MemoryDisk::default()), Arc::new(MemoryEngine::new()), Path::new("member"));
        Ok(((), log, machine))
    }
}

#[test]
fn a_full_log_entry_has_at_most_4_kib() {
    let request = |bytes| Request { id: None, command: Command::ConfirmClock { by: "x".repeat(bytes) } };
    let size = |request: &Request| entry_bytes(request).unwrap();
    let small = vec![request(1); REQUESTS_BYTES_MAX / size(&request(1))];
    let large = vec![request(REQUESTS_BYTES_MAX - 4)];
    assert_eq!(size(&large[0]), REQUESTS_BYTES_MAX);
    for requests in [small, large] {
        let log_id = LogId::new(openraft::CommittedLeaderId::new(u64::MAX, u64::MAX), u64::MAX);
        let entry = Entry { log_id, payload: openraft::EntryPayload::Normal(Proposal { requests }) };
        assert!(postcard::to_stdvec(&entry).unwrap().len() <= 4096);
    }
}

#[test]
fn openraft_accepts_log_and_sled_on_a_real_disk() {
    Suite::test_all(OnRealDisk).unwrap();
}

#[test]
fn openraft_accepts_log_and_engine_in_memory() {
    Suite::test_all(InMemory).unwrap();
}

#[tokio::test]
async fn a_leader_that_starts_again_has_only_its_own_vote() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut log, _) = store(disk, Arc::new(MemoryEngine::new()), Path::new("member"));
    for (saved, read) in [
        (Vote::new_committed(3, MEMBER), Vote::new(3, MEMBER)),
        (Vote::new_committed(4, MEMBER + 1), Vote::new_committed(4, MEMBER + 1)),
        (Vote::new(5, MEMBER + 1), Vote::new(5, MEMBER + 1)),
    ] {
        log.save_vote(&saved).await.unwrap();
        assert_eq!(log.read_vote().await.unwrap(), Some(read));
    }
}

#[tokio::test]
async fn entries_that_left_the_log_are_not_passed_over_when_others_are_sent() {
    let disk = Arc::new(MemoryDisk::default());
    let (mut log, _) = store(disk, Arc::new(MemoryEngine::new()), Path::new("member"));
    let id = |index| LogId::new(openraft::CommittedLeaderId::new(1, MEMBER), index);
    let entry = |index| Entry { log_id: id(index), payload: openraft::EntryPayload::Blank };
    log.blocking_append((1..10).map(entry)).await.unwrap();
    log.purge(id(4)).await.unwrap();
    assert!(log.limited_get_log_entries(4, 8).await.is_err());
    let sent = log.limited_get_log_entries(5, 8).await.unwrap();
    assert_eq!(sent.iter().map(|entry| entry.log_id.index).collect::<Vec<_>>(), [5, 6, 7]);
}
