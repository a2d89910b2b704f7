//! The hash of a chunk's file while it is written, computed where it holds nobody up.

use super::Hash;
use bytes::Bytes;
use ring::digest::{Context, SHA256};

/// SHA-256 over the file of an open chunk: of some of its records, and those that are still to be hashed.
pub(crate) struct FileDigest {
    hashed: Context,
    behind: Vec<Bytes>,
}

/// Records to be hashed, on any thread.
pub(crate) struct Hashing {
    context: Context,
    frames: Vec<Bytes>,
}

impl FileDigest {
    /// Of a file that begins with these bytes.
    pub(crate) fn new(header: &[u8]) -> Self {
        let mut hashed = Context::new(&SHA256);
        hashed.update(header);
        Self { hashed, behind: Vec::new() }
    }

    /// The file goes on. The bytes are kept until they are hashed.
    pub(crate) fn push(&mut self, frame: Bytes) {
        self.behind.push(frame);
    }

    /// What is to be hashed; none when there is nothing.
    pub(crate) fn hashing(&self) -> Option<Hashing> {
        (!self.behind.is_empty())
            .then(|| Hashing { context: self.hashed.clone(), frames: self.behind.clone() })
    }

    /// What [`FileDigest::hashing`] gave last is hashed.
    pub(crate) fn hashed(&mut self, hashing: Hashing) {
        self.behind.drain(..hashing.frames.len().min(self.behind.len()));
        self.hashed = hashing.context;
    }

    /// Hashes what is left to be hashed, on this thread.
    pub(crate) fn catch_up(&mut self) {
        for frame in self.behind.drain(..) {
            self.hashed.update(&frame);
        }
    }

    /// The hash of the file when this is all that follows.
    pub(crate) fn finish(&self, trailer: &[u8]) -> Hash {
        let mut context = self.hashed.clone();
        self.behind.iter().for_each(|frame| context.update(frame));
        context.update(trailer);
        context.finish().into()
    }
}

impl Hashing {
    /// Hashes them.
    pub(crate) fn run(&mut self) {
        self.frames.iter().for_each(|frame| self.context.update(frame));
    }

    /// How many bytes they are.
    pub(crate) fn bytes(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashing").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
