//! The files of purged sessions, which nobody can decrypt any more, and of deleted videos.

use super::Cluster;
use crate::catalog::{COPIES_MAX, CatalogError, Command, DELETED_MAX, DeletedBytes, DeletedCopies};
use crate::chunk::disk::DiskError;
use crate::facts::{NotReady, SubmitError};

/// Why files of purged sessions are still there. They are tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeletePurgedError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The catalog does not say which.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The cluster was not told.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

impl Cluster {
    /// Deletes what this member holds of the sessions that were purged first, and tells the cluster. Returns how many
    /// sessions that were; 0 when nothing is left to do.
    pub async fn delete_purged(&self) -> Result<usize, DeletePurgedError> {
        let member = self.member();
        let recordings = self.catalog()?.bytes_to_delete(member, DELETED_MAX)?;
        if recordings.is_empty() {
            return Ok(0);
        }
        let (store, of) = (self.shared.store.clone(), recordings.clone());
        let delete = move || -> Result<(), DiskError> {
            for recording in of {
                for chunk in store.list_closed(recording)? {
                    store.delete(chunk)?;
                }
            }
            Ok(())
        };
        self.shared.readers.run(delete).await.ok_or(DeletePurgedError::Stopped)??;
        let count = recordings.len();
        self.submit(Command::DeletedBytes(DeletedBytes { member, recordings })).await?;
        Ok(count)
    }

    /// The same of what was deleted while its session stays. Returns how many objects that were.
    pub async fn delete_copies(&self) -> Result<usize, DeletePurgedError> {
        let member = self.member();
        let objects = self.catalog()?.copies_to_delete(member, COPIES_MAX)?;
        if objects.is_empty() {
            return Ok(0);
        }
        let (store, of) = (self.shared.store.clone(), objects.clone());
        let delete = move || -> Result<(), DiskError> {
            for object in of {
                let chunks = store.list_closed(object.recording)?.into_iter();
                chunks.filter(|chunk| chunk.object == object).try_for_each(|chunk| store.delete(chunk))?;
            }
            Ok(())
        };
        self.shared.readers.run(delete).await.ok_or(DeletePurgedError::Stopped)??;
        let count = objects.len();
        self.submit(Command::DeletedCopies(DeletedCopies { member, objects })).await?;
        Ok(count)
    }
}
