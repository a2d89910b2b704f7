//! `custody cluster remove` and `custody cluster replace`.

use super::super::Exit;
use super::super::server::Server;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// Remove a member. Its number is never used again, and nobody answers it any more.
///
/// One that holds what is still needed is refused: drain it first. One that is lost is removed with --dead.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The member.
    #[arg(value_name = "MEMBER")]
    member: u64,
    /// Give it up as lost, with all that it held: only when it does not answer.
    #[arg(long)]
    dead: bool,
    #[command(flatten)]
    server: Server,
}

/// Remove a lost member and give its place to another one, which has joined.
#[derive(Debug, Args)]
pub(super) struct Replace {
    /// The lost member.
    #[arg(value_name = "MEMBER")]
    member: u64,
    /// The one that takes its place.
    #[arg(long, value_name = "MEMBER")]
    by: u64,
    #[command(flatten)]
    server: Server,
}

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { member, dead, server } = self;
        let path = format!("/v1/cluster/members/{member}/remove");
        server.client()?.tell(&path, &json!({ "dead": dead }))?;
        writeln!(std::io::stdout().lock(), "member {member} is removed")?;
        Ok(Exit::Done)
    }
}

impl Replace {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { member, by, server } = self;
        let path = format!("/v1/cluster/members/{member}/replace");
        server.client()?.tell(&path, &json!({ "by": by }))?;
        writeln!(std::io::stdout().lock(), "member {member} is removed, and member {by} takes its place")?;
        Ok(Exit::Done)
    }
}
