//! The door as a whole. What every test of it needs stands here.

mod appends;
mod bytes;
mod crash;
mod evidence;
mod forgetting;
mod handover;
mod keys;
mod members;
mod purged;
mod repair;
mod residue;
mod rotation;
mod space;
mod three;

use super::*;
use crate::catalog::{Format, MemoryEngine, ObjectState, Protocol, SessionInfo};
use crate::chunk::disk::{MemoryDisk, RealDisk};
use crate::chunk::key::KekId;
use crate::chunk::{ClosedChunk, Hash};
use crate::id::{ChunkNumber, StreamId};
use crate::rpc::NoPeers;
use ring::rand::SystemRandom;
use std::collections::BTreeSet;
use std::path::PathBuf;
use zeroize::Zeroizing;

const DEADLINE: Duration = Duration::from_secs(30);

fn kek() -> Kek {
    Kek::from_bytes(KekId(1), Zeroizing::new([7; 32]))
}

fn options(dir: &Path) -> ClusterOptions {
    let options = ClusterOptions::new(MemberId(1), dir.to_owned(), "boot".to_owned());
    ClusterOptions { founders: BTreeSet::from([options.member]), read_threads: 3, ..options }
}

/// A member in memory, whose catalog ends with it.
async fn start(disk: &MemoryDisk) -> Result<(Cluster, StartReport), StartError> {
    start_with(disk, options(Path::new("member"))).await
}

async fn start_with(
    disk: &MemoryDisk,
    options: ClusterOptions,
) -> Result<(Cluster, StartReport), StartError> {
    let (disk, engine) = (Arc::new(disk.clone()), Arc::new(MemoryEngine::new()));
    Cluster::start_on(options, kek(), disk, Arc::new(SystemRandom::new()), engine, Arc::new(NoPeers)).await
}

async fn ready(disk: &MemoryDisk) -> Cluster {
    let (cluster, _) = start(disk).await.unwrap();
    cluster.ready(DEADLINE).await.unwrap();
    cluster
}

/// A member in a real folder.
async fn start_real(dir: &Path) -> Result<(Cluster, StartReport), StartError> {
    Cluster::start(options(dir), kek(), Arc::new(RealDisk), Arc::new(SystemRandom::new()), Arc::new(NoPeers))
        .await
}

async fn ready_real(dir: &Path) -> Cluster {
    let (cluster, _) = start_real(dir).await.unwrap();
    cluster.ready(DEADLINE).await.unwrap();
    cluster
}

fn session() -> NewSession {
    NewSession {
        info: SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Asciicast,
            device_address: "db1.example:22".to_owned(),
            credential_user: "root".to_owned(),
            user_name: "ada".to_owned(),
            user_address: "192.0.2.7".to_owned(),
            start_ms: 1_000,
            recorder_token: None,
        },
    }
}

/// Bytes that differ from place to place and from seed to seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

async fn read(cluster: &Cluster, object: ObjectId, range: Range<u64>) -> Result<Vec<u8>, ReadError> {
    let mut reading = cluster.read(object, range).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = reading.next().await {
        let piece = piece?;
        assert!((1..=65_536).contains(&piece.len()), "{}", piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

async fn read_all(cluster: &Cluster, object: ObjectId) -> Vec<u8> {
    let end = cluster.length(object).await.unwrap();
    read(cluster, object, 0..end).await.unwrap()
}

/// The root over the leaves of the chunks' files, and the manifest's hash: computed from the stored bytes by
/// DESIGN.md alone.
fn recompute(cluster: &Cluster, object: ObjectId, file: impl Fn(&Path) -> Vec<u8>) -> Sealed {
    let (mut leaves, mut length, mut chunk_count) = (Vec::new(), 0, 0);
    let mut manifest_hash = Hash([0; 32]);
    for (number, row) in cluster.catalog().unwrap().chunks(object, ChunkNumber(0), usize::MAX).unwrap() {
        let [.., first, second] = object.recording.0;
        let name = row.chunk.id(object).to_string();
        let bytes = file(&PathBuf::from(format!("bytes/chunks/{first:02x}/{second:02x}/{name}")));
        assert_eq!(Hash::of(&[&bytes]), row.chunk.hash);
        if number == ChunkNumber::MANIFEST {
            manifest_hash = row.chunk.hash;
            continue;
        }
        leaves.extend(leaves_of(object, &row.chunk, &bytes));
        length += row.chunk.plaintext_bytes;
        chunk_count += 1;
    }
    Sealed { length, root: root(&leaves), manifest_hash, chunk_count }
}

fn leaves_of(object: ObjectId, chunk: &ClosedChunk, bytes: &[u8]) -> Vec<Hash> {
    let (mut leaves, mut at) = (Vec::new(), 64);
    for index in 0..chunk.leaves {
        let plaintext: [u8; 4] = bytes[at + 16..at + 20].try_into().unwrap();
        let end = at + 28 + usize::try_from(u32::from_be_bytes(plaintext)).unwrap() + 16;
        let ciphertext = Hash::of(&[&bytes[at + 28..end]]);
        leaves.push(Hash::of(&[
            &[0, 1],
            &object.recording.0,
            &object.stream.0.to_be_bytes(),
            &chunk.number.0.to_be_bytes(),
            &index.to_be_bytes(),
            &plaintext,
            &ciphertext.0,
        ]));
        at = end;
    }
    leaves
}

/// RFC 6962, section 2.1, word by word.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::of(&[&[1], &root(left).0, &root(right).0])
        }
    }
}
