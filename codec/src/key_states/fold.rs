//! The pass that draws a recording and makes its key states.

use super::cost;
use super::key_state::KeyState;
use crate::limits::Limits;
use crate::replay::{Moment, Replay};

/// Most bytes of one key state: it is held in memory, and passed on, as a whole.
const BYTES_MAX: u64 = 32 << 20;
/// Bytes that are drawn between two looks at what all has cost.
const STEP_BYTES: usize = 4 << 10;
/// What a recording may cost at once, in nanoseconds.
const COST_START_NS: u64 = 2_000_000_000;
/// What each millisecond of a recording may cost more, in nanoseconds.
const COST_PER_MS_NS: u64 = 4_000_000;

/// How far key states are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// What replaying from the last one costs when the next one is made, in counted nanoseconds.
    pub cost_ns: u64,
    /// Most bytes of all key states, in hundredths of the recording's bytes before each.
    pub share_percent: u64,
}

impl Default for Spacing {
    /// Leaves time to read a key state and to encode a picture within half a second.
    fn default() -> Self {
        Self { cost_ns: 400_000_000, share_percent: 25 }
    }
}

/// Draws a recording as its bytes come, and makes a key state wherever replaying from the last one has become dear.
///
/// What is made follows from the bytes alone. A recording that costs more to draw than its length allows has no
/// further key states, and so has what comes behind damage.
pub struct KeyStateFold {
    spacing: Spacing,
    /// Gone when there are no further key states.
    replay: Option<Replay>,
    /// What the replay had cost at the last key state.
    last_ns: u64,
    /// What key states have cost.
    written_ns: u64,
    written_bytes: u64,
    /// What the next one is expected to have, by the last one.
    expected_bytes: u64,
}

impl KeyStateFold {
    /// Starts at byte 0 of a recording.
    pub fn new(limits: Limits, spacing: Spacing) -> Self {
        Self {
            spacing,
            replay: Some(Replay::new(limits)),
            last_ns: 0,
            written_ns: 0,
            written_bytes: 0,
            expected_bytes: 0,
        }
    }

    /// Adds the next bytes; gives the key states that stand in them.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<KeyState> {
        let mut made = Vec::new();
        for piece in bytes.chunks(STEP_BYTES) {
            let Some(replay) = &mut self.replay else { break };
            replay.push(piece);
            if self.draw(&mut made).is_none() {
                self.replay = None;
            }
        }
        made
    }

    /// Draws what was pushed; `None` when the recording is worth no further key states.
    fn draw(&mut self, made: &mut Vec<KeyState>) -> Option<()> {
        while let Some(moment) = self.replay.as_mut()?.step().ok()? {
            if let Moment::Frame { at_ms, .. } = moment {
                made.extend(self.key_state());
                let allowed_ns = u64::try_from(at_ms).unwrap_or(0).saturating_mul(COST_PER_MS_NS);
                if self.replay.as_ref()?.cost_ns() + self.written_ns > COST_START_NS + allowed_ns {
                    return None;
                }
            }
        }
        Some(())
    }

    /// A key state of this frame, if the last one is far enough and there is room for it.
    fn key_state(&mut self) -> Option<KeyState> {
        let replay = self.replay.as_ref()?;
        let cost_ns = replay.cost_ns();
        let room_bytes =
            (replay.position() / 100 * self.spacing.share_percent).checked_sub(self.written_bytes)?;
        if cost_ns - self.last_ns < self.spacing.cost_ns || room_bytes < self.expected_bytes {
            return None;
        }
        self.written_ns += cost::of_key_state_ns(replay.pixels());
        let Some(key_state) =
            replay.key_state(usize::try_from(room_bytes.min(BYTES_MAX)).unwrap_or(usize::MAX))
        else {
            // It is larger than the room was: there must be a quarter more before it is tried again.
            self.expected_bytes = room_bytes + room_bytes / 4 + 1;
            return None;
        };
        self.last_ns = cost_ns;
        self.expected_bytes = u64::try_from(key_state.bytes.len()).unwrap_or(u64::MAX);
        self.written_bytes += self.expected_bytes;
        Some(key_state)
    }
}

#[cfg(test)]
mod tests;
