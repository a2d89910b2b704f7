use super::*;

pub(super) fn once(key: u8, request: u8, command: Command) -> Command {
    let key = OnceKey { key: [key; 32], request: [request; 32] };
    Command::Once(Once { key, note: vec![request], command: Box::new(command) })
}

fn open(number: u8) -> Command {
    Command::OpenSession(session(RecordingId([number; 16])))
}

fn again(note: u8) -> Outcome {
    Outcome::Again { note: vec![note], outcome: Box::new(Outcome::Done) }
}

#[test]
fn what_is_asked_for_twice_under_a_key_is_done_once() {
    let mut world = World::new();
    world.clock(1_000);
    assert_eq!(world.done(once(1, 1, open(1))), Outcome::Done);
    assert_eq!(world.done(once(1, 1, open(2))), again(1));
    assert_eq!(world.refused(once(1, 2, open(3))), Refusal::KeyReused);
    assert_eq!(world.done(once(2, 2, open(4))), Outcome::Done);
    let sessions = [1, 2, 3, 4].map(|n| world.catalog.session(RecordingId([n; 16])).unwrap().is_some());
    assert_eq!(sessions, [true, false, false, true]);
}

#[test]
fn a_refused_change_leaves_its_key_free() {
    let mut world = World::new();
    world.done(open(1));
    let recording = RecordingId([1; 16]);
    assert_eq!(world.refused(once(1, 1, open(1))), Refusal::RecordingExists { recording });
    assert_eq!(world.done(once(1, 1, open(2))), Outcome::Done);
}

#[test]
fn a_key_ends_after_a_day() {
    let mut world = World::new();
    world.clock(1_000);
    world.done(once(1, 1, open(1)));
    world.clock(1_000 + KEY_KEPT_MS - 1);
    assert_eq!(world.done(once(1, 1, open(2))), again(1));
    world.clock(1_000 + KEY_KEPT_MS);
    assert_eq!(world.done(once(1, 2, open(3))), Outcome::Done);
    assert_eq!(world.done(once(1, 2, open(4))), again(2));
    // What has ended is gone when the next one comes.
    world.clock(1_000 + 3 * KEY_KEPT_MS);
    world.done(once(2, 2, open(5)));
    let rows = determinism::dump(&world.catalog);
    assert_eq!(rows.iter().filter(|(tree, _)| *tree == Tree::Once).count(), 1);
    assert_eq!(rows.iter().filter(|(tree, _)| *tree == Tree::OnceByExpiry).count(), 1);
}
