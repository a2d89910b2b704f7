//! What lies in a member's folders, found in several looks.

use super::purged::ended;
use super::*;
use crate::cluster::residue::Residue;

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
