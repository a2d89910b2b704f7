use super::*;

fn sound(object: ObjectId) -> SoundRow {
    SoundRow { object, offset_ms: -1_500, length: 1, content_hash: HASH }
}

fn keep(sound: SoundRow) -> Command {
    Command::KeepSound(KeepSound { recording: RECORDING, sound })
}

/// A session that is recorded, time, and an audit log.
fn recorded() -> World {
    let mut world = World::recorded();
    world.clock(MINUTE_MS);
    world.done(Command::AuditKey(AuditKey { member: MEMBER, public_key: [1; 32] }));
    world
}

#[test]
fn a_session_has_the_first_file_of_sound_and_no_other() {
    let mut world = recorded();
    let first = sound(world.artefact());
    assert_eq!(world.catalog.sound(RECORDING).unwrap(), None);
    assert_eq!(world.done(keep(first)), Outcome::Sound { sound: first, is_new: true });
    let leaves = world.catalog.audit_head().unwrap().unwrap().size;
    let leaf = world.catalog.audit_leaf(leaves - 1).unwrap().unwrap();
    let told = format!("sound of 1 bytes at -1500 ms: {HASH}");
    assert_eq!((leaf.action, leaf.detail), ("sound-kept".to_owned(), told));
    // Asked again, it stands; the same bytes in another object, and other ones, are deleted.
    assert_eq!(world.done(keep(first)), Outcome::Sound { sound: first, is_new: false });
    let same = sound(world.artefact());
    let other = SoundRow { content_hash: Hash([4; 32]), ..sound(world.artefact()) };
    let moved = SoundRow { offset_ms: 0, ..sound(world.artefact()) };
    for late in [same, other, moved] {
        assert!(world.catalog.is_kept(late.object).unwrap());
        assert_eq!(world.done(keep(late)), Outcome::Sound { sound: first, is_new: false });
        assert!(!world.catalog.is_kept(late.object).unwrap());
    }
    assert_eq!(
        world.catalog.copies_to_delete(MEMBER, 9).unwrap(),
        [same, other, moved].map(|row| row.object)
    );
    assert_eq!([same, other, moved].map(|row| row.is_same(&first)), [true, false, false]);
    assert!(world.catalog.is_kept(first.object).unwrap());
    assert_eq!(world.catalog.sound(RECORDING).unwrap(), Some(first));
    assert_eq!(world.catalog.audit_head().unwrap().unwrap().size, leaves, "nothing has changed");
}

#[test]
fn sound_comes_while_a_session_is_live_and_when_it_has_ended() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    let live = sound(world.artefact());
    assert_eq!(world.done(keep(live)), Outcome::Sound { sound: live, is_new: true });
    let mut world = recorded();
    let ended = sound(world.artefact());
    assert_eq!(world.done(keep(ended)), Outcome::Sound { sound: ended, is_new: true });
}

#[test]
fn what_is_no_sealed_object_of_the_session_is_refused() {
    let mut world = recorded();
    let object = world.artefact();
    let unknown = RecordingId([8; 16]);
    let command = Command::KeepSound(KeepSound { recording: unknown, sound: sound(object) });
    assert_eq!(world.refused(command), Refusal::RecordingUnknown { recording: unknown });
    let itself = keep(sound(OBJECT));
    assert_eq!(world.refused(itself), Refusal::ObjectOfOther { object: OBJECT, recording: RECORDING });
    let long = keep(SoundRow { length: 2, ..sound(object) });
    assert_eq!(world.refused(long), Refusal::SoundLength { expected: 2, actual: 1 });
    for offset_ms in [i64::MIN, -86_400_001, 86_400_001, i64::MAX] {
        let far = keep(SoundRow { offset_ms, ..sound(object) });
        assert_eq!(world.refused(far), Refusal::SoundOffset { limit_ms: 86_400_000 });
    }
    let opened = world.done(Command::OpenStream { recording: RECORDING, owner: MEMBER });
    let Outcome::Stream(stream) = opened else { panic!("{opened:?}") };
    let open = ObjectId { recording: RECORDING, stream };
    assert_eq!(world.refused(keep(sound(open))), Refusal::ObjectNotSealed { object: open });
    assert_eq!(world.catalog.sound(RECORDING).unwrap(), None);
}

#[test]
fn a_purge_takes_the_sound_with_it() {
    let mut world = recorded();
    let (first, late) = (sound(world.artefact()), sound(world.artefact()));
    world.done(keep(first));
    let cause = PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() };
    world.done(Command::Purge(Purge { recording: RECORDING, cause }));
    assert_eq!(world.catalog.sound(RECORDING).unwrap(), None);
    assert!(!world.catalog.is_kept(first.object).unwrap());
    assert_eq!(world.refused(keep(late)), Refusal::SessionPurged { recording: RECORDING });
    // Whoever holds anything of the session deletes all of it.
    assert_eq!(world.catalog.bytes_to_delete(MEMBER, 9).unwrap(), [RECORDING]);
}
