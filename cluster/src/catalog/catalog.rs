use super::apply;
use super::clock::{self, ClockRow};
use super::engine::{Batch, Engine, KeyAndRow, KeyRange, Tree};
use super::frozen::{Frozen, RowPlace};
use super::job::{self, JobRow, JobStartRow};
use super::key_states::KeyStatesRow;
use super::outcome::Applied;
use super::parameter::{Parameter, ParameterRow, ParameterValue};
use super::recording::{self, ChunkRow, ObjectRow};
use super::request::Request;
use super::row::{self, Row};
use super::session::SessionRow;
use super::step::LogPosition;
use super::transaction::{CatalogError, Transaction};
use super::video::{DamagedVideoRow, RequestRow, VideoRow};
use super::view::ViewRow;
use crate::id::{ChunkNumber, JobId, MemberId, ObjectId, RecordingId, VideoId};
use crate::raft::stored_members;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// The facts, as of the newest applied command.
#[derive(Debug, Clone)]
pub struct Catalog {
    engine: Arc<dyn Engine>,
}

/// What the log hands to the catalog: one place, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandEntry {
    /// Requests of members.
    Requests(Vec<Request>),
    /// Other members.
    Membership(MembershipRow),
    /// Nothing; a leader has begun.
    Blank,
}

/// The members as Raft has agreed on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MembershipRow {
    /// Those that vote.
    pub(crate) voters: Vec<MemberId>,
    /// The same as Raft stores it.
    pub(crate) raft: Vec<u8>,
}

impl MembershipRow {
    pub(crate) const KEY: &[u8] = b"membership";

    /// Those that vote, and those that learn.
    pub(crate) fn known(&self) -> BTreeSet<MemberId> {
        let nodes = stored_members(&self.raft).map(|(_, nodes)| nodes).unwrap_or_default();
        self.voters.iter().copied().chain(nodes).collect()
    }

    /// Where in the log they became the members.
    pub(crate) fn stamp(&self) -> u64 {
        stored_members(&self.raft).map_or(0, |(index, _)| index)
    }
}

impl Row for MembershipRow {
    const TREE: Tree = Tree::Meta;
}

/// Up to where the log is applied.
#[derive(Debug, Serialize, Deserialize)]
struct AppliedRow {
    position: LogPosition,
}

impl AppliedRow {
    const KEY: &[u8] = b"applied";
}

impl Row for AppliedRow {
    const TREE: Tree = Tree::Meta;
}

/// Rows moved at once when a catalog is dumped or loaded.
pub(crate) const ROWS_AT_ONCE: usize = 512;

impl Catalog {
    /// The catalog in an engine.
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Applies what stands at one or more consecutive places of the log, as one batch. The answers stand in
    /// the same order: one list for each place, one answer for each request.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn apply(
        &self,
        entries: Vec<(LogPosition, CommandEntry)>,
    ) -> Result<Vec<Vec<Applied>>, CatalogError> {
        self.apply_beside(entries, None)
    }

    /// The same while somebody reads the rows as they were.
    pub(crate) fn apply_beside(
        &self,
        entries: Vec<(LogPosition, CommandEntry)>,
        frozen: Option<&mut Frozen>,
    ) -> Result<Vec<Vec<Applied>>, CatalogError> {
        let mut rows = Transaction::new(&*self.engine);
        let mut answers = Vec::with_capacity(entries.len());
        for (position, entry) in entries {
            let mut applied = Vec::new();
            match entry {
                CommandEntry::Requests(requests) => {
                    for request in requests {
                        applied.push(apply::request(&mut rows, position, request)?);
                    }
                }
                CommandEntry::Membership(membership) => rows.put(MembershipRow::KEY, &membership)?,
                CommandEntry::Blank => {}
            }
            rows.put(AppliedRow::KEY, &AppliedRow { position })?;
            rows.keep();
            answers.push(applied);
        }
        let batch = rows.into_batch();
        if let Some(frozen) = frozen {
            frozen.keep(&*self.engine, &batch)?;
        }
        self.engine.commit(batch)?;
        Ok(answers)
    }

    /// Up to where the log is applied.
    pub fn applied(&self) -> Result<Option<LogPosition>, CatalogError> {
        Ok(self.get::<AppliedRow>(AppliedRow::KEY)?.map(|row| row.position))
    }

    /// The members as Raft has agreed on them.
    pub(crate) fn membership(&self) -> Result<Option<MembershipRow>, CatalogError> {
        self.get(MembershipRow::KEY)
    }

    /// The cluster's time.
    pub fn clock(&self) -> Result<ClockRow, CatalogError> {
        Ok(self.get(clock::KEY)?.unwrap_or_default())
    }

    /// A session.
    pub fn session(&self, recording: RecordingId) -> Result<Option<SessionRow>, CatalogError> {
        self.get(&recording.0)
    }

    /// A recording or what derives from it.
    pub fn object(&self, object: ObjectId) -> Result<Option<ObjectRow>, CatalogError> {
        self.get(&recording::key(object))
    }

    /// Objects in order, behind `after`, at most `limit`.
    pub fn objects(
        &self,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, ObjectRow)>, CatalogError> {
        let range = after.map_or(KeyRange::all(), |after| KeyRange::all().after(recording::key(after)));
        self.list(range, limit, recording::object)
    }

    /// The closed chunks of an object from a number on, at most `limit`; the manifest stands last.
    pub fn chunks(
        &self,
        object: ObjectId,
        from: ChunkNumber,
        limit: usize,
    ) -> Result<Vec<(ChunkNumber, ChunkRow)>, CatalogError> {
        let range = KeyRange {
            from: Bound::Included(recording::chunk_key(object, from)),
            ..KeyRange::prefix(&recording::key(object))
        };
        let number = |key: &[u8]| key.last_chunk().map(|number| ChunkNumber(u32::from_be_bytes(*number)));
        self.list(range, limit, number)
    }

    /// Where the key states of a recording are stored, once there are any.
    pub fn key_states(&self, recording: RecordingId) -> Result<Option<ObjectId>, CatalogError> {
        Ok(self.get::<KeyStatesRow>(&recording.0)?.map(|row| row.object))
    }

    /// What the view of a recording needs, once its index is made.
    pub fn view(&self, recording: RecordingId) -> Result<Option<ViewRow>, CatalogError> {
        self.get(&recording.0)
    }

    /// A video.
    pub fn video(&self, video: VideoId) -> Result<Option<VideoRow>, CatalogError> {
        self.get(&video.0)
    }

    /// From when on something is missing in a video that was made of a damaged recording.
    pub fn missing_from_ms(&self, video: VideoId) -> Result<Option<u64>, CatalogError> {
        Ok(self.get::<DamagedVideoRow>(&video.0)?.map(|row| row.missing_from_ms))
    }

    /// The newest video of each kind that was asked for of a recording.
    pub fn videos_of(&self, recording: RecordingId) -> Result<Vec<(VideoId, VideoRow)>, CatalogError> {
        let asked: Vec<((), RequestRow)> =
            self.list(KeyRange::prefix(&recording.0), ROWS_AT_ONCE, |_| Some(()))?;
        let mut videos = Vec::new();
        for ((), RequestRow { video }) in asked {
            if let Some(row) = self.video(video)? {
                videos.push((video, row));
            }
        }
        Ok(videos)
    }

    /// A job.
    pub fn job(&self, job: JobId) -> Result<Option<JobRow>, CatalogError> {
        self.get(&job::key(job))
    }

    /// Since when a job is being done; none while nobody does it.
    pub fn job_start(&self, job: JobId) -> Result<Option<JobStartRow>, CatalogError> {
        self.get(&job::key(job))
    }

    /// The oldest jobs that have not ended, at most `limit`.
    pub fn open_jobs(&self, limit: usize) -> Result<Vec<(JobId, JobRow)>, CatalogError> {
        self.open(Tree::JobsOpen, KeyRange::all(), limit, JobId)
    }

    /// The value of a parameter: what was set, or its default.
    pub fn parameter(&self, parameter: &Parameter) -> Result<ParameterValue, CatalogError> {
        Ok(self.parameter_row(parameter)?.map_or(parameter.default, |row| row.value))
    }

    /// Whether the switch of a name is on.
    pub fn is_on(&self, name: &str) -> Result<bool, CatalogError> {
        let value = Parameter::named(name).map(|parameter| self.parameter(parameter)).transpose()?;
        Ok(value == Some(ParameterValue::Switch(true)))
    }

    /// The number of a parameter; none for never.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, CatalogError> {
        let value = Parameter::named(name).map(|parameter| self.parameter(parameter)).transpose()?;
        Ok(match value {
            Some(ParameterValue::Number(number)) => Some(number),
            Some(ParameterValue::Never | ParameterValue::Switch(_)) | None => None,
        })
    }

    /// A parameter, if it was set.
    pub fn parameter_row(&self, parameter: &Parameter) -> Result<Option<ParameterRow>, CatalogError> {
        self.get(parameter.name.as_bytes())
    }

    /// Rows as they are stored, from a place on, in the order of trees and keys; without any after the last.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn dump(&self, after: Option<&RowPlace>) -> Result<Vec<(Tree, KeyAndRow)>, CatalogError> {
        self.dump_some(after, ROWS_AT_ONCE)
    }

    /// The same, at most `limit` rows.
    pub(crate) fn dump_some(
        &self,
        after: Option<&RowPlace>,
        limit: usize,
    ) -> Result<Vec<(Tree, KeyAndRow)>, CatalogError> {
        let mut rows = Vec::new();
        for tree in Tree::ALL {
            let range = match after {
                Some((done, _)) if tree < *done => continue,
                Some((here, key)) if tree == *here => KeyRange::all().after(key.clone()),
                Some(_) | None => KeyRange::all(),
            };
            let found = self.engine.scan(tree, range, limit - rows.len())?;
            rows.extend(found.into_iter().map(|row| (tree, row)));
            if rows.len() == limit {
                break;
            }
        }
        Ok(rows)
    }

    /// Removes all rows. The mark of what is applied goes first, so that a catalog that is half removed or half
    /// loaded never passes for a whole one.
    pub(crate) fn empty(&self) -> Result<(), CatalogError> {
        self.engine.commit(Batch::from([((Tree::Meta, AppliedRow::KEY.to_vec()), None)]))?;
        Ok(self.engine.clear()?)
    }

    /// Whether a row is the mark of what is applied, which is loaded last.
    pub(crate) fn is_applied_mark(tree: Tree, key: &[u8]) -> bool {
        tree == Tree::Meta && key == AppliedRow::KEY
    }

    /// Stores rows as they were dumped, in any order, several threads at once.
    pub(crate) fn load(&self, rows: Vec<(Tree, KeyAndRow)>) -> Result<(), CatalogError> {
        Ok(self.engine.load(rows)?)
    }

    /// Ends the loading: what the indexes of an older Custody do not say is added, and then the mark of what is applied.
    pub(crate) fn finish_load(&self, marks: Batch) -> Result<(), CatalogError> {
        if !self.has_index_rows()? {
            self.index_again()?;
        }
        Ok(self.engine.commit(marks)?)
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(super) fn get<R: Row>(&self, key: &[u8]) -> Result<Option<R>, CatalogError> {
        let Some(bytes) = self.engine.get(R::TREE, key)? else { return Ok(None) };
        Ok(Some(row::decode(key, &bytes)?))
    }

    pub(super) fn list<K, R: Row>(
        &self,
        range: KeyRange,
        limit: usize,
        name: impl Fn(&[u8]) -> Option<K>,
    ) -> Result<Vec<(K, R)>, CatalogError> {
        let mut found = Vec::new();
        for (key, bytes) in self.engine.scan(R::TREE, range, limit)? {
            if let Some(name) = name(&key) {
                found.push((name, row::decode(&key, &bytes)?));
            }
        }
        Ok(found)
    }

    /// The rows whose numbers stand in an index.
    pub(super) fn open<K, R: Row>(
        &self,
        index: Tree,
        range: KeyRange,
        limit: usize,
        name: impl Fn(u64) -> K,
    ) -> Result<Vec<(K, R)>, CatalogError> {
        let mut found = Vec::new();
        for (key, _) in self.engine.scan(index, range, limit)? {
            if let (Some(number), Some(row)) = (key.last_chunk(), self.get(&key)?) {
                found.push((name(u64::from_be_bytes(*number)), row));
            }
        }
        Ok(found)
    }
}
