//! What is asked for, of whom, and when.

use super::*;
use crate::catalog::Layout;
use crate::chunk::Hash;
use crate::chunk::disk::{MemoryDisk, Volume};
use crate::chunk::journal::JournalLimits;
use crate::id::{ChunkNumber, Epoch, RecordingId};
use crate::tail::TailOptions;
use crate::tail::effect::Effect;
use crate::tail::turn::Around;

const ME: MemberId = MemberId(1);
const OTHERS: [MemberId; 2] = [MemberId(2), MemberId(3)];
const PLENTY: u64 = 1 << 30;

fn around(there: &[MemberId], now_ms: u64) -> Around {
    Around {
        me: ME,
        peers: vec![ME, OTHERS[0], OTHERS[1]],
        layout: Layout::default(),
        wanted: 3,
        heard_ms: there.iter().map(|member| (*member, now_ms)).collect(),
        gone: BTreeSet::new(),
        options: TailOptions::default(),
        last_ticket: 0,
    }
}

fn row(number: u32, set: &[MemberId]) -> ChunkRow {
    let hash = Hash([0; 32]);
    let chunk = ClosedChunk {
        number: ChunkNumber(number),
        epoch: Epoch(1),
        offset: 0,
        plaintext_bytes: 0,
        length_bytes: 100,
        hash,
        leaves: 0,
        subtree: hash,
    };
    ChunkRow { chunk, members: set.to_vec() }
}

fn want(resync: &mut Resync, row: &ChunkRow, cause: Cause) {
    let others = row.members.iter().copied().filter(|member| *member != ME);
    resync.want(object(), row, others.collect(), cause);
}

fn object() -> ObjectId {
    RecordingId([7; 16]).into()
}

/// Lets time pass, and asks for all that may be asked for: whom for which chunk.
fn pass(resync: &mut Resync, around: &mut Around, now_ms: u64, bytes_per_s: u64) -> Vec<(u64, u32)> {
    for heard_ms in around.heard_ms.values_mut() {
        *heard_ms = now_ms;
    }
    let mut turn = Turn { now_ms, around, effects: Vec::new() };
    resync.tick(bytes_per_s, false, &mut turn);
    while let Some(id) = resync.next() {
        resync.ask(id, &mut turn);
    }
    let asked = turn.effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { to, message: Message::AskCopy { chunk } } => Some((to.0, chunk.number.0)),
        Effect::Send { .. }
        | Effect::Submit { .. }
        | Effect::ReadIndex { .. }
        | Effect::Answer { .. }
        | Effect::Sync => None,
    });
    asked.collect()
}

fn miss(resync: &mut Resync, around: &mut Around, now_ms: u64, (member, number): (u64, u32)) {
    let id = row(number, &[]).chunk.id(object());
    resync.missed(id, MemberId(member), &mut Turn { now_ms, around, effects: Vec::new() });
}

#[test]
fn what_has_the_fewest_copies_is_asked_for_first() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    for (number, set) in [(0, vec![ME, OTHERS[0], OTHERS[1]]), (1, vec![ME, OTHERS[1]]), (2, vec![ME])] {
        want(&mut resync, &row(number, &set), Cause::Missing);
    }
    let asked: Vec<u32> =
        pass(&mut resync, &mut around, 1000, PLENTY).iter().map(|(_, chunk)| *chunk).collect();
    assert_eq!(asked, [2, 1, 0]);
}

#[test]
fn after_all_were_asked_in_vain_it_waits_longer_each_time_until_a_member_comes_back() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS[..1], 0));
    want(&mut resync, &row(0, &[ME, OTHERS[0], OTHERS[1]]), Cause::Missing);
    let (mut now_ms, mut asked_ms) = (1000, Vec::new());
    while now_ms < 40_000 {
        // The other one is not there, and is asked all the same: it may answer.
        for asked in pass(&mut resync, &mut around, now_ms, PLENTY) {
            asked_ms.push((asked, now_ms));
            miss(&mut resync, &mut around, now_ms, asked);
        }
        now_ms += 100;
    }
    let (second, first): (Vec<_>, Vec<_>) = asked_ms.into_iter().partition(|((member, _), _)| *member == 3);
    let at = |asked: Vec<(_, u64)>| asked.into_iter().map(|(_, at_ms)| at_ms).collect::<Vec<_>>();
    assert_eq!(at(first), [1000, 3100, 7200, 15_300, 31_400]);
    assert_eq!(at(second), [1100, 3200, 7300, 15_400, 31_500]);
    let found = resync.repairs().take_findings();
    assert_eq!(found, [Finding::NoCopy(row(0, &[]).chunk.id(object()))]);
    around.heard_ms.insert(OTHERS[1], now_ms);
    assert_eq!(pass(&mut resync, &mut around, now_ms, PLENTY), [(2, 0)]);
}

#[test]
fn no_more_is_asked_for_than_the_parameter_says_and_nothing_during_a_pause() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    for number in 0..3 {
        want(&mut resync, &row(number, &[ME, OTHERS[0]]), Cause::Missing);
    }
    resync.repairs().pause(true);
    assert_eq!(pass(&mut resync, &mut around, 1000, 50), []);
    resync.repairs().pause(false);
    let mut asked = Vec::new();
    for now_ms in (1100..6000).step_by(100) {
        let some = pass(&mut resync, &mut around, now_ms, 50);
        asked.extend(some.iter().map(|(_, chunk)| (now_ms, *chunk)));
        for id in some.iter().map(|(_, chunk)| row(*chunk, &[]).chunk.id(object())) {
            drop(resync.forget(id));
        }
    }
    assert_eq!(asked, [(1100, 0), (2200, 1), (4200, 2)]);
}

#[test]
fn what_a_reader_has_asked_for_is_kept_but_during_a_pause() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    let volume = Volume::new(Arc::new(MemoryDisk::default()), "");
    let (mut shelf, _) = Shelf::open(volume, JournalLimits::default()).unwrap();
    let row = row(0, &[ME, OTHERS[0]]);
    let id = row.chunk.id(object());
    want(&mut resync, &row, Cause::Missing);
    resync.repairs().pause(true);
    resync.copied(&mut shelf, id, &Bytes::from(Vec::new()));
    assert!(!resync.is_placing(id));
    resync.repairs().pause(false);
    assert_eq!(pass(&mut resync, &mut around, 1000, PLENTY), [(2, 0)]);
    // What was asked for before a pause comes.
    resync.repairs().pause(true);
    resync.copied(&mut shelf, id, &Bytes::from(Vec::new()));
    assert!(resync.is_placing(id));
}

#[test]
fn what_is_on_its_way_to_the_disk_keeps_others_waiting() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    for number in 0..20 {
        want(&mut resync, &row(number, &[ME, OTHERS[0]]), Cause::Missing);
    }
    let asked = pass(&mut resync, &mut around, 1000, PLENTY);
    assert_eq!(asked.len(), AT_ONCE_FIRST);
    for (_, number) in asked {
        resync.put(row(number, &[]).chunk.id(object()), Place::Placing);
    }
    assert_eq!(pass(&mut resync, &mut around, 1100, PLENTY), []);
    let first = row(0, &[]).chunk.id(object());
    resync.placed(first, &Ok(()), &mut Turn { now_ms: 1200, around: &mut around, effects: Vec::new() });
    assert_eq!(pass(&mut resync, &mut around, 1300, PLENTY).len(), 1);
}

#[test]
fn more_are_asked_for_at_once_while_they_come_and_fewer_when_they_come_too_late() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    for number in 0..100 {
        want(&mut resync, &row(number, &[ME, OTHERS[0]]), Cause::Missing);
    }
    let volume = Volume::new(Arc::new(MemoryDisk::default()), "");
    let (mut disk, _) = Shelf::open(volume, JournalLimits::default()).unwrap();
    let mut now_ms = 1000;
    let mut widths = Vec::new();
    for _ in 0..3 {
        let asked = pass(&mut resync, &mut around, now_ms, PLENTY);
        now_ms += 100;
        for (_, number) in asked {
            let id = row(number, &[]).chunk.id(object());
            resync.copied(&mut disk, id, &Bytes::from(Vec::new()));
            let mut turn = Turn { now_ms, around: &mut around, effects: Vec::new() };
            resync.placed(id, &Ok(()), &mut turn);
        }
        widths.push(resync.width.0);
    }
    assert_eq!(widths, [AT_ONCE, AT_ONCE, AT_ONCE]);
    for _ in 0..5 {
        pass(&mut resync, &mut around, now_ms, PLENTY);
        now_ms += 10_000;
        pass(&mut resync, &mut around, now_ms, PLENTY);
        widths.push(resync.width.0);
    }
    assert_eq!(widths[3..], [4, 2, 1, 1, 1]);
}

#[test]
fn what_a_member_does_not_send_in_time_is_asked_of_the_next_one() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS, 0));
    want(&mut resync, &row(0, &[ME, OTHERS[0], OTHERS[1]]), Cause::Bad);
    assert_eq!(pass(&mut resync, &mut around, 1000, PLENTY), [(2, 0)]);
    assert_eq!(pass(&mut resync, &mut around, 2900, PLENTY), []);
    assert_eq!(pass(&mut resync, &mut around, 3000, PLENTY), [(3, 0)]);
    assert!(!resync.is_empty());
}

#[test]
fn a_lag_is_alarming_when_it_is_long_and_all_members_are_there() {
    let (mut resync, mut around) = (Resync::default(), around(&OTHERS[..1], 0));
    resync.repairs().pause(true);
    pass(&mut resync, &mut around, 1000, PLENTY);
    want(&mut resync, &row(0, &[ME, OTHERS[0]]), Cause::Missing);
    want(&mut resync, &row(1, &[ME, OTHERS[0]]), Cause::Bad);
    pass(&mut resync, &mut around, 2000, PLENTY);
    want(&mut resync, &row(2, &[ME, OTHERS[0]]), Cause::Missing);
    let told = |resync: &Resync| {
        let (queue, _) = resync.repairs().queue();
        (queue.missing, queue.chunks, queue.lag_ms, queue.is_alarming)
    };
    pass(&mut resync, &mut around, 1001 + ALARM_MS, PLENTY);
    assert_eq!(told(&resync), (2, 3, 1 + ALARM_MS, false), "one is away");
    around.heard_ms.insert(OTHERS[1], 0);
    pass(&mut resync, &mut around, 1002 + ALARM_MS, PLENTY);
    assert_eq!(told(&resync), (2, 3, 2 + ALARM_MS, true));
    for number in 0..3 {
        drop(resync.forget(row(number, &[]).chunk.id(object())));
    }
    pass(&mut resync, &mut around, 1100 + ALARM_MS, PLENTY);
    assert_eq!(told(&resync), (0, 0, 0, false));
}
