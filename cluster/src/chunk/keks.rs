//! The KEKs that one member holds, and how one reaches another member.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ring::aead::{Aad, NONCE_LEN, Nonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::{DataKey, KEY_BYTES, Kek, KekCheck, KekId, NoRandomness, Random, UnwrapError, WrappedKey};
use crate::id::{MemberId, RecordingId};

const SEAL_LABEL: &[u8] = b"custody kek 1";

/// Where a member's KEKs outlive its process: a file, or what takes its place.
pub trait KekStore: Send + Sync {
    /// Replaces what is stored by these, the lowest number first: durably, or not at all.
    fn store(&self, keks: &[Arc<Kek>]) -> io::Result<()>;
}

/// What is made of one KEK alone forgets all others at the end of the process: for tests and tools.
struct Unstored;

impl KekStore for Unstored {
    fn store(&self, _: &[Arc<Kek>]) -> io::Result<()> {
        Ok(())
    }
}

/// The KEKs of a member: the one that wraps new keys; older ones until nothing is wrapped with them any more; the next one.
/// There is always one.
pub struct Keks {
    held: RwLock<BTreeMap<KekId, Arc<Kek>>>,
    /// Locked while the held ones are replaced, so that nobody waits for the disk to read them.
    store: Mutex<Box<dyn KekStore>>,
}

/// No KEK was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected at least one KEK")]
pub struct NoKek;

/// A KEK on its way to a member, encrypted under another one that both hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKek {
    /// Its number.
    pub kek: KekId,
    /// The number of the one that encrypts it.
    pub under: KekId,
    nonce: [u8; NONCE_LEN],
    /// The key, encrypted, and tag.
    sealed: Vec<u8>,
}

impl From<Kek> for Keks {
    fn from(kek: Kek) -> Self {
        let held = RwLock::new(BTreeMap::from([(kek.id(), Arc::new(kek))]));
        Self { held, store: Mutex::new(Box::new(Unstored)) }
    }
}

impl Keks {
    /// The KEKs that were found where they are stored.
    pub fn new(keks: Vec<Kek>, store: Box<dyn KekStore>) -> Result<Self, NoKek> {
        let held: BTreeMap<_, _> = keks.into_iter().map(|kek| (kek.id(), Arc::new(kek))).collect();
        if held.is_empty() {
            return Err(NoKek);
        }
        Ok(Self { held: RwLock::new(held), store: Mutex::new(store) })
    }

    /// One of them.
    pub fn get(&self, kek: KekId) -> Option<Arc<Kek>> {
        self.read(|held| held.get(&kek).cloned())
    }

    /// The one with the highest number.
    pub fn newest(&self) -> Arc<Kek> {
        self.read(|held| held.last_key_value().map(|(_, kek)| Arc::clone(kek))).expect("there is always one")
    }

    /// The numbers and check values of all, the lowest number first.
    pub fn checks(&self) -> Vec<(KekId, KekCheck)> {
        self.read(|held| held.iter().map(|(id, kek)| (*id, kek.check_value())).collect())
    }

    /// Takes one more, in the place of another of its number: durable when this returns. Waits for the disk.
    pub fn add(&self, kek: Kek) -> io::Result<()> {
        self.replace(|held| drop(held.insert(kek.id(), Arc::new(kek))))
    }

    /// Forgets some, unless that were all: durably. Waits for the disk. What the disk itself keeps of the older file is
    /// beyond a program.
    pub fn remove(&self, gone: &[KekId]) -> io::Result<()> {
        self.replace(|held| {
            if held.keys().any(|id| !gone.contains(id)) {
                held.retain(|id, _| !gone.contains(id));
            }
        })
    }

    /// Decrypts a data key of `recording` with the KEK that wraps it.
    pub fn unwrap(&self, recording: RecordingId, wrapped: &WrappedKey) -> Result<DataKey, UnwrapError> {
        let kek = self.get(wrapped.kek()).ok_or(UnwrapError::KekMissing { kek: wrapped.kek() })?;
        DataKey::unwrap(recording, wrapped, &kek)
    }

    /// Encrypts a KEK for a member, under the newest other one that both hold; none when there is none.
    pub(crate) fn seal(
        &self,
        kek: KekId,
        common: &[KekId],
        to: MemberId,
        random: &dyn Random,
    ) -> Result<Option<SealedKek>, NoRandomness> {
        let others = common.iter().filter(|other| **other != kek).filter_map(|other| self.get(*other));
        let (Some(under), Some(kek)) = (others.max_by_key(|other| other.id()), self.get(kek)) else {
            return Ok(None);
        };
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut sealed = kek.to_bytes().to_vec();
        let aad = Aad::from(seal_aad(kek.id(), under.id(), to));
        under
            .cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("32 bytes are within the limits of AES-256-GCM");
        Ok(Some(SealedKek { kek: kek.id(), under: under.id(), nonce, sealed }))
    }

    /// Decrypts a KEK that was encrypted for this member; none when it was not, or not by a KEK that is held here.
    pub(crate) fn open(&self, sealed: SealedKek, me: MemberId) -> Option<Kek> {
        let SealedKek { kek, under, nonce, sealed } = sealed;
        let mut bytes = Zeroizing::new(sealed);
        let aad = Aad::from(seal_aad(kek, under, me));
        let under = self.get(under)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = under.cipher().open_in_place(nonce, aad, &mut bytes).ok()?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(plain.get(..KEY_BYTES).filter(|key| key.len() == plain.len())?);
        Some(Kek::from_bytes(kek, key))
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<KekId, Arc<Kek>>) -> T) -> T {
        look(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, change: impl FnOnce(&mut BTreeMap<KekId, Arc<Kek>>)) -> io::Result<()> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.read(Clone::clone);
        change(&mut next);
        let all: Vec<Arc<Kek>> = next.values().cloned().collect();
        store.store(&all)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl std::fmt::Debug for Keks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keks").field("held", &self.checks()).finish_non_exhaustive()
    }
}

fn seal_aad(kek: KekId, under: KekId, to: MemberId) -> Vec<u8> {
    let numbers = [kek.0, under.0, to.0].map(u64::to_be_bytes);
    [SEAL_LABEL, numbers.as_flattened()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    type Stored = Arc<Mutex<Option<Vec<KekId>>>>;

    /// Keeps what is stored, unless it is to fail.
    struct Told(Stored);

    impl KekStore for Told {
        fn store(&self, keks: &[Arc<Kek>]) -> io::Result<()> {
            match &mut *self.0.lock().unwrap() {
                Some(stored) => *stored = keks.iter().map(|kek| kek.id()).collect(),
                None => return Err(io::Error::other("full")),
            }
            Ok(())
        }
    }

    fn kek(id: u64) -> Kek {
        Kek::from_bytes(KekId(id), Zeroizing::new([u8::try_from(id).unwrap(); KEY_BYTES]))
    }

    fn ids(keks: &Keks) -> Vec<u64> {
        keks.checks().iter().map(|(id, _)| id.0).collect()
    }

    #[test]
    fn what_is_held_is_what_is_stored_and_there_is_always_one() {
        let stored: Stored = Arc::new(Mutex::new(Some(Vec::new())));
        let keks = Keks::new(vec![kek(1)], Box::new(Told(Arc::clone(&stored)))).unwrap();
        keks.add(kek(2)).unwrap();
        assert_eq!((ids(&keks), keks.newest().id()), (vec![1, 2], KekId(2)));
        assert_eq!(stored.lock().unwrap().take(), Some(vec![KekId(1), KekId(2)]));
        assert!(keks.add(kek(3)).is_err());
        assert!(keks.remove(&[KekId(1)]).is_err());
        assert_eq!(ids(&keks), [1, 2]);
        *stored.lock().unwrap() = Some(Vec::new());
        keks.remove(&[KekId(1), KekId(7)]).unwrap();
        keks.remove(&[KekId(2)]).unwrap();
        assert_eq!((ids(&keks), stored.lock().unwrap().clone()), (vec![2], Some(vec![KekId(2)])));
        assert_eq!(Keks::new(Vec::new(), Box::new(Unstored)).unwrap_err(), NoKek);
    }

    #[test]
    fn a_sealed_kek_opens_for_its_member_under_the_same_kek_only() {
        let (one, two) = (Keks::from(kek(1)), Keks::from(kek(1)));
        one.add(kek(2)).unwrap();
        let random = SystemRandom::new();
        let seal = |common: &[KekId]| one.seal(KekId(2), common, MemberId(7), &random).unwrap();
        let sealed = seal(&[KekId(1), KekId(9)]).unwrap();
        let opened = two.open(sealed.clone(), MemberId(7)).unwrap();
        assert_eq!((opened.id(), opened.check_value()), (KekId(2), kek(2).check_value()));
        assert!(two.open(sealed.clone(), MemberId(8)).is_none());
        assert!(two.open(SealedKek { kek: KekId(3), ..sealed.clone() }, MemberId(7)).is_none());
        let stranger = Keks::from(Kek::from_bytes(KekId(1), Zeroizing::new([9; KEY_BYTES])));
        assert!(stranger.open(sealed, MemberId(7)).is_none());
        assert_eq!(seal(&[KekId(2)]), None);
        assert_eq!(one.seal(KekId(3), &[KekId(1)], MemberId(7), &random).unwrap(), None);
    }
}
