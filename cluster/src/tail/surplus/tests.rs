//! What is asked, of whom, and what may be dropped then.

use super::*;
use crate::catalog::Layout;
use crate::id::{ChunkNumber, Epoch, RecordingId};
use crate::tail::TailOptions;
use crate::tail::effect::Effect;
use crate::tail::turn::Around;

const ME: MemberId = MemberId(1);
const HOMES: [MemberId; 2] = [MemberId(2), MemberId(3)];
const STAMP: u64 = 40;

fn around(there: &[MemberId]) -> Around {
    Around {
        me: ME,
        peers: vec![ME, HOMES[0], HOMES[1]],
        layout: Layout { stamp: STAMP, ..Layout::default() },
        wanted: 3,
        heard_ms: there.iter().map(|member| (*member, 0)).collect(),
        gone: BTreeSet::new(),
        options: TailOptions::default(),
        last_ticket: 0,
    }
}

fn chunk(number: u32) -> ChunkId {
    ChunkId { object: RecordingId([7; 16]).into(), number: ChunkNumber(number), epoch: Epoch(1) }
}

fn tick(surplus: &mut Surplus, around: &mut Around, now_ms: u64) -> Option<Ticket> {
    let mut turn = Turn { now_ms, around, effects: Vec::new() };
    surplus.tick(&mut turn);
    turn.effects.into_iter().find_map(|effect| match effect {
        Effect::ReadIndex { ticket } => Some(ticket),
        Effect::Send { .. } | Effect::Submit { .. } | Effect::Answer { .. } | Effect::Sync => None,
    })
}

/// Has two chunks asked about, and returns whom was asked.
fn asked(surplus: &mut Surplus, around: &mut Around) -> Vec<MemberId> {
    surplus.note(chunk(0));
    surplus.note(chunk(1));
    let ticket = tick(surplus, around, 0).unwrap();
    let chunks = surplus.take_confirming(ticket).unwrap();
    assert_eq!(chunks, [chunk(0), chunk(1)]);
    let mut turn = Turn { now_ms: 0, around, effects: Vec::new() };
    surplus.ask(chunks.into_iter().map(|id| (id, HOMES.to_vec())).collect(), &mut turn);
    let asked = turn.effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { to, message: Message::AskKept { stamp: STAMP, chunks } } => {
            assert_eq!(chunks, [chunk(0), chunk(1)]);
            Some(to)
        }
        Effect::Send { .. }
        | Effect::Submit { .. }
        | Effect::ReadIndex { .. }
        | Effect::Answer { .. }
        | Effect::Sync => None,
    });
    asked.collect()
}

#[test]
fn what_all_that_are_to_hold_it_hold_is_dropped() {
    let (mut surplus, mut around) = (Surplus::default(), around(&HOMES));
    assert_eq!(asked(&mut surplus, &mut around), HOMES);
    assert_eq!(surplus.kept(HOMES[0], STAMP, &[chunk(0), chunk(1)]), []);
    // One that speaks of another layout has said nothing.
    assert_eq!(surplus.kept(HOMES[1], STAMP + 1, &[chunk(0), chunk(1)]), []);
    assert_eq!(surplus.kept(HOMES[1], STAMP, &[chunk(1)]), [chunk(1)]);
    surplus.dropping(BTreeSet::from([chunk(1)]));
    assert!(surplus.is_dropping(chunk(1)) && !surplus.is_dropping(chunk(0)));
    surplus.dropped(chunk(1), Some(5));
    assert!(surplus.is_empty());
    assert_eq!(surplus.drops().counts(), crate::tail::DropCounts { dropped: 1, bytes: 5 });
    let blocked = Blocked { chunk: chunk(0), lacking: vec![HOMES[1]] };
    assert_eq!(surplus.drops().queue().blocked, Some(blocked));
    surplus.dropping(BTreeSet::from([chunk(0)]));
    surplus.dropped(chunk(0), Some(5));
    assert_eq!(surplus.drops().queue().blocked, None);
}

#[test]
fn nothing_is_dropped_while_one_that_is_to_hold_it_is_away_or_silent() {
    let (mut surplus, mut one_there) = (Surplus::default(), around(&HOMES[..1]));
    assert_eq!(asked(&mut surplus, &mut one_there), []);
    assert!(surplus.is_empty());
    assert_eq!(surplus.drops().queue().blocked.unwrap().lacking, [HOMES[1]]);

    let mut all_there = around(&HOMES);
    assert_eq!(asked(&mut surplus, &mut all_there), HOMES);
    assert_eq!(surplus.kept(HOMES[0], STAMP, &[chunk(0), chunk(1)]), []);
    let patience_ms = TailOptions::default().patience_ms;
    assert_eq!(tick(&mut surplus, &mut all_there, patience_ms + 1), None);
    assert!(surplus.is_empty());
    assert_eq!(surplus.kept(HOMES[1], STAMP, &[chunk(0), chunk(1)]), []);
}

#[test]
fn the_next_few_begin_as_soon_as_the_last_file_is_gone() {
    let (mut surplus, mut around) = (Surplus::default(), around(&HOMES));
    surplus.dropping(BTreeSet::from([chunk(0)]));
    surplus.note(chunk(1));
    let mut turn = Turn { now_ms: 0, around: &mut around, effects: Vec::new() };
    surplus.go_on(&mut turn);
    assert_eq!(turn.effects, []);
    surplus.dropped(chunk(0), Some(5));
    surplus.go_on(&mut turn);
    let [Effect::ReadIndex { ticket }] = turn.effects[..] else { panic!("{:?}", turn.effects) };
    assert_eq!(surplus.take_confirming(ticket).unwrap(), [chunk(1)]);
}

#[test]
fn what_is_more_than_can_be_remembered_wants_another_survey_once_the_rest_is_done_with() {
    let mut surplus = Surplus::default();
    let most = u32::try_from(WAITING_MAX).unwrap();
    (0..most).for_each(|number| surplus.note(chunk(number)));
    surplus.note(chunk(0));
    surplus.forget();
    assert!(!surplus.take_cut(), "all of it was remembered");
    (0..=most).for_each(|number| surplus.note(chunk(number)));
    assert!(!surplus.take_cut(), "some wait");
    surplus.forget();
    assert!(surplus.take_cut() && !surplus.take_cut());
}

#[test]
fn what_waits_is_forgotten_with_its_layout_and_nothing_begins_while_it_pauses() {
    let (mut surplus, mut around) = (Surplus::default(), around(&HOMES));
    surplus.drops().pause(true);
    surplus.note(chunk(0));
    assert_eq!(tick(&mut surplus, &mut around, 0), None);
    surplus.drops().pause(false);
    let ticket = tick(&mut surplus, &mut around, 0).unwrap();
    surplus.forget();
    assert_eq!(surplus.take_confirming(ticket), None);
    assert!(surplus.is_empty());
}
