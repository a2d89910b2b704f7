//! The path of a layer and how it is drawn: what an HTML canvas calls its state.

use super::path::{Path, Segment, Step};
use crate::matrix::Matrix;

/// How far a pointed corner reaches at first, in half widths of a stroke.
const MITER_LIMIT: f64 = 10.0;

/// What instructions prepare for later ones on one layer. A layer of another size begins with a new one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Drawing {
    pub(super) path: Path,
    pub(super) state: State,
    /// What `push` saved, the latest last.
    pub(super) saved: Vec<State>,
    /// The clips of all states, in the order in which they came: each state has the first few of them.
    ///
    /// INVARIANT: `state.clips` is their number, and no saved state has more than those behind it.
    pub(super) clips: Vec<Path>,
}

/// What `push` saves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    pub(super) transform: Matrix,
    /// How many clips there are.
    pub(super) clips: usize,
    pub(super) miter_limit: f64,
}

impl Default for State {
    fn default() -> Self {
        Self { transform: Matrix::IDENTITY, clips: 0, miter_limit: MITER_LIMIT }
    }
}

impl Drawing {
    /// Whether drawing is neither moved nor cut.
    pub(super) fn is_plain(&self) -> bool {
        self.clips.is_empty() && self.state.transform == Matrix::IDENTITY
    }

    /// How much is held here: segments and states.
    pub(super) fn weight(&self) -> usize {
        self.segments() + self.saved.len()
    }

    /// The segments of the path and of all clips.
    pub(super) fn segments(&self) -> usize {
        self.clips.iter().chain([&self.path]).map(|path| path.steps().len()).sum()
    }

    /// How many of them go when another one comes.
    pub(super) fn dropped_by(&self, segment: Segment) -> usize {
        let begins_another = self.path.is_ended() && segment != Segment::Close;
        if begins_another { self.path.steps().len() } else { 0 }
    }

    pub(super) fn add(&mut self, segment: Segment) {
        self.path.add(Step { segment, transform: self.state.transform });
    }

    /// Cuts what is drawn later to the path.
    pub(super) fn clip(&mut self) {
        self.path.end();
        self.clips.push(self.path.clone());
        self.state.clips = self.clips.len();
    }

    pub(super) fn push(&mut self) {
        self.saved.push(self.state);
    }

    pub(super) fn pop(&mut self) {
        if let Some(state) = self.saved.pop() {
            self.clips.truncate(state.clips);
            self.state = state;
        }
    }
}
