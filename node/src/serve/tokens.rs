//! Tokens that are made without anybody to ask for them: the first administrator's.

use super::error::StartError;
use api::TokenSecret;
use cluster::Cluster;
use cluster::catalog::{Command, CreateToken, TokenId, TokenKind};
use cluster::chunk::key::Random;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The roles of the first administrator: all of them.
const ADMINISTRATOR_ROLES: [&str; 2] = ["PAM Administrator", "System Administrator"];
/// Who makes tokens that nobody asked for.
const BY: &str = "custody serve";
/// Only its owner may read it.
const MODE: u32 = 0o600;

/// A cluster without any token gets one for its administrator, in a file that only the owner of the process can
/// read. The file is durable before the token opens anything. Answers whether it was made.
pub(super) async fn create_first(
    cluster: &Cluster,
    random: &dyn Random,
    path: &Path,
) -> Result<bool, StartError> {
    if !cluster.catalog()?.tokens()?.is_empty() {
        return Ok(false);
    }
    let secret = TokenSecret::generate(random)?;
    write(path, &secret).map_err(|source| StartError::FirstToken { path: path.to_owned(), source })?;
    commit(cluster, random, &secret).await?;
    Ok(true)
}

/// Tells how a new cluster gets its first local administrator. There is no password until somebody chooses one.
pub(super) fn tell_first(path: &Path, public_url: &str) {
    let [pam, system] = ADMINISTRATOR_ROLES;
    tracing::warn!(
        file = %path.display(),
        "this cluster is new: the token of its administrator is in this file. To make the first local administrator, write \
         {{\"name\":…,\"password\":…,\"roles\":[\"{pam}\",\"{system}\"]}} to admin.json, run: \
         curl -H \"Authorization: Bearer $(cat {})\" --json @admin.json {public_url}/v1/users; then revoke the token",
        path.display()
    );
}

async fn commit(cluster: &Cluster, random: &dyn Random, secret: &TokenSecret) -> Result<(), StartError> {
    let mut id = [0; 16];
    random.fill(&mut id)?;
    let create = CreateToken {
        token: TokenId(id),
        hash: secret.hash(),
        kind: TokenKind::User,
        subject: "administrator".to_owned(),
        roles: ADMINISTRATOR_ROLES.iter().map(|role| (*role).to_owned()).collect(),
        expires_ms: None,
        by: BY.to_owned(),
    };
    cluster.submit(Command::CreateToken(create)).await?;
    Ok(())
}

/// Whoever waits for the file finds all of it.
fn write(path: &Path, secret: &TokenSecret) -> io::Result<()> {
    let written = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(MODE).open(&written)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    std::fs::rename(&written, path)?;
    File::open(crate::output::folder_of(path))?.sync_all()
}
