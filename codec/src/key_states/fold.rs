//! The pass that draws a recording and makes its key states.

use super::key_state::KeyState;
use crate::canvas::{Decoders, Packing};
use crate::cost::Cost;
use crate::limits::Limits;
use crate::replay::{Moment, Replay, RestoreError};
use std::sync::Arc;

/// How far key states are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// What replaying from the last one costs when the next one is made.
    pub cost: Cost,
    /// Most bytes of all key states, in hundredths of the recording's bytes before each.
    pub share_percent: u64,
}

impl Default for Spacing {
    /// Counted cost is an upper bound: on recordings it leaves room for reading a key state and showing a picture
    /// within half a second.
    fn default() -> Self {
        Self { cost: Cost::of_ms(1_000), share_percent: 25 }
    }
}

/// Draws a recording as its bytes come, and makes a key state wherever replaying from the last one has become dear.
///
/// What is made follows from the bytes alone. What comes behind damage has no key states.
pub struct KeyStateFold {
    spacing: Spacing,
    /// Gone when there are no further key states.
    replay: Option<Replay>,
    /// What the replay had cost when one was written last.
    last: Cost,
    written_bytes: u64,
    /// What the next one is expected to have, by the last one.
    expected_bytes: u64,
}

impl KeyStateFold {
    /// Starts at byte 0 of a recording.
    pub fn new(limits: Limits, spacing: Spacing) -> Self {
        let replay = Some(Replay::new(limits));
        Self { spacing, replay, last: Cost::default(), written_bytes: 0, expected_bytes: 0 }
    }

    /// Goes on at the last key state that was made, as if nothing had come behind it: push the recording's bytes from
    /// its position on. `written_bytes` is what all key states up to here have, this one included.
    pub fn resume(
        limits: Limits,
        spacing: Spacing,
        key_state: &[u8],
        written_bytes: u64,
    ) -> Result<Self, RestoreError> {
        let replay = Replay::restore(key_state, limits)?;
        let last = replay.cost();
        let expected_bytes = u64::try_from(key_state.len()).unwrap_or(u64::MAX);
        Ok(Self { spacing, replay: Some(replay), last, written_bytes, expected_bytes })
    }

    /// From here on, images of what is announced are decoded by other threads.
    pub fn decode_ahead(&mut self, decoders: Arc<Decoders>) {
        if let Some(replay) = &mut self.replay {
            replay.decode_ahead(decoders);
        }
    }

    /// Tells that these bytes will be pushed, behind those that were announced before.
    pub fn announce(&mut self, bytes: &[u8]) {
        if let Some(replay) = &mut self.replay {
            replay.announce(bytes);
        }
    }

    /// Adds the next bytes; gives the key states that stand in them.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<KeyState> {
        let mut made = Vec::new();
        if let Some(mut replay) = self.replay.take() {
            replay.push(bytes);
            if replay.is_terminal() {
                // It is read faster than a key state.
                return made;
            }
            let end = loop {
                match replay.step() {
                    Ok(Some(Moment::Frame { .. })) => made.extend(self.key_state(&mut replay)),
                    Ok(Some(Moment::Pointer { .. })) => {}
                    Ok(None) => break Some(replay),
                    Err(_) => break None,
                }
            };
            self.replay = end;
        }
        made
    }

    /// A key state of this frame, if the last one is far enough and there is room for it.
    fn key_state(&mut self, replay: &mut Replay) -> Option<KeyState> {
        let cost = replay.cost();
        // Writing takes no more time than drawing, however large the canvas is.
        let least = self.spacing.cost.max(Cost::written(replay.canvas().pixels()));
        let share = replay.position() / 100 * self.spacing.share_percent;
        let room_bytes = share.checked_sub(self.written_bytes)?;
        if cost.since(self.last) < least || room_bytes < self.expected_bytes {
            return None;
        }
        self.last = cost;
        let room = usize::try_from(room_bytes).unwrap_or(usize::MAX);
        let limit_bytes = room.min(KeyState::BYTES_MAX);
        let Some(key_state) = replay.key_state(Packing::Tight, limit_bytes) else {
            // It is larger than the room was: there must be a quarter more before it is tried again.
            self.expected_bytes = room_bytes + room_bytes / 4 + 1;
            return None;
        };
        self.expected_bytes = u64::try_from(key_state.bytes.len()).unwrap_or(u64::MAX);
        self.written_bytes += self.expected_bytes;
        Some(key_state)
    }
}

#[cfg(test)]
mod tests;
