//! The newest key states of recordings that grow.

use api::Sight;
use cluster::id::RecordingId;
use codec::key_states::KeyState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

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
    used: Instant,
}

/// One key state of each recording and sight, as long as there is room. They show what was on screen, so they stand in memory
/// alone, and not for long.
#[derive(Default)]
pub(super) struct Newest(Mutex<HashMap<(RecordingId, Sight), Kept>>);

impl Newest {
    /// The newest key state, if one is kept.
    pub(super) fn get(&self, of: (RecordingId, Sight)) -> Option<Kept> {
        let mut kept = self.kept();
        let found = kept.get_mut(&of)?;
        found.used = Instant::now();
        Some(found.clone())
    }

    /// Keeps a key state that is newer than the one that is kept.
    pub(super) fn put(&self, of: (RecordingId, Sight), key_state: KeyState, written_bytes: u64) {
        let mut kept = self.kept();
        let position = key_state.point.position;
        if kept.get(&of).is_some_and(|kept| kept.key_state.point.position >= position) {
            return;
        }
        let used = Instant::now();
        kept.insert(of, Kept { key_state: Arc::new(key_state), written_bytes, used });
        let mut bytes: usize = kept.values().map(|kept| kept.key_state.bytes.len()).sum();
        while bytes > KEPT_BYTES_MAX && kept.len() > 1 {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(of, _)| *of);
            let Some(gone) = oldest.and_then(|oldest| kept.remove(&oldest)) else { break };
            bytes -= gone.key_state.bytes.len();
        }
    }

    /// Forgets what nobody has asked for, and what is of recordings that do not grow any more.
    pub(super) fn sweep(&self, grows: impl Fn(RecordingId) -> bool) {
        let now = Instant::now();
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

    fn key_state(position: u64, bytes: usize) -> KeyState {
        KeyState { point: KeyPoint { at_ms: 0, frames: 1, position }, bytes: vec![0; bytes] }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_ones_are_kept_as_long_as_there_is_room_and_somebody_asks() {
        let newest = Newest::default();
        let of = |number: u8| (RecordingId([number; 16]), Sight::View);
        let position = |number| newest.get(of(number)).map(|kept| kept.key_state.point.position);
        newest.put(of(1), key_state(20, 5), 5);
        newest.put(of(1), key_state(10, 5), 5);
        assert_eq!((position(1), position(2)), (Some(20), None));
        assert!(newest.get((of(1).0, Sight::Received)).is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        newest.put(of(2), key_state(1, KEPT_BYTES_MAX), 5);
        assert_eq!((position(1), position(2)), (None, Some(1)));
        newest.put(of(1), key_state(30, 0), 5);
        tokio::time::advance(KEPT_FOR).await;
        newest.put(of(3), key_state(1, 0), 5);
        newest.sweep(|_| true);
        assert_eq!((position(1), position(2), position(3)), (None, None, Some(1)));
        newest.sweep(|recording| recording != of(3).0);
        assert_eq!(position(3), None);
    }
}
