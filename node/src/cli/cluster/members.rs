//! `custody cluster status` and `custody cluster members`.

use super::super::Exit;
use super::asked::Asked;
use super::table::{self, NONE};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Say in one line how the cluster is; exits with 3 when a member is missing.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    asked: Asked,
}

/// List the members: where they are, what they do, and whether they answer.
#[derive(Debug, Args)]
pub(super) struct Members {
    #[command(flatten)]
    asked: Asked,
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
    #[serde(default)]
    drain: Option<Drain>,
}

/// How far a member is that is not in the layout.
#[derive(Debug, Deserialize)]
struct Drain {
    state: String,
    #[serde(default)]
    reason: Option<String>,
}

/// How the cluster is.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Sum {
    members: usize,
    ready: usize,
    voters: usize,
    ready_voters: usize,
    /// Whether so many voters are ready that something can be changed.
    has_majority: bool,
    leader: Option<u64>,
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

    /// Whether it still holds what is needed, and why.
    fn drain(&self) -> String {
        let Some(Drain { state, reason }) = &self.drain else { return NONE.to_owned() };
        let reason =
            reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.escape_debug()));
        format!("{}{reason}", state.escape_debug())
    }
}

impl Sum {
    fn of(members: &[Member]) -> Self {
        let count = |is_so: fn(&Member) -> bool| members.iter().filter(|member| is_so(member)).count();
        let (voters, ready_voters) =
            (count(|member| member.is_voter), count(|member| member.is_voter && member.is_ready));
        Self {
            members: members.len(),
            ready: count(|member| member.is_ready),
            voters,
            ready_voters,
            has_majority: ready_voters * 2 > voters,
            leader: members.iter().find(|member| member.is_leader).map(|member| member.id),
        }
    }

    fn sentence(&self) -> String {
        let Self { members, ready, voters, ready_voters, has_majority, leader } = self;
        let counted = format!("{ready} of {members} members are ready");
        if !has_majority {
            let missed = format!("{ready_voters} of {voters} that vote");
            return format!("too few voters answer: nothing can be changed ({counted}, {missed})");
        }
        let leader =
            leader.map_or_else(|| "nobody leads".to_owned(), |leader| format!("member {leader} leads"));
        format!("{counted}, {voters} vote, {leader}")
    }
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Asked { server, json } = self.asked;
        let sum = Sum::of(&server.client()?.get::<Vec<Member>>("/v1/cluster/members")?);
        let mut output = io::stdout().lock();
        match json {
            true => table::print_json(&serde_json::to_value(&sum)?, &mut output)?,
            false => writeln!(output, "{}", sum.sentence())?,
        }
        Ok(if sum.ready == sum.members { Exit::Done } else { Exit::Partial })
    }
}

impl Members {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Asked { server, json } = self.asked;
        let answer: serde_json::Value = server.client()?.get("/v1/cluster/members")?;
        let mut output = io::stdout().lock();
        match json {
            true => table::print_json(&answer, &mut output)?,
            false => print_table(&serde_json::from_value::<Vec<Member>>(answer)?, &mut output)?,
        }
        Ok(Exit::Done)
    }
}

fn print_table(members: &[Member], output: &mut impl Write) -> io::Result<()> {
    let told = |text: &Option<String>| text.as_deref().unwrap_or(NONE).escape_debug().to_string();
    let head = ["MEMBER", "NAME", "ADDRESS", "ZONE", "STATE", "ROLE", "ANSWERS", "VERSION", "DRAIN"];
    let mut rows = vec![head.map(str::to_owned)];
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
            member.drain(),
        ]);
    }
    table::print(&rows, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MEMBERS: &str = r#"[
        { "id": 1, "is_voter": true, "is_learner": false, "is_leader": true, "address": "one.example:8444", "zone": "a",
          "weight": 1, "state": "member", "is_reachable": true, "is_ready": true, "version": "0.1.0" },
        { "id": 10, "is_voter": false, "is_learner": true, "is_leader": false, "name": "ten", "state": "joining",
          "is_reachable": true, "is_ready": false, "version": "0.1.0",
          "drain": { "state": "drained", "settled": true, "chunks": 0, "bytes": 0, "open": 0, "reason": null } },
        { "id": 11, "is_voter": true, "is_learner": false, "is_leader": false, "state": "member",
          "is_reachable": false, "is_ready": false,
          "drain": { "state": "unreachable", "settled": false, "chunks": null, "bytes": null, "open": null,
                     "reason": "member 11 does not answer" } } ]"#;

    fn members() -> Vec<Member> {
        serde_json::from_str(MEMBERS).unwrap()
    }

    #[test]
    fn the_table_has_a_row_for_each_member_and_says_how_far_those_are_that_leave() {
        let mut shown = Vec::new();
        print_table(&members(), &mut shown).unwrap();
        let expected = "\
MEMBER  NAME  ADDRESS           ZONE  STATE    ROLE     ANSWERS    VERSION  DRAIN
1       -     one.example:8444  a     member   leader   ready      0.1.0    -
10      ten   -                 -     joining  learner  not ready  0.1.0    drained
11      -     -                 -     member   voter    no answer  -        unreachable: member 11 does not answer
";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    #[test]
    fn without_a_majority_the_sentence_says_that_nothing_can_be_changed() {
        let mut members = members();
        let sum = Sum::of(&members);
        assert_eq!(
            sum.sentence(),
            "too few voters answer: nothing can be changed (1 of 3 members are ready, 1 of 2 that vote)"
        );
        let shown = json!({
            "members": 3, "ready": 1, "voters": 2, "ready_voters": 1, "has_majority": false, "leader": 1
        });
        assert_eq!(serde_json::to_value(sum).unwrap(), shown);
        members[2].is_ready = true;
        assert_eq!(Sum::of(&members).sentence(), "2 of 3 members are ready, 2 vote, member 1 leads");
        members[0].is_leader = false;
        assert_eq!(Sum::of(&members).sentence(), "2 of 3 members are ready, 2 vote, nobody leads");
    }
}
