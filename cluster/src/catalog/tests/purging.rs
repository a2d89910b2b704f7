use super::*;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// A day of the year 2026.
const START_MS: u64 = 1_790_000_000_000;
const HOLD: HoldId = HoldId([4; 16]);

fn purge(cause: PurgeCause) -> Command {
    Command::Purge(Purge { recording: RECORDING, cause })
}

fn by_person() -> Command {
    purge(PurgeCause::Person { by: "ada".to_owned(), reason: "court order 7".to_owned() })
}

fn hold(hold: HoldId, expires_ms: Option<u64>) -> Command {
    let (justification, by) = ("inquiry 12".to_owned(), "ada".to_owned());
    Command::PlaceHold(PlaceHold { hold, recording: RECORDING, justification, expires_ms, by })
}

fn release(by: &str) -> Command {
    let (reason, by) = ("closed".to_owned(), by.to_owned());
    Command::ReleaseHold(ReleaseHold { hold: HOLD, recording: RECORDING, reason, by })
}

fn keep(scope: RetentionScope, retention: Option<Retention>) -> Command {
    Command::PutRetention(PutRetention { scope, retention, by: "ada".to_owned() })
}

/// Time goes on in steps that nobody suspects.
fn wait(world: &mut World, from_ms: u64, to_ms: u64) {
    for at_ms in (from_ms..to_ms).step_by(usize::try_from(HOUR_MS).unwrap()).chain([to_ms]) {
        world.clock(at_ms);
    }
}

/// A recorded session that ended at [`START_MS`].
fn recorded() -> World {
    let mut world = World::new();
    world.clock(START_MS);
    world.done(Command::OpenSession(session(RECORDING)));
    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    world
}

#[test]
fn a_purge_leaves_a_tombstone_and_no_key() {
    let mut world = recorded();
    world.allow_videos();
    let job = world.video(&[]);
    let index = world.artefact();
    world.done(by_person());
    let row = world.catalog.session(RECORDING).unwrap().unwrap();
    let tombstone = Tombstone {
        end: End::Finished,
        end_ms: 5_000,
        root: HASH,
        length: 1,
        chunk_count: 1,
        video_count: 0,
        purged_ms: START_MS,
        cause: PurgeCause::Person { by: "ada".to_owned(), reason: "court order 7".to_owned() },
    };
    assert_eq!((row.state, row.index), (SessionState::Purging(tombstone), IndexState::Absent));
    assert_eq!(world.catalog.object(OBJECT).unwrap().unwrap().keys, None);
    assert_eq!(world.catalog.video(VIDEO).unwrap().unwrap().state, VideoState::Purged);
    assert_eq!(world.catalog.job(job).unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(world.catalog.due_sessions(u64::MAX, None, 9).unwrap().sessions, []);
    let stored = determinism::dump(&world.catalog);
    assert!(
        stored.iter().all(|(_, (_, row))| !row.windows(72).any(|bytes| bytes == [1; 72] || bytes == [2; 72]))
    );

    let gone = Refusal::SessionPurged { recording: RECORDING };
    for command in [
        by_person(),
        purge(PurgeCause::Retention),
        hold(HOLD, None),
        Command::OpenStream { recording: RECORDING, owner: MEMBER },
        Command::RequestVideo(video(VideoId([8; 16]), &[])),
        Command::EndSession(ending()),
    ] {
        assert_eq!(world.refused(command.clone()), gone, "{command:?}");
    }
    assert_eq!(world.refused(open_chunk(index, ChunkNumber(1), 1)), gone);
}

#[test]
fn a_job_of_a_purged_session_ends_when_it_is_claimed() {
    let mut world = recorded();
    let jobs = world.catalog.open_jobs(9).unwrap();
    let [(index, _)] = jobs[..] else { panic!("{jobs:?}") };
    let token = world.claim(index, MEMBER);
    let artefact = world.artefact();
    world.done(by_person());
    let facts =
        IndexFacts { duration_ms: 1, width: 0, height: 0, frames: 0, keystrokes: 0, statements: 0, artefact };
    let late = Command::CompleteIndex(CompleteIndex { claim: token, facts, keystrokes: artefact });
    assert_eq!(world.refused(late), Refusal::SessionPurged { recording: RECORDING });
    assert_eq!(world.done(claim(index, MEMBER)), Outcome::GivenUp);
    assert_eq!(world.catalog.open_jobs(9).unwrap(), []);
}

#[test]
fn what_runs_or_grows_is_not_purged() {
    let mut world = World::new();
    world.done(Command::OpenSession(session(RECORDING)));
    assert_eq!(world.refused(by_person()), Refusal::SessionNotEnded { recording: RECORDING });
    world.done(Command::EndSession(ending()));
    assert_eq!(world.refused(by_person()), Refusal::ObjectNotSealed { object: OBJECT });
    world.write(OBJECT);
    let nameless = purge(PurgeCause::Person { by: "ada".to_owned(), reason: " ".to_owned() });
    assert_eq!(world.refused(nameless), Refusal::TextMissing { field: "reason".to_owned() });
    world.done(by_person());
}

#[test]
fn nothing_under_hold_is_purged_until_the_last_hold_is_released() {
    let mut world = recorded();
    let other = HoldId([5; 16]);
    world.done(hold(HOLD, None));
    world.done(hold(other, Some(START_MS + HOUR_MS)));
    assert_eq!(world.refused(hold(HOLD, None)), Refusal::HoldExists { hold: HOLD });
    assert_eq!(world.refused(by_person()), Refusal::Held { recording: RECORDING, holds: 2 });
    assert_eq!(world.done(release("bob")), Outcome::HoldRelease { is_released: true });
    assert_eq!(world.refused(release("bob")), Refusal::HoldReleased { hold: HOLD });
    assert_eq!(world.refused(by_person()), Refusal::Held { recording: RECORDING, holds: 1 });
    // The other one expires, by a time that nobody suspects.
    world.clock(START_MS + HOUR_MS);
    world.done(by_person());
    assert_eq!(world.catalog.holds(RECORDING).unwrap().len(), 2);
}

#[test]
fn no_hold_expires_while_the_clocks_are_suspected() {
    let mut world = recorded();
    world.done(hold(HOLD, Some(START_MS + HOUR_MS)));
    world.clock(START_MS + 10 * 365 * DAY_MS);
    assert_eq!(world.refused(by_person()), Refusal::Held { recording: RECORDING, holds: 1 });
    world.done(Command::ConfirmClock { by: "ada".to_owned() });
    world.done(by_person());
}

#[test]
fn two_persons_release_a_hold_where_two_are_asked_for() {
    let mut world = recorded();
    world.done(put("hold_release_by_two", ParameterValue::Switch(true)));
    world.done(hold(HOLD, None));
    assert_eq!(world.done(release("bob")), Outcome::HoldRelease { is_released: false });
    assert_eq!(world.refused(release("bob")), Refusal::SecondPersonNeeded { hold: HOLD });
    assert_eq!(world.refused(by_person()), Refusal::Held { recording: RECORDING, holds: 1 });
    assert_eq!(world.done(release("eve")), Outcome::HoldRelease { is_released: true });
    let word = |by: &str| HoldWord { by: by.to_owned(), reason: "closed".to_owned(), at_ms: START_MS };
    let state = HoldState::Released { asked: Some(word("bob")), released: word("eve") };
    assert_eq!(world.catalog.holds(RECORDING).unwrap()[0].1.state, state);
    world.done(by_person());
}

#[test]
fn holds_are_bounded_and_have_a_reason() {
    let mut world = recorded();
    let past = hold(HOLD, Some(START_MS));
    assert_eq!(world.refused(past), Refusal::HoldExpired { expires_ms: START_MS, now_ms: START_MS });
    let Command::PlaceHold(nameless) = hold(HOLD, None) else { panic!() };
    let nameless = Command::PlaceHold(PlaceHold { justification: "\n".to_owned(), ..nameless });
    assert_eq!(world.refused(nameless), Refusal::TextMissing { field: "justification".to_owned() });
    for number in 0..64 {
        world.done(hold(HoldId([number; 16]), None));
    }
    assert_eq!(world.refused(hold(HoldId([99; 16]), None)), Refusal::TooManyHolds { limit: 64 });
    let unknown = HoldId([98; 16]);
    let Command::ReleaseHold(release) = release("bob") else { panic!() };
    assert_eq!(
        world.refused(Command::ReleaseHold(ReleaseHold { hold: unknown, ..release })),
        Refusal::HoldUnknown { hold: unknown }
    );
}

#[test]
fn age_is_counted_in_the_time_of_the_cluster_from_the_end_on() {
    let mut world = recorded();
    let due_ms = START_MS + 90 * DAY_MS;
    let early = Refusal::NotDue { recording: RECORDING, due_ms: Some(due_ms) };
    assert_eq!(world.refused(purge(PurgeCause::Retention)), early);
    wait(&mut world, START_MS, due_ms - 1);
    assert_eq!(world.refused(purge(PurgeCause::Retention)), early);
    let due = |at_ms| world.catalog.due_sessions(at_ms, None, 1).unwrap();
    assert_eq!(due(due_ms - 1), DuePage { sessions: vec![], next: None });
    let session = DueSession { recording: RECORDING, ended_ms: START_MS, due_ms };
    let place = DuePlace { ended_ms: START_MS, recording: RECORDING };
    assert_eq!(due(due_ms), DuePage { sessions: vec![session], next: Some(place) });
    assert_eq!(world.catalog.due_sessions(due_ms, Some(place), 1).unwrap().sessions, []);
    world.clock(due_ms);
    world.done(purge(PurgeCause::Retention));
}

#[test]
fn a_clock_that_jumps_purges_nothing_before_an_operator_confirms() {
    for years in [-10_i64, 10] {
        let mut world = recorded();
        let there_ms = START_MS.checked_add_signed(years * 365 * i64::try_from(DAY_MS).unwrap()).unwrap();
        world.clock(there_ms);
        assert_eq!(world.refused(purge(PurgeCause::Retention)), Refusal::ClockSuspected, "{years} years");
    }
}

#[test]
fn what_clocks_that_were_ahead_made_due_is_not_purged_once_they_are_right() {
    let mut world = recorded();
    world.done(hold(HOLD, Some(START_MS + DAY_MS)));
    world.clock(START_MS + 3_650 * DAY_MS);
    world.clock(START_MS + MINUTE_MS);
    world.done(Command::ConfirmClock { by: "ada".to_owned() });
    assert!(matches!(world.refused(purge(PurgeCause::Retention)), Refusal::Held { .. }));
    world.done(release("ada"));
    assert!(matches!(world.refused(purge(PurgeCause::Retention)), Refusal::NotDue { .. }));
}

#[test]
fn the_rule_that_names_a_session_most_closely_decides() {
    let mut world = recorded();
    let due = |world: &mut World| {
        let refusal = world.refused(purge(PurgeCause::Retention));
        let Refusal::NotDue { due_ms, .. } = refusal else { panic!("{refusal}") };
        due_ms.map(|due_ms| (due_ms - START_MS) / DAY_MS)
    };
    assert_eq!(due(&mut world), Some(90));
    world.done(keep(RetentionScope::Protocol("ssh".to_owned()), Some(Retention::Days(30))));
    world.done(keep(RetentionScope::Protocol("rdp".to_owned()), Some(Retention::Days(1))));
    assert_eq!(due(&mut world), Some(30));
    world.done(keep(RetentionScope::Credential("root".to_owned()), Some(Retention::Days(400))));
    assert_eq!(due(&mut world), Some(400));
    let device = RetentionScope::Device("db1.example:22".to_owned());
    world.done(keep(device.clone(), Some(Retention::Forever)));
    assert_eq!(due(&mut world), None);
    let info = world.catalog.session(RECORDING).unwrap().unwrap().info;
    assert_eq!(world.catalog.retention(&info).unwrap(), Retention::Forever);
    world.done(keep(device.clone(), None));
    assert_eq!(due(&mut world), Some(400));
    assert_eq!(world.catalog.retention_rules().unwrap().len(), 3);
    let odd = keep(RetentionScope::Protocol("morse".to_owned()), None);
    assert_eq!(world.refused(odd), Refusal::ProtocolUnknown { protocol: "morse".to_owned() });
    let never = keep(device, Some(Retention::Days(0)));
    assert_eq!(world.refused(never), Refusal::RetentionDays { limit: 1000 });
}

#[test]
fn the_cluster_purges_few_sessions_an_hour_by_itself_and_a_person_any_number() {
    let mut world = World::new();
    world.clock(START_MS);
    let recording = |number: u8| RecordingId([number; 16]);
    for number in 0..13 {
        let object = ObjectId::from(recording(number));
        world.done(Command::OpenSession(session(recording(number))));
        world.write(object);
        world.done(Command::EndSession(EndSession { recording: recording(number), ..ending() }));
    }
    let due_ms = START_MS + 90 * DAY_MS;
    wait(&mut world, START_MS, due_ms);
    let purge = |number: u8, cause: PurgeCause| Command::Purge(Purge { recording: recording(number), cause });
    for number in 0..10 {
        world.done(purge(number, PurgeCause::Retention));
    }
    let pace = Refusal::PurgePace { limit: 10, again_ms: due_ms + HOUR_MS };
    assert_eq!(world.refused(purge(10, PurgeCause::Retention)), pace);
    world.done(purge(11, PurgeCause::Person { by: "ada".to_owned(), reason: "asked".to_owned() }));
    world.clock(due_ms + HOUR_MS);
    world.done(purge(10, PurgeCause::Retention));
}

#[test]
fn each_voter_deletes_what_it_holds_of_a_purged_session() {
    let mut world = recorded();
    world.voters(&[MEMBER, OTHER]);
    world.done(by_person());
    assert_eq!(world.catalog.bytes_to_delete(MEMBER, 9).unwrap(), [RECORDING]);
    assert_eq!(world.catalog.bytes_to_delete(OTHER, 9).unwrap(), [RECORDING]);
    let deleted = |recordings| Command::DeletedBytes(DeletedBytes { member: MEMBER, recordings });
    assert_eq!(world.refused(deleted(vec![RECORDING; 65])), Refusal::TooManySessions { limit: 64 });
    world.done(deleted(vec![RECORDING]));
    assert_eq!(world.catalog.bytes_to_delete(MEMBER, 9).unwrap(), []);
    assert_eq!(world.catalog.bytes_to_delete(OTHER, 9).unwrap(), [RECORDING]);
}
