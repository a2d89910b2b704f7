//! What lies in a member's folders, found in several looks.

use super::purged::ended;
use super::three::Three;
use super::*;
use crate::cluster::residue::{Drain, Residue};

#[tokio::test]
async fn a_scan_that_is_cut_short_goes_on_with_the_next_look_and_comes_to_its_end() {
    let cluster = ready(&MemoryDisk::default()).await;
    for seed in 0..5 {
        ended(&cluster, &noise(seed, 1000)).await;
    }
    // Each has a chunk and a manifest, in a folder of its own.
    let whole = cluster.shared.scan(DEADLINE).unwrap();
    assert_eq!((whole.chunks, whole.open, whole.is_whole), (10, 0, true));
    let mut looks = Vec::new();
    while looks.last().is_none_or(|look: &Residue| !look.is_whole) {
        looks.push(cluster.shared.scan(Duration::ZERO).unwrap());
    }
    assert_eq!(looks.len(), 5);
    assert_eq!(looks.pop(), Some(whole.clone()));
    assert!(looks.iter().all(|look| !look.is_empty()), "{looks:?}");
    // The next one begins anew.
    assert_eq!(cluster.shared.scan(DEADLINE).unwrap(), whole);
    cluster.stop().await.unwrap();
}

const GOES: MemberId = MemberId(3);

/// Three members, of which one has a recording and leaves.
async fn one_leaves() -> Three {
    let three = Three::start().await;
    let stays = &three.running[&MemberId(1)].cluster;
    stays.order_worker("rebalance", Some(GOES), WorkerOrder::Pause).await.unwrap();
    ended(stays, &noise(1, 1000)).await;
    three.running[&GOES].cluster.read_index().await.unwrap();
    stays.submit(Command::DrainMember { member: GOES, by: "ada".to_owned() }).await.unwrap();
    three
}

async fn the_drain(cluster: &Cluster) -> Drain {
    let drains = cluster.drains().await.unwrap();
    assert_eq!(drains.len(), 1, "{drains:?}");
    drains.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_drain_that_an_operator_holds_up_says_so_until_the_worker_goes_on() {
    let three = one_leaves().await;
    let reason = "the worker rebalance of member 3 is paused: it drops nothing";
    // The one that leaves says it of itself, and others of it.
    for member in [MemberId(1), GOES] {
        let drain = the_drain(&three.running[&member].cluster).await;
        assert_eq!(drain.reason().as_deref(), Some(reason), "{drain:?}");
        assert!(!drain.is_drained());
    }
    let stays = &three.running[&MemberId(1)].cluster;
    stays.order_worker("rebalance", Some(GOES), WorkerOrder::Resume).await.unwrap();
    let drain = the_drain(stays).await;
    assert!(!drain.is_paused && drain.reason().as_deref() != Some(reason), "{drain:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_looks_at_the_members_without_a_majority_does_not_wait_for_one() {
    let three = one_leaves().await;
    for member in [MemberId(2), GOES] {
        three.cut(member, true);
    }
    let alone = &three.running[&MemberId(1)].cluster;
    let looked = timeout(Duration::from_secs(6), alone.drains()).await.expect("a short look");
    assert!(matches!(looked, Err(LayoutError::ReadIndex(_))), "{looked:?}");
}
