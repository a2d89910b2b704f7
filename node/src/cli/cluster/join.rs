//! `custody cluster join`: this becomes a member of a cluster.

use super::super::{Exit, configuration};
use super::table;
use crate::config::{HostPort, Secret};
use crate::membership::{JoinOptions, MembershipError, join};
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The longest token that is read.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

/// Join a cluster, with a token that `custody cluster token` has made there.
///
/// The folder for data must be empty. Afterwards the service is started as on every member; it learns what the cluster
/// knows, and serves.
#[derive(Debug, Args)]
pub(super) struct Join {
    /// The token; - reads it from standard input, where no list of processes shows it.
    #[arg(value_parser = secret)]
    token: Secret,
    /// Host and port on which other members reach this one, such as two.example.org:8444; without it, cluster.address.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<HostPort>,
    /// The zone: members of one zone may be lost together.
    #[arg(long, default_value = "")]
    zone: String,
    /// How much it is to hold, compared with others: 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 1)]
    weight: u16,
    /// What people call it.
    #[arg(long, default_value = "")]
    name: String,
    /// The configuration; without it, CUSTODY_CONFIG or /etc/custody/custody.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where facts and bytes will be kept.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

impl Join {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let settings = configuration::read(self.config.as_deref(), [("data_dir", self.data_dir)])?;
        let address = self.address.map(|HostPort(address)| address).or(settings.peers.address);
        let mut text = Zeroizing::new(self.token.reveal().to_owned());
        if *text == "-" {
            text.clear();
            let mut input = std::io::stdin().take(TOKEN_BYTES_MAX);
            input.read_to_string(&mut text).context("cannot read the token")?;
        }
        let options = JoinOptions {
            token: text.parse()?,
            data_dir: settings.data_dir,
            kek_file: settings.kek_file,
            address: address.ok_or(MembershipError::NoAddress)?,
            name: self.name,
            zone: self.zone,
            weight: self.weight,
        };
        let member = join(&options)?;
        let mut output = std::io::stdout().lock();
        if self.json {
            table::print_json(&json!({ "member": member.0 }), &mut output)?;
            return Ok(Exit::Done);
        }
        writeln!(output, "this is member {member} of the cluster")?;
        writeln!(output, "next: set cluster.listen, and start the service")?;
        Ok(Exit::Done)
    }
}

/// What is shown in no error and no debug text.
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}
