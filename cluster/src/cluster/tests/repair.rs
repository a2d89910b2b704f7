//! Copies that are damaged or gone while members work.

use super::three::{Running, Three};
use super::*;
use crate::chunk::CopyState;
use crate::cluster::{MemberCopy, WorkerOrder};
use std::collections::BTreeMap;

/// Opens, appends and seals so many recordings through one member.
async fn sealed(three: &Three, count: u64) -> Vec<ObjectId> {
    let cluster = &three.running[&MemberId(1)].cluster;
    let mut objects = Vec::new();
    for seed in 0..count {
        let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
        cluster.append(object, 0, noise(seed, 100_000)).await.unwrap();
        cluster.seal(object).await.unwrap();
        objects.push(object);
    }
    objects
}

/// The files of closed chunks of a member.
fn files(three: &Three, member: MemberId) -> BTreeMap<PathBuf, Vec<u8>> {
    let disk = &three.running[&member].disk;
    let closed = disk.paths().into_iter().filter(|path| path.to_string_lossy().contains("/chunks/"));
    closed.map(|path| (path.clone(), disk.contents(&path).unwrap())).collect()
}

async fn assert_synced(three: &Three, object: ObjectId) {
    for running in three.running.values() {
        let replication = running.cluster.replication_synced(object, DEADLINE).await.unwrap();
        assert!(replication.is_synced(), "{replication:?}");
        assert_eq!(replication.copies_min(), Some(3));
    }
}

/// Has a member compare all its copies once.
async fn scrub(cluster: &Cluster) -> BTreeMap<String, u64> {
    let rounds = |cluster: &Cluster| cluster.workers_here()[1].counts["rounds"];
    let before = rounds(cluster);
    cluster.order_worker("scrub", Some(cluster.member()), WorkerOrder::Start).await.unwrap();
    while rounds(cluster) == before {
        cluster.scrub().await.unwrap();
    }
    cluster.workers_here()[1].counts.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn bad_and_missing_copies_are_found_by_the_scrub_and_fetched_from_the_others() {
    let three = Three::start().await;
    let objects = sealed(&three, 12).await;
    for object in &objects {
        assert_synced(&three, *object).await;
    }
    let hurt = MemberId(2);
    let Running { cluster, disk, .. } = &three.running[&hurt];
    cluster.order_worker("resync", Some(hurt), WorkerOrder::Pause).await.unwrap();
    let whole = files(&three, hurt);
    assert_eq!(whole.len(), 24, "a chunk and a manifest of each");
    for (at, path) in whole.keys().enumerate() {
        match at % 3 {
            0 => disk.tamper(path, |bytes| bytes[at * 7] ^= 1).unwrap(),
            1 => crate::chunk::disk::Disk::remove(disk, path).unwrap(),
            _ => {}
        }
    }
    let counts = scrub(cluster).await;
    assert_eq!((counts["bad"], counts["missing"], counts["copies"]), (8, 8, 16));
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &objects {
        let replication = three.running[&MemberId(3)].cluster.replication(*object).await.unwrap();
        assert!(replication.copies_min() >= Some(2));
        for chunk in replication.chunks {
            *states
                .entry(match chunk.copies[&hurt] {
                    MemberCopy::Told(CopyState::Verified { .. }) => "verified",
                    MemberCopy::Told(CopyState::Bad) => "bad",
                    MemberCopy::Told(CopyState::Missing) => "missing",
                    MemberCopy::Unreachable => "unreachable",
                })
                .or_default() += 1;
        }
    }
    assert_eq!(states, BTreeMap::from([("verified", 8), ("bad", 8), ("missing", 8)]));
    cluster.order_worker("resync", Some(hurt), WorkerOrder::Resume).await.unwrap();
    for object in &objects {
        assert_synced(&three, *object).await;
    }
    assert_eq!(files(&three, hurt), whole);
    let counts = cluster.repairs().counts();
    assert_eq!((counts.bad, counts.repaired, counts.fetched), (8, 8, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_bad_copy_that_was_found_before_a_stop_is_repaired_after_the_start() {
    let mut three = Three::start().await;
    let objects = sealed(&three, 2).await;
    let hurt = MemberId(3);
    assert_synced(&three, objects[0]).await;
    assert_synced(&three, objects[1]).await;
    let whole = files(&three, hurt);
    for path in whole.keys() {
        three.running[&hurt].disk.tamper(path, |bytes| bytes[80] ^= 1).unwrap();
    }
    let cluster = &three.running[&hurt].cluster;
    cluster.order_worker("resync", Some(hurt), WorkerOrder::Pause).await.unwrap();
    assert_eq!(scrub(cluster).await["bad"], 4);
    let disk = three.stop(hurt).await;
    let away = three.running[&MemberId(1)].cluster.replication(objects[0]).await.unwrap();
    assert!(!away.is_synced());
    assert!(away.chunks.iter().all(|chunk| chunk.copies[&hurt] == MemberCopy::Unreachable));
    three.restart(hurt, disk).await;
    assert_synced(&three, objects[0]).await;
    assert_synced(&three, objects[1]).await;
    assert_eq!(files(&three, hurt), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_scrub_goes_on_behind_a_start_where_it_was() {
    let mut three = Three::start().await;
    for object in sealed(&three, 100).await {
        assert_synced(&three, object).await;
    }
    let member = MemberId(1);
    let cluster = &three.running[&member].cluster;
    cluster.order_worker("scrub", Some(member), WorkerOrder::Start).await.unwrap();
    cluster.scrub().await.unwrap();
    let before = cluster.workers_here()[1].clone();
    assert_eq!((before.counts["rounds"], before.counts["copies"]), (0, 64), "{before:?}");
    let disk = three.stop(member).await;
    three.restart(member, disk).await;
    let cluster = &three.running[&member].cluster;
    while cluster.workers_here()[1].counts["rounds"] == 0 {
        cluster.scrub().await.unwrap();
    }
    assert_eq!(cluster.workers_here()[1].counts["copies"], 200);
}
