//! Keys that an older KEK wraps are wrapped by the current one, until there are none.

use super::Cluster;
use super::kek::{KekError, LOOK_EVERY, OBJECTS_AT_ONCE};
use super::shared::Shared;
use crate::catalog::{Command, KekRow, KekState, REWRAP_MAX, Rewrap, RewrapCa, WrappedKeys};
use crate::chunk::key::{Kek, KekId, WrappedKey};
use crate::id::{ObjectId, RecordingId};
use crate::joining::{ca_key_kek, seal_ca_key};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long to wait after keys that were wrapped anew, and how many times longer while somebody waits for this member.
const PAUSE: Duration = Duration::from_millis(5);
const YIELD_FACTOR: u32 = 4;

/// A walk that finds what older KEKs wrap. One that begins once a KEK is the current one, and finds nothing, has seen that
/// there is nothing: no key is wrapped by an older one any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walk {
    current: KekId,
    after: Option<ObjectId>,
    has_found: bool,
}

/// Some keys, wrapped by the current KEK.
struct Rewrapped {
    commands: Vec<Rewrap>,
    /// Why others could not be. They keep their KEK.
    failure: Option<KekError>,
    /// Where to go on.
    next: Option<ObjectId>,
}

impl Walk {
    /// How much of it is done: recordings have random names, and are looked at in their order.
    pub(super) fn done_permille(self) -> Option<u16> {
        let [first, second, ..] = self.after?.recording.0;
        let share = u32::from(u16::from_be_bytes([first, second])) * 1000 / u32::from(u16::MAX);
        u16::try_from(share).ok()
    }
}

impl Cluster {
    /// Wraps some keys anew that an older KEK wraps. After a walk that has found none, older KEKs are retired.
    pub(super) async fn rewrap_some(
        &self,
        current: KekId,
        keks: &[(KekId, KekRow)],
    ) -> Result<Duration, KekError> {
        let worker = &self.shared.kek_worker;
        let begun = Walk { current, after: None, has_found: false };
        let walk = worker.lock().walk.filter(|walk| walk.current == current).unwrap_or(begun);
        worker.lock().walk = Some(walk);
        let shared = Arc::clone(&self.shared);
        let look = move || shared.rewrapped(current, walk.after);
        let found = self.shared.readers.run(look).await.ok_or(KekError::Stopped)??;
        let Rewrapped { commands, failure, next } = found;
        let has_found = walk.has_found || !commands.is_empty() || failure.is_some();
        for rewrap in commands {
            let count = u64::try_from(rewrap.keys.len()).unwrap_or(0);
            self.submit(Command::Rewrap(rewrap)).await?;
            worker.rewrapped.fetch_add(count, Ordering::Relaxed);
        }
        if let Some(failure) = failure {
            worker.lock().last_error = Some(failure.to_string());
        }
        if next.is_some() {
            worker.lock().walk = Some(Walk { after: next, has_found, ..walk });
            return Ok(if self.operations() == 0 { PAUSE } else { PAUSE * YIELD_FACTOR });
        }
        worker.lock().walk = None;
        if !has_found {
            self.rewrap_ca(current).await?;
            for (kek, _) in keks.iter().filter(|(_, row)| row.state == KekState::Old) {
                self.submit(Command::RetireKek { kek: *kek }).await?;
            }
        }
        Ok(LOOK_EVERY)
    }

    /// Seals the CA's key under the current KEK.
    async fn rewrap_ca(&self, current: KekId) -> Result<(), KekError> {
        let Some(ca) = self.catalog()?.ca()? else { return Ok(()) };
        let from = ca_key_kek(&ca.sealed_key)?;
        if from == current {
            return Ok(());
        }
        let kek = self.shared.keks.get(current).ok_or(KekError::KekElsewhere { kek: current })?;
        let key = self.shared.ca_key(&ca)?;
        let sealed_key = seal_ca_key(&kek, &ca.certificate, &key, &*self.shared.random)?;
        self.submit(Command::RewrapCa(RewrapCa { from, to: current, sealed_key })).await?;
        Ok(())
    }
}

impl Shared {
    fn rewrapped(&self, current: KekId, after: Option<ObjectId>) -> Result<Rewrapped, KekError> {
        let found = self.catalog()?.wrapped_before(current, after, (OBJECTS_AT_ONCE, REWRAP_MAX))?;
        let kek = self.keks.get(current).ok_or(KekError::KekElsewhere { kek: current })?;
        let (mut commands, mut failure) = (Vec::<Rewrap>::new(), None);
        for (recording, older) in found.keys {
            let from = older.kek;
            match self.wrapped_anew(recording, &older, &kek) {
                Ok(keys) => match commands.iter_mut().find(|rewrap| rewrap.from == from) {
                    Some(rewrap) => rewrap.keys.push((recording, keys)),
                    None => commands.push(Rewrap { from, keys: vec![(recording, keys)] }),
                },
                Err(error) => failure = Some(error),
            }
        }
        Ok(Rewrapped { commands, failure, next: found.next })
    }

    fn wrapped_anew(
        &self,
        recording: RecordingId,
        older: &WrappedKeys,
        kek: &Kek,
    ) -> Result<WrappedKeys, KekError> {
        let wrap = |wrapped: &[u8]| -> Result<Vec<u8>, KekError> {
            let key = self.keks.unwrap(recording, &WrappedKey::from_bytes(wrapped)?)?;
            Ok(key.wrap(kek, &*self.random)?.to_bytes().to_vec())
        };
        Ok(WrappedKeys { kek: kek.id(), data: wrap(&older.data)?, derived: wrap(&older.derived)? })
    }
}
