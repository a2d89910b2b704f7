//! Appends, seals and reads without crashes.

use super::*;

/// Bytes of the largest chunk of full records: 127 records and what is left.
const CHUNK_PLAINTEXT: usize = (8 << 20) - 64 - 64 - 128 * (44 + 36);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_appended_is_read_back_around_every_border() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = ready_real(dir.path()).await;
    let recording = cluster.open_session(session()).await.unwrap();
    let sizes = [0, 1, 65_535, 65_536, 65_537, CHUNK_PLAINTEXT - 1, CHUNK_PLAINTEXT, CHUNK_PLAINTEXT + 1];
    for size in sizes {
        let object = cluster.open_stream(recording, KeyPurpose::Bytes).await.unwrap();
        let bytes = noise(1, size);
        for (at, piece) in bytes.chunks(3 << 20).enumerate() {
            let offset = at * (3 << 20);
            let durable =
                cluster.append(object, u64::try_from(offset).unwrap(), piece.to_vec()).await.unwrap();
            assert_eq!(durable, u64::try_from(offset + piece.len()).unwrap());
        }
        assert!(read_all(&cluster, object).await == bytes, "{size} bytes, growing");
        let sealed = cluster.seal(object).await.unwrap();
        assert_eq!(sealed, cluster.seal(object).await.unwrap());
        let stored = recompute(&cluster, object, |path| std::fs::read(dir.path().join(path)).unwrap());
        assert_eq!(sealed, stored, "{size} bytes");
        assert_eq!(sealed.chunk_count, u32::from(size > 0) + u32::from(size > CHUNK_PLAINTEXT));
        assert_eq!(read_all(&cluster, object).await, bytes, "{size} bytes, sealed");
        for at in [0, 1, 65_535, 65_536, 8_000_000, CHUNK_PLAINTEXT - 1, CHUNK_PLAINTEXT].into_iter() {
            for end in [at, at + 1, at + 65_537].into_iter().filter(|end| *end <= size) {
                let range = u64::try_from(at).unwrap()..u64::try_from(end).unwrap();
                assert_eq!(read(&cluster, object, range).await.unwrap(), bytes[at..end]);
            }
        }
        let end = length(&bytes);
        let outside = read(&cluster, object, 0..end + 1).await;
        assert!(matches!(outside, Err(ReadError::OutOfRange { available, .. }) if available == end));
    }
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_harmless_and_other_bytes_are_a_conflict() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let object = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(2, 200_000);
    assert_eq!(cluster.append(object, 0, bytes[..150_000].to_vec()).await.unwrap(), 150_000);
    let stored = || -> Vec<_> {
        let of_bytes = |path: &std::path::PathBuf| path.components().any(|part| part.as_os_str() == "bytes");
        let paths = disk.paths().into_iter().filter(of_bytes);
        paths.map(|path| (disk.contents(&path).unwrap(), path)).collect()
    };
    let before = stored();
    assert_eq!(cluster.append(object, 0, bytes[..150_000].to_vec()).await.unwrap(), 150_000);
    assert_eq!(cluster.append(object, 70_000, bytes[70_000..80_000].to_vec()).await.unwrap(), 150_000);
    assert_eq!(cluster.append(object, 150_000, Vec::new()).await.unwrap(), 150_000);
    assert!(!before.is_empty() && stored() == before, "nothing was written");
    assert_eq!(cluster.append(object, 100_000, bytes[100_000..].to_vec()).await.unwrap(), 200_000);

    let mut other = bytes[199_000..].to_vec();
    other[500] ^= 1;
    let conflict = cluster.append(object, 199_000, other).await;
    assert!(matches!(conflict, Err(AppendError::Conflict { offset: 199_000, .. })), "{conflict:?}");
    let gap = cluster.append(object, 200_001, vec![1]).await;
    assert!(matches!(gap, Err(AppendError::Gap { durable_offset: 200_000, .. })), "{gap:?}");
    let long = cluster.append(object, 200_000, vec![1; APPEND_BYTES_MAX + 1]).await;
    assert!(matches!(long, Err(AppendError::TooLong { limit_bytes: APPEND_BYTES_MAX, .. })), "{long:?}");
    let unknown = ObjectId { stream: StreamId(9), ..object };
    let nothing = cluster.append(unknown, 0, vec![1]).await;
    assert!(matches!(nothing, Err(AppendError::ObjectUnknown { .. })), "{nothing:?}");
    assert_eq!(read_all(&cluster, object).await, bytes);

    let sealed = cluster.seal(object).await.unwrap();
    assert_eq!(sealed.length, 200_000);
    let late = cluster.append(object, 200_000, vec![1]).await;
    assert!(matches!(late, Err(AppendError::Sealed { .. })), "{late:?}");
    assert_eq!(cluster.durable_offset(object).await.unwrap(), 200_000);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_objects_grow_at_once_while_they_are_read() {
    let cluster = Arc::new(ready(&MemoryDisk::default()).await);
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..100 {
        let cluster = Arc::clone(&cluster);
        tasks.spawn(async move {
            let object = cluster.open_session(session()).await.unwrap().into();
            let bytes = noise(seed, 20_000);
            for (at, piece) in bytes.chunks(1_900).enumerate() {
                let offset = u64::try_from(at * 1_900).unwrap();
                let end = cluster.append(object, offset, piece.to_vec()).await.unwrap();
                assert_eq!(cluster.length(object).await.unwrap(), end);
                let from = offset.saturating_sub(700);
                let expected = &bytes[usize::try_from(from).unwrap()..usize::try_from(end).unwrap()];
                assert_eq!(read(&cluster, object, from..end).await.unwrap(), expected);
            }
            let sealed = cluster.seal(object).await.unwrap();
            assert_eq!((sealed.length, sealed.chunk_count), (20_000, 1));
            assert_eq!(read_all(&cluster, object).await, bytes);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(cluster.operations(), 0);
    Arc::into_inner(cluster).unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_object_is_read_across_the_border_of_its_chunks() {
    let cluster = Arc::new(ready(&MemoryDisk::default()).await);
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = Arc::new(noise(10, 18 << 20));
    let mut readers = tokio::task::JoinSet::new();
    for reader in 1..4 {
        let (cluster, bytes) = (Arc::clone(&cluster), Arc::clone(&bytes));
        readers.spawn(async move {
            let mut end = 0;
            while end < bytes.len() {
                let length = usize::try_from(cluster.length(object).await.unwrap()).unwrap();
                assert!(length >= end, "what was readable stays so");
                end = length;
                let start = end.saturating_sub(300_000 * reader);
                let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
                assert!(read(&cluster, object, range).await.unwrap() == bytes[start..end]);
                tokio::task::yield_now().await;
            }
        });
    }
    let mut reading = None;
    for (at, piece) in bytes.chunks(700_000).enumerate() {
        cluster.append(object, u64::try_from(at * 700_000).unwrap(), piece.to_vec()).await.unwrap();
        if at == 3 {
            reading = Some(cluster.read(object, 0..2_800_000).await.unwrap());
        }
    }
    cluster.seal(object).await.unwrap();
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    // A read that began in the open chunk ends in it, whatever became of the chunk.
    let (mut reading, mut read) = (reading.unwrap(), Vec::new());
    loop {
        let cut_off = tokio::time::timeout(Duration::ZERO, reading.next()).await;
        match cut_off {
            Ok(Some(piece)) => read.extend(piece.unwrap()),
            Ok(None) => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert!(read == bytes[..2_800_000]);
    Arc::into_inner(cluster).unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_to_one_object_are_serialised_and_bounded() {
    let cluster = Arc::new(ready(&MemoryDisk::default()).await);
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(5, 10_000);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (cluster, bytes) = (Arc::clone(&cluster), bytes.clone());
        tasks.spawn(async move { cluster.append(object, 0, bytes).await });
    }
    let mut done = 0;
    while let Some(ended) = tasks.join_next().await {
        match ended.unwrap() {
            Ok(end) => {
                assert_eq!(end, 10_000);
                done += 1;
            }
            Err(error) => assert!(matches!(error, AppendError::Busy { limit: 16 }), "{error}"),
        }
    }
    assert!(done >= 16, "{done}");
    assert_eq!(read_all(&cluster, object).await, bytes);
    Arc::into_inner(cluster).unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_ends_also_without_its_caller() {
    let cluster = ready(&MemoryDisk::default()).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(6, 300_000);
    let mut at = 0;
    for piece in bytes.chunks(30_000) {
        let append = cluster.append(object, at, piece.to_vec());
        let cut_off = tokio::time::timeout(Duration::ZERO, append).await;
        // The next one waits for the one that nobody waits for, if that has begun.
        let retried = cluster.append(object, at, piece.to_vec()).await.unwrap();
        at += length(piece);
        assert_eq!(retried, at, "{cut_off:?}");
    }
    assert_eq!(read_all(&cluster, object).await, bytes);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_recording_is_playable_and_resumable() {
    let cluster = ready(&MemoryDisk::default()).await;
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    let bytes = noise(7, 50_000);
    cluster.append(object, 0, bytes[..20_000].to_vec()).await.unwrap();
    cluster.interrupt(object).await.unwrap();
    let row = cluster.catalog().unwrap().object(object).unwrap().unwrap();
    assert!(matches!(row.state, ObjectState::Interrupted { .. }));
    assert_eq!((row.length, row.open_chunk), (20_000, None));
    assert_eq!(read_all(&cluster, object).await, bytes[..20_000]);
    cluster.append(object, 20_000, bytes[20_000..].to_vec()).await.unwrap();
    assert_eq!(cluster.seal(object).await.unwrap().chunk_count, 2);
    assert_eq!(read_all(&cluster, object).await, bytes);
    assert!(matches!(cluster.interrupt(object).await, Err(SealError::Sealed { .. })));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_nobody_writes_rests_with_its_chunk_closed() {
    let disk = MemoryDisk::default();
    let options = ClusterOptions { idle_after: Duration::ZERO, ..options(Path::new("member")) };
    let (cluster, _) = start_with(&disk, options).await.unwrap();
    cluster.ready(DEADLINE).await.unwrap();
    let object: ObjectId = cluster.open_session(session()).await.unwrap().into();
    cluster.append(object, 0, noise(8, 1_000)).await.unwrap();
    let closed = async {
        while cluster.catalog().unwrap().object(object).unwrap().unwrap().chunk_count == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, closed).await.unwrap();
    assert_eq!(read_all(&cluster, object).await, noise(8, 1_000));
    cluster.append(object, 1_000, noise(9, 1_000)).await.unwrap();
    assert_eq!(cluster.seal(object).await.unwrap().length, 2_000);
    cluster.stop().await.unwrap();
}
