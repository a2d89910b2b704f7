//! `custody cluster workers`: what works in the background, and what it is told.

use super::super::Exit;
use super::asked::Asked;
use super::table::{self, NONE};
use crate::progress::clock;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Show the background work of all members, or pause, resume or start a worker.
///
/// Says what each worker does, how far it is, and what has failed last. Exits with 3 when a member that was to be told
/// something does not answer. Members forget what they were told at their end.
#[derive(Debug, Args)]
pub(super) struct Workers {
    #[command(flatten)]
    order: Order,
    /// Tell only this member; without, all of them.
    #[arg(long, value_name = "MEMBER", requires = "order")]
    member: Option<u64>,
    #[command(flatten)]
    asked: Asked,
}

/// What a worker is told; one thing at a time.
#[derive(Debug, Args)]
#[group(id = "order", multiple = false)]
struct Order {
    /// Have this worker do nothing.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pause: Option<String>,
    /// Have this worker go on.
    #[arg(long, value_name = "NAME", value_parser = name)]
    resume: Option<String>,
    /// Have this worker begin at once what else would begin later.
    #[arg(long, value_name = "NAME", value_parser = name)]
    start: Option<String>,
}

impl Order {
    /// The order as the API calls it, and who is to obey.
    fn given(self) -> Option<(&'static str, String)> {
        let Self { pause, resume, start } = self;
        let orders = [("pause", pause), ("resume", resume), ("start", start)];
        orders.into_iter().find_map(|(order, worker)| Some((order, worker?)))
    }
}

/// A name that can stand in a path as it is.
fn name(text: &str) -> Result<String, &'static str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let is_name = !text.is_empty() && text.chars().all(is_plain);
    is_name.then(|| text.to_owned()).ok_or("expected a name that `custody cluster workers` shows")
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

impl Workers {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { order, member, asked: Asked { server, json } } = self;
        let (path, client, order) = ("/v1/cluster/workers", server.client()?, order.given());
        let is_order = order.is_some();
        let answer: Value = match order {
            Some((order, worker)) => {
                client.put(&format!("{path}/{worker}"), &json!({ "order": order, "member": member }))?
            }
            None => client.get(path)?,
        };
        let table = Table::deserialize(&answer)?;
        let is_told = !is_order || table.unreachable.is_empty();
        let mut output = io::stdout().lock();
        match json {
            true => table::print_json(&answer, &mut output)?,
            false => print_table(table, &mut output)?,
        }
        Ok(if is_told { Exit::Done } else { Exit::Partial })
    }
}

fn print_table(table: Table, output: &mut impl Write) -> io::Result<()> {
    let none = || NONE.to_owned();
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
    use clap::Parser;
    use clap::error::ErrorKind;

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

    #[derive(Debug, Parser)]
    struct Told {
        #[command(flatten)]
        workers: Workers,
    }

    fn parsed(arguments: &[&str]) -> Result<Workers, ErrorKind> {
        let all = ["workers", "--token-file", "token"].iter().chain(arguments);
        Told::try_parse_from(all).map(|told| told.workers).map_err(|error| error.kind())
    }

    #[test]
    fn one_worker_is_told_one_thing_on_one_member_or_on_all() {
        assert_eq!(parsed(&[]).unwrap().order.given(), None);
        let told = parsed(&["--pause", "rebalance", "--member", "3"]).unwrap();
        assert_eq!(told.member, Some(3));
        assert_eq!(told.order.given(), Some(("pause", "rebalance".to_owned())));
        let told = parsed(&["--start", "scrub"]).unwrap();
        assert_eq!(told.order.given(), Some(("start", "scrub".to_owned())));
        let conflict = parsed(&["--pause", "scrub", "--resume", "scrub"]).unwrap_err();
        assert_eq!(conflict, ErrorKind::ArgumentConflict);
        assert_eq!(parsed(&["--member", "3"]).unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parsed(&["--pause", "../kek"]).unwrap_err(), ErrorKind::ValueValidation);
    }
}
