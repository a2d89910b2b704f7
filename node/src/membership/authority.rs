//! The cluster's CA at work. Certificates do not expire: who is to be heard no more is removed from the catalog.

use cluster::id::MemberId;
use cluster::rpc::member_name;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use zeroize::Zeroizing;

/// What the SubjectPublicKeyInfo of a P-256 key begins with (RFC 5480); 65 bytes of an uncompressed point follow.
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of an uncompressed point, and the first of them.
const POINT_BYTES: usize = 65;
const POINT_HEAD: u8 = 4;

/// The CA, its private key opened.
pub(super) struct Authority(Issuer<'static, KeyPair>);

/// A new CA.
pub(super) struct NewAuthority {
    /// Its certificate, DER.
    pub(super) certificate: Vec<u8>,
    /// Its private key, PKCS #8, DER.
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl NewAuthority {
    /// Makes one.
    pub(super) fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params()?.self_signed(&key)?;
        Ok(Self { certificate: certificate.der().to_vec(), key: Zeroizing::new(key.serialize_der()) })
    }
}

impl Authority {
    /// The CA of a private key.
    pub(super) fn open(key: &[u8]) -> Result<Self, rcgen::Error> {
        Ok(Self(Issuer::new(params()?, KeyPair::try_from(key)?)))
    }

    /// Certifies a member's public key; DER.
    pub(super) fn certify(&self, member: MemberId, key: &PublicKey) -> Result<Vec<u8>, rcgen::Error> {
        let mut params = CertificateParams::new(vec![member_name(member)])?;
        params.distinguished_name = name(&member_name(member));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params.signed_by(key, &self.0)?.der().to_vec())
    }
}

/// What the certificates of a CA have in common with it.
fn params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = name("Custody members");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// A public key of P-256, as members have it.
pub(super) struct PublicKey([u8; POINT_BYTES]);

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo, DER; none of another kind of key.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let point: [u8; POINT_BYTES] = der.strip_prefix(&P256_HEAD)?.try_into().ok()?;
        (point.first() == Some(&POINT_HEAD)).then_some(Self(point))
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// DER as PEM (RFC 7468).
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;
    let text = base64_simd::STANDARD.encode_to_string(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::rpc::{NewCertificate, TlsError};
    use std::time::Duration;

    /// In 2026.
    const NOW: Duration = Duration::from_secs(1_795_000_000);

    #[test]
    fn what_the_ca_has_signed_is_the_certificate_of_that_member_and_key() {
        let ca = NewAuthority::generate().unwrap();
        let authority = Authority::open(&ca.key).unwrap();
        let public_key = KeyPair::generate().unwrap().subject_public_key_info();
        let certificate = authority.certify(MemberId(7), &PublicKey::from_der(&public_key).unwrap()).unwrap();
        let right = NewCertificate {
            certificate: &certificate,
            ca: &ca.certificate,
            member: MemberId(7),
            public_key: &public_key,
        };
        assert_eq!(right.check(NOW), Ok(()));
        assert_eq!(NewCertificate { member: MemberId(8), ..right }.check(NOW), Err(TlsError::OfAnother));
        let other = KeyPair::generate().unwrap().subject_public_key_info();
        assert_eq!(NewCertificate { public_key: &other, ..right }.check(NOW), Err(TlsError::OfAnother));
        let other = NewAuthority::generate().unwrap().certificate;
        assert_eq!(NewCertificate { ca: &other, ..right }.check(NOW), Err(TlsError::Untrusted));
    }

    #[test]
    fn a_key_of_another_kind_is_none() {
        let der = KeyPair::generate().unwrap().subject_public_key_info();
        assert!(PublicKey::from_der(&der).is_some());
        assert!(PublicKey::from_der(&der[1..]).is_none() && PublicKey::from_der(&der[..90]).is_none());
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().subject_public_key_info();
        assert!(PublicKey::from_der(&other).is_none());
    }

    #[test]
    fn pem_is_what_others_write() {
        let key = KeyPair::generate().unwrap();
        let others = key.public_key_pem().replace("\r\n", "\n");
        assert_eq!(pem("PUBLIC KEY", &key.subject_public_key_info()), others);
    }
}
