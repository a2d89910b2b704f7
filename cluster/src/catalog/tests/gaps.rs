use super::*;

const START_MS: u64 = 1_800_000_000_000;
const TICK_MS: u64 = 10_000;

/// A live session, at a time.
fn live() -> World {
    let mut world = World::new();
    world.clock(START_MS);
    world.done(Command::OpenSession(session(RECORDING)));
    world.done(open_chunk(OBJECT, ChunkNumber(0), 1));
    world
}

/// The clocks are told as long as it takes.
fn pass(world: &mut World, length_ms: u64) {
    let from_ms = world.catalog.clock().unwrap().now_ms;
    for passed_ms in (TICK_MS..=length_ms).step_by(10_000) {
        world.clock(from_ms + passed_ms);
    }
}

fn close(world: &mut World, number: u32, opened: u64, epoch: u64) {
    world.done(close_chunk(OBJECT, chunk(number, opened, u64::from(number)), epoch));
}

fn interrupt(world: &mut World, epoch: u64, idle_ms: u64) {
    world.done(Command::InterruptIdle { object: OBJECT, epoch: Epoch(epoch), idle_ms });
}

fn take_over(world: &mut World, epoch: u64) {
    world.done(Command::TakeOver { object: OBJECT, epoch: Epoch(epoch), owner: OTHER });
}

fn gaps(world: &World) -> Vec<Gap> {
    let length = world.catalog.object(OBJECT).unwrap().unwrap().length;
    let Gaps { gaps, left_out } = world.catalog.gaps(RECORDING, length).unwrap();
    assert_eq!(left_out, 0);
    gaps
}

fn gap(offset: u64, from_ms: u64, until_ms: Option<u64>) -> Gap {
    Gap { offset, from_ms: START_MS + from_ms, until_ms: until_ms.map(|until_ms| START_MS + until_ms) }
}

#[test]
fn an_interruption_is_a_gap_from_the_last_use_until_the_next_chunk() {
    let mut world = live();
    pass(&mut world, 70_000);
    close(&mut world, 0, 1, 1);
    assert_eq!(gaps(&world), []);
    interrupt(&mut world, 1, 61_000);
    assert_eq!(gaps(&world), [gap(1, 9_000, None)]);
    pass(&mut world, 100_000);
    take_over(&mut world, 2);
    assert_eq!(gaps(&world), [gap(1, 9_000, None)]);
    world.done(open_chunk(OBJECT, ChunkNumber(1), 2));
    assert_eq!(gaps(&world), [gap(1, 9_000, Some(170_000))]);

    // It comes back once more and sends nothing: nothing was recorded all the time.
    pass(&mut world, 20_000);
    let empty = ClosedChunk { plaintext_bytes: 0, leaves: 0, length_bytes: 128, ..chunk(1, 2, 1) };
    world.done(close_chunk(OBJECT, empty, 2));
    interrupt(&mut world, 2, 20_000);
    assert_eq!(gaps(&world), [gap(1, 9_000, None)]);
    world.done(open_chunk(OBJECT, ChunkNumber(2), 2));
    world.done(close_chunk(OBJECT, chunk(2, 2, 1), 2));
    interrupt(&mut world, 2, 0);
    assert_eq!(gaps(&world), [gap(1, 9_000, Some(190_000)), gap(2, 190_000, None)]);

    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 2));
    let manifest = chunk(ChunkNumber::MANIFEST.0, 2, 0);
    world.done(Command::Seal(Seal { manifest, length: 2, chunk_count: 3, ..seal(OBJECT, 2) }));
    pass(&mut world, 20_000);
    assert_eq!(gaps(&world), [gap(1, 9_000, Some(190_000)), gap(2, 190_000, None)]);
}

#[test]
fn an_owner_that_is_lost_for_a_moment_leaves_no_gap_and_one_that_is_lost_for_longer_does() {
    let mut world = live();
    take_over(&mut world, 2);
    close(&mut world, 0, 1, 2);
    pass(&mut world, TICK_MS);
    world.done(open_chunk(OBJECT, ChunkNumber(1), 2));
    assert_eq!(gaps(&world), []);
    take_over(&mut world, 3);
    close(&mut world, 1, 2, 3);
    pass(&mut world, 2 * TICK_MS);
    assert_eq!(gaps(&world), [gap(2, 10_000, None)]);
    world.done(open_chunk(OBJECT, ChunkNumber(2), 3));
    pass(&mut world, TICK_MS);
    assert_eq!(gaps(&world), [gap(2, 10_000, Some(30_000))]);

    // It is final at once after the next takeover.
    take_over(&mut world, 4);
    world.done(close_chunk(OBJECT, chunk(2, 3, 2), 4));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 4));
    let manifest = chunk(ChunkNumber::MANIFEST.0, 4, 0);
    world.done(Command::Seal(Seal { manifest, length: 3, chunk_count: 3, ..seal(OBJECT, 4) }));
    pass(&mut world, 6 * TICK_MS);
    assert_eq!(gaps(&world), [gap(2, 10_000, Some(30_000))]);
}

#[test]
fn a_lost_quorum_is_a_gap_whether_the_clocks_are_told_before_or_after_it_is_back() {
    let away_ms = 300_000;
    for is_told_before in [true, false] {
        let mut world = live();
        if is_told_before {
            world.clock(START_MS + away_ms);
        }
        take_over(&mut world, 2);
        close(&mut world, 0, 1, 2);
        world.done(open_chunk(OBJECT, ChunkNumber(1), 2));
        if !is_told_before {
            world.clock(START_MS + away_ms);
        }
        assert_eq!(gaps(&world), [gap(1, 0, Some(away_ms))], "{is_told_before}");
        // Another takeover has nothing to do with it.
        take_over(&mut world, 3);
        close(&mut world, 1, 2, 3);
        world.done(open_chunk(OBJECT, ChunkNumber(2), 3));
        assert_eq!(gaps(&world), [gap(1, 0, Some(away_ms))], "{is_told_before}");
        let later = RecordingId([8; 16]);
        world.done(Command::OpenSession(session(later)));
        world.done(Command::TakeOver { object: later.into(), epoch: Epoch(2), owner: OTHER });
        world.done(open_chunk(later.into(), ChunkNumber(0), 2));
        assert_eq!(world.catalog.gaps(later, 0).unwrap(), Gaps::default());
    }
}

#[test]
fn an_owner_tells_for_how_long_its_bytes_have_waited() {
    let (away_ms, late_ms) = (300_000, 250_000);
    for is_told_before in [true, false] {
        let mut world = live();
        if is_told_before {
            world.clock(START_MS + away_ms);
        }
        close(&mut world, 0, 1, 1);
        let chunk =
            OpenChunk { object: OBJECT, number: ChunkNumber(1), epoch: Epoch(1), members: vec![MEMBER] };
        world.done(Command::OpenChunkLate(OpenChunkLate { chunk, late_ms }));
        if !is_told_before {
            world.clock(START_MS + away_ms);
        }
        assert_eq!(gaps(&world), [gap(1, 50_000, Some(away_ms))], "{is_told_before}");
        assert_eq!(world.catalog.object(OBJECT).unwrap().unwrap().open_chunk.unwrap().number, ChunkNumber(1));
    }
}

#[test]
fn standstills_count_from_the_interruption_on() {
    let mut world = live();
    let stood_still_ms = |world: &World| world.catalog.stood_still_ms(RECORDING).unwrap();
    world.clock(START_MS + 100_000);
    close(&mut world, 0, 1, 1);
    interrupt(&mut world, 1, 0);
    assert_eq!(stood_still_ms(&world), 0);
    pass(&mut world, 60_000);
    world.clock(START_MS + 190_000);
    assert_eq!(stood_still_ms(&world), 0, "it moves by steps as long as that");
    world.clock(START_MS + 221_000);
    world.clock(START_MS + 300_000);
    assert_eq!(stood_still_ms(&world), 110_000);
    take_over(&mut world, 2);
    assert_eq!(stood_still_ms(&world), 110_000);
    world.done(open_chunk(OBJECT, ChunkNumber(1), 2));
    assert_eq!(stood_still_ms(&world), 0);
}

#[test]
fn the_newest_gaps_are_kept_and_the_others_counted() {
    let mut world = live();
    for number in 0..300 {
        close(&mut world, number, 1, 1);
        interrupt(&mut world, 1, 0);
        pass(&mut world, TICK_MS);
        world.done(open_chunk(OBJECT, ChunkNumber(number + 1), 1));
    }
    let Gaps { gaps, left_out } = world.catalog.gaps(RECORDING, 300).unwrap();
    assert_eq!((gaps.len(), left_out), (256, 44));
    assert_eq!(gaps[0], gap(45, 440_000, Some(450_000)));
    assert_eq!(gaps[255], gap(300, 2_990_000, Some(3_000_000)));
}

#[test]
fn a_purged_session_has_no_gaps() {
    let mut world = live();
    close(&mut world, 0, 1, 1);
    interrupt(&mut world, 1, 0);
    world.done(open_chunk(OBJECT, ChunkNumber(1), 1));
    world.done(close_chunk(OBJECT, chunk(1, 1, 1), 1));
    interrupt(&mut world, 1, 0);
    world.done(Command::EndSession(ending()));
    world.done(open_chunk(OBJECT, ChunkNumber::MANIFEST, 1));
    world.done(Command::Seal(Seal { length: 2, chunk_count: 2, ..seal(OBJECT, 1) }));
    assert_eq!(gaps(&world), [gap(1, 0, Some(0)), gap(2, 0, None)]);
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    world.done(Command::Purge(Purge { recording: RECORDING, cause }));
    assert_eq!(world.catalog.gaps(RECORDING, 2).unwrap(), Gaps::default());
    let stored = determinism::dump(&world.catalog);
    assert!(stored.iter().all(|(tree, _)| !matches!(tree, Tree::Gaps | Tree::Pauses)));
}
