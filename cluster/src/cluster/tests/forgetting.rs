//! Purges, to their end.

use super::purged::{ended, purge};
use super::rotation::StoredKeks;
use super::three::Three;
use super::*;
use crate::catalog::{SessionState, WrappedKeys};
use crate::cluster::{WorkerOrder, WorkerState};
use tokio::task::JoinSet;

/// How often bytes stand in the files of a folder.
fn found(dir: &Path, bytes: &[u8]) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        count += match entry.file_type().unwrap().is_dir() {
            true => found(&entry.path(), bytes),
            false => occurrences(&std::fs::read(entry.path()).unwrap(), bytes),
        };
    }
    count
}

fn occurrences(stored: &[u8], bytes: &[u8]) -> usize {
    stored.windows(bytes.len()).filter(|window| *window == bytes).count()
}

fn keys(cluster: &Cluster, recording: RecordingId) -> WrappedKeys {
    cluster.catalog().unwrap().object(recording.into()).unwrap().unwrap().keys.unwrap()
}

fn state(cluster: &Cluster, recording: RecordingId) -> SessionState {
    cluster.catalog().unwrap().session(recording).unwrap().unwrap().state
}

fn reason(cluster: &Cluster) -> Option<String> {
    let forget = cluster.workers_here().into_iter().find(|worker| worker.name == "forget").unwrap();
    match forget.state {
        WorkerState::Waiting { reason } => Some(reason),
        WorkerState::Idle | WorkerState::Busy | WorkerState::Paused => None,
    }
}

/// An operator does not wait for the next round.
async fn forget_now(cluster: &Cluster) {
    cluster.order_worker("forget", Some(cluster.member()), WorkerOrder::Start).await.unwrap();
}

/// Something that is over before its time, however often it is asked.
struct Soon(Instant);

impl Soon {
    fn begin() -> Self {
        Self(Instant::now() + DEADLINE)
    }

    #[track_caller]
    fn awaits(&self, is_left: bool) -> bool {
        assert!(!is_left || Instant::now() < self.0, "it takes too long");
        is_left
    }
}

async fn rotate(cluster: &Cluster) {
    let (_, command) = cluster.make_kek("ada".to_owned()).await.unwrap();
    cluster.submit(command).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_purged_the_wrapped_keys_stand_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let stored = StoredKeks::default();
    let start = async || {
        let (random, disk) = (Arc::new(SystemRandom::new()), Arc::new(RealDisk));
        let started =
            Cluster::start(options(dir.path()), stored.load(), disk, random, Arc::new(NoPeers)).await;
        let (cluster, _) = started.unwrap();
        cluster.ready(DEADLINE).await.unwrap();
        cluster
    };
    let cluster = start().await;
    let bytes = noise(1, 100_000);
    let (gone, kept) = (ended(&cluster, &bytes).await, ended(&cluster, &bytes).await);
    let WrappedKeys { data, derived, .. } = keys(&cluster, gone);
    // What sled has in memory only is written by its end.
    cluster.stop().await.unwrap();
    let cluster = start().await;
    assert!(found(&dir.path().join("catalog"), &data) > 0);
    assert!(found(&dir.path().join("facts/log"), &data) > 0);
    cluster.shared.facts.snapshot(DEADLINE).await.unwrap();
    assert!(found(&dir.path().join("facts/snapshots"), &data) > 0);
    cluster.submit(purge(gone)).await.unwrap();
    forget_now(&cluster).await;
    let soon = Soon::begin();
    while soon.awaits(found(dir.path(), &data) > 0) {
        cluster.forget().await.unwrap();
    }
    for _ in 0..5 {
        cluster.forget().await.unwrap();
        cluster.tend_keks().await.unwrap();
    }
    // Its KEK is still there.
    assert!(matches!(state(&cluster, gone), SessionState::Purging(_)));
    rotate(&cluster).await;
    while soon.awaits(!matches!(state(&cluster, gone), SessionState::Purged { .. })) {
        cluster.tend_keks().await.unwrap();
        cluster.forget().await.unwrap();
    }
    assert_eq!((found(dir.path(), &data), found(dir.path(), &derived)), (0, 0));
    assert_eq!(stored.ids(), [2]);
    assert_eq!(read_all(&cluster, kept.into()).await, bytes);
    cluster.stop().await.unwrap();
    let cluster = start().await;
    assert_eq!((found(dir.path(), &data), found(dir.path(), &derived)), (0, 0));
    assert_eq!(read_all(&cluster, kept.into()).await, bytes);
    assert!(matches!(state(&cluster, gone), SessionState::Purged { .. }));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_member_that_is_away_keeps_a_session_purging_and_the_leader_forgets_last() {
    let mut three = Three::start().await;
    let bytes = noise(1, 100_000);
    let (gone, kept) = {
        let cluster = &three.running[&MemberId(1)].cluster;
        (ended(cluster, &bytes).await, ended(cluster, &bytes).await)
    };
    let WrappedKeys { data, derived, .. } = keys(&three.running[&MemberId(1)].cluster, gone);
    let in_files = |three: &Three| {
        let of = |disk: &MemoryDisk| {
            let contents = disk.paths().into_iter().filter_map(|path| disk.contents(&path).ok());
            contents.map(|stored| occurrences(&stored, &data) + occurrences(&stored, &derived)).sum::<usize>()
        };
        three.running.values().map(|running| of(&running.disk)).collect::<Vec<_>>()
    };
    assert!(in_files(&three).iter().all(|count| *count > 0));
    let leader = three.leader().unwrap();
    let away = three.members().into_iter().find(|member| *member != leader).unwrap();
    let disk = three.stop(away).await;
    three.running[&leader].cluster.submit(purge(gone)).await.unwrap();
    rotate(&three.running[&leader].cluster).await;
    forget_now(&three.running[&leader].cluster).await;
    let waits = format!("member {away} does not answer");
    let soon = Soon::begin();
    while soon.awaits(reason(&three.running[&leader].cluster).as_ref() != Some(&waits)) {
        three.running[&leader].cluster.forget().await.unwrap();
    }
    for member in three.members() {
        let cluster = &three.running[&member].cluster;
        cluster.read_index().await.unwrap();
        while cluster.delete_purged().await.unwrap() > 0 {}
    }
    let catalog = three.running[&leader].cluster.catalog().unwrap();
    assert_eq!(catalog.purge_progress(gone).unwrap().unwrap().deleting, [away]);
    assert!(in_files(&three).iter().all(|count| *count > 0));

    three.restart(away, disk).await;
    let mut turns = Vec::new();
    let is_left = |three: &Three| {
        let mut members = three.running.values();
        members.any(|running| !matches!(state(&running.cluster, gone), SessionState::Purged { .. }))
    };
    while soon.awaits(is_left(&three)) {
        for running in three.running.values() {
            running.cluster.read_index().await.unwrap();
            // What another member had done before is refused or asked again.
            drop(running.cluster.tend_keks().await);
            drop(running.cluster.forget().await);
            let turn = running.cluster.catalog().unwrap().forget_round().unwrap().unwrap().turn;
            turns.extend(turn.filter(|turn| turns.last() != Some(turn)));
        }
    }
    assert_eq!(in_files(&three), [0, 0, 0]);
    assert_eq!(turns.len(), 3, "{turns:?}");
    for running in three.running.values() {
        assert_eq!(read_all(&running.cluster, kept.into()).await, bytes);
    }
    let done = three.running[&leader].cluster.catalog().unwrap().keks().unwrap();
    assert_eq!(done.iter().filter(|(_, row)| row.is_needed()).count(), 1);
}

/// Has the KEK rotated, unless it was, and brings a purge to its end; an error is the end of the process.
async fn to_the_end(cluster: &Cluster, gone: RecordingId) -> Result<(), Box<dyn std::error::Error>> {
    if cluster.catalog()?.keks()?.len() == 1 {
        let (_, command) = cluster.make_kek("ada".to_owned()).await?;
        cluster.submit(command).await?;
    }
    forget_now(cluster).await;
    let soon = Soon::begin();
    while soon.awaits(!matches!(state(cluster, gone), SessionState::Purged { .. })) {
        cluster.tend_keks().await?;
        cluster.forget().await?;
    }
    Ok(())
}

/// Whether the power was cut before the end; then all goes on after it.
async fn cut_after(changes: usize) -> bool {
    let (disk, stored) = (MemoryDisk::default(), StoredKeks::default());
    let start = async || {
        let (engine, random) = (Arc::new(MemoryEngine::new()), Arc::new(SystemRandom::new()));
        let (options, disk_too) = (options(Path::new("member")), Arc::new(disk.clone()));
        let peers = Arc::new(NoPeers);
        let (cluster, _) =
            Cluster::start_on(options, stored.load(), disk_too, random, engine, peers).await.unwrap();
        cluster.ready(DEADLINE).await.unwrap();
        cluster
    };
    let cluster = start().await;
    let bytes = noise(1, 100_000);
    let (gone, kept) = (ended(&cluster, &bytes).await, ended(&cluster, &bytes).await);
    let WrappedKeys { data, .. } = keys(&cluster, gone);
    cluster.submit(purge(gone)).await.unwrap();
    disk.stop_after_changes(changes);
    let is_cut = to_the_end(&cluster, gone).await.is_err();
    disk.stop_after_changes(0);
    let _: Result<(), StopError> = cluster.stop().await;
    disk.cut_power(&mut |bound| changes % bound);

    let cluster = start().await;
    assert_eq!(read_all(&cluster, kept.into()).await, bytes, "cut after {changes}");
    to_the_end(&cluster, gone).await.unwrap();
    assert_eq!(read_all(&cluster, kept.into()).await, bytes, "cut after {changes}");
    assert_eq!(stored.ids(), [2], "cut after {changes}");
    let stored = disk.paths().into_iter().filter_map(|path| disk.contents(&path).ok());
    assert_eq!(stored.map(|stored| occurrences(&stored, &data)).sum::<usize>(), 0, "cut after {changes}");
    cluster.stop().await.unwrap();
    is_cut
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_power_cut_at_any_change_of_a_rotation_and_of_forgetting_loses_no_key_and_no_purge() {
    /// Changes between two cuts, and cuts at a time: all of them.
    const STEP: usize = 1;
    const AT_ONCE: usize = 4;
    let (mut changes, mut cuts) = (0, 0);
    loop {
        let mut running = JoinSet::new();
        for number in 0..AT_ONCE {
            running.spawn(cut_after(changes + number * STEP));
        }
        let are_cut = running.join_all().await;
        let count = are_cut.iter().filter(|is_cut| **is_cut).count();
        cuts += count;
        if count == 0 {
            break;
        }
        changes += AT_ONCE * STEP;
    }
    assert!(cuts > 10, "{cuts} cuts");
}
