//! The two keys of a recording.

use super::*;
use crate::catalog::WrappedKeys;
use crate::chunk::Reader;
use crate::chunk::key::WrappedKey;
use crate::cluster::shared::chunks_of;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_keystrokes_has_a_key_of_its_own_and_a_restart_reads_under_both() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = ready_real(dir.path()).await;
    let recording = cluster.open_session(session()).await.unwrap();
    let mut stored = Vec::new();
    for (seed, purpose) in [(1, KeyPurpose::Bytes), (2, KeyPurpose::Text)] {
        let object = cluster.open_stream(recording, purpose).await.unwrap();
        assert_eq!(object.stream.is_text(), purpose == KeyPurpose::Text);
        let bytes = noise(seed, 100_000);
        cluster.append(object, 0, bytes.clone()).await.unwrap();
        assert_eq!(read_all(&cluster, object).await, bytes, "growing");
        cluster.seal(object).await.unwrap();
        stored.push((object, bytes));
    }
    cluster.stop().await.unwrap();

    let cluster = ready_real(dir.path()).await;
    for (object, bytes) in &stored {
        assert_eq!(read_all(&cluster, *object).await, *bytes, "after a restart");
    }
    let row = cluster.catalog().unwrap().object(recording.into()).unwrap().unwrap();
    let WrappedKeys { data, derived, .. } = row.keys.unwrap();
    for ((object, bytes), right) in stored.iter().zip([&data, &derived]) {
        for wrapped in [&data, &derived] {
            let key = DataKey::unwrap(recording, &WrappedKey::from_bytes(wrapped).unwrap(), &kek()).unwrap();
            let chunks = chunks_of(cluster.catalog().unwrap(), *object).unwrap();
            let store = cluster.shared.store.clone();
            let reader = Reader::new(store, Arc::new(key), *object, chunks, None).unwrap();
            let read: Result<Vec<Vec<u8>>, _> = reader.read(0..length(bytes)).unwrap().collect();
            assert_eq!(read.ok().map(|pieces| pieces.concat()), (wrapped == right).then(|| bytes.clone()));
        }
    }
    cluster.stop().await.unwrap();
}
