//! Starts, stops, keys and failures of the disk.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_before_it_is_ready() {
    let (cluster, report) = start(&MemoryDisk::default()).await.unwrap();
    assert_eq!((report.recovered, report.damaged), (Vec::new(), Vec::new()));
    let object = ObjectId::from(RecordingId([1; 16]));
    assert!(matches!(cluster.catalog(), Err(NotReady)));
    assert!(matches!(cluster.append(object, 0, vec![1]).await, Err(AppendError::NotReady(_))));
    assert!(matches!(cluster.length(object).await, Err(ReadError::NotReady(_))));
    assert!(matches!(cluster.seal(object).await, Err(SealError::NotReady(_))));
    cluster.ready(DEADLINE).await.unwrap();
    cluster.ready(DEADLINE).await.unwrap();
    assert!(matches!(cluster.append(object, 0, vec![1]).await, Err(AppendError::ObjectUnknown { .. })));
    assert!(matches!(cluster.length(object).await, Err(ReadError::ObjectUnknown { .. })));
    let leader = MemberStatus { id: MemberId(1), is_voter: true, is_leader: true };
    assert_eq!(cluster.members(), [leader]);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_one_processes_and_one_keks() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = ready_real(dir.path()).await;
    assert!(matches!(start_real(dir.path()).await, Err(StartError::Locked { .. })));
    cluster.stop().await.unwrap();
    for (id, byte) in [(1, 8), (2, 7)] {
        let kek = Kek::from_bytes(KekId(id), Zeroizing::new([byte; 32]));
        let random = Arc::new(SystemRandom::new());
        let refused =
            Cluster::start(options(dir.path()), kek, Arc::new(RealDisk), random, Arc::new(NoPeers)).await;
        let expected = KekId(1);
        assert!(matches!(refused, Err(StartError::OtherKek { expected: e, .. }) if e == expected));
    }
    ready_real(dir.path()).await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_order_leaves_everything_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = noise(3, 100_000);
    let mut object = None;
    for round in 0..3 {
        let (cluster, report) = start_real(dir.path()).await.unwrap();
        cluster.ready(DEADLINE).await.unwrap();
        assert_eq!(report.recovered.len(), usize::from(round > 0));
        let object = match object {
            Some(object) => object,
            None => *object.insert(ObjectId::from(cluster.open_session(session()).await.unwrap())),
        };
        let done = round * 30_000;
        assert_eq!(read_all(&cluster, object).await, bytes[..done]);
        let next = bytes[done..done + 30_000].to_vec();
        cluster.append(object, u64::try_from(done).unwrap(), next).await.unwrap();
        cluster.stop().await.unwrap();
    }
    let cluster = ready_real(dir.path()).await;
    let sealed = cluster.seal(object.unwrap()).await.unwrap();
    assert_eq!((sealed.length, sealed.chunk_count), (90_000, 3));
    let file = |path: &Path| std::fs::read(dir.path().join(path)).unwrap();
    assert_eq!(recompute(&cluster, object.unwrap(), file), sealed);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_is_fatal_and_told() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    cluster.append(object, 0, noise(1, 1_000)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(20), cluster.fatal()).await.is_err());
    disk.fail_syncs();
    assert!(cluster.append(object, 1_000, noise(2, 1_000)).await.is_err());
    let fatal = tokio::time::timeout(DEADLINE, cluster.fatal()).await.unwrap();
    assert!(matches!(fatal, FatalError::Bytes(_)), "{fatal}");
    assert!(cluster.append(object, 1_000, noise(2, 1_000)).await.is_err());
    assert_eq!(cluster.length(object).await.unwrap(), 1_000);
    let _: Result<(), StopError> = cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_passes() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(4, 900_000);
    cluster.append(object, 0, bytes[..100_000].to_vec()).await.unwrap();
    for size in [300_000, 1_000] {
        disk.limit_free_bytes(Some(500));
        let full = cluster.append(object, 100_000, bytes[100_000..100_000 + size].to_vec()).await;
        assert!(matches!(full, Err(AppendError::DiskFull)), "{full:?}");
        assert_eq!(cluster.durable_offset(object).await.unwrap(), 100_000);
        assert_eq!(read_all(&cluster, object).await, bytes[..100_000]);
    }
    disk.limit_free_bytes(None);
    cluster.append(object, 100_000, bytes[100_000..].to_vec()).await.unwrap();
    assert_eq!(cluster.seal(object).await.unwrap().length, 900_000);
    assert_eq!(read_all(&cluster, object).await, bytes);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_of_acknowledged_bytes_is_told_and_nothing_is_written_over_it() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let bytes = noise(5, 700_000);
    let mut objects = Vec::new();
    for _ in 0..2 {
        let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
        cluster.append(object, 0, bytes[..300_000].to_vec()).await.unwrap();
        cluster.interrupt(object).await.unwrap();
        cluster.append(object, 300_000, bytes[300_000..].to_vec()).await.unwrap();
        objects.push(object);
    }
    cluster.stop().await.unwrap();
    let [damaged, whole] = objects[..] else { panic!("two objects") };
    let path = disk.paths().into_iter().find(|path| {
        let path = path.to_str().unwrap();
        path.contains("/open/") && path.contains(&damaged.to_string())
    });
    disk.tamper(&path.unwrap(), |bytes| bytes[100_000] ^= 1).unwrap();
    disk.kill();

    let (cluster, report) = start(&disk).await.unwrap();
    cluster.ready(DEADLINE).await.unwrap();
    assert_eq!((report.damaged.len(), report.recovered.len()), (1, 1));
    assert_eq!(cluster.lost(), report.damaged);
    let refused = cluster.append(damaged, 300_000, bytes[300_000..].to_vec()).await;
    assert!(matches!(refused, Err(AppendError::Failed(WriteFailure::Lost { .. }))), "{refused:?}");
    assert!(cluster.durable_offset(damaged).await.is_err());
    assert!(matches!(cluster.seal(damaged).await, Err(SealError::Failed(WriteFailure::Lost { .. }))));
    assert_eq!(read_all(&cluster, damaged).await, bytes[..300_000]);
    assert_eq!(read_all(&cluster, whole).await, bytes);
    assert_eq!(cluster.seal(whole).await.unwrap().length, 700_000);
    cluster.stop().await.unwrap();
}
