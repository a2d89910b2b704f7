//! The members that can be asked while some go and others come, and who goes on at another one when one does not answer.

use crate::random::Random;
use crate::recorder::Door;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Before another one is asked.
const PAUSE: Duration = Duration::from_millis(20);
/// Who has asked for so long in vain, of all that are there, has failed.
const LIMIT: Duration = Duration::from_secs(60);
/// What a recorder sends at once.
const PIECE_BYTES: usize = 4 << 20;
/// A video on a busy machine, behind all others, takes less.
const VIDEO_LIMIT: Duration = Duration::from_secs(600);
/// Before somebody looks again at a video.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// For how long a question for copies waits, and after how long all must be there.
const WAIT_S: u64 = 10;
const SYNC_LIMIT: Duration = Duration::from_secs(900);

/// How a member is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) administrator: Door,
    pub(crate) recorder: Door,
}

/// The members that are there.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    all: RwLock<Vec<Asked>>,
    retries: Mutex<BTreeMap<&'static str, usize>>,
}

/// A video that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) bytes: u64,
}

impl Doors {
    pub(crate) fn set(&self, all: Vec<Asked>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// How often somebody had to ask again, by what was asked.
    pub(crate) fn retries(&self) -> BTreeMap<&'static str, usize> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn some(&self, random: &mut Random) -> anyhow::Result<Asked> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        ensure!(!all.is_empty(), "a member is there");
        Ok(random.choose(&all).clone())
    }

    /// Asks one after the other until it is done.
    pub(crate) fn ask<T>(
        &self,
        what: &'static str,
        random: &mut Random,
        mut ask: impl FnMut(&Asked) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let began = Instant::now();
        loop {
            match ask(&self.some(random)?) {
                Ok(done) => return Ok(done),
                Err(error) if began.elapsed() > LIMIT => {
                    return Err(error).with_context(|| format!("{what}: in vain for {LIMIT:?}"));
                }
                Err(_) => {
                    let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
                    *retries.entry(what).or_default() += 1;
                    drop(retries);
                    std::thread::park_timeout(PAUSE);
                }
            }
        }
    }

    /// Opens a session at some member.
    pub(crate) fn open(&self, random: &mut Random) -> anyhow::Result<(String, Asked)> {
        self.ask("open", random, |door| Ok((door.recorder.open()?, door.clone())))
    }

    /// Appends at one member for as long as it takes them, then at another one; gives who took the last ones.
    pub(crate) fn append(
        &self,
        session: &str,
        (from, bytes): (usize, &[u8]),
        mut at: Asked,
        random: &mut Random,
    ) -> anyhow::Result<Asked> {
        let mut offset = from;
        while offset < bytes.len() {
            let mut is_first = true;
            let owner = at.clone();
            (at, offset) = self.ask("append", random, |other| {
                // Where it stood may be known to nobody else.
                let (door, begin) = match std::mem::take(&mut is_first) {
                    true => (&owner, offset),
                    false => (other, usize::try_from(other.recorder.offset(session)?)?),
                };
                ensure!(begin >= from, "{session}: {from} bytes were acknowledged, {begin} are durable");
                let end = bytes.len().min(begin + PIECE_BYTES);
                let taken = match bytes.get(begin..end).filter(|piece| !piece.is_empty()) {
                    Some(piece) => door.recorder.append(session, u64::try_from(begin)?, piece)?,
                    None => u64::try_from(begin)?,
                };
                Ok((door.clone(), usize::try_from(taken)?))
            })?;
        }
        Ok(at)
    }

    /// Seals; asked again, a member does what is left.
    pub(crate) fn seal(
        &self,
        session: &str,
        length: usize,
        at: &Asked,
        random: &mut Random,
    ) -> anyhow::Result<()> {
        let length = u64::try_from(length)?;
        match at.recorder.seal(session, length) {
            Ok(()) => Ok(()),
            Err(_) => self.ask("seal", random, |door| door.recorder.seal(session, length)),
        }
    }

    /// Asks for a video, and waits until it is ready.
    pub(crate) fn video(&self, session: &str, random: &mut Random) -> anyhow::Result<Video> {
        let path = format!("/v1/sessions/{session}/videos");
        let made: Value =
            self.ask("video", random, |door| door.administrator.post(&path, &json!({ "notify": [] })))?;
        let id = made["id"].as_str().with_context(|| format!("a video's name: {made}"))?.to_owned();
        let (path, began) = (format!("/v1/videos/{id}"), Instant::now());
        loop {
            let state: Value = self.ask("video", random, |door| door.administrator.get(&path))?;
            match (state["state"].as_str(), state["size_bytes"].as_u64()) {
                (Some("ready"), Some(bytes)) => return Ok(Video { id, bytes }),
                (Some("pending"), _) if began.elapsed() < VIDEO_LIMIT => {
                    std::thread::park_timeout(LOOK_AGAIN);
                }
                _ => anyhow::bail!("the video of {session} is not made: {state}"),
            }
        }
    }

    /// Waits until all members that are to hold something say that they do: `sessions/ID` or `videos/ID`.
    pub(crate) fn wait_synced(&self, what: &str, random: &mut Random) -> anyhow::Result<()> {
        let path = format!("/v1/{what}/replication?wait=synced&timeout_s={WAIT_S}");
        let began = Instant::now();
        loop {
            let shown: Value = self.ask("replication", random, |door| door.administrator.get(&path))?;
            if shown["synced"] == true {
                return Ok(());
            }
            ensure!(began.elapsed() < SYNC_LIMIT, "{what} is not synced after {SYNC_LIMIT:?}: {shown}");
        }
    }
}
