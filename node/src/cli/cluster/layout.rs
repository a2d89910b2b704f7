//! `custody cluster layout`, `drain` and `undrain`: which members hold copies.

use super::super::Exit;
use super::asked::Asked;
use super::table::{NONE, print, print_json, size};
use crate::progress::clock;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Show or change which members hold copies.
#[derive(Debug, Args)]
pub(super) struct Layout {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the layout, and what would move if the staged one were applied.
    Show(Asked),
    /// Stage a member's zone and weight.
    Assign {
        /// The member.
        member: u64,
        /// What fails together with it: copies are in as many zones as there are.
        #[arg(long, default_value = "")]
        zone: String,
        /// How much it holds, compared with the others: 1 to 1000.
        #[arg(long, default_value_t = 1)]
        weight: u16,
        #[command(flatten)]
        asked: Asked,
    },
    /// Stage that a member holds nothing.
    Remove {
        /// The member.
        member: u64,
        #[command(flatten)]
        asked: Asked,
    },
    /// Make the staged layout the one that counts.
    Apply {
        /// Its version, as `show` told.
        #[arg(long)]
        version: u64,
        /// A member that is gone for good; may be given several times.
        #[arg(long, value_name = "MEMBER")]
        dead: Vec<u64>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Forget what is staged.
    Revert(Asked),
}

/// Have others hold what a member holds, so that it may go.
#[derive(Debug, Args)]
pub(super) struct Drain {
    /// The member.
    member: u64,
    #[command(flatten)]
    asked: Asked,
}

/// Give a member that was drained, or is being drained, the role back that it had.
#[derive(Debug, Args)]
pub(super) struct Undrain {
    /// The member.
    member: u64,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Deserialize)]
struct Shown {
    version: u64,
    applied_by: Option<String>,
    replicas: u64,
    settled: bool,
    members: Vec<Member>,
    staged: Option<Staged>,
    is_estimate: bool,
}

#[derive(Debug, Deserialize)]
struct Member {
    member: u64,
    role: Option<Role>,
    staged: Option<Role>,
    settled: bool,
    bytes: u64,
    in_bytes: u64,
    out_bytes: u64,
    #[serde(default)]
    moves_left: Option<u64>,
}

/// What the list of members says of one that is not in the layout.
#[derive(Debug, Deserialize)]
struct Leaving {
    id: u64,
    #[serde(default)]
    drain: Option<Drained>,
}

#[derive(Debug, Deserialize)]
struct Drained {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Role {
    zone: String,
    weight: u16,
}

#[derive(Debug, Deserialize)]
struct Staged {
    version: u64,
    by: String,
    eta_ms: Option<u64>,
}

impl Layout {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let path = "/v1/cluster/layout";
        let of = |member: u64| format!("{path}/members/{member}");
        let (asked, answer): (&Asked, Value) = match &self.command {
            Command::Show(asked) => (asked, asked.server.client()?.get(path)?),
            Command::Assign { member, zone, weight, asked } => {
                let role = json!({ "zone": zone, "weight": weight });
                (asked, asked.server.client()?.put(&of(*member), &role)?)
            }
            Command::Remove { member, asked } => (asked, asked.server.client()?.delete(&of(*member))?),
            Command::Apply { version, dead, asked } => {
                let choice = json!({ "version": version, "dead": dead });
                (asked, asked.server.client()?.post(&format!("{path}/apply"), &choice)?)
            }
            Command::Revert(asked) => {
                (asked, asked.server.client()?.post(&format!("{path}/revert"), &json!({}))?)
            }
        };
        let (server, is_shown) = (&asked.server, matches!(self.command, Command::Show(_)));
        if asked.json || !is_shown {
            return show(&answer, asked.json);
        }
        let members = server.client()?.get("/v1/cluster/members")?;
        let mut output = io::stdout().lock();
        print_layout(Shown::deserialize(&answer)?, &mut output)?;
        print_reasons(members, &mut output)?;
        Ok(Exit::Done)
    }
}

impl Drain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        tell(&self.asked, self.member, "drain")
    }
}

impl Undrain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        tell(&self.asked, self.member, "undrain")
    }
}

fn tell(asked: &Asked, member: u64, what: &str) -> anyhow::Result<Exit> {
    let path = format!("/v1/cluster/members/{member}/{what}");
    let answer = asked.server.client()?.post(&path, &json!({}))?;
    show(&answer, asked.json)
}

fn show(answer: &Value, json: bool) -> anyhow::Result<Exit> {
    let mut output = io::stdout().lock();
    match json {
        true => print_json(answer, &mut output)?,
        false => print_layout(Shown::deserialize(answer)?, &mut output)?,
    }
    Ok(Exit::Done)
}

fn print_layout(shown: Shown, output: &mut impl Write) -> io::Result<()> {
    let Shown { version, applied_by, replicas, settled, members, staged, is_estimate } = shown;
    let by = applied_by.map_or_else(String::new, |by| format!(" by {}", by.escape_debug()));
    let state = if settled { "settled" } else { "moves left" };
    writeln!(output, "version {version}{by}, {replicas} replicas, {state}")?;
    let role = |role: &Option<Role>| match role {
        Some(Role { zone, weight }) => {
            let zone = if zone.is_empty() { NONE.to_owned() } else { zone.escape_debug().to_string() };
            [zone, weight.to_string()]
        }
        None => [NONE.to_owned(), NONE.to_owned()],
    };
    let is_staged = staged.is_some();
    let next = |member: &Member| match &member.staged {
        _ if !is_staged || member.staged == member.role => NONE.to_owned(),
        None => "out".to_owned(),
        Some(_) => role(&member.staged).join(" "),
    };
    let head = ["MEMBER", "ZONE", "WEIGHT", "HOLDS", "SETTLED", "MOVES", "STAGED", "IN", "OUT"];
    let mut rows = vec![head.map(str::to_owned)];
    for member in &members {
        let [zone, weight] = role(&member.role);
        let settled = if member.settled { "yes" } else { "no" };
        rows.push([
            member.member.to_string(),
            zone,
            weight,
            size(member.bytes),
            settled.to_owned(),
            member.moves_left.map_or_else(|| NONE.to_owned(), |left| left.to_string()),
            next(member),
            size(member.in_bytes),
            size(member.out_bytes),
        ]);
    }
    print(&rows, output)?;
    if is_estimate {
        writeln!(output, "bytes are estimated from a part of the recordings")?;
    }
    if let Some(Staged { version, by, eta_ms }) = staged {
        let left = eta_ms.map_or_else(|| NONE.to_owned(), |left_ms| clock(Duration::from_millis(left_ms)));
        let by = by.escape_debug();
        writeln!(
            output,
            "staged by {by}: custody cluster layout apply --version {version} (at least {left})"
        )?;
    }
    Ok(())
}

/// Why members that are not in the layout still hold what is needed.
fn print_reasons(members: Vec<Leaving>, output: &mut impl Write) -> io::Result<()> {
    for Leaving { id, drain } in members {
        if let Some(reason) = drain.and_then(|drain| drain.reason) {
            writeln!(output, "member {id} is not drained: {}", reason.escape_debug())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_a_table_with_what_is_staged_and_how_to_apply_it() {
        let shown = json!({
            "version": 3, "applied_by": "ada", "applied_ms": 1, "replicas": 2, "settled": false, "is_estimate": true,
            "members": [
                { "member": 1, "role": { "zone": "east", "weight": 100 }, "staged": { "zone": "east", "weight": 200 },
                  "settled": true, "bytes": 1572864, "in_bytes": 1024, "out_bytes": 0 },
                { "member": 10, "role": { "zone": "", "weight": 1 }, "staged": null, "settled": false, "bytes": 5,
                  "in_bytes": 0, "out_bytes": 5, "moves_left": 7 },
                { "member": 11, "role": null, "staged": null, "settled": false, "bytes": 0, "in_bytes": 0, "out_bytes": 0 }
            ],
            "staged": { "version": 5, "by": "grace", "at_ms": 2, "eta_ms": 61000 }
        });
        let mut output = Vec::new();
        print_layout(Shown::deserialize(&shown).unwrap(), &mut output).unwrap();
        let expected = "\
version 3 by ada, 2 replicas, moves left
MEMBER  ZONE  WEIGHT  HOLDS    SETTLED  MOVES  STAGED    IN       OUT
1       east  100     1.5 MiB  yes      -      east 200  1.0 KiB  0 B
10      -     1       5 B      no       7      out       0 B      5 B
11      -     -       0 B      no       -      -         0 B      0 B
bytes are estimated from a part of the recordings
staged by grace: custody cluster layout apply --version 5 (at least 1:01)
";
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn members_that_leave_say_why_they_are_not_drained() {
        let members = json!([
            { "id": 1 },
            { "id": 2, "drain": { "state": "drained", "reason": null } },
            { "id": 3, "drain": { "state": "draining", "reason": "others fetch what it holds" } }
        ]);
        let mut output = Vec::new();
        print_reasons(serde_json::from_value(members).unwrap(), &mut output).unwrap();
        let expected = "member 3 is not drained: others fetch what it holds\n";
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }
}
