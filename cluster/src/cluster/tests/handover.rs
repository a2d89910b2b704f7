//! What a member leads and owns before it stops in order.

use super::three::Three;
use super::*;
use crate::id::MemberId;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_leader_that_hands_over_leads_no_more_and_facts_go_on() {
    let three = Three::start().await;
    for _ in 0..3 {
        let leader = three.leader().unwrap();
        let cluster = &three.running[&leader].cluster;
        assert!(cluster.shared.facts.hand_over().await);
        let next = cluster.shared.facts.leader().await.unwrap();
        assert_ne!(next, leader);
        for member in three.members() {
            three.running[&member].cluster.open_session(session()).await.unwrap();
        }
        // In a test the member stays: it may lead again.
        cluster.shared.facts.lead_again();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn recorders_go_on_elsewhere_when_the_owner_that_leads_stops_in_order() {
    let mut three = Three::start().await;
    let owner = three.leader().unwrap();
    let other = three.members().into_iter().find(|member| *member != owner).unwrap();
    let bytes = noise(9, 400_000);
    let object: ObjectId = three.running[&owner].cluster.open_session(session()).await.unwrap().into();
    three.running[&owner].cluster.append(object, 0, bytes[..100_000].to_vec()).await.unwrap();
    three.running[&other].cluster.read_index().await.unwrap();
    let append = async |by: MemberId, at: usize| {
        let piece = bytes[at..at + 100_000].to_vec();
        three.running[&by].cluster.append(object, at.try_into().unwrap(), piece).await.unwrap()
    };
    assert_eq!(append(other, 100_000).await, 200_000, "passed on to the owner");
    three.running[&owner].cluster.hand_over().await;
    assert_eq!(append(other, 200_000).await, 300_000, "taken over");
    assert_eq!(append(owner, 300_000).await, 400_000, "passed on by who has handed over");
    let row = three.running[&other].cluster.catalog().unwrap().object(object).unwrap().unwrap();
    assert!(row.owner != owner && row.epoch.0 > 1, "{row:?}");
    three.stop(owner).await;
    assert_eq!(three.running[&other].cluster.seal(object).await.unwrap().length, 400_000);
    for running in three.running.values() {
        running.cluster.read_index().await.unwrap();
        assert_eq!(read_all(&running.cluster, object).await, bytes);
    }
}
