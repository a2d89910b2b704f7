//! Where to begin reading a recording for a range of its view.

use super::owner::Owner;
use super::view::{TerminalPoint, View, ViewError};
use crate::limits::Limits;
use serde::{Deserialize, Serialize};

/// Points that are kept; of longer recordings, points farther apart.
const POINTS_MAX: usize = 8192;
/// Bytes of the recording between two points, to begin with.
const STEP_BYTES: u64 = 64 << 10;

/// A place of the recording and the same place of its view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewPoint {
    /// Byte of the view.
    pub view_byte: u64,
    /// Byte of the recording; an instruction begins here.
    pub byte: u64,
    /// The stream indexes that have carried a clipboard.
    pub owners: Vec<(i32, Owner)>,
    /// What else is needed to go on, of a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalPoint>,
}

/// How long the view of a recording is, and where to begin for each part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewIndex {
    /// Version of this description.
    pub version: u32,
    /// Bytes of the view.
    pub bytes: u64,
    /// Points in order, none closer than a step that grows with the recording.
    pub points: Vec<ViewPoint>,
}

impl ViewIndex {
    /// About how much memory it takes, in bytes.
    pub fn held_bytes(&self) -> usize {
        let owners: usize = self.points.iter().map(|point| point.owners.len()).sum();
        self.points.len() * size_of::<ViewPoint>() + owners * size_of::<(i32, Owner)>()
    }

    /// The last point at or before a byte of the view; `None` means the start of both.
    pub fn before(&self, view_byte: u64) -> Option<&ViewPoint> {
        let behind = self.points.partition_point(|point| point.view_byte <= view_byte);
        self.points.get(behind.checked_sub(1)?)
    }
}

/// Makes the index of a recording as its bytes come.
#[derive(Debug)]
pub struct ViewIndexFold {
    view: View,
    ended: Option<ViewError>,
    pushed_bytes: u64,
    step_bytes: u64,
    index: ViewIndex,
    seen: Vec<u8>,
}

impl ViewIndexFold {
    /// Starts at byte 0.
    pub fn new(limits: Limits) -> Self {
        Self {
            view: View::new(limits),
            ended: None,
            pushed_bytes: 0,
            step_bytes: STEP_BYTES,
            index: ViewIndex { version: 1, bytes: 0, points: Vec::new() },
            seen: Vec::new(),
        }
    }

    /// Adds the next bytes; gives those that may be seen. Where the view ends early, the rest is not part of it.
    pub fn push(&mut self, bytes: &[u8]) -> &[u8] {
        self.seen.clear();
        if self.ended.is_some() {
            return &self.seen;
        }
        self.ended = self.view.push(bytes, &mut self.seen).err();
        self.pushed_bytes += length(bytes.len());
        self.index.bytes += length(self.seen.len());
        if self.ended.is_none() {
            self.mark();
        }
        &self.seen
    }

    /// Lets go of an instruction that is not whole yet, so that little is held while a recording grows. Answers from
    /// which byte on the recording is to be pushed next.
    pub fn rewind(&mut self) -> u64 {
        if self.ended.is_none() {
            self.pushed_bytes -= length(self.view.pending_bytes());
            self.view = self.view.restarted();
        }
        self.pushed_bytes
    }

    /// The index up to here.
    pub fn index(&self) -> &ViewIndex {
        &self.index
    }

    /// Whether nothing that follows can be in the view.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The recording ends here.
    pub fn finish(self) -> ViewIndex {
        self.index
    }

    fn mark(&mut self) {
        let byte = self.pushed_bytes - length(self.view.pending_bytes());
        let last = self.index.points.last().map_or(0, |point| point.byte);
        if byte - last < self.step_bytes || !self.view.is_between() {
            return;
        }
        if self.index.points.len() >= POINTS_MAX {
            let mut number = 0_usize;
            self.index.points.retain(|_| {
                number += 1;
                number.is_multiple_of(2)
            });
            self.step_bytes *= 2;
        }
        let (owners, terminal) = (self.view.owners(), self.view.terminal_point());
        self.index.points.push(ViewPoint { view_byte: self.index.bytes, byte, owners, terminal });
    }
}

pub(super) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a buffer's length fits 64 bits")
}
