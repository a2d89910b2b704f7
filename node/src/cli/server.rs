//! The options that all commands share which ask a cluster.

use crate::client::Client;
use crate::config::SecretFile;
use clap::Args;
use std::path::PathBuf;

/// Which cluster, and by which right.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// The cluster: any of its members.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8443")]
    server: String,
    /// The file with the token of somebody who may do it.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The certificates to trust, as PEM; without, those that the system trusts.
    #[arg(long, value_name = "FILE")]
    certificates: Option<PathBuf>,
}

impl Server {
    /// A client of it.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let token = SecretFile::at(&self.token_file).read("--token-file", None)?;
        Ok(Client::new(&self.server, token, self.certificates.as_deref())?)
    }
}
