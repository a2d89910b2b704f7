//! Somebody who reads while recorders write.

use anyhow::ensure;
use cluster::Cluster;
use cluster::id::ObjectId;
use harness::{Random, content};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Between two reads.
const PAUSE: Duration = Duration::from_millis(30);
/// What takes longer is read another time.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// The longest range.
const RANGE_BYTES_MAX: u64 = 256 << 10;

/// Reads ranges of all recordings until the process ends. What cannot be read may be read later; what was never
/// appended ends the process.
pub(crate) async fn run(cluster: Arc<Cluster>, seed: u64, mut random: Random) -> anyhow::Result<()> {
    loop {
        sleep(PAUSE).await;
        let Ok(recordings) = crate::verify::all_recordings(&cluster) else { continue };
        let recordings: Vec<_> = recordings.into_iter().collect();
        if recordings.is_empty() {
            continue;
        }
        let recording = *random.choose(&recordings);
        let object = ObjectId::from(recording);
        let Ok(Ok(length)) = timeout(READ_LIMIT, cluster.length(object)).await else { continue };
        let start = random.below(length + 1);
        let end = length.min(start + random.below(RANGE_BYTES_MAX));
        let Ok(Ok(mut pieces)) = timeout(READ_LIMIT, cluster.read(object, start..end)).await else {
            continue;
        };
        let mut bytes = Vec::new();
        while let Ok(Some(Ok(piece))) = timeout(READ_LIMIT, pieces.next()).await {
            bytes.extend_from_slice(&piece);
        }
        let expected = content(seed, &recording.to_string(), start, bytes.len());
        ensure!(bytes == expected, "{recording} from {start} on has other bytes than were appended");
    }
}
