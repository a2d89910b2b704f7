//! Disks that fill up.

use super::purged::{ended, purge};
use super::three::{Running, Three};
use super::*;
use crate::chunk::disk::Disk;
use crate::cluster::{ForgetError, WorkerOrder};

async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn sessions_are_opened_while_enough_members_have_room() {
    let three = Three::start().await;
    let cluster = &three.running[&MemberId(1)].cluster;
    cluster.open_session(session()).await.unwrap();
    for (used, is_open) in
        [([94, 0, 0], true), ([94, 90, 91], false), ([0, 89, 91], true), ([0, 91, 96], false)]
    {
        for (running, used) in three.running.values().zip(used) {
            running.disk.be_used(used);
        }
        cluster.look_at_disks().await;
        let opened = cluster.open_session(session()).await;
        match is_open {
            true => drop(opened.unwrap()),
            false => assert!(matches!(opened, Err(OpenSessionError::StorageFull { full: 2 })), "{opened:?}"),
        }
    }
    let free = cluster.disks().into_iter().map(|(member, space)| (member.0, space.free_bytes >> 30));
    assert_eq!(free.collect::<Vec<_>>(), [(1, 100), (2, 9), (3, 4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_disk_that_fills_up_fetches_nothing_that_is_missing() {
    let three = Three::start().await;
    let other = &three.running[&MemberId(1)].cluster;
    let object: ObjectId = other.open_session(session()).await.unwrap().into();
    other.append(object, 0, noise(1, 100_000)).await.unwrap();
    other.seal(object).await.unwrap();
    let Running { cluster, disk, .. } = &three.running[&MemberId(2)];
    assert!(cluster.replication_synced(object, DEADLINE).await.unwrap().is_synced());

    // Once appends are refused, the member has seen its disk.
    disk.be_used(96);
    let own: ObjectId = cluster.open_session(session()).await.unwrap().into();
    three.running[&MemberId(3)].disk.be_used(96);
    until(async || {
        let offset = cluster.durable_offset(own).await.unwrap();
        cluster.append(own, offset, vec![1]).await.is_err()
    })
    .await;
    disk.be_used(92);
    let copies = disk.paths().into_iter().filter(|path| path.to_string_lossy().contains("/chunks/"));
    for path in copies {
        disk.remove(&path).unwrap();
    }
    let resync = || cluster.workers_here()[0].clone();
    let fetched = resync().counts["fetched"];
    cluster.order_worker("scrub", Some(MemberId(2)), WorkerOrder::Start).await.unwrap();
    let full = "the disk is too full: nothing that is missing is fetched";
    until(async || {
        cluster.scrub().await.unwrap();
        (resync().last_error.as_deref(), resync().queue) == (Some(full), Some(2))
    })
    .await;
    assert_eq!(resync().counts["fetched"], fetched);
    disk.be_used(0);
    until(async || resync().counts["fetched"] == fetched + 2).await;
}

#[tokio::test]
async fn a_disk_without_room_for_the_rows_twice_forgets_nothing_until_there_is() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let gone = ended(&cluster, &noise(1, 1_000)).await;
    cluster.submit(purge(gone)).await.unwrap();
    disk.be_used(96);
    cluster.order_worker("forget", Some(cluster.member()), WorkerOrder::Start).await.unwrap();
    let rounds = || cluster.workers_here().into_iter().find(|worker| worker.name == "forget").unwrap();
    until(async || matches!(cluster.forget().await, Err(ForgetError::NoRoom { .. }))).await;
    assert_eq!(rounds().counts["rounds"], 0);
    assert!(rounds().last_error.unwrap().starts_with("the disk has 4294967296 bytes free"));
    disk.be_used(0);
    until(async || {
        cluster.forget().await.unwrap();
        rounds().counts["rounds"] == 1
    })
    .await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn facts_that_end_on_a_full_disk_say_so() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let reason = || "the log ends".to_owned();
    disk.be_used(95);
    assert_eq!(cluster.shared.facts_ended(reason()), FatalError::Facts { reason: reason() });
    disk.be_used(96);
    let full = FatalError::DiskFull { free_bytes: 4 << 30, reason: reason() };
    assert_eq!(cluster.shared.facts_ended(reason()), full);
    cluster.stop().await.unwrap();
}
