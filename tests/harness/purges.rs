//! A session of three members that is purged to its end, and what is left of its keys in their files.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::random::Random;
use crate::ranges::some_recording;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A member on a busy machine takes less time.
const DEADLINE: Duration = Duration::from_secs(180);
/// Chooses what is recorded.
const SEED: u64 = 20_261_122;
/// Bytes of a wrapped key, as cluster/DESIGN.md draws it.
const WRAPPED_KEY_BYTES: usize = 72;
/// A session's keys stand so near behind its name where it was opened.
const NEAR_BYTES: usize = 2048;

/// What was found.
#[derive(Debug)]
pub struct PurgesOutcome {
    /// How often the wrapped keys stood in the files of each member before the purge, and once it was told to have ended.
    pub before: Vec<usize>,
    /// See above.
    pub after: Vec<usize>,
    /// When the purge was committed and when it had ended, in the cluster's time.
    pub purged_ms: u64,
    /// See above.
    pub complete_ms: u64,
    /// Lines of the members' KEK files.
    pub keks: Vec<usize>,
    /// Whether the other session is read from each member as it was recorded.
    pub is_whole: Vec<bool>,
}

/// Records two sessions, purges one of them, has the KEK rotated, and waits until the purge has ended.
pub fn purges() -> anyhow::Result<PurgesOutcome> {
    let folder = scratch_folder()?;
    let servers = Servers::start_in(folder.path())?;
    let bytes = some_recording(&mut Random::new(SEED));
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let recorder = servers.recorder(MEMBERS[0]);
        let session = recorder.open()?;
        recorder.append(&session, 0, &bytes)?;
        recorder.seal(&session, u64::try_from(bytes.len())?)?;
        sessions.push(session);
    }
    let [purged, kept] = &sessions[..] else { anyhow::bail!("two sessions") };
    let of = |member: u64| folder.path().join(format!("member-{member}"));
    let keys = wrapped_keys(&of(MEMBERS[0]).join("data/store/facts/log"), purged)?;
    let found = || -> anyhow::Result<Vec<usize>> {
        MEMBERS.iter().map(|member| Ok(occurrences(&of(*member), &keys)?)).collect()
    };
    let before = found()?;

    let administrator = servers.administrator(MEMBERS[1]);
    let _: Value =
        administrator.post(&format!("/v1/sessions/{purged}/purge"), &json!({ "reason": "asked" }))?;
    let _: Value = administrator.post("/v1/cluster/kek/rotate", &json!({}))?;
    administrator.put("/v1/cluster/workers/forget", &json!({ "order": "start" }))?;
    let report = || administrator.get::<Value>(&format!("/v1/sessions/{purged}"));
    let ended =
        wait_until("the end of a purge", DEADLINE, || Ok(report()?["session_info"]["state"] == "purged"));
    ended.with_context(|| {
        report().map_or_else(|error| error.to_string(), |report| report["tombstone"].to_string())
    })?;
    let tombstone = report()?["tombstone"].clone();
    let time = |name: &str| tombstone[name].as_u64().with_context(|| format!("{name} of {tombstone}"));
    let lines = |member: &u64| Ok(std::fs::read_to_string(of(*member).join("kek"))?.lines().count());
    let is_whole = |member: &u64| {
        let (status, read) = servers.administrator(*member).read(kept, None)?;
        ensure!(status == 200, "status {status}");
        Ok(read == bytes)
    };
    Ok(PurgesOutcome {
        before,
        after: found()?,
        purged_ms: time("purged_ms")?,
        complete_ms: time("complete_ms")?,
        keks: MEMBERS.iter().map(lines).collect::<anyhow::Result<_>>()?,
        is_whole: MEMBERS.iter().map(is_whole).collect::<anyhow::Result<_>>()?,
    })
}

/// The two wrapped keys of a session, as the log tells them where it was opened: each behind its length, with its version,
/// its purpose and the number of the first KEK.
fn wrapped_keys(log: &Path, session: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let digits = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    let name: Vec<u8> = session.as_bytes().chunks(2).map(digits).collect::<anyhow::Result<_>>()?;
    let mut files: Vec<_> =
        std::fs::read_dir(log)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    let mut stored = Vec::new();
    for file in files {
        stored.extend(std::fs::read(file)?);
    }
    let opened = stored.windows(name.len()).position(|window| window == name).context("it was opened")?;
    let near: Vec<u8> = stored.into_iter().skip(opened).take(NEAR_BYTES).collect();
    let key = |purpose: u8| {
        let head = [1, purpose, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let at = near.windows(head.len()).position(|window| window == head);
        at.and_then(|at| near.get(at..at + WRAPPED_KEY_BYTES)).map(<[u8]>::to_vec)
    };
    [1, 2].into_iter().map(|purpose| key(purpose).context("its keys stand behind its name")).collect()
}

/// How often keys stand in the files below a folder. Files come and go meanwhile.
fn occurrences(folder: &Path, keys: &[Vec<u8>]) -> io::Result<usize> {
    let mut count = 0;
    let Some(entries) = there(std::fs::read_dir(folder))? else { return Ok(0) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            count += occurrences(&path, keys)?;
        } else if let Some(stored) = there(std::fs::read(&path))? {
            let of = |key: &Vec<u8>| stored.windows(key.len()).filter(|window| window == key).count();
            count += keys.iter().map(of).sum::<usize>();
        }
    }
    Ok(count)
}

fn there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}
