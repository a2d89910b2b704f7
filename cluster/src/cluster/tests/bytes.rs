//! Bytes of three members that talk over mutual TLS.

use super::three::{Running, Three};
use super::*;

/// Every member gives out these bytes, those of a growing object after a moment.
async fn assert_everywhere(three: &Three, object: ObjectId, bytes: &[u8]) {
    for member in three.members() {
        let cluster = &three.running[&member].cluster;
        cluster.read_index().await.unwrap();
        let told = async {
            while cluster.length(object).await.unwrap() < length(bytes) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, told).await.unwrap();
        assert!(read_all(cluster, object).await == bytes, "{member}");
    }
}

/// Waits until every member holds every chunk of an object.
async fn assert_copies(three: &Three, object: ObjectId) {
    let [.., first, second] = object.recording.0;
    for member in three.members() {
        let Running { cluster, disk, .. } = &three.running[&member];
        let chunks = cluster.catalog().unwrap().chunks(object, ChunkNumber(0), usize::MAX).unwrap();
        let held = async {
            let path = |chunk: &ClosedChunk| {
                format!("member/bytes/chunks/{first:02x}/{second:02x}/{}", chunk.id(object))
            };
            let is_held = |chunk| disk.contents(Path::new(&path(chunk))).is_ok();
            while !chunks.iter().all(|(_, row)| is_held(&row.chunk)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, held).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_appended_through_any_member_is_on_every_member() {
    let three = Three::start().await;
    let first = &three.running[&MemberId(1)].cluster;
    let object: ObjectId = first.open_session(session()).await.unwrap().into();
    // Members elsewhere know of the object after a read index.
    let bytes = noise(1, 9 << 20);
    for (at, piece) in bytes.chunks(500_000).enumerate() {
        let cluster = &three.running[&MemberId(1 + u64::try_from(at % 3).unwrap())].cluster;
        cluster.read_index().await.unwrap();
        let offset = u64::try_from(at * 500_000).unwrap();
        let end = cluster.append(object, offset, piece.to_vec()).await.unwrap();
        assert_eq!(end, offset + length(piece));
    }
    assert_everywhere(&three, object, &bytes).await;
    let sealed = three.running[&MemberId(3)].cluster.seal(object).await.unwrap();
    assert_eq!((sealed.length, sealed.chunk_count), (length(&bytes), 2));
    assert_everywhere(&three, object, &bytes).await;
    assert_copies(&three, object).await;
    let file =
        |path: &Path| three.running[&MemberId(2)].disk.contents(&Path::new("member").join(path)).unwrap();
    assert_eq!(recompute(&three.running[&MemberId(2)].cluster, object, file), sealed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_recorder_goes_on_at_another_member_when_the_owner_is_cut_off() {
    let three = Three::start().await;
    for round in 0..3 {
        let owner = MemberId(1 + round);
        let other = MemberId(1 + (round + 1) % 3);
        let cluster = &three.running[&owner].cluster;
        let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
        let bytes = noise(round, 800_000);
        let acknowledged = cluster.append(object, 0, bytes[..300_000].to_vec()).await.unwrap();
        assert_eq!(acknowledged, 300_000);
        three.cut(owner, true);
        let there = &three.running[&other].cluster;
        assert_eq!(there.durable_offset(object).await.unwrap(), 300_000);
        assert_eq!(there.append(object, 200_000, bytes[200_000..].to_vec()).await.unwrap(), 800_000);
        three.cut(owner, false);
        // Who was the owner finds that it is not, and passes on what it is asked.
        cluster.read_index().await.unwrap();
        let late = cluster.append(object, 300_000, bytes[300_000..400_000].to_vec()).await.unwrap();
        assert_eq!(late, 800_000);
        assert_eq!(cluster.seal(object).await.unwrap().length, 800_000);
        assert_everywhere(&three, object, &bytes).await;
        assert_copies(&three, object).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_damaged_copy_is_served_and_mended_from_another_member() {
    let mut three = Three::start().await;
    let object: ObjectId = three.running[&MemberId(1)].cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(4, 400_000);
    three.running[&MemberId(1)].cluster.append(object, 0, bytes.clone()).await.unwrap();
    three.running[&MemberId(1)].cluster.seal(object).await.unwrap();
    assert_everywhere(&three, object, &bytes).await;
    assert_copies(&three, object).await;
    let disk = three.stop(MemberId(3)).await;
    let name = object.to_string();
    let is_chunk = |path: &PathBuf| path.to_str().is_some_and(|path| path.contains(&format!("{name}.0.")));
    let path = disk.paths().into_iter().find(is_chunk).unwrap();
    let whole = disk.contents(&path).unwrap();
    disk.tamper(&path, |bytes| bytes[70_000] ^= 4).unwrap();
    three.restart(MemberId(3), disk).await;
    assert_everywhere(&three, object, &bytes).await;
    let mended = async {
        while three.running[&MemberId(3)].disk.contents(&path).unwrap() != whole {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, mended).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cluster_that_stops_as_a_whole_goes_on_where_it_was() {
    let mut three = Three::start().await;
    let bytes = noise(6, 300_000);
    let object: ObjectId = three.running[&MemberId(2)].cluster.open_session(session()).await.unwrap().into();
    three.running[&MemberId(2)].cluster.append(object, 0, bytes[..200_000].to_vec()).await.unwrap();
    let mut disks = Vec::new();
    for member in three.members() {
        disks.push((member, three.stop(member).await));
    }
    three.restart_all(disks).await;
    let there = &three.running[&MemberId(3)].cluster;
    assert_eq!(there.durable_offset(object).await.unwrap(), 200_000);
    assert_eq!(there.append(object, 200_000, bytes[200_000..].to_vec()).await.unwrap(), 300_000);
    assert_eq!(there.seal(object).await.unwrap().length, 300_000);
    assert_everywhere(&three, object, &bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_member_owned_that_stops_in_order_is_taken_over_by_another() {
    let mut three = Three::start().await;
    let bytes = noise(7, 300_000);
    let object: ObjectId = three.running[&MemberId(1)].cluster.open_session(session()).await.unwrap().into();
    three.running[&MemberId(1)].cluster.append(object, 0, bytes[..200_000].to_vec()).await.unwrap();
    three.stop(MemberId(1)).await;
    let there = &three.running[&MemberId(2)].cluster;
    assert_eq!(there.append(object, 100_000, bytes[100_000..].to_vec()).await.unwrap(), 300_000);
    assert_eq!(there.seal(object).await.unwrap().length, 300_000);
    assert_everywhere(&three, object, &bytes).await;
}
