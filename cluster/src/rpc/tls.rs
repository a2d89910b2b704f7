//! Who a member is on the wire: a certificate of the cluster's own CA with the member's number as its name.

use crate::id::MemberId;
use std::fmt;
use tonic::transport::{Certificate, CertificateDer, ClientTlsConfig, Identity, ServerTlsConfig};
use webpki::EndEntityCert;

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

    /// Answers those whom the CA has certified.
    pub(super) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .client_ca_root(Certificate::from_pem(&self.ca))
    }
}

/// Who has shown these certificates, which the CA was found to have signed.
pub(super) fn caller(certificates: &[CertificateDer<'_>]) -> Result<MemberId, TlsError> {
    let own = certificates.first().ok_or(TlsError::NoCertificate)?;
    let certificate = EndEntityCert::try_from(own).map_err(|_| TlsError::NotAMember)?;
    let mut names = certificate.valid_dns_names();
    let (Some(name), None) = (names.next(), names.next()) else { return Err(TlsError::NotAMember) };
    let number = name.strip_prefix(NAME_START).and_then(|name| name.strip_suffix(NAME_END));
    number.and_then(|number| number.parse().ok()).ok_or(TlsError::NotAMember)
}
