//! `custody cluster remove` and `custody cluster replace`.

use super::super::Exit;
use super::asked::Asked;
use super::table;
use clap::Args;
use serde_json::{Value, json};
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
    asked: Asked,
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
    asked: Asked,
}

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { member, dead, asked } = self;
        let path = format!("/v1/cluster/members/{member}/remove");
        asked.server.client()?.tell(&path, &json!({ "dead": dead }))?;
        say(asked.json, &json!({ "member": member, "dead": dead }), &format!("member {member} is removed"))
    }
}

impl Replace {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { member, by, asked } = self;
        let path = format!("/v1/cluster/members/{member}/replace");
        asked.server.client()?.tell(&path, &json!({ "by": by }))?;
        let sentence = format!("member {member} is removed, and member {by} takes its place");
        say(asked.json, &json!({ "member": member, "by": by }), &sentence)
    }
}

/// Says what was done: the API answers it with nothing.
fn say(is_json: bool, done: &Value, sentence: &str) -> anyhow::Result<Exit> {
    let mut output = std::io::stdout().lock();
    match is_json {
        true => table::print_json(done, &mut output)?,
        false => writeln!(output, "{sentence}")?,
    }
    Ok(Exit::Done)
}
