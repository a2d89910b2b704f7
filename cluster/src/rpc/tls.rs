//! Who a member is on the wire: a certificate of the cluster's own CA with the member's number as its name.

use crate::catalog::Fingerprint;
use crate::id::MemberId;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::time::Duration;
use tonic::transport::{Certificate, CertificateDer, ClientTlsConfig, Identity, ServerTlsConfig};
use webpki::{EndEntityCert, KeyUsage};

const NAME_START: &str = "member-";
const NAME_END: &str = ".custody";

/// A member's certificate and key, and the CA that all members trust. PEM.
#[derive(Clone)]
pub struct MemberTls {
    /// The cluster's CA.
    pub ca: Vec<u8>,
    /// The member's certificate: its only DNS name is [`member_name`].
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl fmt::Debug for MemberTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberTls").finish_non_exhaustive()
    }
}

/// Why a member does not know who calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// No certificate.
    #[error("the caller has shown no certificate")]
    NoCertificate,
    /// A certificate that names no member, or several.
    #[error("the caller's certificate does not name one member")]
    NotAMember,
    /// A certificate of another member, or of another key.
    #[error("the certificate is for another member or another key")]
    OfAnother,
    /// A certificate that the CA has not signed.
    #[error("the certificate was not signed by the cluster's CA")]
    Untrusted,
}

/// The name of a member in its certificate.
pub fn member_name(member: MemberId) -> String {
    format!("{NAME_START}{member}{NAME_END}")
}

impl MemberTls {
    /// Calls `target` and nobody else.
    pub(super) fn client(&self, target: MemberId) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.ca))
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .domain_name(member_name(target))
    }

    /// Answers those whom the CA has certified; with `strangers`, also those who show no certificate.
    pub(super) fn server(&self, strangers: bool) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .client_ca_root(Certificate::from_pem(&self.ca))
            .client_auth_optional(strangers)
    }
}

/// Calls `target` and nobody else, without a certificate.
pub(super) fn stranger(ca: &[u8], target: MemberId) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name(member_name(target))
}

/// A certificate that somebody was given. All DER.
#[derive(Debug, Clone, Copy)]
pub struct NewCertificate<'a> {
    /// The certificate.
    pub certificate: &'a [u8],
    /// The CA that is to have signed it.
    pub ca: &'a [u8],
    /// The member that it is to name.
    pub member: MemberId,
    /// The SubjectPublicKeyInfo that it is to certify.
    pub public_key: &'a [u8],
}

impl NewCertificate<'_> {
    /// Whether it is what it is to be, at a time since 1970.
    pub fn check(&self, now: Duration) -> Result<(), TlsError> {
        let (der, ca) = (CertificateDer::from(self.certificate), CertificateDer::from(self.ca));
        let (member, _) = caller(std::slice::from_ref(&der))?;
        let certificate = EndEntityCert::try_from(&der).map_err(|_| TlsError::NotAMember)?;
        let is_own = &*certificate.subject_public_key_info() == self.public_key;
        if member != self.member || !is_own {
            return Err(TlsError::OfAnother);
        }
        let anchor = webpki::anchor_from_trusted_cert(&ca).map_err(|_| TlsError::Untrusted)?;
        let now = UnixTime::since_unix_epoch(now);
        for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
            let anchors = std::slice::from_ref(&anchor);
            let algorithms = webpki::ALL_VERIFICATION_ALGS;
            certificate
                .verify_for_usage(algorithms, anchors, &[], now, usage, None, None)
                .map_err(|_| TlsError::Untrusted)?;
        }
        Ok(())
    }
}

/// Who has shown these certificates, which the CA was found to have signed, and the key that they prove.
pub(super) fn caller(certificates: &[CertificateDer<'_>]) -> Result<(MemberId, Fingerprint), TlsError> {
    let own = certificates.first().ok_or(TlsError::NoCertificate)?;
    let certificate = EndEntityCert::try_from(own).map_err(|_| TlsError::NotAMember)?;
    let mut names = certificate.valid_dns_names();
    let (Some(name), None) = (names.next(), names.next()) else { return Err(TlsError::NotAMember) };
    let number = name.strip_prefix(NAME_START).and_then(|name| name.strip_suffix(NAME_END));
    let member = number.and_then(|number| number.parse().ok()).ok_or(TlsError::NotAMember)?;
    Ok((member, fingerprint(&certificate.subject_public_key_info())))
}

/// The fingerprint of a certificate, PEM; none if it is no member's.
pub fn fingerprint_of(certificate: &[u8]) -> Option<Fingerprint> {
    let der = CertificateDer::from_pem_slice(certificate).ok()?;
    Some(caller(std::slice::from_ref(&der)).ok()?.1)
}

/// SHA-256 of a SubjectPublicKeyInfo.
pub fn fingerprint(public_key: &[u8]) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, public_key).as_ref());
    fingerprint
}
