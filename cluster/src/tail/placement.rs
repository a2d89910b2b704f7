//! Which members hold a chunk.

use crate::catalog::ChunkRow;
use crate::chunk::Hash;
use crate::id::{MemberId, ObjectId};

/// Members in the order in which they are to hold an object (rendezvous hashing: Thaler, Ravishankar, 1998).
pub fn ranking(object: ObjectId, members: &[MemberId]) -> Vec<MemberId> {
    let rank = |member: &MemberId| {
        Hash::of(&[&object.recording.0, &object.stream.0.to_be_bytes(), &member.0.to_be_bytes()])
    };
    let mut ranked = members.to_vec();
    ranked.sort_by_cached_key(|member| (rank(member), *member));
    ranked
}

/// Who is to hold a closed chunk: the members of its set that are still members, and as many others as are missing.
pub fn homes(object: ObjectId, row: &ChunkRow, members: &[MemberId], replicas: usize) -> Vec<MemberId> {
    let (kept, others): (Vec<MemberId>, Vec<MemberId>) =
        ranking(object, members).into_iter().partition(|member| row.members.contains(member));
    kept.into_iter().chain(others).take(replicas.min(members.len())).collect()
}
