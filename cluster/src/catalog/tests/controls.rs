use super::*;

fn control(kind: ControlKind, reason: &str) -> Command {
    let (reason, by) = (reason.to_owned(), "ada".to_owned());
    Command::ControlSession(ControlSession { recording: RECORDING, kind, reason, by })
}

fn row(kind: ControlKind, reason: &str, at_ms: u64) -> ControlRow {
    ControlRow { kind, reason: reason.to_owned(), by: "ada".to_owned(), at_ms }
}

#[test]
fn a_live_session_is_blocked_goes_on_and_is_dropped() {
    let mut world = World::new();
    world.clock(MINUTE_MS);
    let block = || control(ControlKind::Blocked, "odd");
    assert_eq!(world.refused(block()), Refusal::RecordingUnknown { recording: RECORDING });
    world.done(Command::OpenSession(session(RECORDING)));
    assert_eq!(world.catalog.control(RECORDING).unwrap(), None);
    let missing = Refusal::TextMissing { field: "reason".to_owned() };
    assert_eq!(world.refused(control(ControlKind::Blocked, " ")), missing);
    assert_eq!(world.refused(control(ControlKind::Dropped, "")), missing);
    // What was never blocked goes on already.
    world.done(control(ControlKind::Unblocked, ""));
    world.done(block());
    world.done(control(ControlKind::Blocked, "again"));
    assert_eq!(world.catalog.control(RECORDING).unwrap(), Some(row(ControlKind::Blocked, "odd", MINUTE_MS)));
    // Both in one entry of the log.
    let both = [control(ControlKind::Unblocked, ""), control(ControlKind::Blocked, "still odd")];
    let requests = both.into_iter().map(|command| Request { id: None, command }).collect();
    assert_eq!(world.entry(CommandEntry::Requests(requests)), vec![Ok(Outcome::Done); 2]);
    world.clock(3 * MINUTE_MS);
    world.done(control(ControlKind::Dropped, "enough"));
    let done = vec![
        row(ControlKind::Blocked, "odd", MINUTE_MS),
        row(ControlKind::Unblocked, "", MINUTE_MS),
        row(ControlKind::Blocked, "still odd", MINUTE_MS),
        row(ControlKind::Dropped, "enough", 3 * MINUTE_MS),
    ];
    assert_eq!(world.catalog.controls(RECORDING).unwrap(), done);
    // It began at the recorder's second, and lasted two minutes of the cluster's time.
    let state = SessionState::Ended {
        end: End::Dropped,
        end_ms: 1_000 + 2 * MINUTE_MS,
        error_message: String::new(),
        reason: "enough".to_owned(),
    };
    assert_eq!(world.catalog.session(RECORDING).unwrap().unwrap().state, state);
    for kind in ControlKind::ALL {
        let late = control(*kind, "late");
        assert_eq!(world.refused(late), Refusal::SessionNotLive { recording: RECORDING });
    }
    assert_eq!(world.refused(Command::EndSession(ending())), Refusal::SessionEnded { recording: RECORDING });

    world.write(OBJECT);
    let (by, reason) = ("ada".to_owned(), "asked".to_owned());
    world.done(Command::Purge(Purge { recording: RECORDING, cause: PurgeCause::Person { by, reason } }));
    assert_eq!(world.catalog.controls(RECORDING).unwrap(), []);
}

#[test]
fn what_was_blocked_often_can_still_go_on_and_be_dropped() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    for _ in 0..127 {
        world.done(control(ControlKind::Blocked, "odd"));
        world.done(control(ControlKind::Unblocked, ""));
    }
    world.done(control(ControlKind::Blocked, "odd"));
    world.done(control(ControlKind::Unblocked, ""));
    assert_eq!(world.refused(control(ControlKind::Blocked, "odd")), Refusal::TooManyBlocks { limit: 256 });
    world.done(control(ControlKind::Dropped, "enough"));
    assert_eq!(world.catalog.controls(RECORDING).unwrap().len(), 257);
    let newest = world.catalog.control(RECORDING).unwrap().map(|row| row.kind);
    assert_eq!(newest, Some(ControlKind::Dropped));
}
