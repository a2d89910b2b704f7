//! `custody demo`: everything at once, on this machine only.

use super::Exit;
use crate::demo::Demo as Show;
use crate::interrupt::Interrupt;
use clap::Args;
use std::path::PathBuf;

/// Show everything at once: start three members on loopback, kill the one that takes a recording, go on at another
/// one, make videos, catch the mails, then serve until Ctrl-C.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Recordings to import (.guac or .guac.zst).
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to keep everything; without, a temporary folder that is removed at the end.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the first member answers, on loopback; the others take free ports.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: String,
    /// Where its metrics and health answer, on loopback.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8445")]
    health: String,
    /// End once everything was shown.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        // Removed when it is dropped, after everything has stopped.
        let temporary = tempfile::Builder::new().prefix("custody-demo-").tempdir()?;
        let show = Show {
            files: self.files,
            data_dir: self.data_dir.unwrap_or_else(|| temporary.path().join("data")),
            listen: self.listen,
            health: self.health,
            is_once: self.once,
        };
        show.run(interrupt)?;
        Ok(Exit::Done)
    }
}
