//! Certificates of members, for as long as a test.

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use std::path::Path;

/// A CA of its own.
pub(crate) struct Certificates(CertifiedIssuer<'static, KeyPair>);

impl Certificates {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Writes what a member shows into a new folder.
    pub(crate) fn write(&self, member: u64, folder: &Path) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![format!("member-{member}.custody")])?;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0)?.pem();
        std::fs::create_dir(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(folder.join("ca.pem"), self.0.pem())?;
        std::fs::write(folder.join("certificate.pem"), certificate)?;
        Ok(std::fs::write(folder.join("key.pem"), key.serialize_pem())?)
    }
}
