//! `custody serve`: one member of a cluster.

use super::{Exit, configuration};
use crate::serve::{RunError, StartError, Until, serve};
use clap::Args;
use std::path::PathBuf;

/// Serve as a member: keep recordings, answer the API and the pages, do jobs, send mails.
///
/// Exits with 78 when the configuration or a key that it names is refused, 74 when a disk failed or has no room, and 65 when stored data is
/// damaged.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The configuration; without it, CUSTODY_CONFIG or /etc/custody/custody.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where facts and bytes are kept.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Where the API answers, such as 127.0.0.1:8443.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where metrics and health answer, on loopback.
    #[arg(long, value_name = "ADDRESS")]
    health: Option<String>,
    /// Worker processes of one conversion.
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// How the log is written: plain or json.
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    /// End when standard input ends; for the demonstration, whose members shall not outlive it.
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let flags = [
            ("data_dir", self.data_dir),
            ("listen.api", self.listen),
            ("listen.health", self.health),
            ("workers", self.workers),
            ("log", self.log),
        ];
        let settings = configuration::read(self.config.as_deref(), flags);
        let settings = settings.map_err(|error| RunError::Start(StartError::Config(error)))?;
        serve(settings, if self.until_input_ends { Until::InputEnds } else { Until::Signal })?;
        Ok(Exit::Done)
    }
}
