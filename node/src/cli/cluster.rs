//! `custody cluster`: what the members do, how they are, and how they come and go.

mod init;
mod join;
mod layout;
mod members;
mod remove;
mod table;
mod token;

use super::Exit;
use super::server::Server;
use crate::progress::clock;
use clap::{Args, Subcommand};
use serde::Deserialize;
use std::io::{self, Write};
use std::time::Duration;

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
    Workers(Workers),
    Layout(layout::Layout),
    Drain(layout::Drain),
    Undrain(layout::Undrain),
}

/// List the background work of all members: what it does, how far it is, and what has failed last.
#[derive(Debug, Args)]
struct Workers {
    #[command(flatten)]
    server: Server,
    /// Print the answer of the API.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Table {
    workers: Vec<Worker>,
    unreachable: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    name: String,
    member: u64,
    state: String,
    reason: Option<String>,
    progress: Option<f64>,
    queue: Option<u64>,
    eta_ms: Option<u64>,
    last_error: Option<String>,
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

impl Workers {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { server, json } = self;
        let answer: serde_json::Value = server.client()?.get("/v1/cluster/workers")?;
        let mut output = io::stdout().lock();
        match json {
            true => {
                serde_json::to_writer_pretty(&mut output, &answer)?;
                writeln!(output)?;
            }
            false => print_table(serde_json::from_value(answer)?, &mut output)?,
        }
        Ok(Exit::Done)
    }
}

fn print_table(table: Table, output: &mut impl Write) -> io::Result<()> {
    let none = || "-".to_owned();
    let mut rows =
        vec![["WORKER", "MEMBER", "STATE", "DONE", "QUEUE", "LEFT", "LAST ERROR"].map(str::to_owned)];
    for worker in table.workers {
        let Worker { name, member, state, reason, progress, queue, eta_ms, last_error } = worker;
        let last_error = last_error.or(reason).unwrap_or_else(none);
        rows.push([
            name,
            member.to_string(),
            state,
            progress.map_or_else(none, |progress| format!("{:.1} %", progress * 100.0)),
            queue.map_or_else(none, |queue| queue.to_string()),
            eta_ms.map_or_else(none, |left_ms| clock(Duration::from_millis(left_ms))),
            last_error.escape_debug().to_string(),
        ]);
    }
    for member in table.unreachable {
        let [name, done, queue, left, error] = [(); 5].map(|()| none());
        rows.push([name, member.to_string(), "unreachable".to_owned(), done, queue, left, error]);
    }
    table::print(&rows, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_worker_and_for_each_member_that_does_not_answer() {
        let text = r#"{ "workers": [
            { "name": "scrub", "member": 1, "state": "busy", "reason": null, "progress": 0.125, "queue": null, "eta_ms": 61000,
              "last_error": null, "counts": {} },
            { "name": "resync", "member": 10, "state": "waiting", "reason": "nobody has it", "progress": null, "queue": 3,
              "eta_ms": null, "last_error": null, "counts": {} } ], "unreachable": [7] }"#;
        let mut shown = Vec::new();
        print_table(serde_json::from_str(text).unwrap(), &mut shown).unwrap();
        let expected = "\
WORKER  MEMBER  STATE        DONE    QUEUE  LEFT  LAST ERROR
scrub   1       busy         12.5 %  -      1:01  -
resync  10      waiting      -       3      -     nobody has it
-       7       unreachable  -       -      -     -
";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}
