//! The KEK on its way to a new member: ephemeral X25519 (RFC 7748) on both sides, HKDF-SHA256 (RFC 5869), AES-256-GCM.

use crate::chunk::key::{CHECK_BYTES, KEY_BYTES, Kek, KekId, NoRandomness, expand};
use crate::id::MemberId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"custody sealed kek 1";
/// Bytes of a public key of X25519.
const PUBLIC_BYTES: usize = 32;
/// Bytes of the tag.
const TAG_BYTES: usize = 16;

/// A KEK that one key pair opens, for one member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKek {
    /// Its number.
    pub id: KekId,
    /// Its check value.
    pub check: [u8; CHECK_BYTES],
    /// The sender's half of the agreement.
    pub public: [u8; PUBLIC_BYTES],
    /// The key, encrypted, and tag.
    sealed: Vec<u8>,
}

impl fmt::Debug for SealedKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedKek").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a KEK was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealedKekError {
    /// The other half of the agreement is none.
    #[error("the other half of the key agreement cannot be used")]
    Agreement,
    /// It was sealed for another key pair or another member, or was changed on its way.
    #[error("KEK {id} does not open here: it was sealed for somebody else, or changed")]
    Unauthentic {
        /// Its number.
        id: KekId,
    },
    /// Its check value is that of another key.
    #[error("KEK {id} does not have the check value that came with it")]
    Check {
        /// Its number.
        id: KekId,
    },
}

/// The receiver's half of the agreement. It opens one KEK and is gone.
pub struct KekReceiver {
    private: EphemeralPrivateKey,
    public: [u8; PUBLIC_BYTES],
}

impl fmt::Debug for KekReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KekReceiver").finish_non_exhaustive()
    }
}

impl KekReceiver {
    /// A new key pair.
    pub fn new(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let (private, public) = pair(random)?;
        Ok(Self { private, public })
    }

    /// What the sender needs.
    pub fn public(&self) -> [u8; PUBLIC_BYTES] {
        self.public
    }

    /// The KEK that was sealed for this key pair and this member.
    pub fn open(self, member: MemberId, sealed: &SealedKek) -> Result<Kek, SealedKekError> {
        let id = sealed.id;
        let info = Info { receiver: self.public, sender: sealed.public, member, id }.to_bytes();
        let key = agree(self.private, &sealed.public, &info)?;
        let mut text = Zeroizing::new(sealed.sealed.clone());
        let opened = key.open_in_place(nonce(), Aad::from(&*info), &mut text);
        let plain = opened.map_err(|_| SealedKekError::Unauthentic { id })?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if plain.len() != bytes.len() {
            return Err(SealedKekError::Unauthentic { id });
        }
        bytes.copy_from_slice(plain);
        let kek = Kek::from_bytes(id, bytes);
        match kek.check_value() == sealed.check {
            true => Ok(kek),
            false => Err(SealedKekError::Check { id }),
        }
    }
}

impl SealedKek {
    /// Seals a KEK for who has the private key to `receiver`, and is `member`.
    pub fn seal(
        kek: &Kek,
        member: MemberId,
        receiver: [u8; PUBLIC_BYTES],
        random: &dyn SecureRandom,
    ) -> Result<Self, SealedKekError> {
        let (private, public) = pair(random).map_err(|NoRandomness| SealedKekError::Agreement)?;
        let info = Info { receiver, sender: public, member, id: kek.id() }.to_bytes();
        let key = agree(private, &receiver, &info)?;
        let mut sealed = Vec::with_capacity(KEY_BYTES + TAG_BYTES);
        sealed.extend_from_slice(&*kek.to_bytes());
        key.seal_in_place_append_tag(nonce(), Aad::from(&*info), &mut sealed)
            .expect("32 bytes are within the limits of AES-256-GCM");
        Ok(Self { id: kek.id(), check: kek.check_value(), public, sealed })
    }
}

/// What both sides must agree about.
struct Info {
    receiver: [u8; PUBLIC_BYTES],
    sender: [u8; PUBLIC_BYTES],
    member: MemberId,
    id: KekId,
}

impl Info {
    fn to_bytes(&self) -> Vec<u8> {
        let (member, id) = (self.member.0.to_be_bytes(), self.id.0.to_be_bytes());
        [&self.receiver[..], &self.sender, &member, &id].concat()
    }
}

fn pair(random: &dyn SecureRandom) -> Result<(EphemeralPrivateKey, [u8; PUBLIC_BYTES]), NoRandomness> {
    let private = EphemeralPrivateKey::generate(&X25519, random).map_err(|_| NoRandomness)?;
    let public = private.compute_public_key().map_err(|_| NoRandomness)?;
    let public = public.as_ref().try_into().map_err(|_| NoRandomness)?;
    Ok((private, public))
}

/// The key of both sides. A half of small order is refused by ring.
fn agree(
    private: EphemeralPrivateKey,
    other: &[u8; PUBLIC_BYTES],
    info: &[u8],
) -> Result<LessSafeKey, SealedKekError> {
    let other = UnparsedPublicKey::new(&X25519, other);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    agree_ephemeral(private, &other, |shared| expand(shared, LABEL, &[info], &mut *key))
        .map_err(|_| SealedKekError::Agreement)?;
    let key = UnboundKey::new(&AES_256_GCM, &*key).map_err(|_| SealedKekError::Agreement)?;
    Ok(LessSafeKey::new(key))
}

/// Each key seals once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    const MEMBER: MemberId = MemberId(4);

    fn kek() -> Kek {
        Kek::from_bytes(KekId(3), Zeroizing::new([9; KEY_BYTES]))
    }

    fn sealed(receiver: &KekReceiver) -> SealedKek {
        SealedKek::seal(&kek(), MEMBER, receiver.public(), &SystemRandom::new()).unwrap()
    }

    #[test]
    fn only_the_receiver_opens_it_and_only_as_the_member_that_was_meant() {
        let receiver = || KekReceiver::new(&SystemRandom::new()).unwrap();
        let own = receiver();
        let sent = sealed(&own);
        let opened = own.open(MEMBER, &sent).unwrap();
        assert_eq!((opened.id(), opened.to_bytes()), (kek().id(), kek().to_bytes()));
        let unauthentic = SealedKekError::Unauthentic { id: KekId(3) };
        assert_eq!(receiver().open(MEMBER, &sent).unwrap_err(), unauthentic);
        let own = receiver();
        let sent = sealed(&own);
        assert_eq!(own.open(MemberId(5), &sent).unwrap_err(), unauthentic);
    }

    #[test]
    fn what_was_changed_on_its_way_is_refused() {
        type Change = fn(&mut SealedKek);
        let changes: [(Change, SealedKekError); 4] = [
            (|sent| sent.check[0] ^= 1, SealedKekError::Check { id: KekId(3) }),
            (|sent| sent.id = KekId(4), SealedKekError::Unauthentic { id: KekId(4) }),
            (|sent| sent.public = [0; 32], SealedKekError::Agreement),
            (|sent| sent.sealed[0] ^= 1, SealedKekError::Unauthentic { id: KekId(3) }),
        ];
        for (change, refused) in changes {
            let own = KekReceiver::new(&SystemRandom::new()).unwrap();
            let mut sent = sealed(&own);
            change(&mut sent);
            assert_eq!(own.open(MEMBER, &sent).unwrap_err(), refused);
        }
    }

    #[test]
    fn nothing_of_the_key_is_shown() {
        let own = KekReceiver::new(&SystemRandom::new()).unwrap();
        assert_eq!(format!("{:?}", sealed(&own)), "SealedKek { id: KekId(3), .. }");
    }
}
