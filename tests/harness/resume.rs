//! A recorder whose member is killed or cut off while it sends, and which goes on at another one.

use crate::appender::scratch_folder;
use crate::custody::Custody;
use crate::latency::Latency;
use crate::links::{Links, Way};
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
/// For so long a member that is cut off is asked for an answer that it must not give.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// Receiving members that are lost, by turns killed and cut off from the others.
#[derive(Debug, Clone, Copy)]
pub struct Resumes {
    /// Chooses everything.
    pub seed: u64,
    /// How often.
    pub losses: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct ResumesOutcome {
    /// After kills.
    pub kills: ResumeTimes,
    /// After cuts.
    pub cuts: ResumeTimes,
    /// Losses of a member while an append had no answer.
    pub in_flight: usize,
    /// Recordings that lack acknowledged bytes, or have others, at a member; and what a member acknowledged that was
    /// cut off.
    pub losses: Vec<String>,
    /// Recordings that `custody inspect` reads to their end.
    pub played: usize,
}

/// From the loss of a member to the next acknowledgement.
#[derive(Debug, Default, Serialize)]
pub struct ResumeTimes {
    /// When it did not lead.
    pub owner_only: Latency,
    /// When it did.
    pub owner_and_leader: Latency,
}

/// How a member is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Kill,
    /// Nothing passes between it and the others; its recorders still reach it.
    Cut,
}

/// One loss of a member.
struct Resumed {
    session: String,
    after: Duration,
    was_in_flight: bool,
    losses: Vec<String>,
}

/// Three members and what connects them.
struct Cluster {
    servers: Servers,
    links: Links,
}

impl Resumes {
    /// Does it. An error means that the test could not be done, or that the cluster did not go on.
    pub fn run(self) -> anyhow::Result<ResumesOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let (servers, links) = Servers::start_behind_doors(folder.path())?;
        let mut cluster = Cluster { servers, links };
        let bytes = recording(RECORDING)?.plain()?;
        let mut times: [[Vec<Duration>; 2]; 2] = Default::default();
        let (mut in_flight, mut losses, mut played) = (0, Vec::new(), 0);
        for number in 0..self.losses {
            let receiver = *random.choose(&MEMBERS);
            let leads = cluster.servers.leader()? == Some(receiver);
            let loss = if number % 2 == 0 { Loss::Kill } else { Loss::Cut };
            let resumed = cluster.resume(loss, receiver, &bytes, &mut random)?;
            in_flight += usize::from(resumed.was_in_flight);
            losses.extend(resumed.losses);
            times[usize::from(loss == Loss::Cut)][usize::from(leads)].push(resumed.after);
            let other = if receiver == MEMBERS[0] { MEMBERS[1] } else { MEMBERS[0] };
            let file = folder.path().join("played.guac");
            std::fs::write(&file, cluster.servers.administrator(other).read(&resumed.session, None)?.1)?;
            played += usize::from(Custody::new(["inspect"])?.arg(&file).run()?.code() == Some(0));
        }
        let [kills, cuts] = times.map(|[owner_only, owner_and_leader]| ResumeTimes {
            owner_only: Latency::of(owner_only),
            owner_and_leader: Latency::of(owner_and_leader),
        });
        Ok(ResumesOutcome { kills, cuts, in_flight, losses, played })
    }
}

impl Cluster {
    /// Records at one member, loses it in the middle, goes on at another one to the end, and gets the member back.
    fn resume(
        &mut self,
        loss: Loss,
        receiver: u64,
        bytes: &[u8],
        random: &mut Random,
    ) -> anyhow::Result<Resumed> {
        let door = self.servers.recorder(receiver);
        let session = door.open()?;
        let length = u64::try_from(bytes.len())?;
        let middle = random.below(length);
        let mut acknowledged = 0;
        while acknowledged < middle {
            acknowledged = door.append(&session, acknowledged, piece(bytes, acknowledged, random)?)?;
        }
        // The loss comes at any time of an append, or just before or behind it.
        let next = piece(bytes, acknowledged, random)?;
        let pause = Duration::from_micros(random.below(6_000));
        let others = MEMBERS.into_iter().filter(|member| *member != receiver);
        let doors: Vec<Door> = others.map(|member| self.servers.recorder(member)).collect();
        let (mut offset, mut losses) = (0, Vec::new());
        let (after, answer) = std::thread::scope(|scope| -> anyhow::Result<_> {
            let (door, session) = (&door, &session);
            let sending = scope.spawn(move || door.append(session, acknowledged, next));
            std::thread::park_timeout(pause);
            let lost = Instant::now();
            self.lose(loss, receiver)?;
            let (resumed, durable) = go_on(&doors, session, bytes, random)?;
            let after = lost.elapsed();
            offset = resumed.1;
            if durable < acknowledged {
                losses.push(format!("{session}: {acknowledged} were acknowledged, {durable} are durable"));
            }
            if loss == Loss::Cut {
                // It takes what follows on what it was sent, but nobody else has it.
                let end = acknowledged + u64::try_from(next.len())?;
                let probe = door.within(PROBE_LIMIT).append(session, end, piece(bytes, end, random)?);
                losses.extend(probe.ok().map(|offset| format!("{session}: {offset} by who is cut off")));
            }
            while offset < length {
                offset = resumed.0.append(session, offset, piece(bytes, offset, random)?)?;
            }
            resumed.0.seal(session, length)?;
            losses.extend(lacking(&self.servers, &self.others(receiver), session, bytes)?);
            self.give_back(loss, receiver)?;
            let answer = sending.join().map_err(|_| anyhow::anyhow!("the recorder panicked"))?;
            Ok((after, answer))
        })?;
        let was_in_flight = answer.is_err();
        wait_until("a member that is whole again", DEADLINE, || {
            Ok(lacking(&self.servers, &[receiver], &session, bytes)?.is_empty())
        })?;
        Ok(Resumed { session, after, was_in_flight, losses })
    }

    fn others(&self, member: u64) -> Vec<u64> {
        MEMBERS.into_iter().filter(|other| *other != member).collect()
    }

    fn lose(&mut self, loss: Loss, member: u64) -> anyhow::Result<()> {
        match loss {
            Loss::Kill => self.servers.kill(member)?,
            Loss::Cut => {
                let is_its = |(from, to): &Way| *from == member || *to == member;
                self.links.hold(&self.links.ways().into_iter().filter(is_its).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    fn give_back(&mut self, loss: Loss, member: u64) -> anyhow::Result<()> {
        match loss {
            Loss::Kill => self.servers.begin(member)?,
            Loss::Cut => self.links.heal(),
        }
        self.servers.wait_ready()
    }
}

/// The first member that goes on, how far the recording is then, and how far it was.
fn go_on<'a>(
    doors: &'a [Door],
    session: &str,
    bytes: &[u8],
    random: &mut Random,
) -> anyhow::Result<((&'a Door, u64), u64)> {
    let mut went_on = None;
    wait_until("a member that goes on", DEADLINE, || {
        went_on = doors.iter().find_map(|door| {
            let durable = door.offset(session).ok()?;
            let next = piece(bytes, durable, &mut random.clone()).ok()?;
            Some(((door, door.append(session, durable, next).ok()?), durable))
        });
        Ok(went_on.is_some())
    })?;
    went_on.context("one was found")
}

/// Members that do not give the whole recording.
fn lacking(servers: &Servers, members: &[u64], session: &str, bytes: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut lacking = Vec::new();
    for member in members {
        let (status, found) = servers.administrator(*member).read(session, None)?;
        if status != 200 || found != bytes {
            lacking.push(format!("{session} of member {member}: status {status}, {} bytes", found.len()));
        }
    }
    Ok(lacking)
}

/// What is sent next.
fn piece<'a>(bytes: &'a [u8], offset: u64, random: &mut Random) -> anyhow::Result<&'a [u8]> {
    let rest = bytes.get(usize::try_from(offset)?..).context("a recording is no longer than it is")?;
    let length = usize::try_from(random.below(PIECE_BYTES_MAX) + 1)?;
    ensure!(!rest.is_empty() || offset > 0, "a recording has bytes");
    Ok(&rest[..length.min(rest.len())])
}
