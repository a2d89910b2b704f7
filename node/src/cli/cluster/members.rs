//! `custody cluster status` and `custody cluster members`.

use super::super::Exit;
use super::super::server::Server;
use super::table;
use clap::Args;
use serde::Deserialize;
use std::io::{self, Write};

/// Say in one line how the cluster is; exits with 3 when a member is missing.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    server: Server,
}

/// List the members: where they are, what they do, and whether they answer.
#[derive(Debug, Args)]
pub(super) struct Members {
    #[command(flatten)]
    server: Server,
    /// Print the answer of the API.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Member {
    id: u64,
    is_voter: bool,
    is_learner: bool,
    is_leader: bool,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    zone: Option<String>,
    state: String,
    is_reachable: bool,
    is_ready: bool,
    #[serde(default)]
    version: Option<String>,
}

impl Member {
    fn role(&self) -> &'static str {
        match (self.is_leader, self.is_voter, self.is_learner) {
            (true, ..) => "leader",
            (_, true, _) => "voter",
            (_, _, true) => "learner",
            (false, false, false) => "-",
        }
    }

    fn answers(&self) -> &'static str {
        match (self.is_reachable, self.is_ready) {
            (true, true) => "ready",
            (true, false) => "not ready",
            (false, _) => "no answer",
        }
    }
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let members: Vec<Member> = self.server.client()?.get("/v1/cluster/members")?;
        writeln!(io::stdout().lock(), "{}", sentence(&members))?;
        let is_whole = members.iter().all(|member| member.is_ready);
        Ok(if is_whole { Exit::Done } else { Exit::Partial })
    }
}

impl Members {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let answer: serde_json::Value = self.server.client()?.get("/v1/cluster/members")?;
        let mut output = io::stdout().lock();
        match self.json {
            true => table::print_json(&answer, &mut output)?,
            false => print_table(&serde_json::from_value::<Vec<Member>>(answer)?, &mut output)?,
        }
        Ok(Exit::Done)
    }
}

fn sentence(members: &[Member]) -> String {
    let ready = members.iter().filter(|member| member.is_ready).count();
    let voters = members.iter().filter(|member| member.is_voter).count();
    let leader = members.iter().find(|member| member.is_leader);
    let leader =
        leader.map_or_else(|| "nobody leads".to_owned(), |leader| format!("member {} leads", leader.id));
    format!("{ready} of {} members are ready, {voters} vote, {leader}", members.len())
}

fn print_table(members: &[Member], output: &mut impl Write) -> io::Result<()> {
    let told = |text: &Option<String>| text.as_deref().unwrap_or("-").escape_debug().to_string();
    let mut rows =
        vec![["MEMBER", "NAME", "ADDRESS", "ZONE", "STATE", "ROLE", "ANSWERS", "VERSION"].map(str::to_owned)];
    for member in members {
        rows.push([
            member.id.to_string(),
            told(&member.name),
            told(&member.address),
            told(&member.zone),
            member.state.clone(),
            member.role().to_owned(),
            member.answers().to_owned(),
            told(&member.version),
        ]);
    }
    table::print(&rows, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &str = r#"[
        { "id": 1, "is_voter": true, "is_learner": false, "is_leader": true, "address": "one.example:8444", "zone": "a",
          "weight": 1, "state": "member", "is_reachable": true, "is_ready": true, "version": "0.1.0" },
        { "id": 10, "is_voter": false, "is_learner": true, "is_leader": false, "name": "ten", "state": "joining",
          "is_reachable": true, "is_ready": false, "version": "0.1.0" },
        { "id": 11, "is_voter": true, "is_learner": false, "is_leader": false, "state": "member",
          "is_reachable": false, "is_ready": false } ]"#;

    #[test]
    fn the_table_has_a_row_for_each_member() {
        let members: Vec<Member> = serde_json::from_str(MEMBERS).unwrap();
        let mut shown = Vec::new();
        print_table(&members, &mut shown).unwrap();
        let expected = "\
MEMBER  NAME  ADDRESS           ZONE  STATE    ROLE     ANSWERS    VERSION
1       -     one.example:8444  a     member   leader   ready      0.1.0
10      ten   -                 -     joining  learner  not ready  0.1.0
11      -     -                 -     member   voter    no answer  -
";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
        assert_eq!(sentence(&members), "1 of 3 members are ready, 2 vote, member 1 leads");
    }
}
