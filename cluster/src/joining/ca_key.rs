//! The private key of the cluster's CA as the catalog keeps it: useless without the KEK and beside any other certificate.

use crate::chunk::key::{Kek, KekId, NoRandomness, Random};
use ring::aead::{Aad, NONCE_LEN, Nonce};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"custody ca key 1";
/// Version, zeros, KEK id.
const HEAD_BYTES: usize = 12;

/// Why the key cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaKeyError {
    /// The bytes are no sealed key of a version that is known here.
    #[error("a sealed CA key is of version {VERSION}")]
    Malformed,
    /// Another KEK sealed it.
    #[error("the CA key was sealed under KEK {expected}, not under {actual}")]
    OtherKek {
        /// The KEK that sealed the key.
        expected: KekId,
        /// The KEK that was tried.
        actual: KekId,
    },
    /// The KEK's bytes, the certificate or the sealed key differ from what was sealed.
    #[error("the CA key does not open with KEK {kek}")]
    Unauthentic {
        /// The KEK that was tried.
        kek: KekId,
    },
}

/// Seals the private key that belongs to a certificate: version, zeros, KEK id, nonce, ciphertext and tag.
pub fn seal_ca_key(
    kek: &Kek,
    certificate: &[u8],
    key: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, NoRandomness> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    let mut plain = Zeroizing::new(key.to_vec());
    let tag = kek
        .cipher()
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad(kek.id(), certificate)),
            &mut plain,
        )
        .expect("a key is within the limits of AES-256-GCM");
    let mut sealed = vec![VERSION, 0, 0, 0];
    sealed.extend_from_slice(&kek.id().0.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&plain);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// The KEK under which a key is sealed.
pub fn ca_key_kek(sealed: &[u8]) -> Result<KekId, CaKeyError> {
    let (start, rest) = sealed.split_first_chunk::<4>().ok_or(CaKeyError::Malformed)?;
    let id = rest.first_chunk::<8>().ok_or(CaKeyError::Malformed)?;
    match *start == [VERSION, 0, 0, 0] {
        true => Ok(KekId(u64::from_be_bytes(*id))),
        false => Err(CaKeyError::Malformed),
    }
}

/// The private key that belongs to a certificate.
pub fn open_ca_key(kek: &Kek, certificate: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CaKeyError> {
    let (expected, actual) = (ca_key_kek(sealed)?, kek.id());
    if expected != actual {
        return Err(CaKeyError::OtherKek { expected, actual });
    }
    let (_, rest) = sealed.split_first_chunk::<HEAD_BYTES>().ok_or(CaKeyError::Malformed)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CaKeyError::Malformed)?;
    let mut text = Zeroizing::new(text.to_vec());
    let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(aad(actual, certificate)));
    let opened = kek.cipher().open_in_place(nonce, aad, &mut text);
    let plain = opened.map_err(|_| CaKeyError::Unauthentic { kek: actual })?;
    Ok(Zeroizing::new(plain.to_vec()))
}

fn aad(kek: KekId, certificate: &[u8]) -> Vec<u8> {
    let mut aad = LABEL.to_vec();
    aad.push(VERSION);
    aad.extend_from_slice(&kek.0.to_be_bytes());
    aad.extend_from_slice(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    fn kek(id: u64, byte: u8) -> Kek {
        Kek::from_bytes(KekId(id), Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_key_opens_with_its_kek_beside_its_certificate_and_not_otherwise() {
        let sealed = seal_ca_key(&kek(1, 1), b"certificate", b"key", &SystemRandom::new()).unwrap();
        assert_eq!(*open_ca_key(&kek(1, 1), b"certificate", &sealed).unwrap(), b"key");
        let unauthentic = Err(CaKeyError::Unauthentic { kek: KekId(1) });
        assert_eq!(open_ca_key(&kek(1, 2), b"certificate", &sealed), unauthentic);
        assert_eq!(open_ca_key(&kek(1, 1), b"another", &sealed), unauthentic);
        let other = Err(CaKeyError::OtherKek { expected: KekId(1), actual: KekId(2) });
        assert_eq!(open_ca_key(&kek(2, 1), b"certificate", &sealed), other);
        for bit in 0..8 * sealed.len() {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open_ca_key(&kek(1, 1), b"certificate", &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open_ca_key(&kek(1, 1), b"certificate", &sealed[..length]).is_err(), "{length} bytes");
        }
    }
}
