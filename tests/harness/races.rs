//! Sessions that one person wants to keep and another one to purge at the same time, and views that must leave a leaf.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Duration;

/// Pairs of persons at the same time.
const AT_ONCE: u64 = 8;
/// The index of one in so many sessions is waited for before they are held and purged. Who holds one of the others has to learn
/// first what is committed, and mostly comes second.
const WAITED_EVERY: u64 = 10;
/// A recording is indexed in less time.
const INDEX_LIMIT: Duration = Duration::from_secs(120);
/// A member has heard of a change of others in less time.
const APPLY_LIMIT: Duration = Duration::from_secs(10);
/// Leaves of a page of the audit log.
const PAGE_LEAVES: u64 = 1000;

/// Sessions that are viewed, then held and purged.
#[derive(Debug, Clone, Copy)]
pub struct Races {
    /// Chooses everything.
    pub seed: u64,
    /// How many.
    pub sessions: u64,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct RacesOutcome {
    /// Sessions of which the hold came first.
    pub held: u64,
    /// Sessions of which the purge came first.
    pub purged: u64,
    /// Those of all whose index was waited for before.
    pub waited: u64,
    /// Those of the waited ones of which the hold came first.
    pub waited_held: u64,
    /// Sessions that were held and are purged all the same, and other answers that must not be.
    pub wrong: Vec<String>,
    /// Views without a leaf in the audit log.
    pub without_leaf: u64,
}

#[derive(Deserialize)]
struct Page {
    leaves: Vec<Leaf>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Leaf {
    object: String,
}

/// How a race ended.
enum Won {
    Hold,
    Purge,
}

impl Races {
    /// Does it. An error means that the test could not be done.
    pub fn run(self) -> anyhow::Result<RacesOutcome> {
        let folder = scratch_folder()?;
        let servers = Servers::start_in(folder.path())?;
        let (next, all) = (AtomicU64::new(0), Mutex::new((RacesOutcome::default(), BTreeSet::new())));
        std::thread::scope(|scope| -> anyhow::Result<()> {
            let pairs: Vec<_> = (0..AT_ONCE)
                .map(|pair| {
                    let random = Random::new(self.seed ^ (pair << 32));
                    let (servers, next, all) = (&servers, &next, &all);
                    scope.spawn(move || self.pair(servers, random, next, all))
                })
                .collect();
            pairs
                .into_iter()
                .try_for_each(|pair| pair.join().map_err(|_| anyhow::anyhow!("a pair panicked"))?)
        })?;
        let (mut outcome, viewed) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        let told = views(&servers.administrator(*Random::new(self.seed).choose(&MEMBERS)))?;
        outcome.without_leaf = u64::try_from(viewed.difference(&told).count())?;
        Ok(outcome)
    }

    /// What one pair of persons does, as long as there are sessions left.
    fn pair(
        self,
        servers: &Servers,
        mut random: Random,
        next: &AtomicU64,
        all: &Mutex<(RacesOutcome, BTreeSet<String>)>,
    ) -> anyhow::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.sessions {
                return Ok(());
            }
            let session = record_and_view(servers, &mut random)?;
            let waits = number.is_multiple_of(WAITED_EVERY);
            if waits {
                wait_for_index(servers, &session, &mut random)?;
            }
            let won = race(servers, &session, &mut random);
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.0.waited += u64::from(waits);
            match won {
                Ok(Won::Hold) => {
                    all.0.held += 1;
                    all.0.waited_held += u64::from(waits);
                }
                Ok(Won::Purge) => all.0.purged += 1,
                Err(error) => all.0.wrong.push(format!("{session}: {error:#}")),
            }
            all.1.insert(format!("session/{session}"));
        }
    }
}

/// Records a session at one member and looks at its bytes at another.
fn record_and_view(servers: &Servers, random: &mut Random) -> anyhow::Result<String> {
    let door = servers.recorder(*random.choose(&MEMBERS));
    let (session, bytes) = (door.open()?, b"4.size,1.0,3.640,3.480;4.sync,13.1760000000000;");
    door.append(&session, 0, bytes)?;
    door.seal(&session, u64::try_from(bytes.len())?)?;
    let (status, read) = servers.administrator(*random.choose(&MEMBERS)).read(&session, None)?;
    ensure!(status == 200 && read == bytes, "status {status}, {} bytes", read.len());
    Ok(session)
}

/// Waits until a member knows of the index of a session.
fn wait_for_index(servers: &Servers, session: &str, random: &mut Random) -> anyhow::Result<()> {
    let door = servers.administrator(*random.choose(&MEMBERS));
    wait_until("an index", INDEX_LIMIT, || {
        let report: Value = door.get(&format!("/v1/sessions/{session}"))?;
        let state = &report["session"]["index_state"];
        ensure!(*state != "failed", "session {session} is not indexed");
        Ok(*state == "ready")
    })
}

/// Two persons at two members, at the same time.
fn race(servers: &Servers, session: &str, random: &mut Random) -> anyhow::Result<Won> {
    let [keeper, purger] = [(); 2].map(|()| servers.administrator(*random.choose(&MEMBERS)));
    let begin = Barrier::new(2);
    let (kept, purged) = std::thread::scope(|scope| {
        let keeping = scope.spawn(|| {
            begin.wait();
            keeper.status(&format!("/v1/sessions/{session}/holds"), &json!({ "justification": "inquiry" }))
        });
        begin.wait();
        let purged = purger.status(&format!("/v1/sessions/{session}/purge"), &json!({ "reason": "asked" }));
        (keeping.join(), purged)
    });
    let kept = kept.map_err(|_| anyhow::anyhow!("who keeps panicked"))??;
    let won = match (kept, purged?) {
        (201, 409) => Won::Hold,
        (410, 202) => Won::Purge,
        (kept, purged) => anyhow::bail!("the hold is answered with {kept}, the purge with {purged}"),
    };
    let looker = servers.administrator(*random.choose(&MEMBERS));
    let is_gone = || -> anyhow::Result<bool> {
        let report: Value = looker.get(&format!("/v1/sessions/{session}"))?;
        Ok(!report["tombstone"].is_null())
    };
    match won {
        Won::Hold => ensure!(!is_gone()?, "a member shows that it is purged"),
        // A member shows a change of others when it has applied it.
        Won::Purge => wait_until("the purge on another member", APPLY_LIMIT, is_gone)?,
    }
    Ok(won)
}

/// Every session of which the audit log says that it was viewed.
fn views(door: &Door) -> anyhow::Result<BTreeSet<String>> {
    let (mut viewed, mut path) = (BTreeSet::new(), format!("/v1/audit?kind=view&limit={PAGE_LEAVES}"));
    loop {
        let page: Page = door.get(&path)?;
        viewed.extend(page.leaves.into_iter().map(|leaf| leaf.object));
        let Some(cursor) = page.next else { return Ok(viewed) };
        path = format!("/v1/audit?kind=view&limit={PAGE_LEAVES}&cursor={cursor}");
    }
}
