//! What proves a sealed object, on a member whose copy is good and on one whose copy is not.

use super::three::{Running, Three};
use super::*;
use crate::chunk::{LEAF_BYTES, Manifest};
use crate::cluster::{EvidenceError, WorkerOrder};

/// The hashes of all leaves that a member gives.
async fn hashes(cluster: &Cluster, object: ObjectId) -> Vec<Hash> {
    let evidence = cluster.evidence(object).await.unwrap();
    let mut hashes = Vec::new();
    for chunk in evidence.manifest().chunks() {
        let leaves = evidence.leaves(chunk).await.unwrap();
        hashes.extend(leaves.chunks(LEAF_BYTES).map(|leaf| Hash(leaf[4..].try_into().unwrap())));
    }
    assert_eq!(evidence.leaves_bytes(), u64::try_from(hashes.len() * LEAF_BYTES).unwrap());
    hashes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_leaves_of_a_damaged_copy_come_from_another_member() {
    let three = Three::start().await;
    let first = &three.running[&MemberId(1)].cluster;
    let object: ObjectId = first.open_session(session()).await.unwrap().into();
    for half in noise(3, 9 << 20).chunks(5 << 20) {
        let offset = first.length(object).await.unwrap();
        first.append(object, offset, half.to_vec()).await.unwrap();
    }
    assert!(matches!(first.evidence(object).await, Err(EvidenceError::NotSealed { .. })));
    let sealed = first.seal(object).await.unwrap();
    let hurt = MemberId(2);
    let Running { cluster, disk, .. } = &three.running[&hurt];
    assert!(cluster.replication_synced(object, DEADLINE).await.unwrap().is_synced());
    let whole = hashes(cluster, object).await;
    assert_eq!(root(&whole), sealed.root);

    // The manifest that was stored is the one that the facts make.
    let rows = cluster.catalog().unwrap().chunks(object, ChunkNumber::MANIFEST, 1).unwrap();
    let key = cluster.shared.key(object).unwrap();
    let stored = Manifest::load(&cluster.shared.store, key, object, &rows[0].1.chunk).unwrap();
    assert_eq!(cluster.evidence(object).await.unwrap().manifest().encode(), stored.encode());

    cluster.order_worker("resync", Some(hurt), WorkerOrder::Pause).await.unwrap();
    for path in disk.paths().into_iter().filter(|path| path.to_string_lossy().contains("/chunks/")) {
        let change = |bytes: &mut Vec<u8>| {
            let in_the_last_leaf = bytes.len() - 64 - 1;
            bytes[in_the_last_leaf] ^= 1;
        };
        disk.tamper(&path, change).unwrap();
    }
    assert_eq!(hashes(cluster, object).await, whole);
}
