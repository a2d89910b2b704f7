//! A range of the view.

use super::index::{ViewIndex, length};
use super::view::{View, ViewError};
use crate::limits::Limits;
use std::ops::Range;

/// Takes the bytes of a recording from [`ViewRange::start_byte`] on, gives exactly a range of its view.
#[derive(Debug)]
pub struct ViewRange {
    view: View,
    start_byte: u64,
    /// Bytes of the view before the range that are still to come.
    skip: u64,
    /// Bytes of the range that are still to come.
    left: u64,
    seen: Vec<u8>,
}

impl ViewRange {
    /// A range of the view that has this index. The limits are those of the index.
    pub fn new(index: &ViewIndex, range: Range<u64>, limits: Limits) -> Self {
        let point = index.before(range.start);
        let (view, start_byte, view_byte) = match point {
            Some(point) => (View::resume(point, limits), point.byte, point.view_byte),
            None => (View::new(limits), 0, 0),
        };
        let left = range.end.saturating_sub(range.start);
        Self { view, start_byte, skip: range.start.saturating_sub(view_byte), left, seen: Vec::new() }
    }

    /// The byte of the recording from which on it is to be pushed.
    pub fn start_byte(&self) -> u64 {
        self.start_byte
    }

    /// About how much memory it takes, in bytes. It keeps the room of the longest instruction that it has met.
    pub fn held_bytes(&self) -> usize {
        self.view.held_bytes()
    }

    /// Whether nothing more is to come.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Takes the next bytes; gives those of them that are in the range. After an error nothing more comes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<&[u8], ViewError> {
        self.seen.clear();
        if self.is_complete() {
            return Ok(&[]);
        }
        let pushed = self.view.push(bytes, &mut self.seen);
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(self.seen.len());
        let asked = self.seen.get(skipped..).unwrap_or_default();
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(asked.len());
        let asked = asked.get(..taken).unwrap_or_default();
        self.skip -= length(skipped);
        self.left -= length(taken);
        match pushed {
            Err(error) if self.left > 0 => Err(error),
            Ok(()) | Err(_) => Ok(asked),
        }
    }
}
