use super::*;
use crate::catalog::{Command, EndSession, Purge, PurgeCause};
use crate::chunk::disk::MemoryDisk;

pub(super) fn purge(recording: RecordingId) -> Command {
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    Command::Purge(Purge { recording, cause })
}

pub(super) async fn ended(cluster: &Cluster, bytes: &[u8]) -> RecordingId {
    let recording = cluster.open_session(session()).await.unwrap();
    cluster.append(recording.into(), 0, bytes.to_vec()).await.unwrap();
    let end = EndSession {
        recording,
        end: crate::catalog::End::Finished,
        end_ms: u64::MAX,
        error_message: String::new(),
        reason: String::new(),
    };
    cluster.submit(Command::EndSession(end)).await.unwrap();
    cluster.seal(recording.into()).await.unwrap();
    recording
}

#[tokio::test]
async fn the_files_of_a_purged_session_go_and_those_of_others_stay() {
    let disk = MemoryDisk::default();
    let cluster = ready(&disk).await;
    let bytes = noise(1, 100_000);
    let (purged, kept) = (ended(&cluster, &bytes).await, ended(&cluster, &bytes).await);
    assert_eq!(cluster.delete_purged().await.unwrap(), 0);
    cluster.submit(purge(purged)).await.unwrap();
    assert!(read(&cluster, purged.into(), 0..10).await.is_err());
    assert_eq!(cluster.delete_purged().await.unwrap(), 1);
    assert_eq!(cluster.delete_purged().await.unwrap(), 0);
    let of = |recording: RecordingId| {
        let paths = disk.paths().into_iter().map(|path| path.display().to_string());
        paths.filter(|path| path.contains(&recording.to_string())).count()
    };
    assert_eq!(of(purged), 0);
    // One chunk and its manifest.
    assert_eq!(of(kept), 2);
    assert_eq!(read_all(&cluster, kept.into()).await, bytes);
    cluster.stop().await.unwrap();
}
