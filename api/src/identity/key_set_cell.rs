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

/// Holds the keys in force. A token that names a key that is not among them makes a wish; who can fetches newer ones and
/// then lets the cell rest, so that forged tokens cannot make anybody ask a provider all the time.
#[derive(Debug)]
pub struct KeySetCell {
    keys: RwLock<Arc<KeySet>>,
    wish: watch::Sender<Wish>,
}

impl Default for KeySetCell {
    /// No keys, and the wish for some.
    fn default() -> Self {
        Self { keys: RwLock::default(), wish: watch::Sender::new(Wish::Made) }
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
        let _: Result<_, _> = self.wish.subscribe().wait_for(|wish| *wish == Wish::Made).await;
    }

    /// Grants the wish, whether newer keys were found or not. No other one is taken until the cell is opened.
    pub fn rest(&self) {
        self.wish.send_replace(Wish::Resting);
    }

    /// Takes wishes again.
    pub fn open(&self) {
        self.wish.send_if_modified(|wish| {
            let is_changed = *wish == Wish::Resting;
            if is_changed {
                *wish = Wish::Open;
            }
            is_changed
        });
    }

    pub(crate) fn get(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wishes for newer keys and waits for them; whether the wish was granted. Cancel-safe.
    pub(crate) async fn newer(&self) -> bool {
        let mut seen = self.wish.subscribe();
        self.wish.send_if_modified(|wish| {
            let is_changed = *wish == Wish::Open;
            if is_changed {
                *wish = Wish::Made;
            }
            is_changed
        });
        if *seen.borrow_and_update() == Wish::Resting {
            return false;
        }
        matches!(timeout(WAIT_MAX, seen.wait_for(|wish| *wish == Wish::Resting)).await, Ok(Ok(_)))
    }
}
