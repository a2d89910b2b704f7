//! Certificates that are read again when their files change.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain as PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key as PEM.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be looked at.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no PEM of its kind.
    #[error("{} holds no usable PEM: {reason}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Key and certificate cannot be used together.
    #[error("certificate and key cannot be used")]
    Key(#[from] rustls::Error),
}

/// When both files were last changed.
type Changed = [SystemTime; 2];

struct Reloading {
    files: TlsFiles,
    look_every: Duration,
    current: Mutex<Current>,
}

struct Current {
    key: Arc<CertifiedKey>,
    changed: Changed,
    looked: Instant,
}

pub(crate) fn tls_config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let resolver = Arc::new(Reloading::open(files.clone(), LOOK_EVERY)?);
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_cert_resolver(resolver))
}

impl Reloading {
    fn open(files: TlsFiles, look_every: Duration) -> Result<Self, TlsError> {
        let current = Current { changed: changed(&files)?, key: load(&files)?, looked: Instant::now() };
        Ok(Self { files, look_every, current: Mutex::new(current) })
    }

    /// The key in use. Files that cannot be used leave the former one in use: half of a pair may be written yet.
    fn key(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= self.look_every {
            current.looked = Instant::now();
            if let Ok(changed) = changed(&self.files)
                && changed != current.changed
                && let Ok(key) = load(&self.files)
            {
                *current = Current { key, changed, looked: current.looked };
            }
        }
        Arc::clone(&current.key)
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key())
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").field("files", &self.files).finish_non_exhaustive()
    }
}

fn changed(files: &TlsFiles) -> Result<Changed, TlsError> {
    let of = |path: &Path| {
        let changed = fs::metadata(path).and_then(|metadata| metadata.modified());
        changed.map_err(|source| TlsError::File { path: path.to_owned(), source })
    };
    Ok([of(&files.certificate)?, of(&files.key)?])
}

fn load(files: &TlsFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |error: PemError| TlsError::Pem { path: path.clone(), reason: error.to_string() }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem(&files.key))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &TlsFiles) {
        let made = rcgen::generate_simple_self_signed(vec!["custody.test".to_owned()]).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_changed_certificate_is_used_and_half_of_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
        assert!(matches!(tls_config(&files), Err(TlsError::File { .. })));
        write(&files);
        let reloading = Reloading::open(files.clone(), Duration::ZERO).unwrap();
        let first = reloading.key();
        assert!(Arc::ptr_eq(&first, &reloading.key()));
        fs::write(&files.certificate, "half").unwrap();
        assert!(Arc::ptr_eq(&first, &reloading.key()));
        assert!(matches!(tls_config(&files), Err(TlsError::Pem { .. } | TlsError::Key(_))));
        write(&files);
        let second = reloading.key();
        assert_ne!(first.cert, second.cert);
        assert!(tls_config(&files).is_ok());
    }
}
