//! Keys: the cluster's key encryption key (KEK), and the data keys that it wraps.
//!
//! A KEK wraps data keys, and the key of the cluster's CA, each under a label of its own. A recording has two data keys: one for its bytes and all objects that
//! show nothing more, one for the text that derives from its keystrokes. Record keys follow from a data key and
//! the chunk's identifiers ([`RecordKey`](super::RecordKey)).

use std::fmt;
use std::str::FromStr;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::fields::Fields;
use crate::id::{ParseIdError, RecordingId};

/// Bytes of a KEK and of a data key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a KEK's check value.
pub const CHECK_BYTES: usize = 16;
/// Bytes of a wrapped data key.
pub const WRAPPED_KEY_BYTES: usize = 72;

const WRAPPED_KEY_VERSION: u8 = 1;
const WRAP_LABEL: &[u8] = b"custody data key 1";
const CHECK_LABEL: &[u8] = b"custody kek check 1";

/// The number of a KEK, counted up by rotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KekId(pub u64);

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for KekId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = ParseIdError::NotDecimal { kind: "kek" };
        let id = text.parse().map(Self).map_err(|_| error.clone())?;
        if id.to_string() == text { Ok(id) } else { Err(error) }
    }
}

/// Proof of which KEK a member holds; it tells nothing about the key.
pub type KekCheck = [u8; CHECK_BYTES];

/// The source of randomness gave none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct NoRandomness;

/// A source of bytes that nobody can foretell. It is not ring's trait, which takes no other implementation: a
/// simulation must repeat its keys, too.
pub trait Random: Send + Sync {
    /// Fills `into`.
    fn fill(&self, into: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system's randomness.
impl Random for SystemRandom {
    fn fill(&self, into: &mut [u8]) -> Result<(), NoRandomness> {
        SecureRandom::fill(self, into).map_err(|_| NoRandomness)
    }
}

/// What a data key encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyPurpose {
    /// The recording, its videos and packets.
    Bytes,
    /// Keystrokes and search text that derive from the recording.
    Text,
}

impl KeyPurpose {
    fn code(self) -> u8 {
        match self {
            Self::Bytes => 1,
            Self::Text => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Bytes),
            2 => Some(Self::Text),
            _ => None,
        }
    }
}

/// The cluster's key encryption key. Cleared from memory when dropped.
pub struct Kek {
    id: KekId,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Kek {
    /// A new key, made when a cluster is or when its KEK is rotated.
    pub fn generate(id: KekId, random: &dyn Random) -> Result<Self, NoRandomness> {
        Ok(Self { id, key: random_key(random)? })
    }

    /// A key that was kept in a file or a credential.
    pub fn from_bytes(id: KekId, key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { id, key }
    }

    /// The key itself, to be exported or sealed to a joining member.
    pub fn to_bytes(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        self.key.clone()
    }

    /// Its number.
    pub fn id(&self) -> KekId {
        self.id
    }

    /// A member whose check value is not the cluster's holds another key and is not ready.
    pub fn check_value(&self) -> KekCheck {
        let mut check = [0; CHECK_BYTES];
        expand(&*self.key, CHECK_LABEL, &[&self.id.0.to_be_bytes()], &mut check);
        check
    }

    pub(crate) fn cipher(&self) -> LessSafeKey {
        cipher(&self.key)
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kek").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The key of one recording for one purpose. Cleared from memory when dropped.
pub struct DataKey {
    recording: RecordingId,
    purpose: KeyPurpose,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

/// A data key as the catalog keeps it: useless without the KEK and under any other identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    purpose: KeyPurpose,
    kek: KekId,
    nonce: [u8; NONCE_LEN],
    sealed: [u8; SEALED_BYTES],
}

const SEALED_BYTES: usize = KEY_BYTES + 16;

/// Why a data key could not be unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// The bytes are no wrapped key of a version that is known here.
    #[error("a wrapped key has {WRAPPED_KEY_BYTES} bytes of version {WRAPPED_KEY_VERSION}")]
    Malformed,
    /// Another KEK wrapped it.
    #[error("the key was wrapped by KEK {expected}, not by {actual}")]
    OtherKek {
        /// The KEK that wrapped the key.
        expected: KekId,
        /// The KEK that was tried.
        actual: KekId,
    },
    /// This member does not hold the KEK that wrapped it.
    #[error("KEK {kek}, which wrapped the key, is not held here")]
    KekMissing {
        /// Which.
        kek: KekId,
    },
    /// The KEK's bytes, the recording or the wrapped key differ from what was wrapped.
    #[error("the key of recording {recording} does not unwrap with KEK {kek}")]
    Unauthentic {
        /// Whose key it should be.
        recording: RecordingId,
        /// The KEK that was tried.
        kek: KekId,
    },
}

impl DataKey {
    /// A new key for a recording that has none for this purpose.
    pub fn generate(
        recording: RecordingId,
        purpose: KeyPurpose,
        random: &dyn Random,
    ) -> Result<Self, NoRandomness> {
        Ok(Self { recording, purpose, key: random_key(random)? })
    }

    /// The recording whose key this is.
    pub fn recording(&self) -> RecordingId {
        self.recording
    }

    /// Encrypts the key under `kek`; each call gives other bytes.
    pub fn wrap(&self, kek: &Kek, random: &dyn Random) -> Result<WrappedKey, NoRandomness> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let aad = wrap_aad(self.recording, self.purpose, kek.id);
        let mut sealed = [0; SEALED_BYTES];
        let (plain, tag) = sealed.split_at_mut(KEY_BYTES);
        plain.copy_from_slice(&*self.key);
        let made = kek
            .cipher()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), plain)
            .expect("32 bytes are within the limits of AES-256-GCM");
        tag.copy_from_slice(made.as_ref());
        Ok(WrappedKey { purpose: self.purpose, kek: kek.id, nonce, sealed })
    }

    /// Decrypts the key of `recording`.
    pub fn unwrap(recording: RecordingId, wrapped: &WrappedKey, kek: &Kek) -> Result<Self, UnwrapError> {
        if wrapped.kek != kek.id {
            return Err(UnwrapError::OtherKek { expected: wrapped.kek, actual: kek.id });
        }
        let aad = wrap_aad(recording, wrapped.purpose, kek.id);
        let mut sealed = Zeroizing::new(wrapped.sealed);
        let nonce = Nonce::assume_unique_for_key(wrapped.nonce);
        let plain = kek
            .cipher()
            .open_in_place(nonce, Aad::from(aad), &mut *sealed)
            .map_err(|_| UnwrapError::Unauthentic { recording, kek: kek.id })?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(plain);
        Ok(Self { recording, purpose: wrapped.purpose, key })
    }

    /// The cipher whose key is HKDF-SHA256(data key, `info`).
    pub(crate) fn derive_cipher(&self, label: &'static [u8], info: &[u8]) -> LessSafeKey {
        cipher(&self.derive(label, info))
    }

    /// HKDF-SHA256(data key, `info`).
    pub(crate) fn derive(&self, label: &'static [u8], info: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        expand(&*self.key, label, &[info], &mut *key);
        key
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("recording", &self.recording)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl WrappedKey {
    /// The KEK that wrapped it: a rotation re-wraps what other KEKs wrapped.
    pub fn kek(&self) -> KekId {
        self.kek
    }

    /// The stored form, version 1.
    pub fn to_bytes(&self) -> [u8; WRAPPED_KEY_BYTES] {
        let mut bytes = [0; WRAPPED_KEY_BYTES];
        bytes[0] = WRAPPED_KEY_VERSION;
        bytes[1] = self.purpose.code();
        bytes[4..12].copy_from_slice(&self.kek.0.to_be_bytes());
        bytes[12..24].copy_from_slice(&self.nonce);
        bytes[24..].copy_from_slice(&self.sealed);
        bytes
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnwrapError> {
        Self::decode(bytes).ok_or(UnwrapError::Malformed)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u8()? != WRAPPED_KEY_VERSION {
            return None;
        }
        let purpose = KeyPurpose::from_code(fields.u8()?)?;
        fields.zeros(2)?;
        let kek = KekId(fields.u64()?);
        let wrapped = Self { purpose, kek, nonce: fields.array()?, sealed: fields.array()? };
        fields.0.is_empty().then_some(wrapped)
    }
}

fn wrap_aad(recording: RecordingId, purpose: KeyPurpose, kek: KekId) -> Vec<u8> {
    let mut aad = WRAP_LABEL.to_vec();
    aad.push(WRAPPED_KEY_VERSION);
    aad.push(purpose.code());
    aad.extend_from_slice(&kek.0.to_be_bytes());
    aad.extend_from_slice(&recording.0);
    aad
}

fn random_key(random: &dyn Random) -> Result<Zeroizing<[u8; KEY_BYTES]>, NoRandomness> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    random.fill(&mut *key)?;
    Ok(key)
}

fn cipher(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes keys of 32 bytes"))
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA256 with `label` as the salt and `info`, one after the other (RFC 5869).
pub(crate) fn expand(key: &[u8], label: &[u8], info: &[&[u8]], into: &mut [u8]) {
    let pseudo_random = Salt::new(HKDF_SHA256, label).extract(key);
    pseudo_random
        .expand(info, Length(into.len()))
        .and_then(|material| material.fill(into))
        .expect("HKDF-SHA256 gives up to 8160 bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDING: RecordingId = RecordingId([7; 16]);

    fn kek(id: u64, byte: u8) -> Kek {
        Kek::from_bytes(KekId(id), Zeroizing::new([byte; KEY_BYTES]))
    }

    fn wrapped() -> (DataKey, WrappedKey) {
        let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &SystemRandom::new()).unwrap();
        let wrapped = key.wrap(&kek(1, 1), &SystemRandom::new()).unwrap();
        (key, wrapped)
    }

    #[test]
    fn a_key_unwraps_with_the_kek_that_wrapped_it() {
        let (key, wrapped) = wrapped();
        let stored = WrappedKey::from_bytes(&wrapped.to_bytes()).unwrap();
        assert_eq!(stored, wrapped);
        let again = DataKey::unwrap(RECORDING, &stored, &kek(1, 1)).unwrap();
        assert_eq!((again.recording, again.purpose, *again.key), (RECORDING, KeyPurpose::Bytes, *key.key));
    }

    #[test]
    fn a_key_unwraps_with_no_other_kek_and_for_no_other_recording() {
        let (_, wrapped) = wrapped();
        assert_eq!(
            DataKey::unwrap(RECORDING, &wrapped, &kek(2, 1)).unwrap_err(),
            UnwrapError::OtherKek { expected: KekId(1), actual: KekId(2) }
        );
        assert_eq!(
            DataKey::unwrap(RECORDING, &wrapped, &kek(1, 2)).unwrap_err(),
            UnwrapError::Unauthentic { recording: RECORDING, kek: KekId(1) }
        );
        let other = RecordingId([8; 16]);
        assert_eq!(
            DataKey::unwrap(other, &wrapped, &kek(1, 1)).unwrap_err(),
            UnwrapError::Unauthentic { recording: other, kek: KekId(1) }
        );
    }

    #[test]
    fn no_bit_of_a_wrapped_key_can_change() {
        let (_, wrapped) = wrapped();
        for bit in 0..8 * WRAPPED_KEY_BYTES {
            let mut bytes = wrapped.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read =
                WrappedKey::from_bytes(&bytes).and_then(|key| DataKey::unwrap(RECORDING, &key, &kek(1, 1)));
            assert!(read.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn check_values_tell_keks_apart() {
        assert_eq!(kek(1, 1).check_value(), kek(1, 1).check_value());
        assert_ne!(kek(1, 1).check_value(), kek(1, 2).check_value());
        assert_ne!(kek(1, 1).check_value(), kek(2, 1).check_value());
    }
}
