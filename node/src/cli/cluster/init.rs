//! `custody cluster init`: a cluster that others can join.

use super::super::{Exit, configuration};
use super::table;
use crate::membership::found;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Found a cluster that others can join: its key, its CA, and this member's certificate. Also for a member that has
/// served alone so far; it must not run meanwhile.
///
/// The configuration says where this member listens for others (cluster.listen) and where they reach it
/// (cluster.address).
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The configuration; without it, CUSTODY_CONFIG or /etc/custody/custody.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where facts and bytes are kept.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Host and port on which other members reach this one, such as one.example.org:8444.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let flags = [("data_dir", self.data_dir), ("cluster.address", self.address)];
        let settings = configuration::read(self.config.as_deref(), flags)?;
        found(&settings)?;
        let mut output = std::io::stdout().lock();
        if self.json {
            table::print_json(
                &json!({ "member": 1, "kek_file": settings.kek_file.display().to_string() }),
                &mut output,
            )?;
            return Ok(Exit::Done);
        }
        writeln!(output, "this is member 1 of a new cluster")?;
        writeln!(
            output,
            "keep a copy of {} elsewhere: without it no recording can be read",
            settings.kek_file.display()
        )?;
        writeln!(
            output,
            "next: set cluster.listen, start the service, and let others join with `custody cluster token`"
        )?;
        Ok(Exit::Done)
    }
}
