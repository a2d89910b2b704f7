//! Answers the requests of other members' Raft.

use super::files;
use super::message::{RaftAnswer, RaftRequest};
use super::runtime::Raft;
use super::snapshot::{SnapshotError, SnapshotStore};
use super::types::{Snapshot, SnapshotMeta, Vote};
use crate::chunk::disk::DiskFile;
use std::sync::{Arc, Mutex, PoisonError};

/// The other end of [`super::network::RaftPeer`].
pub(crate) struct RaftDoor {
    raft: Raft,
    snapshots: Arc<SnapshotStore>,
    receiving: Arc<Mutex<Option<Receiving>>>,
    /// Held while a snapshot that was received is installed.
    installing: tokio::sync::Mutex<()>,
}

/// A snapshot of which a part has come.
struct Receiving {
    id: String,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl RaftDoor {
    pub(crate) fn new(raft: Raft, snapshots: Arc<SnapshotStore>) -> Self {
        Self { raft, snapshots, receiving: Arc::default(), installing: tokio::sync::Mutex::default() }
    }

    pub(crate) async fn answer(&self, request: RaftRequest) -> RaftAnswer {
        match request {
            RaftRequest::Append(request) => match self.raft.append_entries(request).await {
                Ok(response) => RaftAnswer::Append(response),
                Err(error) => RaftAnswer::Failed(error.to_string()),
            },
            RaftRequest::Vote(request) => match self.raft.vote(request).await {
                Ok(response) => RaftAnswer::Vote(response),
                Err(error) => RaftAnswer::Failed(error.to_string()),
            },
            RaftRequest::SnapshotPiece { id, offset, bytes } => match self.take(id, offset, bytes).await {
                Ok(()) => RaftAnswer::PieceTaken,
                Err(error) => RaftAnswer::Failed(error.to_string()),
            },
            RaftRequest::SnapshotEnd { vote, meta, bytes } => self.install(vote, meta, bytes).await,
        }
    }

    async fn take(&self, id: String, offset: u64, bytes: Vec<u8>) -> Result<(), SnapshotError> {
        let (to, receiving) = (self.snapshots.receiving(), Arc::clone(&self.receiving));
        let write = move || {
            let failed = |source| SnapshotError::Write { path: to.path.clone(), source };
            let mut receiving = receiving.lock().unwrap_or_else(PoisonError::into_inner);
            if offset == 0 {
                let file = files::create(&*to.disk, &to.path).map_err(failed)?;
                *receiving = Some(Receiving { id: id.clone(), file, bytes: 0 });
            }
            let known = receiving.as_mut().filter(|known| known.id == id && known.bytes == offset);
            let known = known.ok_or_else(|| SnapshotError::Other { path: to.path.clone() })?;
            known.file.write_at(offset, &bytes).map_err(failed)?;
            known.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            Ok(())
        };
        self.snapshots.on_thread(write).await
    }

    /// Removes what is left of snapshots that were received. One that is on its way is given up, and sent again from its start.
    pub(crate) async fn forget_received(&self) -> Result<(), SnapshotError> {
        let _installing = self.installing.lock().await;
        let (left, receiving) = (self.snapshots.receiving(), Arc::clone(&self.receiving));
        let remove = move || {
            let mut receiving = receiving.lock().unwrap_or_else(PoisonError::into_inner);
            *receiving = None;
            match left.disk.remove(&left.path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    Err(SnapshotError::Write { path: left.path.clone(), source })
                }
                Ok(()) | Err(_) => Ok(()),
            }
        };
        self.snapshots.on_thread(remove).await
    }

    async fn install(&self, vote: Vote, meta: SnapshotMeta, bytes: u64) -> RaftAnswer {
        let _installing = self.installing.lock().await;
        let received = self.receiving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !received.is_some_and(|known| known.id == meta.snapshot_id && known.bytes == bytes) {
            return RaftAnswer::Failed("another snapshot was begun meanwhile".to_owned());
        }
        // openraft gives up the log that a snapshot holds while that is still being installed. So it is durable before
        // openraft hears of it: a member that ends in between would have neither.
        let (snapshots, kept, received) =
            (Arc::clone(&self.snapshots), meta.clone(), self.snapshots.receiving());
        let keep = move || snapshots.keep(&kept, &received);
        if let Err(error) = self.snapshots.on_thread(keep).await {
            return RaftAnswer::Failed(error.to_string());
        }
        let snapshot = Snapshot { meta, snapshot: Box::new(self.snapshots.receiving()) };
        match self.raft.install_full_snapshot(vote, snapshot).await {
            Ok(response) => RaftAnswer::Installed(response),
            Err(error) => RaftAnswer::Failed(error.to_string()),
        }
    }
}
