use super::*;

const THIRD: MemberId = MemberId(3);
const DAY_MS: u64 = 86_400_000;
const START_MS: u64 = 1_800_000_000_000;

fn sample(world: &mut World, member: MemberId, wall_ms: u64) -> u64 {
    let outcome = world.done(Command::Clock(ClockSample { member, wall_ms }));
    let Outcome::Now { now_ms } = outcome else { panic!("{outcome:?}") };
    now_ms
}

#[test]
fn the_only_voters_clock_moves_the_time_forward_only() {
    let mut world = World::new();
    assert_eq!(sample(&mut world, MEMBER, START_MS), START_MS);
    assert_eq!(sample(&mut world, MEMBER, START_MS - 5), START_MS);
    assert_eq!(sample(&mut world, MEMBER, START_MS + 10_000), START_MS + 10_000);
    assert_eq!(sample(&mut world, OTHER, START_MS + DAY_MS), START_MS + 10_000);
}

#[test]
fn a_minority_of_clocks_moves_nothing() {
    let mut world = World::new();
    world.voters(&[MEMBER, OTHER, THIRD]);
    assert_eq!(sample(&mut world, MEMBER, START_MS + 3_650 * DAY_MS), 0);
    assert_eq!(sample(&mut world, OTHER, START_MS), START_MS);
    assert_eq!(sample(&mut world, THIRD, START_MS + 20), START_MS + 20);
    assert_eq!(sample(&mut world, OTHER, START_MS + 30), START_MS + 30);

    world.voters(&[MEMBER, OTHER]);
    assert_eq!(sample(&mut world, MEMBER, START_MS + DAY_MS), START_MS + 30, "of two, the lower");
}

#[test]
fn clocks_that_differ_or_jump_make_the_time_suspect_until_confirmed() {
    let mut world = World::new();
    world.voters(&[MEMBER, OTHER, THIRD]);
    let suspicion = |world: &World| world.catalog.clock().unwrap().suspicion;
    for member in [MEMBER, OTHER, THIRD] {
        sample(&mut world, member, START_MS);
    }
    let next_ms = START_MS + 10_000;
    sample(&mut world, MEMBER, next_ms + MINUTE_MS);
    sample(&mut world, OTHER, next_ms);
    assert_eq!(suspicion(&world), None);
    sample(&mut world, MEMBER, next_ms + MINUTE_MS + 1);
    sample(&mut world, OTHER, next_ms);
    assert_eq!(suspicion(&world), Some(Suspicion::Spread { spread_ms: MINUTE_MS + 1 }));
    for member in [MEMBER, OTHER, THIRD] {
        sample(&mut world, member, START_MS + MINUTE_MS);
    }
    assert!(suspicion(&world).is_some(), "only an operator ends it");
    world.done(Command::ConfirmClock { by: "ada".to_owned() });
    assert_eq!(suspicion(&world), None);
    sample(&mut world, THIRD, START_MS - MINUTE_MS);
    sample(&mut world, OTHER, START_MS + MINUTE_MS);
    assert_eq!(suspicion(&world), Some(Suspicion::Spread { spread_ms: 2 * MINUTE_MS }));

    let hours_ms = 2 * 60 * MINUTE_MS;
    for member in [MEMBER, OTHER] {
        sample(&mut world, member, START_MS + hours_ms);
    }
    let jump = Suspicion::Jump { from_ms: START_MS + MINUTE_MS, to_ms: START_MS + hours_ms };
    assert_eq!(suspicion(&world), Some(jump));
}

#[test]
fn clocks_that_were_ahead_and_are_right_again_make_nothing_old() {
    let mut world = World::new();
    world.voters(&[MEMBER, OTHER, THIRD]);
    let clock = |world: &World| world.catalog.clock().unwrap();
    let all_say = |world: &mut World, wall_ms| {
        for member in [MEMBER, OTHER, THIRD] {
            sample(world, member, wall_ms);
        }
        world.done(Command::ConfirmClock { by: "ada".to_owned() });
    };
    all_say(&mut world, START_MS);
    assert_eq!(clock(&world).cautious_ms(), START_MS);
    let ahead_ms = START_MS + 3_650 * DAY_MS;
    all_say(&mut world, ahead_ms);
    assert_eq!(clock(&world).cautious_ms(), ahead_ms, "an operator said that it is right");
    all_say(&mut world, START_MS + 10_000);
    assert_eq!((clock(&world).now_ms, clock(&world).cautious_ms()), (ahead_ms, START_MS + 10_000));
    // The time does not jump with them any more, and they are suspected all the same.
    for member in [MEMBER, OTHER] {
        sample(&mut world, member, ahead_ms);
    }
    let jump = Suspicion::Jump { from_ms: START_MS + 10_000, to_ms: ahead_ms };
    assert_eq!(clock(&world).suspicion, Some(jump));
}

#[test]
fn a_member_that_is_away_and_a_cluster_that_stood_still_are_no_suspects() {
    let mut world = World::new();
    world.voters(&[MEMBER, OTHER, THIRD]);
    for step in 0..100 {
        for member in if step < 2 { vec![MEMBER, OTHER, THIRD] } else { vec![MEMBER, OTHER] } {
            sample(&mut world, member, START_MS + step * 10_000);
        }
    }
    for member in [MEMBER, OTHER, THIRD] {
        sample(&mut world, member, START_MS + 40 * MINUTE_MS);
    }
    let clock = world.catalog.clock().unwrap();
    assert_eq!((clock.suspicion, clock.now_ms), (None, START_MS + 40 * MINUTE_MS));
}
