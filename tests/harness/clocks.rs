//! Members whose clocks are wrong by years: nothing is purged before its time.

use crate::appender::scratch_folder;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// By how many days a clock is wrong.
const WRONG_DAYS: i64 = 3650;
/// More than the cluster purges by itself in an hour.
const SESSIONS: usize = 14;
/// Each member looks twice at what is due in this time.
const LOOKED_TWICE: Duration = Duration::from_secs(75);

/// Each member has told twice what its clock says.
const TOLD_TWICE: Duration = Duration::from_secs(25);

/// What happened while the members' clocks were wrong by so much.
#[derive(Debug, Serialize)]
pub struct ClocksOutcome {
    /// By member, in days.
    pub wrong_days: [i64; 3],
    /// Whether an operator had confirmed the time.
    pub is_confirmed: bool,
    /// Sessions of this day that were purged, although they are kept for one.
    pub purged: usize,
    /// Why nothing is purged by age, as the purge plan says.
    pub suspended: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    sessions: Vec<Value>,
}

#[derive(Deserialize)]
struct Plan {
    suspended: Option<String>,
}

/// Sessions of today, kept for a day, on members whose clocks are wrong in each way; the last time an operator says that
/// the clocks are right, so that it is seen that they would have been purged.
pub fn clocks() -> anyhow::Result<Vec<ClocksOutcome>> {
    let folder = scratch_folder()?;
    let mut servers = Servers::start_in(folder.path())?;
    for number in 0..SESSIONS {
        let door = servers.recorder(MEMBERS[number % MEMBERS.len()]);
        let (session, bytes) = (door.open()?, b"4.size,1.0,3.640,3.480;4.sync,13.1760000000000;");
        door.append(&session, 0, bytes)?;
        door.seal(&session, u64::try_from(bytes.len())?)?;
    }
    servers.administrator(MEMBERS[0]).put("/v1/parameters/retention_days", &json!({ "value": 1 }))?;
    let (ahead, behind) = (WRONG_DAYS, -WRONG_DAYS);
    let all = [
        [ahead, 0, 0],
        [behind, 0, 0],
        [ahead, behind, 0],
        [behind, behind, 0],
        [behind, behind, behind],
        [ahead, ahead, 0],
        [ahead, ahead, ahead],
    ];
    let mut outcomes = Vec::new();
    for wrong_days in all {
        // What was suspected before is forgotten by clocks that are right, as an operator says who has put them right.
        servers.start_again_at([0; 3])?;
        std::thread::park_timeout(TOLD_TWICE);
        confirm(&servers)?;
        servers.start_again_at(wrong_days)?;
        std::thread::park_timeout(LOOKED_TWICE);
        outcomes.push(looked(&servers, wrong_days, false)?);
    }
    confirm(&servers)?;
    std::thread::park_timeout(LOOKED_TWICE);
    outcomes.push(looked(&servers, all[all.len() - 1], true)?);
    Ok(outcomes)
}

fn confirm(servers: &Servers) -> anyhow::Result<()> {
    let _: Value = servers.administrator(MEMBERS[0]).post("/v1/cluster/clock/confirm", &json!({}))?;
    Ok(())
}

fn looked(servers: &Servers, wrong_days: [i64; 3], is_confirmed: bool) -> anyhow::Result<ClocksOutcome> {
    let door = servers.administrator(MEMBERS[0]);
    let kept = count(&door, "finished")?;
    let suspended = door.get::<Plan>("/v1/purge-plan")?.suspended;
    let purged = SESSIONS.checked_sub(kept).context("more sessions than were recorded")?;
    Ok(ClocksOutcome { wrong_days, is_confirmed, purged, suspended })
}

fn count(door: &Door, state: &str) -> anyhow::Result<usize> {
    Ok(door.get::<Page>(&format!("/v1/sessions?limit=1000&state={state}"))?.sessions.len())
}
