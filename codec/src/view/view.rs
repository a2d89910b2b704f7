//! The filter.

use super::cast::{CastPoint, CastView};
use super::guac::GuacView;
use super::index::ViewPoint;
use super::owner::Owner;
use super::typescript::{TypescriptPoint, TypescriptView};
use crate::limits::Limits;
use crate::source::ReadError;
use crate::source::terminal::TerminalFormat;
use serde::{Deserialize, Serialize};

/// Why the view ends before the recording. What cannot be told apart from keys is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// It cannot be read on.
    #[error(transparent)]
    Recording(#[from] ReadError),
    /// What was typed stands among what was shown, and only the timing tells both apart.
    #[error("the typescript holds what was typed")]
    Typed,
    /// More stream indexes have carried a clipboard than are followed.
    #[error("clipboards use more than the limit of {limit} stream indexes")]
    Clipboards {
        /// The limit.
        limit: usize,
    },
}

/// Takes the bytes of a recording, gives those that may be seen without the permission Keystrokes. The first byte tells the
/// format.
#[derive(Debug)]
pub struct View {
    limits: Limits,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was pushed.
    Unknown,
    Guac(Box<GuacView>),
    Cast(Box<CastView>),
    Typescript(Box<TypescriptView>),
}

/// Where the view of a terminal's recording goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalPoint {
    /// Between two events of an asciicast.
    Cast(CastPoint),
    /// Somewhere in a typescript.
    Typescript(TypescriptPoint),
}

impl View {
    /// Starts at byte 0 of the recording. It ends at damage, whatever the limits say: a key may stand there.
    pub fn new(limits: Limits) -> Self {
        Self { limits, stage: Stage::Unknown }
    }

    /// Starts at a point of the index; push the bytes of the recording from [`ViewPoint::byte`] on.
    pub fn resume(point: &ViewPoint, limits: Limits) -> Self {
        let stage = match point.terminal {
            None => Stage::Guac(Box::new(GuacView::owned_by(point.owners.iter().copied(), limits))),
            Some(TerminalPoint::Cast(point)) => Stage::Cast(Box::new(CastView::resume(point, limits))),
            Some(TerminalPoint::Typescript(point)) => {
                Stage::Typescript(Box::new(TypescriptView::resume(point, limits)))
            }
        };
        Self { limits, stage }
    }

    /// The same without what was pushed and not yet understood, which is to be pushed again.
    pub(super) fn restarted(&self) -> Self {
        let stage = match (&self.stage, self.terminal_point()) {
            (Stage::Guac(view), _) => Stage::Guac(Box::new(GuacView::owned_by(view.owners(), self.limits))),
            (Stage::Cast(_), Some(TerminalPoint::Cast(point))) => {
                Stage::Cast(Box::new(CastView::resume(point, self.limits)))
            }
            (Stage::Typescript(_), Some(TerminalPoint::Typescript(point))) => {
                Stage::Typescript(Box::new(TypescriptView::resume(point, self.limits)))
            }
            (Stage::Unknown | Stage::Cast(_) | Stage::Typescript(_), _) => Stage::Unknown,
        };
        Self { limits: self.limits, stage }
    }

    /// Takes the next bytes and adds what may be seen of them to `seen`. After an error nothing more is seen.
    pub fn push(&mut self, bytes: &[u8], seen: &mut Vec<u8>) -> Result<(), ViewError> {
        if let (Stage::Unknown, Some(&first)) = (&self.stage, bytes.first()) {
            self.stage = match TerminalFormat::of(first) {
                None => Stage::Guac(Box::new(GuacView::new(self.limits))),
                Some(TerminalFormat::Asciicast) => Stage::Cast(Box::new(CastView::new(self.limits))),
                Some(TerminalFormat::Typescript) => {
                    Stage::Typescript(Box::new(TypescriptView::new(self.limits)))
                }
            };
        }
        match &mut self.stage {
            Stage::Unknown => Ok(()),
            Stage::Guac(view) => view.push(bytes, seen),
            Stage::Cast(view) => view.push(bytes, seen),
            Stage::Typescript(view) => view.push(bytes, seen),
        }
    }

    /// How many pushed bytes are behind the last whole instruction or event.
    pub(super) fn pending_bytes(&self) -> usize {
        match &self.stage {
            Stage::Unknown => 0,
            Stage::Guac(view) => view.pending_bytes(),
            Stage::Cast(view) => view.pending_bytes(),
            Stage::Typescript(view) => view.pending_bytes(),
        }
    }

    /// About how much memory it takes, in bytes: what it and its parser keep.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.stage {
            Stage::Unknown => 0,
            Stage::Guac(view) => view.held_bytes(),
            Stage::Cast(view) => view.held_bytes(),
            Stage::Typescript(view) => view.pending_bytes(),
        }
    }

    /// Whether it can go on from where it stands.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.stage, Stage::Guac(_)) || self.terminal_point().is_some()
    }

    pub(super) fn owners(&self) -> Vec<(i32, Owner)> {
        match &self.stage {
            Stage::Guac(view) => view.owners(),
            Stage::Unknown | Stage::Cast(_) | Stage::Typescript(_) => Vec::new(),
        }
    }

    pub(super) fn terminal_point(&self) -> Option<TerminalPoint> {
        match &self.stage {
            Stage::Unknown | Stage::Guac(_) => None,
            Stage::Cast(view) => view.point().map(TerminalPoint::Cast),
            Stage::Typescript(view) => view.point().map(TerminalPoint::Typescript),
        }
    }
}

#[cfg(test)]
mod tests;
