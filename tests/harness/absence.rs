//! A recorder that is away for so long that its recording is interrupted, and comes back.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::recordings::recording;
use crate::servers::{MEMBERS, Servers};
use serde::Deserialize;
use std::time::Duration;

/// What is recorded.
const RECORDING: &str = "vnc-audio-avsync";
/// A recording without its recorder is interrupted in less time, and a sealed one indexed.
const DEADLINE: Duration = Duration::from_secs(150);

/// What is told of a recording whose recorder was away.
#[derive(Debug)]
pub struct Absence {
    /// Bytes that had been acknowledged before.
    pub sent: u64,
    /// The gaps in the reports of each member that is left, while the recording stands still.
    pub interrupted: Vec<Vec<Gap>>,
    /// The same when it is sealed.
    pub sealed: Vec<Vec<Gap>>,
    /// Those of its timeline.
    pub timeline: Vec<TimelineGap>,
}

/// A gap of a report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the fields of the report")]
pub struct Gap {
    pub offset: u64,
    pub from_ms: u64,
    pub until_ms: Option<u64>,
}

/// A gap of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the fields of the timeline")]
pub struct TimelineGap {
    pub at_ms: i64,
    pub from_ms: u64,
    pub until_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Report {
    session: Session,
    gaps: Vec<Gap>,
}

#[derive(Deserialize)]
struct Session {
    recording_state: String,
    index_state: String,
}

#[derive(Deserialize)]
struct Timeline {
    gaps: Vec<TimelineGap>,
}

/// Sends half of a recording to one of three members, waits until it is interrupted, kills that member, and sends the rest to
/// another one.
pub fn absence() -> anyhow::Result<Absence> {
    let folder = scratch_folder()?;
    let mut servers = Servers::start_in(folder.path())?;
    let bytes = recording(RECORDING)?.plain()?;
    let (half, length) = (bytes.len() / 2, u64::try_from(bytes.len())?);
    let [first, second, _] = MEMBERS;
    let session = servers.recorder(first).open()?;
    let sent = servers.recorder(first).append(&session, 0, &bytes[..half])?;
    let path = format!("/v1/sessions/{session}");
    let reports = |servers: &Servers| -> anyhow::Result<Vec<Report>> {
        servers.running().into_iter().map(|member| servers.administrator(member).get(&path)).collect()
    };
    let mut interrupted = Vec::new();
    wait_until("the interruption", DEADLINE, || {
        interrupted = reports(&servers)?;
        Ok(interrupted.iter().all(|report| report.session.recording_state == "interrupted"))
    })?;
    servers.kill(first)?;
    let door = servers.recorder(second);
    wait_until("a member that goes on", DEADLINE, || {
        Ok(door.append(&session, sent, &bytes[half..]).is_ok())
    })?;
    door.seal(&session, length)?;
    let mut sealed = Vec::new();
    wait_until("the index", DEADLINE, || {
        sealed = reports(&servers)?;
        Ok(sealed.iter().all(|report| report.session.index_state == "ready"))
    })?;
    let timeline: Timeline = servers.administrator(second).get(&format!("{path}/timeline"))?;
    let gaps = |reports: Vec<Report>| reports.into_iter().map(|report| report.gaps).collect();
    Ok(Absence { sent, interrupted: gaps(interrupted), sealed: gaps(sealed), timeline: timeline.gaps })
}
