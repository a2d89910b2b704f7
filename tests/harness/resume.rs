//! A recorder whose member is killed while it sends, and which goes on at another one.

use crate::appender::scratch_folder;
use crate::custody::Custody;
use crate::latency::Latency;
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::Door;
use crate::recordings::recording;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What is recorded.
const RECORDING: &str = "vnc-audio-avsync";
/// The most that goes in one append of a live session.
const PIECE_BYTES_MAX: u64 = 12 << 10;
/// A recorder finds a member in less time.
const DEADLINE: Duration = Duration::from_secs(60);

/// Receiving members that are killed.
#[derive(Debug, Clone, Copy)]
pub struct Resumes {
    /// Chooses everything.
    pub seed: u64,
    /// How often.
    pub kills: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct ResumesOutcome {
    /// From the kill to the next acknowledgement, when the killed member did not lead.
    pub owner_only: Latency,
    /// The same when it did.
    pub owner_and_leader: Latency,
    /// Kills while an append had no answer.
    pub in_flight: usize,
    /// Recordings that lack acknowledged bytes, or have others, at a member that was left.
    pub losses: Vec<String>,
    /// Recordings that `custody inspect` reads to their end.
    pub played: usize,
}

/// One kill.
struct Resumed {
    session: String,
    after: Duration,
    was_in_flight: bool,
    losses: Vec<String>,
}

impl Resumes {
    /// Does it. An error means that the test could not be done, or that the cluster did not go on.
    pub fn run(self) -> anyhow::Result<ResumesOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut servers = Servers::start_in(folder.path())?;
        let bytes = recording(RECORDING)?.plain()?;
        let (mut owner_only, mut owner_and_leader) = (Vec::new(), Vec::new());
        let (mut in_flight, mut losses, mut played) = (0, Vec::new(), 0);
        for _ in 0..self.kills {
            let receiver = *random.choose(&MEMBERS);
            let leads = servers.leader()? == Some(receiver);
            let resumed = resume(&mut servers, receiver, &bytes, &mut random)?;
            in_flight += usize::from(resumed.was_in_flight);
            losses.extend(resumed.losses);
            if leads { &mut owner_and_leader } else { &mut owner_only }.push(resumed.after);
            let left = servers.running()[0];
            let file = folder.path().join("played.guac");
            std::fs::write(&file, servers.administrator(left).read(&resumed.session, None)?.1)?;
            played += usize::from(Custody::new(["inspect"])?.arg(&file).run()?.code() == Some(0));
            servers.begin(receiver)?;
            servers.wait_ready()?;
        }
        let (owner_only, owner_and_leader) = (Latency::of(owner_only), Latency::of(owner_and_leader));
        Ok(ResumesOutcome { owner_only, owner_and_leader, in_flight, losses, played })
    }
}

/// Records at one member, kills it in the middle, and goes on at another one to the end.
fn resume(
    servers: &mut Servers,
    receiver: u64,
    bytes: &[u8],
    random: &mut Random,
) -> anyhow::Result<Resumed> {
    let door = servers.recorder(receiver);
    let session = door.open()?;
    let length = u64::try_from(bytes.len())?;
    let middle = random.below(length);
    let mut acknowledged = 0;
    while acknowledged < middle {
        acknowledged = door.append(&session, acknowledged, piece(bytes, acknowledged, random)?)?;
    }
    // The kill comes at any time of an append, or just before or behind it.
    let next = piece(bytes, acknowledged, random)?;
    let pause = Duration::from_micros(random.below(6_000));
    let (killed, answer) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let (door, session) = (&door, &session);
        let sending = scope.spawn(move || door.append(session, acknowledged, next));
        std::thread::park_timeout(pause);
        let killed = Instant::now();
        servers.kill(receiver)?;
        let answer = sending.join().map_err(|_| anyhow::anyhow!("the recorder panicked"))?;
        Ok((killed, answer))
    })?;
    let was_in_flight = answer.is_err();
    acknowledged = answer.unwrap_or(acknowledged);

    let doors: Vec<Door> = servers.running().into_iter().map(|member| servers.recorder(member)).collect();
    let mut went_on = None;
    wait_until("a member that goes on", DEADLINE, || {
        went_on = doors.iter().find_map(|door| {
            let durable = door.offset(&session).ok()?;
            let next = piece(bytes, durable, &mut random.clone()).ok()?;
            Some((door, durable, door.append(&session, durable, next).ok()?))
        });
        Ok(went_on.is_some())
    })?;
    let after = killed.elapsed();
    let (door, durable, mut offset) = went_on.context("one was found")?;
    let mut losses = Vec::new();
    if durable < acknowledged {
        losses.push(format!("{session}: {acknowledged} bytes were acknowledged, {durable} are durable"));
    }
    while offset < length {
        offset = door.append(&session, offset, piece(bytes, offset, random)?)?;
    }
    door.seal(&session, length)?;
    for member in servers.running() {
        let (status, found) = servers.administrator(member).read(&session, None)?;
        if status != 200 || found != bytes {
            losses.push(format!("{session} of member {member}: status {status}, {} bytes", found.len()));
        }
    }
    Ok(Resumed { session, after, was_in_flight, losses })
}

/// What is sent next.
fn piece<'a>(bytes: &'a [u8], offset: u64, random: &mut Random) -> anyhow::Result<&'a [u8]> {
    let rest = bytes.get(usize::try_from(offset)?..).context("a recording is no longer than it is")?;
    let length = usize::try_from(random.below(PIECE_BYTES_MAX) + 1)?;
    ensure!(!rest.is_empty() || offset > 0, "a recording has bytes");
    Ok(&rest[..length.min(rest.len())])
}
