//! The keys that are in force, and the wish for newer ones.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::key_set::KeySet;

/// How long a request waits for newer keys.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// Whether newer keys may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// They have been looked for only just.
    Resting,
    /// They may.
    Open,
    /// They have been.
    Made,
}

/// The wish, and how many have been granted: who waits for one may only look after the next one has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wishes {
    wish: Wish,
    granted: u64,
}

/// Holds the keys in force. A token that names a key that is not among them makes a wish; who can fetches newer ones and
/// then lets the cell rest, so that forged tokens cannot make anybody ask a provider all the time.
#[derive(Debug)]
pub struct KeySetCell {
    keys: RwLock<Arc<KeySet>>,
    wishes: watch::Sender<Wishes>,
}

impl Default for KeySetCell {
    /// No keys, and the wish for some.
    fn default() -> Self {
        Self { keys: RwLock::default(), wishes: watch::Sender::new(Wishes { wish: Wish::Made, granted: 0 }) }
    }
}

impl KeySetCell {
    /// Puts these keys in force.
    pub fn put(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Waits until newer keys are asked for. Cancel-safe.
    pub async fn wished(&self) {
        // The sender is here: it cannot be gone.
        let _: Result<_, _> = self.wishes.subscribe().wait_for(|wishes| wishes.wish == Wish::Made).await;
    }

    /// Grants the wish, whether newer keys were found or not. No other one is taken until the cell is opened.
    pub fn rest(&self) {
        self.wishes.send_modify(|wishes| {
            wishes.wish = Wish::Resting;
            wishes.granted += 1;
        });
    }

    /// Takes wishes again.
    pub fn open(&self) {
        self.turn(Wish::Resting, Wish::Open);
    }

    pub(crate) fn get(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wishes for newer keys and waits for them; whether the wish was granted. Cancel-safe.
    pub(crate) async fn newer(&self) -> bool {
        let mut seen = self.wishes.subscribe();
        let before = *seen.borrow_and_update();
        if before.wish == Wish::Resting {
            return false;
        }
        self.turn(Wish::Open, Wish::Made);
        matches!(timeout(WAIT_MAX, seen.wait_for(|wishes| wishes.granted != before.granted)).await, Ok(Ok(_)))
    }

    fn turn(&self, from: Wish, to: Wish) {
        self.wishes.send_if_modified(|wishes| {
            let is_changed = wishes.wish == from;
            if is_changed {
                wishes.wish = to;
            }
            is_changed
        });
    }
}
