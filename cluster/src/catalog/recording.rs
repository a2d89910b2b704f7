//! Objects: recordings and what derives from them, as chunks that are opened and closed in order.

use super::engine::Tree;
use super::gap;
use super::job;
use super::kek;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::session;
use super::step::{Effect, Halt, Step};
use crate::chunk::key::{KekId, KeyPurpose};
use crate::chunk::{ClosedChunk, Hash};
use crate::id::{ChunkNumber, Epoch, MemberId, ObjectId, RecordingId, StreamId};
use serde::{Deserialize, Serialize};

/// The most members of a chunk.
const MEMBERS_MAX: usize = 9;
/// The most bytes of a wrapped key.
const WRAPPED_KEY_BYTES_MAX: usize = 512;

/// The data keys of a recording, each wrapped with the KEK. Opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKeys {
    /// What wraps them.
    pub kek: KekId,
    /// The key of the recording and its streams.
    pub data: Vec<u8>,
    /// The key of derived keystrokes and search text.
    pub derived: Vec<u8>,
}

impl WrappedKeys {
    /// The key under which an object of the recording stands.
    pub fn of(&self, object: ObjectId) -> &[u8] {
        if object.stream.is_text() { &self.derived } else { &self.data }
    }
}

/// A chunk begins, on these members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenChunk {
    /// Of which object.
    pub object: ObjectId,
    /// The number after the last closed one, or [`ChunkNumber::MANIFEST`].
    pub number: ChunkNumber,
    /// The current epoch.
    pub epoch: Epoch,
    /// Who holds it.
    pub members: Vec<MemberId>,
}

/// A chunk begins after its first bytes have waited for long: no quorum of an older one's members was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenChunkLate {
    /// The chunk.
    pub chunk: OpenChunk,
    /// For how long by the owner's clock.
    pub late_ms: u64,
}

/// The open chunk is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseChunk {
    /// Of which object.
    pub object: ObjectId,
    /// The current epoch, which after a takeover is not the one in which the chunk was opened.
    pub epoch: Epoch,
    /// The chunk as it is from now on.
    pub chunk: ClosedChunk,
}

/// An object is final, and its manifest with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Which.
    pub object: ObjectId,
    /// The current epoch.
    pub epoch: Epoch,
    /// The manifest, which is the open chunk.
    pub manifest: ClosedChunk,
    /// The Merkle root over all leaves.
    pub root: Hash,
    /// The object's bytes before encryption.
    pub length: u64,
    /// Its chunks, without the manifest.
    pub chunk_count: u32,
}

/// What a seal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealFacts {
    /// SHA-256 of the manifest's file.
    pub manifest_hash: Hash,
    /// The Merkle root over all leaves.
    pub root: Hash,
    /// The object's bytes before encryption.
    pub length: u64,
    /// Its chunks, without the manifest.
    pub chunk_count: u32,
}

/// Whether an object grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectState {
    /// It grows.
    Open,
    /// Its recorder is away.
    Interrupted {
        /// Since when, in the cluster's time.
        since_ms: u64,
    },
    /// It is final.
    Sealed(SealFacts),
}

/// The chunk that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenChunkFact {
    /// Its number.
    pub number: ChunkNumber,
    /// The epoch in which it was opened.
    pub epoch: Epoch,
    /// Who holds it.
    pub members: Vec<MemberId>,
}

/// An object in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRow {
    /// Whether it grows.
    pub state: ObjectState,
    /// The current ownership.
    pub epoch: Epoch,
    /// Whose it is.
    pub owner: MemberId,
    /// The chunk that is being written.
    pub open_chunk: Option<OpenChunkFact>,
    /// How many chunks are closed, without the manifest.
    pub chunk_count: u32,
    /// Their plaintext.
    pub length: u64,
    /// The keys; only the recording itself has them, for all of its streams, until it is purged.
    pub keys: Option<WrappedKeys>,
    /// The newest stream that derives from it; 0 without. Streams of text count with the others.
    pub newest_stream: StreamId,
}

impl ObjectRow {
    /// Its bytes before encryption, once they are final.
    pub fn final_length(&self) -> Option<u64> {
        match self.state {
            ObjectState::Sealed(facts) => Some(facts.length),
            ObjectState::Open | ObjectState::Interrupted { .. } => None,
        }
    }
}

impl Row for ObjectRow {
    const TREE: Tree = Tree::Objects;
}

/// A closed chunk in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRow {
    /// The chunk; the epoch in it is the one in which it was opened.
    pub chunk: ClosedChunk,
    /// Who held it when it was written.
    pub members: Vec<MemberId>,
}

impl Row for ChunkRow {
    const TREE: Tree = Tree::Chunks;
}

/// A new recording.
pub(crate) fn create(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    keys: WrappedKeys,
    owner: MemberId,
) -> Result<(), Halt> {
    check_keys(&keys)?;
    kek::check_current(step, keys.kek)?;
    Ok(step.rows.put(&key(recording.into()), &ObjectRow { keys: Some(keys), ..new_row(owner) })?)
}

/// Whether wrapped keys may be stored.
pub(crate) fn check_keys(keys: &WrappedKeys) -> Result<(), Refusal> {
    for key in [&keys.data, &keys.derived] {
        if key.is_empty() || key.len() > WRAPPED_KEY_BYTES_MAX {
            let limit_bytes = u64::try_from(WRAPPED_KEY_BYTES_MAX).unwrap_or(u64::MAX);
            return Err(Refusal::WrappedKey { limit_bytes });
        }
    }
    Ok(())
}

pub(crate) fn open_stream(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    owner: MemberId,
    purpose: KeyPurpose,
) -> Effect {
    let root_key = key(recording.into());
    let mut root: ObjectRow = step.need(&root_key, || Refusal::RecordingUnknown { recording })?;
    if root.keys.is_none() {
        return Err(Refusal::SessionPurged { recording }.into());
    }
    let newest = StreamId(root.newest_stream.0 + 1);
    root.newest_stream = newest;
    step.rows.put(&root_key, &root)?;
    let stream = match purpose {
        KeyPurpose::Bytes => newest,
        KeyPurpose::Text => newest.of_text(),
    };
    step.rows.put(&key(ObjectId { recording, stream }), &new_row(owner))?;
    Ok(Outcome::Stream(stream))
}

pub(crate) fn take_over(step: &mut Step<'_, '_>, object: ObjectId, epoch: Epoch, owner: MemberId) -> Effect {
    let mut row = growing(step, object)?;
    let next = Epoch(row.epoch.0 + 1);
    if epoch != next {
        return Err(Refusal::EpochNotNext { object, next, given: epoch }.into());
    }
    row.epoch = epoch;
    row.owner = owner;
    step.rows.put(&key(object), &row)?;
    if object.stream == StreamId::RECORDING && row.state == ObjectState::Open {
        gap::lost_owner(step, object.recording)?;
    }
    Ok(Outcome::TakenOver { open_chunk: row.open_chunk })
}

pub(crate) fn open_chunk(step: &mut Step<'_, '_>, command: OpenChunk) -> Effect {
    let OpenChunk { object, number, epoch, members } = command;
    let mut row = current(step, object, epoch)?;
    let distinct = members.iter().zip(members.iter().skip(1)).all(|(one, next)| one < next);
    if members.is_empty() || members.len() > MEMBERS_MAX || !distinct {
        return Err(Refusal::ChunkMembers { limit: u64::try_from(MEMBERS_MAX).unwrap_or(u64::MAX) }.into());
    }
    if let Some(open) = row.open_chunk
        && !is_given_up(&open, epoch)
    {
        return Err(Refusal::ChunkOpen { object, number: open.number }.into());
    }
    let expected = ChunkNumber(row.chunk_count);
    if number != expected && number != ChunkNumber::MANIFEST {
        return Err(Refusal::ChunkNumber { object, expected, given: number }.into());
    }
    row.open_chunk = Some(OpenChunkFact { number, epoch, members });
    row.state = ObjectState::Open;
    step.rows.put(&key(object), &row)?;
    if number != ChunkNumber::MANIFEST && object.stream == StreamId::RECORDING {
        gap::went_on(step, object.recording, row.length)?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn open_chunk_late(step: &mut Step<'_, '_>, command: OpenChunkLate) -> Effect {
    let OpenChunkLate { chunk, late_ms } = command;
    let (object, is_manifest) = (chunk.object, chunk.number == ChunkNumber::MANIFEST);
    let opened = open_chunk(step, chunk)?;
    if !is_manifest && object.stream == StreamId::RECORDING {
        let length = get(step, object)?.length;
        gap::stalled(step, object.recording, length, late_ms)?;
    }
    Ok(opened)
}

pub(crate) fn close_chunk(step: &mut Step<'_, '_>, command: CloseChunk) -> Effect {
    let CloseChunk { object, epoch, chunk } = command;
    let mut row = current(step, object, epoch)?;
    if chunk.number == ChunkNumber::MANIFEST {
        return Err(Refusal::ManifestUnsealed { object }.into());
    }
    let members = close_open(object, &mut row, &chunk)?;
    if chunk.offset != row.length {
        return Err(Refusal::ChunkOffset { object, expected: row.length, given: chunk.offset }.into());
    }
    row.chunk_count += 1;
    row.length += chunk.plaintext_bytes;
    step.rows.put(&chunk_key(object, chunk.number), &ChunkRow { chunk, members })?;
    step.rows.put(&key(object), &row)?;
    Ok(Outcome::Done)
}

pub(crate) fn interrupt(step: &mut Step<'_, '_>, object: ObjectId, epoch: Epoch, idle_ms: u64) -> Effect {
    let mut row = current(step, object, epoch)?;
    if let Some(open) = row.open_chunk {
        return Err(Refusal::ChunkOpen { object, number: open.number }.into());
    }
    if row.state == ObjectState::Open {
        row.state = ObjectState::Interrupted { since_ms: step.now_ms };
        step.rows.put(&key(object), &row)?;
        if object.stream == StreamId::RECORDING {
            gap::interrupted(step, object.recording, idle_ms)?;
        }
    }
    Ok(Outcome::Done)
}

/// The same. The chunk of a manifest that an older owner had begun is no more: else members would be in its set for as long
/// as nobody seals the object.
pub(crate) fn let_go(step: &mut Step<'_, '_>, object: ObjectId, epoch: Epoch, idle_ms: u64) -> Effect {
    let mut row = current(step, object, epoch)?;
    if row.open_chunk.take_if(|open| is_given_up(open, epoch)).is_some() {
        step.rows.put(&key(object), &row)?;
    }
    interrupt(step, object, epoch, idle_ms)
}

/// Seals, and so closes the manifest; a sealed recording is indexed.
pub(crate) fn seal(step: &mut Step<'_, '_>, command: Seal) -> Effect {
    let Seal { object, epoch, manifest, root, length, chunk_count } = command;
    let mut row = current(step, object, epoch)?;
    if manifest.number != ChunkNumber::MANIFEST {
        return Err(Refusal::ManifestMissing { object }.into());
    }
    let members = close_open(object, &mut row, &manifest)?;
    if (chunk_count, length) != (row.chunk_count, row.length) {
        return Err(Refusal::SealDiffers { object, chunks: row.chunk_count, length: row.length }.into());
    }
    row.state = ObjectState::Sealed(SealFacts { manifest_hash: manifest.hash, root, length, chunk_count });
    step.rows.put(&chunk_key(object, ChunkNumber::MANIFEST), &ChunkRow { chunk: manifest, members })?;
    step.rows.put(&key(object), &row)?;
    let index_job = match object.stream {
        StreamId::RECORDING => {
            gap::sealed(step, object.recording, length)?;
            session::sealed(step, object.recording, length)?;
            Some(job::create_index(step, object.recording)?)
        }
        _ => None,
    };
    Ok(Outcome::Sealed { index_job })
}

/// Takes the open chunk out of a row, if it is this one.
fn close_open(object: ObjectId, row: &mut ObjectRow, chunk: &ClosedChunk) -> Result<Vec<MemberId>, Refusal> {
    let number = chunk.number;
    match row.open_chunk.take() {
        Some(open) if (open.number, open.epoch) == (number, chunk.epoch) => match chunk.is_plausible() {
            true => Ok(open.members),
            false => Err(Refusal::ChunkImplausible { object, number }),
        },
        Some(_) | None => Err(Refusal::ChunkNotOpen { object, number }),
    }
}

/// A manifest holds nothing that was acknowledged: after a takeover it is not closed but written again.
fn is_given_up(open: &OpenChunkFact, epoch: Epoch) -> bool {
    open.number == ChunkNumber::MANIFEST && open.epoch < epoch
}

/// The facts of a sealed object that derives from a recording.
pub(crate) fn sealed(
    step: &Step<'_, '_>,
    object: ObjectId,
    recording: RecordingId,
) -> Result<SealFacts, Halt> {
    match derived(step, object, recording)?.state {
        ObjectState::Sealed(facts) => Ok(facts),
        ObjectState::Open | ObjectState::Interrupted { .. } => {
            Err(Refusal::ObjectNotSealed { object }.into())
        }
    }
}

/// An object that derives from a recording.
pub(crate) fn derived(
    step: &Step<'_, '_>,
    object: ObjectId,
    recording: RecordingId,
) -> Result<ObjectRow, Halt> {
    if object.recording != recording || object.stream == StreamId::RECORDING {
        return Err(Refusal::ObjectOfOther { object, recording }.into());
    }
    get(step, object)
}

pub(crate) fn get(step: &Step<'_, '_>, object: ObjectId) -> Result<ObjectRow, Halt> {
    step.need(&key(object), || Refusal::ObjectUnknown { object })
}

/// Recording, then stream: all streams of a recording stand together.
pub(crate) fn key(object: ObjectId) -> Vec<u8> {
    let mut key = object.recording.0.to_vec();
    key.extend_from_slice(&object.stream.0.to_be_bytes());
    key
}

/// The object whose key this is.
pub(crate) fn object(key: &[u8]) -> Option<ObjectId> {
    let (recording, stream) = key.split_first_chunk()?;
    let stream = StreamId(u64::from_be_bytes(stream.try_into().ok()?));
    Some(ObjectId { recording: RecordingId(*recording), stream })
}

pub(crate) fn chunk_key(object: ObjectId, number: ChunkNumber) -> Vec<u8> {
    let mut key = key(object);
    key.extend_from_slice(&number.0.to_be_bytes());
    key
}

fn new_row(owner: MemberId) -> ObjectRow {
    ObjectRow {
        state: ObjectState::Open,
        epoch: Epoch(1),
        owner,
        open_chunk: None,
        chunk_count: 0,
        length: 0,
        keys: None,
        newest_stream: StreamId::RECORDING,
    }
}

fn growing(step: &Step<'_, '_>, object: ObjectId) -> Result<ObjectRow, Halt> {
    let row = get(step, object)?;
    let recording = object.recording;
    if object.stream != StreamId::RECORDING && get(step, recording.into())?.keys.is_none() {
        return Err(Refusal::SessionPurged { recording }.into());
    }
    match row.state {
        ObjectState::Open | ObjectState::Interrupted { .. } => Ok(row),
        ObjectState::Sealed(_) => Err(Refusal::ObjectSealed { object }.into()),
    }
}

/// An object that grows, in the epoch of the command. Older epochs are fenced off here.
fn current(step: &Step<'_, '_>, object: ObjectId, epoch: Epoch) -> Result<ObjectRow, Halt> {
    let row = growing(step, object)?;
    match row.epoch == epoch {
        true => Ok(row),
        false => Err(Refusal::EpochNotCurrent { object, current: row.epoch, given: epoch }.into()),
    }
}
