//! Certificates of members, for as long as a demonstration.

use super::error::DemoError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::path::{Path, PathBuf};

/// A CA of its own.
pub(super) struct Certificates(CertifiedIssuer<'static, KeyPair>);

/// Where what a member shows stands, as PEM.
pub(super) struct MemberFiles {
    pub(super) ca: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificates {
    pub(super) fn new() -> Result<Self, DemoError> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Makes what a member shows, in its folder.
    pub(super) fn write(&self, member: u64, folder: &Path) -> Result<MemberFiles, DemoError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![format!("member-{member}.custody")])?;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0)?;
        let files = MemberFiles {
            ca: folder.join("ca.pem"),
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        let texts = [
            (&files.ca, self.0.pem()),
            (&files.certificate, certificate.pem()),
            (&files.key, key.serialize_pem()),
        ];
        for (path, text) in texts {
            std::fs::write(path, text).map_err(|source| DemoError::Folder { path: path.clone(), source })?;
        }
        Ok(files)
    }
}
