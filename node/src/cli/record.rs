//! `custody record`: sessions of databases, as they happen.

use super::Exit;
use crate::client::Client;
use crate::config::{LogFormat, SecretFile};
use crate::interrupt::Interrupt;
use crate::record::Recorder;
use clap::{Args, Subcommand};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Record sessions as they happen.
#[derive(Debug, Args)]
pub(super) struct Record {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Postgres(Postgres),
}

/// Stand between clients and a PostgreSQL server, and record each connection as a session: statements, how many rows, errors;
/// no rows, no parameters, no passwords.
///
/// A client connects as if this were the server. Without a member that takes the session there is none; one that cannot be
/// recorded any further is held back, and ends. Nothing is encrypted here: clients reach it on loopback only.
#[derive(Debug, Args)]
struct Postgres {
    /// Where clients connect: a loopback address, such as 127.0.0.1:6432.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The server: host and port.
    #[arg(long, value_name = "HOST:PORT")]
    upstream: String,
    /// A member of the cluster; more of them, and the next one is asked when one does not answer.
    #[arg(long = "server", value_name = "URL", default_value = "http://127.0.0.1:8443")]
    servers: Vec<String>,
    /// The file with the token of a recorder.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The certificates to trust, as PEM; without, those that the system trusts.
    #[arg(long, value_name = "FILE")]
    certificates: Option<PathBuf>,
    /// Who uses it; without, the role that logs in to the database.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Record {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        match self.command {
            Command::Postgres(command) => command.run(interrupt),
        }
    }
}

impl Postgres {
    fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        crate::telemetry::start(LogFormat::Plain);
        let member = |server: &String| -> anyhow::Result<Client> {
            let token = SecretFile::at(&self.token_file).read("--token-file", None)?;
            Ok(Client::new(server, token, self.certificates.as_deref())?)
        };
        let members = self.servers.iter().map(member).collect::<anyhow::Result<_>>()?;
        let recorder = Recorder { members, upstream: self.upstream, user: self.user };
        recorder.run(self.listen, interrupt, |address| {
            // Nobody may be reading; it records all the same.
            let _: Result<_, _> = writeln!(std::io::stdout().lock(), "recording on {address}");
        })?;
        Ok(Exit::Done)
    }
}
