//! A cluster that is founded and grows, as an operator does it: `custody cluster init`, `token`, `join`, `remove`.

use crate::appender::scratch_folder;
use crate::founded::{DEADLINE, Founded};
use crate::processes::wait_until;
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes of a recording.
const BYTES: usize = 100_000;

/// What became of the members.
#[derive(Debug)]
pub struct JoiningOutcome {
    /// Numbers of the members, in the order in which they came.
    pub members: Vec<u64>,
    /// Who voted when three were there.
    pub voters: Vec<u64>,
    /// Where the APIs of those three are, as they have told, and as they were told.
    pub apis: [BTreeMap<u64, Option<String>>; 2],
    /// What is said to somebody who comes with a token that was used.
    pub used_token: String,
    /// What is said of a member that answers and is to be removed as lost.
    pub not_lost: String,
    /// What a removed member says at its start, and its exit code.
    pub removed: (String, Option<i32>),
    /// What a member says that has lost its store, and has its identity still.
    pub store_gone: String,
    /// Who votes at the end.
    pub voters_at_end: Vec<u64>,
    /// Recordings that were not what was recorded, by member.
    pub wrong: Vec<String>,
    /// Recordings that were read.
    pub reads: usize,
}

/// Three members come together and record; one is lost for good, a fourth takes its place.
pub fn joining() -> anyhow::Result<JoiningOutcome> {
    let folder = scratch_folder()?;
    let mut cluster = Founded::found(folder.path())?;
    for _ in 1..4 {
        cluster.place()?;
    }
    let token = cluster.token()?;
    let mut members = vec![1, cluster.join(1, &token)?];
    let used_token = cluster.try_join(2, &token)?.stderr;
    let token = cluster.token()?;
    members.push(cluster.join(2, &token)?);
    let voters = cluster.wait_voters(3)?;
    for member in &members {
        cluster.wait_learnt(*member)?;
    }
    let apis = [cluster.api_addresses()?, cluster.api_places()?];
    cluster.apply_layout()?;

    let mut recordings = BTreeMap::new();
    for at in 0..3 {
        let recorder = cluster.recorder(at);
        let bytes = content(at);
        let session = recorder.open()?;
        recorder.append(&session, 0, &bytes)?;
        recorder.seal(&session, u64::try_from(bytes.len())?)?;
        recordings.insert(session, bytes);
    }
    wait_synced(&cluster, &recordings)?;

    let not_lost = cluster.tell(&["remove", "3", "--dead"])?.stderr;
    cluster.kill(2)?;
    let token = cluster.token()?;
    members.push(cluster.join(3, &token)?);
    cluster.wait_ready(3)?;
    cluster.wait_learnt(members[3])?;
    cluster.order(&["replace", "3", "--by", &members[3].to_string()])?;
    let voters_at_end = cluster.wait_voters(3)?;
    wait_synced(&cluster, &recordings)?;
    let removed = cluster.serve_to_end(2)?;
    // Its disk is lost, and what it is was kept.
    cluster.kill(1)?;
    std::fs::remove_dir_all(cluster.store(1))?;
    let store_gone = cluster.serve_to_end(1)?.stderr;
    let (wrong, reads) = read_all(&cluster, &recordings, &[0, 3])?;
    let removed = (removed.stderr, removed.status.code());
    Ok(JoiningOutcome {
        members,
        voters,
        apis,
        used_token,
        not_lost,
        removed,
        store_gone,
        voters_at_end,
        wrong,
        reads,
    })
}

fn content(at: usize) -> Vec<u8> {
    let text = format!("4.sync,13.{:013};", at);
    text.into_bytes().into_iter().cycle().take(BYTES - BYTES % 22).collect()
}

/// Waits until all are on all members that are to hold them.
fn wait_synced(cluster: &Founded, recordings: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    let door = cluster.door(0);
    for session in recordings.keys() {
        let path = format!("/v1/sessions/{session}/replication?wait=synced&timeout_s=10");
        wait_until("copies on all members", DEADLINE, || Ok(door.get::<Value>(&path)?["synced"] == true))?;
    }
    Ok(())
}

/// Reads all at some places.
fn read_all(
    cluster: &Founded,
    recordings: &BTreeMap<String, Vec<u8>>,
    places: &[usize],
) -> anyhow::Result<(Vec<String>, usize)> {
    let (mut wrong, mut reads) = (Vec::new(), 0);
    for (session, bytes) in recordings {
        for at in places {
            let (status, read) = cluster.door(*at).read(session, None)?;
            reads += 1;
            if read != *bytes {
                wrong.push(format!("{session} at place {at}: status {status}, {} bytes", read.len()));
            }
        }
    }
    Ok((wrong, reads))
}
