//! Where the sound of a whole recording lies: all its streams, and how far the placement is final.

use super::pcm::StereoSample;
use super::place::{Directive, Placement, REACH_BACK};
use super::report::SoundReport;
use super::streams::{Piece, StreamEvent, Streams};
use super::ticks::{from_ms, from_samples};
use crate::limits::Limits;
use crate::source::guac::Instruction;
use std::collections::BTreeMap;

/// Follows the instructions of a recording and decides, for each of its sound streams, when its samples are
/// heard. The survey and the track both stand on it, so that they never disagree.
#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    streams: Streams,
    placements: BTreeMap<i32, Placement>,
    report: SoundReport,
    /// The latest timestamp, in ticks.
    now: i64,
    synced: bool,
    /// Before this tick nothing more is placed.
    frontier: i64,
    /// The tick after the last sample that was placed.
    end: i64,
}

impl Schedule {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            streams: Streams::new(limits),
            placements: BTreeMap::new(),
            report: SoundReport::default(),
            now: 0,
            synced: false,
            frontier: 0,
            end: 0,
        }
    }

    /// Follows one instruction; `now_ms` is the media time after it. A piece's samples are to be kept until
    /// directives deal with them.
    pub(super) fn apply(&mut self, instruction: &Instruction<'_>, now_ms: i64) -> Option<Piece> {
        if is_timestamp(instruction) {
            self.synced |= matches!(instruction, Instruction::Sync { .. });
            // Before the first sync there is no zero to count from.
            let next = if self.synced { from_ms(now_ms).max(self.now) } else { 0 };
            self.timestamp(next);
            return None;
        }
        match self.streams.apply(instruction, &mut self.report) {
            StreamEvent::None => None,
            StreamEvent::Closed(index) => {
                if let Some(placement) = self.placements.get_mut(&index) {
                    placement.close();
                }
                None
            }
            StreamEvent::Piece(piece) => self.piece(piece),
        }
    }

    /// The end of the recording: all sound is placed.
    pub(super) fn finish(&mut self) {
        for placement in self.placements.values_mut() {
            placement.flush(self.now, self.frontier, true);
        }
        self.advance();
        self.frontier = i64::MAX;
    }

    /// The samples of the piece that was returned last.
    pub(super) fn samples(&self) -> &[StereoSample] {
        self.streams.samples()
    }

    /// The directives so far, with the stream that they are for, each once.
    pub(super) fn next_directive(&mut self) -> Option<(i32, Directive)> {
        self.placements.iter_mut().find_map(|(&index, placement)| Some((index, placement.next_directive()?)))
    }

    /// Whether a stream's last run may go on.
    pub(super) fn follows(&self, index: i32) -> bool {
        self.placements.contains_key(&index)
    }

    /// Before this tick nothing more is placed.
    pub(super) fn frontier(&self) -> i64 {
        self.frontier
    }

    /// The tick after the last sample that was placed so far.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Whether any sound was found.
    pub(super) fn has_sound(&self) -> bool {
        self.report.blobs > 0
    }

    pub(super) fn report(&self) -> &SoundReport {
        &self.report
    }

    fn timestamp(&mut self, next: i64) {
        for placement in self.placements.values_mut() {
            placement.timestamp(self.now, next, self.frontier);
        }
        self.now = next;
        self.advance();
        let frontier = self.frontier;
        self.placements.retain(|_, placement| !placement.is_over(frontier));
    }

    fn piece(&mut self, piece: Piece) -> Option<Piece> {
        let Piece { index, rate_hz, samples } = piece;
        let crowded = self.placements.len() >= self.limits.audio_streams;
        if crowded && !self.placements.contains_key(&index) {
            self.report.crowded_blobs += 1;
            return None;
        }
        let placement = self.placements.entry(index).or_default();
        let reach = placement.reach(self.now).saturating_add(from_samples(samples, rate_hz));
        if reach > self.now.saturating_add(from_ms(self.limits.audio_ahead_ms)) {
            self.report.early_blobs += 1;
            return None;
        }
        placement.piece(samples, rate_hz, self.now, self.frontier);
        self.bound_memory();
        Some(piece)
    }

    /// What no timestamp has bounded yet is placed without one when it takes too much memory.
    fn bound_memory(&mut self) {
        let held_bytes = self
            .placements
            .values_mut()
            .fold(0_usize, |sum, placement| sum.saturating_add(placement.held_bytes(self.frontier)));
        if held_bytes <= self.limits.audio_held_bytes {
            return;
        }
        for placement in self.placements.values_mut() {
            placement.flush(self.now, self.frontier, false);
            self.end = self.end.max(placement.end());
        }
        self.frontier = self.frontier.max(self.end);
    }

    fn advance(&mut self) {
        let mut frontier = self.now - REACH_BACK;
        for placement in self.placements.values() {
            self.end = self.end.max(placement.end());
            frontier = placement.floor().map_or(frontier, |floor| frontier.min(floor));
        }
        self.frontier = self.frontier.max(frontier);
    }
}

fn is_timestamp(instruction: &Instruction<'_>) -> bool {
    matches!(
        instruction,
        Instruction::Sync { .. }
            | Instruction::Mouse { timestamp: Some(_), .. }
            | Instruction::Key { timestamp: Some(_), .. }
    )
}
