//! `custody cluster`: what the members do, how they are, and how they come and go.

mod asked;
mod init;
mod join;
mod layout;
mod members;
mod remove;
mod table;
mod token;
mod workers;

use super::Exit;
use clap::{Args, Subcommand};

/// Begin a cluster, change its members, and look at it.
#[derive(Debug, Args)]
pub(super) struct Cluster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Token(token::Token),
    Join(join::Join),
    Status(members::Status),
    Members(members::Members),
    Remove(remove::Remove),
    Replace(remove::Replace),
    Workers(workers::Workers),
    Layout(layout::Layout),
    Drain(layout::Drain),
    Undrain(layout::Undrain),
}

impl Cluster {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Init(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Join(command) => command.run(),
            Command::Status(command) => command.run(),
            Command::Members(command) => command.run(),
            Command::Remove(command) => command.run(),
            Command::Replace(command) => command.run(),
            Command::Layout(command) => command.run(),
            Command::Drain(command) => command.run(),
            Command::Undrain(command) => command.run(),
            Command::Workers(command) => command.run(),
        }
    }
}
