//! One of four members that is drained, and taken back, while all of them are written to and read from.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::random::Random;
use crate::ranges::some_recording;
use crate::recorder::Door;
use crate::repairs::files_below;
use crate::servers::Servers;
use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MEMBERS: [u64; 4] = [1, 2, 3, 4];
/// Readers at the same time.
const READERS: u64 = 3;
/// A recorder sends so many instructions, then waits so long.
const SYNCS: u64 = 100;
const PAUSE: Duration = Duration::from_millis(20);
/// Members on a busy machine move so few chunks in less time.
const DEADLINE: Duration = Duration::from_secs(180);

/// A member that goes and comes back.
#[derive(Debug, Clone, Copy)]
pub struct Drains {
    /// Chooses everything.
    pub seed: u64,
    /// Recordings that are sealed before.
    pub recordings: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct DrainsOutcome {
    /// Files of closed chunks of the member: before, when it was drained, and when it had settled again.
    pub files: [usize; 3],
    /// What the cluster said of it when it was drained.
    pub drained: Value,
    /// Whether another layout was refused while it had moves left.
    pub was_refused: bool,
    /// Reads, and pieces that were appended, meanwhile.
    pub reads: usize,
    /// See above.
    pub appends: usize,
    /// What failed or was not what was recorded.
    pub wrong: Vec<String>,
    /// Recordings that are on all members that are to hold them at the end.
    pub synced: usize,
}

/// What recorders and readers do until they are told to end.
struct Work<'a> {
    servers: &'a Servers,
    is_over: AtomicBool,
    reads: AtomicUsize,
    appends: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Drains {
    /// Does it. An error means that the test could not be done, or that it does not come to an end.
    pub fn run(self) -> anyhow::Result<DrainsOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let servers = Servers::start_many_in(folder.path(), &MEMBERS)?;
        let mut sealed = Vec::new();
        for number in 0..self.recordings {
            let door = servers.recorder(MEMBERS[usize::try_from(number)? % MEMBERS.len()]);
            let bytes = some_recording(&mut random);
            let session = door.open()?;
            door.append(&session, 0, &bytes)?;
            door.seal(&session, u64::try_from(bytes.len())?)?;
            sealed.push((session, bytes));
        }
        let member = *random.choose(&MEMBERS);
        let operator = servers.administrator(MEMBERS[usize::from(member == MEMBERS[0])]);
        let chunks = servers.chunks(member);
        let before = files_below(&chunks)?.len();
        let work = Work {
            servers: &servers,
            is_over: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            appends: AtomicUsize::new(0),
            wrong: Mutex::new(Vec::new()),
        };
        let mut live = Vec::new();
        for own in MEMBERS {
            live.push((own, servers.recorder(own).open()?));
        }
        let (drained, was_refused, gone, again) = std::thread::scope(|scope| {
            for (own, session) in &live {
                let work = &work;
                scope.spawn(move || work.record(*own, session));
            }
            for reader in 0..READERS {
                let (work, sealed) = (&work, &sealed);
                scope.spawn(move || work.read(reader, sealed));
            }
            let done = drain_and_undrain(&operator, member, || Ok(files_below(&chunks)?.len()));
            work.is_over.store(true, Ordering::Release);
            done
        })?;
        for (own, session) in live {
            let door = servers.recorder(own);
            let length = door.offset(&session)?;
            door.seal(&session, length)?;
            sealed.push((session, content(own, usize::try_from(length)?)));
        }
        let mut synced = 0;
        for (session, bytes) in &sealed {
            for other in MEMBERS {
                work.read_one(other, session, bytes);
            }
            let path = format!("/v1/sessions/{session}/replication?wait=synced&timeout_s=15");
            synced += usize::from(operator.get::<Value>(&path)?["synced"] == true);
        }
        Ok(DrainsOutcome {
            files: [before, gone, again],
            drained,
            was_refused,
            reads: work.reads.into_inner(),
            appends: work.appends.into_inner(),
            wrong: work.wrong.into_inner().unwrap_or_else(PoisonError::into_inner),
            synced,
        })
    }
}

/// Takes a member out and in again; what was said when it was out, whether another change was refused before, and how many
/// files it had then and at the end.
fn drain_and_undrain(
    operator: &Door,
    member: u64,
    files: impl Fn() -> anyhow::Result<usize>,
) -> anyhow::Result<(Value, bool, usize, usize)> {
    let other = if member == MEMBERS[0] { MEMBERS[1] } else { MEMBERS[0] };
    let tell = |member: u64, what: &str| {
        operator.post::<Value>(&format!("/v1/cluster/members/{member}/{what}"), &json!({}))
    };
    tell(member, "drain")?;
    let was_refused = tell(other, "drain").is_err();
    let mut drained = Value::Null;
    wait_until("a drained member", DEADLINE, || {
        let members: Vec<Value> = operator.get("/v1/cluster/members")?;
        let own = members.into_iter().find(|one| one["id"] == member);
        drained = own.map_or(Value::Null, |own| own["drain"].clone());
        Ok(drained["state"] == "drained")
    })?;
    let gone = files()?;
    let layout = tell(member, "undrain")?;
    ensure!(layout["members"].as_array().is_some_and(|members| members.len() == MEMBERS.len()), "{layout}");
    wait_until("a settled layout", DEADLINE, || {
        Ok(operator.get::<Value>("/v1/cluster/layout")?["settled"] == true)
    })?;
    Ok((drained, was_refused, gone, files()?))
}

/// A piece of what a member's recorder records: a screen on which nothing happens.
fn piece(member: u64, number: u64) -> Vec<u8> {
    let mut text = if number == 0 { "4.size,1.0,3.640,3.480;".to_owned() } else { String::new() };
    for at_ms in 0..SYNCS {
        text +=
            &format!("4.sync,13.{};", 1_760_000_000_000 + member * 1_000_000_000 + number * SYNCS + at_ms);
    }
    text.into_bytes()
}

/// The first so many bytes of all of it.
fn content(member: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(piece(member, number));
    }
    bytes.truncate(length);
    bytes
}

impl Work<'_> {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn fail(&self, text: String) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Appends at one member, one piece after the other.
    fn record(&self, member: u64, session: &str) {
        let door = self.servers.recorder(member);
        let (mut offset, mut number) = (0, 0);
        while !self.is_over() {
            let piece = piece(member, number);
            match door.append(session, offset, &piece) {
                Ok(durable) => (offset, number) = (durable, number + 1),
                Err(error) => return self.fail(format!("append at member {member}: {error:#}")),
            }
            self.appends.fetch_add(1, Ordering::Relaxed);
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Reads sealed recordings from all members by turns.
    fn read(&self, reader: u64, sealed: &[(String, Vec<u8>)]) {
        let mut random = Random::new(reader);
        while !self.is_over() {
            let (session, bytes) = random.choose(sealed);
            self.read_one(*random.choose(&MEMBERS), session, bytes);
        }
    }

    fn read_one(&self, member: u64, session: &str, bytes: &[u8]) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let failure = match self.servers.administrator(member).read(session, None) {
            Ok((200, read)) if read == bytes => return,
            Ok((status, read)) => format!("status {status}, {} bytes of {}", read.len(), bytes.len()),
            Err(error) => format!("{error:#}"),
        };
        self.fail(format!("{session} read at member {member}: {failure}"));
    }
}
