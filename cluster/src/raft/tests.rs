use super::log::{LogOptions, LogStore, RaftLog};
use super::snapshot::SnapshotStore;
use super::state_machine::StateMachine;
use super::types::{Entry, LogId, Proposal, REQUESTS_BYTES_MAX, StorageError, TypeConfig, entry_bytes};
use crate::catalog::{Catalog, Command, Engine, MemoryEngine, Request, SledEngine};
use crate::chunk::disk::{Disk, MemoryDisk, RealDisk};
use openraft::testing::{StoreBuilder, Suite};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Small enough for the suite's entries to fill many segments.
const OPTIONS: LogOptions = LogOptions { segment_bytes: 256 };

fn store(disk: Arc<dyn Disk>, engine: Arc<dyn Engine>, dir: &Path) -> (LogStore, StateMachine) {
    let (log, torn_tail) = RaftLog::open(Arc::clone(&disk), &dir.join("log"), OPTIONS).unwrap();
    assert_eq!(torn_tail, None);
    let snapshots = Arc::new(SnapshotStore::open(disk, &dir.join("snapshots")).unwrap());
    (LogStore::new(Arc::new(log)), StateMachine::new(Catalog::new(engine), snapshots))
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
