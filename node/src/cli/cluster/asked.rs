//! What all commands take that ask a cluster.

use super::super::server::Server;
use clap::Args;

/// Whom a command asks, and for whom it prints what it is told.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    pub(super) server: Server,
    /// Print JSON for programs.
    #[arg(long)]
    pub(super) json: bool,
}
