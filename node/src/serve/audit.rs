//! The audit log: this member's key for its checkpoints, and what is told to it again and again.

use super::error::StartError;
use super::key_file;
use crate::tasks::{Stop, TaskResult};
use api::{CheckpointKey, Trail};
use cluster::Cluster;
use cluster::catalog::{AuditKey, CatalogError, Command};
use cluster::chunk::key::Random;
use cluster::facts::{NotReady, SubmitError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// For how long a view goes on without a leaf that tells of it.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// How often what was seen is told: a view that goes on is told of before its window ends.
const FLUSH_EVERY: Duration = Duration::from_secs(4);
/// What the line of the key's file begins with; the seed follows, in hexadecimal digits.
const HEAD: &str = "custody-audit-key-1";

/// Why nobody says that the log goes on. It is tried again.
#[derive(Debug, thiserror::Error)]
enum HeartbeatError {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// This member's key, made at its first start, and committed: the first member's begins the log. Nothing is shown or
/// changed before.
pub(super) async fn begin(
    cluster: &Cluster,
    random: &dyn Random,
    path: &Path,
) -> Result<CheckpointKey, StartError> {
    let key = load_or_create(path, random)?;
    let command = AuditKey { member: cluster.member(), public_key: key.public_key() };
    cluster.submit(Command::AuditKey(command)).await?;
    Ok(key)
}

/// Tells what was seen and refused, and that the log goes on, until it is told to stop; then what is left.
pub(super) async fn run(cluster: Arc<Cluster>, trail: Arc<Trail>, stop: Stop) -> TaskResult {
    loop {
        let goes_on = stop.sleep(FLUSH_EVERY).await;
        if let Err(error) = trail.flush(&cluster).await {
            tracing::warn!(%error, "the audit log was not told what was seen");
        }
        if !goes_on {
            return Ok(());
        }
        if let Err(error) = heartbeat(&cluster).await {
            tracing::warn!(%error, "the audit log was not told that it goes on");
        }
    }
}

/// Says that the log goes on, if this member leads and nobody has said so for long.
async fn heartbeat(cluster: &Cluster) -> Result<(), HeartbeatError> {
    let member = cluster.member();
    let leads = cluster.members().iter().any(|status| status.id == member && status.is_leader);
    let catalog = cluster.catalog()?;
    let now_ms = catalog.clock()?.now_ms;
    if leads && catalog.audit_head()?.is_some_and(|head| head.is_heartbeat_due(now_ms)) {
        cluster.submit(Command::AuditHeartbeat { member }).await?;
    }
    Ok(())
}

fn load_or_create(path: &Path, random: &dyn Random) -> Result<CheckpointKey, StartError> {
    let seed = match key_file::read(path)? {
        Some(text) => parse(&text).ok_or_else(|| StartError::KeyForm { path: path.to_owned() })?,
        None => {
            let mut seed = Zeroizing::new([0; 32]);
            random.fill(&mut *seed)?;
            key_file::write(path, HEAD, &seed)?;
            seed
        }
    };
    Ok(CheckpointKey::from_seed(&seed)?)
}

fn parse(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut words = text.split_whitespace();
    let (head, digits) = (words.next()?, words.next()?);
    match head == HEAD && words.next().is_none() {
        true => key_file::parse(digits),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit-key");
        let random = SystemRandom::new();
        let made = load_or_create(&path, &random).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(&path, &random).unwrap().public_key(), made.public_key());
        std::fs::write(&path, format!("{HEAD} 00")).unwrap();
        assert!(matches!(load_or_create(&path, &random), Err(StartError::KeyForm { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(load_or_create(&path, &random), Err(StartError::KeyMode { mode: 0o604, .. })));
    }
}
