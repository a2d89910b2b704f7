//! KEKs that come and go.

use super::three::Three;
use super::*;
use crate::catalog::{KekState, OpenSession, WrappedKeys};
use crate::chunk::{KekStore, Keks};
use crate::cluster::{KekError, WorkerState};
use std::io;
use std::sync::Mutex;

/// What a member's KEK file is to it.
#[derive(Clone, Default)]
pub(super) struct StoredKeks(Arc<Mutex<Vec<StoredKek>>>);

/// A line of it.
type StoredKek = (KekId, [u8; 32]);

impl KekStore for StoredKeks {
    fn store(&self, keks: &[Arc<Kek>]) -> io::Result<()> {
        *self.0.lock().unwrap() = keks.iter().map(|kek| (kek.id(), *kek.to_bytes())).collect();
        Ok(())
    }
}

impl StoredKeks {
    /// The KEKs that a process finds; the first one is there from the beginning.
    pub(super) fn load(&self) -> Keks {
        let stored = self.0.lock().unwrap().clone();
        let read = |(id, key): StoredKek| Kek::from_bytes(id, Zeroizing::new(key));
        let keks = if stored.is_empty() { vec![kek()] } else { stored.into_iter().map(read).collect() };
        Keks::new(keks, Box::new(self.clone())).unwrap()
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(|(id, _)| id.0).collect()
    }
}

async fn rotate(cluster: &Cluster) {
    let (_, command) = cluster.make_kek("ada".to_owned()).await.unwrap();
    cluster.submit(command).await.unwrap();
}

fn states(cluster: &Cluster) -> Vec<(u64, KekState)> {
    cluster.catalog().unwrap().keks().unwrap().into_iter().map(|(kek, row)| (kek.0, row.state)).collect()
}

fn wrapped_by(cluster: &Cluster, object: ObjectId) -> u64 {
    cluster.catalog().unwrap().object(object).unwrap().unwrap().keys.unwrap().kek.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_goes_on_after_a_stop_at_each_of_its_steps() {
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
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    cluster.append(object, 0, bytes.clone()).await.unwrap();
    // Its process ends before the cluster hears of it.
    cluster.make_kek(String::new()).await.unwrap();
    assert_eq!(stored.ids(), [1, 2]);
    cluster.stop().await.unwrap();
    let cluster = start().await;
    cluster.tend_keks().await.unwrap();
    assert_eq!(states(&cluster), [(1, KekState::Current)]);
    rotate(&cluster).await;
    cluster.stop().await.unwrap();
    let mut seen = Vec::new();
    while stored.ids() != [2] {
        let cluster = start().await;
        assert_eq!(read_all(&cluster, object).await, bytes);
        cluster.tend_keks().await.unwrap();
        assert_eq!(read_all(&cluster, object).await, bytes);
        let (state, is_wrapped) = (states(&cluster)[0].1, wrapped_by(&cluster, object) == 2);
        if seen.last() != Some(&(state, is_wrapped)) {
            seen.push((state, is_wrapped));
        }
        cluster.stop().await.unwrap();
    }
    // The walk begins anew with each process; it needs two steps where it finds something.
    let expected = [(KekState::Old, false), (KekState::Old, true), (KekState::Retired, true)];
    assert_eq!(seen, expected);
    let cluster = start().await;
    assert_eq!(read_all(&cluster, object).await, bytes);
    cluster.append(object, length(&bytes), bytes.clone()).await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_member_that_was_away_gets_the_kek_from_the_others_and_no_member_keeps_the_older_one() {
    let mut three = Three::start().await;
    let bytes = noise(1, 100_000);
    let first = three.running[&MemberId(1)].cluster.open_session(session()).await.unwrap();
    three.running[&MemberId(1)].cluster.append(first.into(), 0, bytes.clone()).await.unwrap();
    let away = three.members().into_iter().find(|member| Some(*member) != three.leader()).unwrap();
    let disk = three.stop(away).await;
    let there: Vec<MemberId> = three.members();
    rotate(&three.running[&there[0]].cluster).await;
    for _ in 0..3 {
        for member in &there {
            let cluster = &three.running[member].cluster;
            cluster.read_index().await.unwrap();
            cluster.tend_keks().await.unwrap();
        }
    }
    for member in &there {
        let cluster = &three.running[member].cluster;
        cluster.read_index().await.unwrap();
        assert_eq!(states(cluster), [(1, KekState::Current), (2, KekState::Next)]);
        assert_eq!(three.stored[member].ids(), [1, 2]);
    }
    let leader = &three.running[&three.leader().unwrap()].cluster;
    let reason = format!("member {away} does not hold KEK 2 yet");
    assert!(leader.workers_here().iter().any(
        |worker| worker.name == "kek" && worker.state == WorkerState::Waiting { reason: reason.clone() }
    ));
    let second = leader.open_session(session()).await.unwrap();
    assert_eq!(wrapped_by(leader, second.into()), 1);

    three.restart(away, disk).await;
    while three.stored.values().any(|stored| stored.ids() != [2]) {
        for running in three.running.values() {
            running.cluster.read_index().await.unwrap();
            let tended = running.cluster.tend_keks().await;
            // Another member may have been faster, or lead by now.
            assert!(matches!(tended, Ok(_) | Err(KekError::Submit(_))), "{tended:?}");
        }
    }
    for running in three.running.values() {
        running.cluster.read_index().await.unwrap();
        assert_eq!(states(&running.cluster), [(1, KekState::Retired), (2, KekState::Current)]);
        assert_eq!(wrapped_by(&running.cluster, first.into()), 2);
        assert_eq!(read_all(&running.cluster, first.into()).await, bytes);
        let third = running.cluster.open_session(session()).await.unwrap();
        assert_eq!(wrapped_by(&running.cluster, third.into()), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_keeps_a_retired_kek_that_still_wraps_a_key() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let recording = cluster.open_session(session()).await.unwrap();
    rotate(&cluster).await;
    cluster.submit(Command::UseKek { kek: KekId(2) }).await.unwrap();
    cluster.submit(Command::RetireKek { kek: KekId(1) }).await.unwrap();
    let refused = cluster.tend_keks().await;
    assert!(matches!(refused, Err(KekError::StillWraps { kek: KekId(1), recording: r }) if r == recording));
    assert_eq!(cluster.shared.keks.checks().len(), 2);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_does_not_unwrap_keeps_its_kek_and_holds_up_no_other() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let first = cluster.open_session(session()).await.unwrap();
    let (recording, owner) = (RecordingId([9; 16]), cluster.member());
    let keys = WrappedKeys { kek: KekId(1), data: vec![1; 72], derived: vec![1; 72] };
    let damaged = OpenSession { recording, info: session().info, keys, owner };
    cluster.submit(Command::OpenSession(damaged)).await.unwrap();
    rotate(&cluster).await;
    while wrapped_by(&cluster, first.into()) != 2 {
        cluster.tend_keks().await.unwrap();
    }
    for _ in 0..5 {
        cluster.tend_keks().await.unwrap();
    }
    assert_eq!(wrapped_by(&cluster, recording.into()), 1);
    assert_eq!(states(&cluster), [(1, KekState::Old), (2, KekState::Current)]);
    let worker = cluster.workers_here().into_iter().find(|worker| worker.name == "kek").unwrap();
    assert_eq!(worker.last_error, Some("a wrapped key has 72 bytes of version 1".to_owned()));
    cluster.stop().await.unwrap();
}
