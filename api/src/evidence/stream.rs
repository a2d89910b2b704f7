//! An export on its way: one piece after the other, none of them kept.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use cluster::Cluster;
use cluster::chunk::ClosedChunk;
use cluster::cluster::{Evidence, ObjectRead};
use cluster::id::ObjectId;
use futures_util::Stream;
use futures_util::stream::unfold;

use super::tar::{END_BYTES, Entry};

/// Where the bytes of a file come from.
pub(super) enum Source {
    /// They were made for this export.
    Made(Bytes),
    /// They are the leaves of all chunks.
    Leaves { length: u64 },
    /// They are stored.
    Object { object: ObjectId, length: u64 },
}

impl Source {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Made(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Leaves { length } | Self::Object { length, .. } => *length,
        }
    }
}

/// A file that is being sent.
enum Sending {
    Made(Bytes),
    /// The leaves of these chunks.
    Leaves(VecDeque<ClosedChunk>),
    Object(Box<ObjectRead>),
    /// What fills its last block.
    Padding(u64),
}

/// The files of an export.
pub(super) struct Export {
    cluster: Arc<Cluster>,
    evidence: Evidence,
    files: VecDeque<(Entry, Source)>,
    sending: Option<(Sending, u64)>,
    has_ended: bool,
}

type Piece = Result<Bytes, Box<dyn Error>>;

impl Export {
    pub(super) fn new(cluster: Arc<Cluster>, evidence: Evidence, files: Vec<(Entry, Source)>) -> Self {
        Self { cluster, evidence, files: files.into(), sending: None, has_ended: false }
    }

    /// How many bytes the tar file has.
    pub(super) fn length(&self) -> u64 {
        self.files.iter().map(|(entry, _)| entry.stored_bytes()).sum::<u64>() + END_BYTES
    }

    /// The tar file. As with every answer that has begun, an error ends it short of its length.
    pub(super) fn into_stream(self) -> impl Stream<Item = Piece> {
        unfold(self, |mut export| async {
            let piece = export.next().await?;
            if let Err(error) = &piece {
                tracing::error!(%error, "an export ends early");
                export.has_ended = true;
            }
            Some((piece, export))
        })
    }

    async fn next(&mut self) -> Option<Piece> {
        while !self.has_ended {
            if let Some((sending, padding)) = &mut self.sending {
                match sending.next(&self.evidence).await {
                    Some(piece) => return Some(piece),
                    None if *padding > 0 => {
                        self.sending = Some((Sending::Padding(std::mem::take(padding)), 0));
                        continue;
                    }
                    None => self.sending = None,
                }
            }
            let Some((entry, source)) = self.files.pop_front() else {
                self.has_ended = true;
                return Some(Ok(zeros(END_BYTES)));
            };
            match self.begin(source).await {
                Ok(sending) => self.sending = Some((sending, entry.padding())),
                Err(error) => return Some(Err(error)),
            }
            return Some(Ok(entry.header().into()));
        }
        None
    }

    async fn begin(&self, source: Source) -> Result<Sending, Box<dyn Error>> {
        Ok(match source {
            Source::Made(bytes) => Sending::Made(bytes),
            Source::Leaves { .. } => {
                Sending::Leaves(self.evidence.manifest().chunks().iter().copied().collect())
            }
            Source::Object { length: 0, .. } => Sending::Made(Bytes::new()),
            Source::Object { object, length } => {
                Sending::Object(Box::new(self.cluster.read(object, 0..length).await?))
            }
        })
    }
}

impl Sending {
    /// The next bytes; none at the end.
    async fn next(&mut self, evidence: &Evidence) -> Option<Piece> {
        match self {
            Self::Made(bytes) if bytes.is_empty() => None,
            Self::Made(bytes) => Some(Ok(std::mem::take(bytes))),
            Self::Leaves(chunks) => {
                let chunk = chunks.pop_front()?;
                Some(evidence.leaves(&chunk).await.map(Bytes::from).map_err(Box::from))
            }
            Self::Object(read) => Some(read.next().await?.map(Bytes::from).map_err(Box::from)),
            Self::Padding(0) => None,
            Self::Padding(length) => Some(Ok(zeros(std::mem::take(length)))),
        }
    }
}

/// Fewer bytes than the end of a tar file has, or as many.
fn zeros(length: u64) -> Bytes {
    vec![0; usize::try_from(length).unwrap_or(0)].into()
}
