//! Which members hold an object's chunks: weighted rendezvous hashing over the layout, zones first.
//!
//! A member's score is `-weight / ln(u)` (Schindelhauer, Schomaker 2005), its u from a hash of object and member. What
//! is compared is `-log2(u) / weight`, in integers: each member must come to the same order.

use crate::catalog::Layout;
use crate::chunk::Hash;
use crate::id::{MemberId, ObjectId};
use std::collections::BTreeSet;

/// Bits behind the point of a logarithm.
const FRACTION_BITS: u32 = 48;
/// Bits that are added before it is divided by a weight.
const QUOTIENT_BITS: u32 = 32;

/// The members of a layout in the order in which they are to hold an object: the best of each zone, then the others.
/// With equal weights and one zone it is the order of the hashes.
///
/// Taking a member out changes who is among the first of it for those objects only of which that member was.
pub fn ranking(object: ObjectId, layout: &Layout) -> Vec<MemberId> {
    ranking_of(object, layout, |_| true)
}

/// The same among some of them.
pub(crate) fn ranking_of(
    object: ObjectId,
    layout: &Layout,
    takes: impl Fn(MemberId) -> bool,
) -> Vec<MemberId> {
    let rank = |member: MemberId, weight: u16| {
        let hash = Hash::of(&[&object.recording.0, &object.stream.0.to_be_bytes(), &member.0.to_be_bytes()]);
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        let distance = minus_log2(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        ((distance << QUOTIENT_BITS) / u128::from(weight.max(1)), hash, member)
    };
    let taken = layout.members.iter().filter(|(member, _)| takes(**member));
    let mut ranked: Vec<_> =
        taken.map(|(member, role)| (rank(*member, role.weight), role.zone.as_str())).collect();
    ranked.sort_unstable();
    let mut zones = BTreeSet::new();
    let (first, others): (Vec<_>, Vec<_>) = ranked.into_iter().partition(|(_, zone)| zones.insert(*zone));
    first.into_iter().chain(others).map(|((.., member), _)| member).collect()
}

/// Who is to hold an object's closed chunks: the first of its ranking. Those of fewer replicas are among those of more.
pub fn homes(object: ObjectId, layout: &Layout, replicas: usize) -> Vec<MemberId> {
    let mut homes = ranking(object, layout);
    homes.truncate(layout.replicas(replicas));
    homes
}

/// `-log2(1 - hash / 2^64)`, never falling as the hash grows: digit by digit, from squares of the rest.
fn minus_log2(hash: u64) -> u128 {
    let rest = (1_u128 << 64) - u128::from(hash);
    let whole = rest.ilog2();
    // From 1 to below 2, with 63 bits behind the point.
    let mut mantissa = if whole >= 63 { rest >> (whole - 63) } else { rest << (63 - whole) };
    let mut log = u128::from(whole);
    for _ in 0..FRACTION_BITS {
        let square = (mantissa * mantissa) >> 63;
        let digit = square >> 64;
        log = (log << 1) | digit;
        mantissa = square >> digit;
    }
    (64_u128 << FRACTION_BITS) - log
}

#[cfg(test)]
mod tests;
