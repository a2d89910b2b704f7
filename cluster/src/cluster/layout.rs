//! The layout as an operator sees it: who holds what, and what would move if the staged one were applied.

use super::Cluster;
use super::errors::LayoutError;
use super::shared::Shared;
use crate::catalog::{Catalog, Layout, LayoutRole, RESYNC_MIB_PER_S, StagedLayout};
use crate::id::{ChunkNumber, MemberId, ObjectId};
use crate::tail::homes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the chunks of the catalog may be walked over; what is not seen by then is estimated from what is.
const WALK_LIMIT: Duration = Duration::from_secs(2);
/// Objects and chunks whose rows are read at once.
const OBJECTS_AT_ONCE: usize = 256;
const CHUNKS_AT_ONCE: usize = 512;
const MIB_BYTES: u64 = 1 << 20;
/// Names of recordings are random: where one is among all of them, in so many parts, is how far a walk is.
const PARTS: u64 = 1 << 16;

/// The layout that is applied, and the one that is staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutView {
    /// The applied one.
    pub applied: Layout,
    /// Who applied it, and when in the cluster's time; none while there never was one.
    pub by: Option<(String, u64)>,
    /// The staged one.
    pub staged: Option<StagedLayout>,
    /// All members of either, and those that leave.
    pub members: Vec<LayoutMember>,
    /// On how many members each chunk is.
    pub replicas: usize,
    /// Whether bytes are estimated from a part of the recordings.
    pub is_estimate: bool,
    /// How long what the staged layout moves takes at least, at the pace of the repairs, in milliseconds.
    pub eta_ms: Option<u64>,
}

/// A member, and what it is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutMember {
    /// Which.
    pub member: MemberId,
    /// Its role in the applied layout.
    pub role: Option<LayoutRole>,
    /// Its role in the staged one.
    pub staged: Option<LayoutRole>,
    /// Whether it has said that it holds all that it is to hold, and nothing else.
    pub is_settled: bool,
    /// The bytes of closed chunks that it is to hold.
    pub bytes: u64,
    /// Those that it would fetch and drop, if the staged layout were applied.
    pub in_bytes: u64,
    /// The same.
    pub out_bytes: u64,
}

/// What was walked over.
#[derive(Debug, Default)]
struct Walk {
    shares: BTreeMap<MemberId, Share>,
    /// How much of it, in [`PARTS`]; none when all.
    seen: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Share {
    bytes: u64,
    in_bytes: u64,
    out_bytes: u64,
}

impl Cluster {
    /// The applied layout, the staged one, and what that would move. Walks over the chunks of the catalog for a short
    /// while.
    pub async fn layout(&self) -> Result<LayoutView, LayoutError> {
        self.read_index().await?;
        let shared = Arc::clone(&self.shared);
        self.shared.readers.run(move || shared.look_at_layout()).await.ok_or(LayoutError::Stopped)?
    }
}

impl Shared {
    /// Looks into the catalog: not for async threads.
    fn look_at_layout(&self) -> Result<LayoutView, LayoutError> {
        let catalog = self.catalog()?;
        let (row, staged) = (catalog.layout_row()?, catalog.staged_layout()?);
        let (applied, replicas) = (catalog.layout()?, catalog.replicas()?);
        let next =
            staged.as_ref().map(|staged| Layout { members: staged.members.clone(), ..applied.clone() });
        let walk = Walk::over(catalog, &applied, next.as_ref(), replicas)?;
        let unsettled = catalog.unsettled()?;
        let mut all: BTreeSet<MemberId> = applied.members.keys().copied().collect();
        all.extend(next.iter().flat_map(|next| next.members.keys()));
        all.extend(row.iter().flat_map(|row| &row.leaving));
        let member = |member: MemberId| {
            let Share { bytes, in_bytes, out_bytes } = walk.share(member);
            LayoutMember {
                member,
                role: applied.members.get(&member).cloned(),
                staged: next.as_ref().and_then(|next| next.members.get(&member).cloned()),
                is_settled: !unsettled.contains(&member),
                bytes,
                in_bytes,
                out_bytes,
            }
        };
        let members: Vec<LayoutMember> = all.into_iter().map(member).collect();
        let bytes_per_ms = catalog.number(RESYNC_MIB_PER_S)?.unwrap_or(1).saturating_mul(MIB_BYTES) / 1000;
        let most = members.iter().map(|member| member.in_bytes).max().unwrap_or(0);
        Ok(LayoutView {
            by: row.map(|row| (row.by, row.at_ms)),
            replicas: applied.replicas(replicas),
            is_estimate: walk.seen.is_some(),
            eta_ms: staged.as_ref().map(|_| most / bytes_per_ms.max(1)),
            applied,
            staged,
            members,
        })
    }
}

impl Walk {
    fn over(
        catalog: &Catalog,
        applied: &Layout,
        next: Option<&Layout>,
        replicas: usize,
    ) -> Result<Self, LayoutError> {
        let (began, mut walk) = (Instant::now(), Self::default());
        let mut after: Option<ObjectId> = None;
        loop {
            let objects = catalog.objects(after, OBJECTS_AT_ONCE)?;
            let is_last = objects.len() < OBJECTS_AT_ONCE;
            for (object, _) in objects {
                // What was purged or deleted is on nobody for long.
                if catalog.is_kept(object)? {
                    walk.count(catalog, object, (applied, next), replicas)?;
                }
                after = Some(object);
            }
            match after {
                Some(last) if !is_last && began.elapsed() > WALK_LIMIT => {
                    let [first, second, ..] = last.recording.0;
                    walk.seen = Some(u64::from(u16::from_be_bytes([first, second])) + 1);
                    return Ok(walk);
                }
                Some(_) if !is_last => {}
                Some(_) | None => return Ok(walk),
            }
        }
    }

    fn count(
        &mut self,
        catalog: &Catalog,
        object: ObjectId,
        (applied, next): (&Layout, Option<&Layout>),
        replicas: usize,
    ) -> Result<(), LayoutError> {
        let bytes = stored_bytes(catalog, object)?;
        let before = homes(object, applied, replicas);
        for member in &before {
            self.shares.entry(*member).or_default().bytes += bytes;
        }
        let Some(next) = next else { return Ok(()) };
        let after = homes(object, next, replicas);
        for member in after.iter().filter(|member| !before.contains(member)) {
            self.shares.entry(*member).or_default().in_bytes += bytes;
        }
        for member in before.iter().filter(|member| !after.contains(member)) {
            self.shares.entry(*member).or_default().out_bytes += bytes;
        }
        Ok(())
    }

    /// What a member has of all, estimated from what was seen.
    fn share(&self, member: MemberId) -> Share {
        let share = self.shares.get(&member).copied().unwrap_or_default();
        let whole = |bytes: u64| match self.seen {
            Some(seen) => {
                u64::try_from(u128::from(bytes) * u128::from(PARTS) / u128::from(seen)).unwrap_or(bytes)
            }
            None => bytes,
        };
        let Share { bytes, in_bytes, out_bytes } = share;
        Share { bytes: whole(bytes), in_bytes: whole(in_bytes), out_bytes: whole(out_bytes) }
    }
}

/// The bytes of all closed chunks of an object, its manifest included.
fn stored_bytes(catalog: &Catalog, object: ObjectId) -> Result<u64, LayoutError> {
    let (mut bytes, mut from) = (0_u64, ChunkNumber(0));
    loop {
        let rows = catalog.chunks(object, from, CHUNKS_AT_ONCE)?;
        for (_, row) in &rows {
            bytes = bytes.saturating_add(row.chunk.length_bytes);
        }
        let next = rows.last().and_then(|(number, _)| number.0.checked_add(1));
        match next.filter(|_| rows.len() == CHUNKS_AT_ONCE) {
            Some(next) => from = ChunkNumber(next),
            None => return Ok(bytes),
        }
    }
}
