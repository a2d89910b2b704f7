//! The newest key states of recordings that grow.

use api::Sight;
use cluster::id::RecordingId;
use codec::key_states::KeyState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Memory of all that are kept.
const KEPT_BYTES_MAX: usize = 128 << 20;
/// For how long one is kept that nobody asks for.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// A key state of what somebody may see of a recording.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) key_state: Arc<KeyState>,
    /// The bytes of all key states up to it.
    pub(super) written_bytes: u64,
    /// When it was asked for last.
    pub(super) used: Instant,
}

/// One key state of each recording and sight, as long as there is room. They show what was on screen, so they stand in memory
/// alone, and not for long.
#[derive(Default)]
pub(super) struct Newest(Mutex<HashMap<(RecordingId, Sight), Kept>>);

impl Newest {
    /// The newest key state, if one is kept.
    pub(super) fn get(&self, of: (RecordingId, Sight), now: Instant) -> Option<Kept> {
        let mut kept = self.kept();
        let found = kept.get_mut(&of)?;
        found.used = now;
        Some(found.clone())
    }

    /// Keeps a key state that is newer than the one that is kept.
    pub(super) fn put(&self, of: (RecordingId, Sight), new: Kept) {
        let mut kept = self.kept();
        let position = |kept: &Kept| kept.key_state.point.position;
        if kept.get(&of).is_some_and(|old| position(old) >= position(&new)) {
            return;
        }
        kept.insert(of, new);
        let mut bytes: usize = kept.values().map(|kept| kept.key_state.bytes.len()).sum();
        while bytes > KEPT_BYTES_MAX && kept.len() > 1 {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(of, _)| *of);
            let Some(gone) = oldest.and_then(|oldest| kept.remove(&oldest)) else { break };
            bytes -= gone.key_state.bytes.len();
        }
    }

    /// Forgets what nobody has asked for, and what is of recordings that do not grow any more.
    pub(super) fn sweep(&self, now: Instant, grows: impl Fn(RecordingId) -> bool) {
        let is_used = |kept: &Kept| now.saturating_duration_since(kept.used) < KEPT_FOR;
        self.kept().retain(|(recording, _), kept| is_used(kept) && grows(*recording));
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<(RecordingId, Sight), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::key_states::KeyPoint;

    #[test]
    fn the_newest_ones_are_kept_as_long_as_there_is_room_and_somebody_asks() {
        let (newest, start) = (Newest::default(), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        let of = |number: u8| (RecordingId([number; 16]), Sight::View);
        let put = |number, position, bytes, used| {
            let point = KeyPoint { at_ms: 0, frames: 1, position };
            let key_state = Arc::new(KeyState { point, bytes: vec![0; bytes] });
            newest.put(of(number), Kept { key_state, written_bytes: 5, used });
        };
        let position = |number, now| newest.get(of(number), now).map(|kept| kept.key_state.point.position);
        put(1, 20, 5, at(0));
        put(1, 10, 5, at(0));
        assert_eq!((position(1, at(0)), position(2, at(0))), (Some(20), None));
        assert!(newest.get((of(1).0, Sight::Received), at(0)).is_none());
        put(2, 1, KEPT_BYTES_MAX, at(1));
        assert_eq!((position(1, at(1)), position(2, at(1))), (None, Some(1)));
        put(3, 1, 0, at(700));
        newest.sweep(at(700), |_| true);
        assert_eq!((position(2, at(700)), position(3, at(700))), (None, Some(1)));
        newest.sweep(at(700), |recording| recording != of(3).0);
        assert_eq!(position(3, at(700)), None);
    }
}
