use super::*;
use crate::catalog::LayoutRole;
use crate::id::{RecordingId, StreamId};
use std::collections::BTreeMap;

const OBJECTS: u64 = 4_000;

fn object(number: u64) -> ObjectId {
    let name = Hash::of(&[&number.to_be_bytes()]);
    let mut recording = RecordingId([0; 16]);
    recording.0.copy_from_slice(&name.0[..16]);
    ObjectId { recording, stream: StreamId(0) }
}

fn layout(roles: &[(u64, &str, u16)]) -> Layout {
    let role = |(member, zone, weight): &(u64, &str, u16)| {
        (MemberId(*member), LayoutRole { zone: (*zone).to_owned(), weight: *weight })
    };
    Layout { version: 1, stamp: 1, members: roles.iter().map(role).collect() }
}

#[test]
fn logarithms_are_those_that_floating_point_gives_and_never_fall() {
    let mut before = 0;
    for step in 0..2_000_u64 {
        let hash = step * (u64::MAX / 2_000);
        let log = minus_log2(hash);
        assert!(log >= before, "{hash}");
        before = log;
        #[expect(clippy::as_conversions, reason = "compared with floating point on purpose")]
        let (given, expected) =
            (log as f64 / (1_u64 << FRACTION_BITS) as f64, -(1.0 - hash as f64 / 2_f64.powi(64)).log2());
        assert!((given - expected).abs() < 1e-9, "{hash}: {given} {expected}");
    }
    assert_eq!(minus_log2(0), 0);
    assert_eq!(minus_log2(1 << 63), 1 << FRACTION_BITS);
    assert_eq!(minus_log2(u64::MAX), 64 << FRACTION_BITS);
}

#[test]
fn equal_members_of_one_zone_stand_in_the_order_of_their_hashes() {
    let equal = layout(&[(1, "", 7), (2, "", 7), (3, "", 7), (4, "", 7), (5, "", 7)]);
    for number in 0..200 {
        let object = object(number);
        let mut expected: Vec<MemberId> = (1..=5).map(MemberId).collect();
        expected.sort_by_key(|member| {
            Hash::of(&[&object.recording.0, &object.stream.0.to_be_bytes(), &member.0.to_be_bytes()])
        });
        assert_eq!(ranking(object, &equal), expected);
    }
}

#[test]
fn the_order_is_the_same_everywhere() {
    let mixed = layout(&[(1, "a", 1), (2, "a", 3), (3, "b", 2), (4, "b", 4), (5, "c", 1), (6, "", 2)]);
    let orders: Vec<Vec<u64>> = (0..4)
        .map(|number| ranking(object(number), &mixed).iter().map(|member| member.0).collect())
        .collect();
    assert_eq!(orders, GOLDEN);
}

/// As computed with fifty decimal digits elsewhere.
const GOLDEN: [[u64; 6]; 4] =
    [[2, 6, 4, 5, 3, 1], [4, 2, 6, 5, 3, 1], [4, 6, 2, 5, 3, 1], [2, 4, 5, 6, 3, 1]];

#[test]
fn taking_a_member_out_or_in_moves_only_what_it_holds() {
    let roles = [(1, "a", 5), (2, "a", 1), (3, "b", 2), (4, "b", 9), (5, "c", 4), (6, "c", 4), (7, "c", 1)];
    let all = layout(&roles);
    for gone in 1..=7 {
        let fewer: Vec<_> = roles.iter().filter(|(member, ..)| *member != gone).copied().collect();
        let fewer = layout(&fewer);
        for replicas in 1..=5 {
            for number in 0..300 {
                let (with, without) =
                    (homes(object(number), &all, replicas), homes(object(number), &fewer, replicas));
                let stay = with.iter().filter(|member| without.contains(member)).count();
                let is_home = with.contains(&MemberId(gone));
                assert_eq!(stay, replicas - usize::from(is_home), "{number} {gone}: {with:?} {without:?}");
            }
        }
    }
}

#[test]
fn homes_are_in_as_many_zones_as_there_are() {
    let zones = layout(&[(1, "a", 100), (2, "a", 100), (3, "a", 100), (4, "b", 1), (5, "c", 1)]);
    for number in 0..OBJECTS / 4 {
        let zone = |member: &MemberId| zones.members[member].zone.clone();
        for replicas in 1..=5 {
            let homes = homes(object(number), &zones, replicas);
            let apart: BTreeSet<String> = homes.iter().map(zone).collect();
            assert_eq!((homes.len(), apart.len()), (replicas, replicas.min(3)));
        }
    }
}

#[test]
fn a_share_is_a_weight() {
    let weights = [(1, "", 1), (2, "", 2), (3, "", 3), (4, "", 4)];
    let weighted = layout(&weights);
    let mut first: BTreeMap<MemberId, u64> = BTreeMap::new();
    for number in 0..OBJECTS * 2 {
        *first.entry(homes(object(number), &weighted, 1)[0]).or_default() += 1;
    }
    for (member, _, weight) in weights {
        let expected = OBJECTS * 2 * u64::from(weight) / 10;
        let actual = first[&MemberId(member)];
        assert!(actual.abs_diff(expected) < expected * 8 / 100, "{member}: {actual}, expected {expected}");
    }
}

#[test]
fn homes_of_fewer_replicas_are_among_those_of_more() {
    let mixed = layout(&[(1, "a", 1), (2, "a", 3), (3, "b", 2), (4, "", 7), (5, "c", 1)]);
    for number in 0..200 {
        let most = homes(object(number), &mixed, 7);
        assert_eq!(most.len(), 5);
        for replicas in 1..5 {
            assert_eq!(homes(object(number), &mixed, replicas), most[..replicas]);
        }
    }
}
