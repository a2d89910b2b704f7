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

/// Room is scarce, as the member sees it with its next look; what is taken until then is.
async fn scarce(disk: &MemoryDisk, cluster: &Cluster, object: ObjectId, bytes: &[u8]) {
    disk.be_used(96);
    let refused = tokio::time::timeout(DEADLINE, async {
        loop {
            let offset = cluster.durable_offset(object).await.unwrap();
            let next = bytes[memory(offset)..memory(offset) + 10].to_vec();
            match cluster.append(object, offset, next).await {
                Err(AppendError::DiskFull) => return,
                answer => assert_eq!(answer.unwrap(), offset + 10),
            }
        }
    });
    refused.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scarce_disk_takes_no_appends_keeps_the_facts_and_passes() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(4, 900_000);
    cluster.append(object, 0, bytes[..100_000].to_vec()).await.unwrap();
    scarce(&disk, &cluster, object, &bytes).await;
    let durable = cluster.durable_offset(object).await.unwrap();
    for size in [300_000, 1_000] {
        let more = bytes[memory(durable)..memory(durable) + size].to_vec();
        let full = cluster.append(object, durable, more).await;
        assert!(matches!(full, Err(AppendError::DiskFull)), "{full:?}");
        assert_eq!(cluster.durable_offset(object).await.unwrap(), durable);
        assert_eq!(read_all(&cluster, object).await, bytes[..memory(durable)]);
    }
    // Facts go on, as if nothing were.
    cluster.open_session(session()).await.unwrap();
    disk.be_used(0);
    append_rest(&cluster, object, &bytes).await;
    assert_eq!(cluster.seal(object).await.unwrap().length, 900_000);
    assert_eq!(read_all(&cluster, object).await, bytes);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_any_room_ends_the_member_and_loses_nothing() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(4, 900_000);
    cluster.append(object, 0, bytes[..100_000].to_vec()).await.unwrap();
    disk.limit_free_bytes(Some(500));
    // Whatever of it fits into the log, it does not take much.
    let fatal = tokio::time::timeout(DEADLINE, async {
        loop {
            tokio::select! {
                fatal = cluster.fatal() => return fatal,
                _ = cluster.open_session(session()) => {}
            }
        }
    });
    let fatal = fatal.await.unwrap();
    assert!(matches!(fatal, FatalError::Facts { .. }), "{fatal}");
    let _: Result<(), StopError> = cluster.stop().await;
    disk.kill();

    disk.limit_free_bytes(None);
    let cluster = ready(&disk).await;
    assert_eq!(cluster.durable_offset(object).await.unwrap(), 100_000);
    append_rest(&cluster, object, &bytes).await;
    assert_eq!(cluster.seal(object).await.unwrap().length, 900_000);
    assert_eq!(read_all(&cluster, object).await, bytes);
    cluster.stop().await.unwrap();
}

/// Appends what is missing, once it is taken again.
async fn append_rest(cluster: &Cluster, object: ObjectId, bytes: &[u8]) {
    let appended = tokio::time::timeout(DEADLINE, async {
        loop {
            let durable = cluster.durable_offset(object).await.unwrap();
            match cluster.append(object, durable, bytes[memory(durable)..].to_vec()).await {
                Err(AppendError::DiskFull) => {}
                answer => return assert_eq!(memory(answer.unwrap()), bytes.len()),
            }
        }
    });
    appended.await.unwrap();
}

fn memory(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
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
