//! What still lies in a member's folders that the cluster needs: the proof that it may go.

use super::Cluster;
use super::errors::LayoutError;
use super::shared::Shared;
use super::worker::{MemberWorkers, WorkerStatus};
use crate::catalog::{Catalog, CatalogError};
use crate::facts::ReadIndexError;
use crate::id::{ChunkId, MemberId};
use crate::rpc;
use crate::tail::Blocked;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long one look may take. A scan that is not at its end by then goes on with the next look.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// How long another member may take to answer.
const DEADLINE: Duration = Duration::from_secs(8);
/// How long a leader may take to say what is committed: as long as a member that is asked how it is. Who wants to see the
/// members while too few of them answer is not to wait for those.
const LEADER_LIMIT: Duration = Duration::from_secs(2);

/// What a scan of a member's own chunk folders has found of what is open or committed and not purged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residue {
    /// Closed chunks.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Open chunks.
    pub open: u64,
    /// Whether the scan has come to its end; if not, the next look goes on with it.
    pub is_whole: bool,
    /// A copy that stays, and for whom it waits.
    pub blocked: Option<(ChunkId, Vec<MemberId>)>,
}

/// A scan that has not come to its end.
#[derive(Debug)]
pub(super) struct Scan {
    /// The layout under which it began, and whether the member had settled by it and is not in it.
    by: (u64, bool),
    /// Folders that were not looked at.
    left: Vec<[u8; 2]>,
    /// What was found in the others.
    found: Residue,
}

impl Residue {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.is_whole && self.chunks == 0 && self.open == 0
    }
}

/// How far a member is that is no more in the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Which member.
    pub member: MemberId,
    /// Whether it has said that it has settled by the applied layout.
    pub is_settled: bool,
    /// What lies in its folders; none when it does not answer.
    pub residue: Option<Residue>,
    /// Whether an operator has told it to drop no copies.
    pub is_paused: bool,
}

impl Drain {
    /// Whether it holds nothing that is needed, and a scan of its folders proves it.
    pub fn is_drained(&self) -> bool {
        self.is_settled && self.residue.as_ref().is_some_and(Residue::is_empty)
    }

    /// Why it is not drained; none when it is.
    pub fn reason(&self) -> Option<String> {
        let member = self.member;
        let Some(residue) = &self.residue else { return Some(format!("member {member} does not answer")) };
        if self.is_paused && residue.chunks > 0 {
            return Some(format!("the worker rebalance of member {member} is paused: it drops nothing"));
        }
        if let (Some((chunk, lacking)), true) = (&residue.blocked, residue.chunks > 0) {
            let lacking: Vec<String> = lacking.iter().map(ToString::to_string).collect();
            let lacking = lacking.join(", ");
            return Some(format!("chunk {chunk} stays until these members say that they hold it: {lacking}"));
        }
        let reason = match residue {
            Residue { is_whole: false, .. } => "its folders are still being looked through",
            Residue { open: 1.., .. } => "a chunk is open on it",
            Residue { chunks: 1.., .. } => "others fetch what it holds",
            Residue { .. } if !self.is_settled => "it has not said yet that it has settled",
            Residue { .. } => return None,
        };
        Some(reason.to_owned())
    }
}

impl Cluster {
    /// How far each member is that is in no layout any more, by member. Each looks through its own folders.
    pub async fn drains(&self) -> Result<Vec<Drain>, LayoutError> {
        let catalog = self.catalog()?;
        // Where all hold copies nobody waits for a leader.
        if members_out(catalog)?.is_empty() {
            return Ok(Vec::new());
        }
        let known = timeout(LEADER_LIMIT, self.read_index()).await;
        known.unwrap_or(Err(ReadIndexError::NoQuorum))?;
        let (layout, out) = (catalog.layout()?, members_out(catalog)?);
        let drain = |(member, Look { residue, is_paused })| {
            let is_settled = layout.version > 0 && catalog.is_settled_out(member)?;
            Ok(Drain { member, is_settled, residue, is_paused })
        };
        self.look_into(&out).await.into_iter().map(drain).collect()
    }

    /// What these members find in their folders, and whether they drop copies.
    async fn look_into(&self, members: &BTreeSet<MemberId>) -> BTreeMap<MemberId, Look> {
        let mut asked = JoinSet::new();
        let mut looks: BTreeMap<MemberId, Look> = BTreeMap::new();
        for member in members.iter().copied() {
            looks.insert(member, Look::default());
            let shared = Arc::clone(&self.shared);
            asked.spawn(async move { (member, shared.look_of(member).await) });
        }
        while let Some(looked) = asked.join_next().await {
            looks.extend(looked.ok());
        }
        looks
    }
}

/// What a member says of its folders and its drops.
#[derive(Debug, Default)]
struct Look {
    residue: Option<Residue>,
    is_paused: bool,
}

/// The members that are not in the layout.
fn members_out(catalog: &Catalog) -> Result<BTreeSet<MemberId>, CatalogError> {
    let layout = catalog.layout()?;
    let mut out = catalog.all_members()?;
    out.retain(|member| !layout.members.contains_key(member));
    Ok(out)
}

impl Shared {
    /// What a member, which may be this one, says of its folders and its drops.
    async fn look_of(self: &Arc<Self>, member: MemberId) -> Look {
        let (residue, workers) = match member == self.facts.member() {
            true => (self.residue().await, Some(self.statuses())),
            false => tokio::join!(
                async { self.ask_one::<Option<Residue>>(member, &rpc::Request::Residue).await.flatten() },
                // That it is paused stands where members of older versions say it, too.
                self.ask_one::<Vec<WorkerStatus>>(member, &rpc::Request::Workers),
            ),
        };
        Look { residue, is_paused: MemberWorkers { member, workers }.drops_nothing() }
    }

    async fn ask_one<T: DeserializeOwned>(&self, member: MemberId, request: &rpc::Request) -> Option<T> {
        let answer = self.peers.call(member, rpc::encode(request), DEADLINE).await.ok()?;
        rpc::decode(&answer)
    }

    /// What lies in this member's folders; none before it is ready, or when it cannot be read.
    pub(super) async fn residue(self: &Arc<Self>) -> Option<Residue> {
        self.catalog().ok()?;
        let shared = Arc::clone(self);
        self.readers.run(move || shared.scan(LOOK_LIMIT)).await?.ok()
    }

    /// Looks through the folders, further than the look before if that did not reach their end: not for async threads.
    ///
    /// What is in a folder that was passed cannot grow while the member is in no layout and has settled by that: then
    /// nothing is brought to it. So a scan counts for as long as the layout and that are the same.
    pub(super) fn scan(&self, limit: Duration) -> Result<Residue, LayoutError> {
        let (catalog, began) = (self.catalog()?, Instant::now());
        let by = (catalog.layout()?.stamp, catalog.is_settled_out(self.facts.member())?);
        // Who looks at the same time begins a scan of its own: nobody waits for the disk behind another one.
        let begun = self.scan.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut scan = match begun.filter(|scan| scan.by == by) {
            Some(scan) => scan,
            None => Scan { by, left: self.store.closed_folders()?, found: Residue::default() },
        };
        while let Some(folder) = scan.left.pop() {
            for chunk in self.store.list_closed_under(folder)? {
                if let Some(bytes) = needed_bytes(catalog, chunk)? {
                    scan.found.chunks += 1;
                    scan.found.bytes = scan.found.bytes.saturating_add(bytes);
                }
            }
            if began.elapsed() >= limit {
                break;
            }
        }
        let mut residue = Residue { is_whole: scan.left.is_empty(), ..scan.found.clone() };
        for chunk in self.store.list_open()? {
            residue.open += u64::from(is_open(catalog, chunk)?);
        }
        let blocked = self.drops.queue().blocked;
        residue.blocked = blocked.map(|Blocked { chunk, lacking }| (chunk, lacking));
        if !residue.is_whole {
            *self.scan.lock().unwrap_or_else(PoisonError::into_inner) = Some(scan);
        }
        Ok(residue)
    }
}

/// Whether a chunk of which an open file lies here is open in the catalog, or committed from it.
fn is_open(catalog: &Catalog, chunk: ChunkId) -> Result<bool, CatalogError> {
    let row = catalog.object(chunk.object)?;
    let open = row.and_then(|row| row.open_chunk);
    let is_open = open.is_some_and(|open| (open.number, open.epoch) == (chunk.number, chunk.epoch));
    Ok(is_open || needed_bytes(catalog, chunk)?.is_some())
}

/// The bytes of a committed chunk that was neither purged nor deleted.
fn needed_bytes(catalog: &Catalog, chunk: ChunkId) -> Result<Option<u64>, CatalogError> {
    let row = catalog.chunks(chunk.object, chunk.number, 1)?.into_iter().next();
    let row = row.map(|(_, row)| row).filter(|row| row.chunk.id(chunk.object) == chunk);
    let is_kept = catalog.is_kept(chunk.object)?;
    Ok(row.filter(|_| is_kept).map(|row| row.chunk.length_bytes))
}
