//! The filter of asciicasts.
//!
//! Events of input, and all that is not understood, are left out. In version 3, where each event says how long it is after the
//! one before, the next event that is shown takes over their time, so that not even their rhythm can be seen.

use super::view::ViewError;
use crate::limits::Limits;
use crate::source::ReadError;
use crate::source::terminal::{CastPlace, CastReader, CastVersion, TerminalEvent, time_of};
use serde::{Deserialize, Serialize};

/// Between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastPoint {
    #[serde(flatten)]
    place: CastPlace,
    /// Time of events that were left out since the last one that was shown, in microseconds.
    carried_us: i64,
    /// Whether an event was shown: version 1 has commas between them.
    is_begun: bool,
}

/// Takes the bytes of an asciicast.
#[derive(Debug)]
pub(super) struct CastView {
    reader: CastReader,
    carried_us: i64,
    is_begun: bool,
    is_closed: bool,
}

impl CastView {
    pub(super) fn new(limits: Limits) -> Self {
        Self { reader: CastReader::new(limits), carried_us: 0, is_begun: false, is_closed: false }
    }

    pub(super) fn resume(point: CastPoint, limits: Limits) -> Self {
        let CastPoint { place, carried_us, is_begun } = point;
        let is_closed = place.is_over;
        Self { reader: CastReader::at(place, limits), carried_us, is_begun, is_closed }
    }

    pub(super) fn point(&self) -> Option<CastPoint> {
        let (carried_us, is_begun) = (self.carried_us, self.is_begun);
        self.reader.place().map(|place| CastPoint { place, carried_us, is_begun })
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.reader.pending_bytes()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.reader.held_bytes()
    }

    pub(super) fn push(&mut self, bytes: &[u8], seen: &mut Vec<u8>) -> Result<(), ViewError> {
        self.reader.push(bytes);
        loop {
            let version = self.reader.version();
            let Some((read, raw)) = self.reader.read_raw().map_err(ReadError::from)? else { break };
            match (&read.event, version) {
                (TerminalEvent::Begin { .. }, _) => {
                    seen.extend_from_slice(raw);
                    // The list of version 1 is open here.
                    if !raw.ends_with(b"[") {
                        seen.push(b'\n');
                    }
                }
                (TerminalEvent::Input(_) | TerminalEvent::Other, Some(CastVersion::V3)) => {
                    self.carried_us = self.carried_us.saturating_add(time_of(raw).map_or(0, |(us, _)| us));
                }
                (TerminalEvent::Input(_) | TerminalEvent::Other, _) => {}
                (_, Some(CastVersion::V1)) => {
                    if std::mem::replace(&mut self.is_begun, true) {
                        seen.push(b',');
                    }
                    seen.extend_from_slice(raw);
                }
                (_, _) => {
                    show(raw, std::mem::take(&mut self.carried_us), seen);
                    seen.push(b'\n');
                }
            }
        }
        if self.reader.is_over() && !std::mem::replace(&mut self.is_closed, true) {
            seen.extend_from_slice(b"]}\n");
        }
        Ok(())
    }
}

/// An event as it is written, later by what was left out before it.
fn show(raw: &[u8], carried_us: i64, seen: &mut Vec<u8>) {
    match time_of(raw).filter(|_| carried_us != 0) {
        Some((own_us, end)) => {
            let time_us = own_us.saturating_add(carried_us);
            let (sign, length_us) = (if time_us < 0 { "-" } else { "" }, time_us.unsigned_abs());
            let time = format!("[{sign}{}.{:06}", length_us / 1_000_000, length_us % 1_000_000);
            seen.extend_from_slice(time.as_bytes());
            seen.extend_from_slice(raw.get(end..).unwrap_or_default());
        }
        None => seen.extend_from_slice(raw),
    }
}

#[cfg(test)]
mod tests;
