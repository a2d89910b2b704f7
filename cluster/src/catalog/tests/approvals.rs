use super::*;

const APPROVAL: ApprovalId = ApprovalId([4; 16]);
const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(super) fn ask(from_ms: u64, until_ms: u64) -> Command {
    let (reason, ticket, by) = ("inquiry".to_owned(), "T-12".to_owned(), "ada".to_owned());
    let (approval, recording) = (APPROVAL, RECORDING);
    Command::AskApproval(AskApproval { approval, recording, reason, ticket, from_ms, until_ms, by })
}

pub(super) fn decide(by: &str, is_approved: bool) -> Command {
    let (reason, by) = ("seen".to_owned(), by.to_owned());
    Command::DecideApproval(DecideApproval {
        approval: APPROVAL,
        recording: RECORDING,
        is_approved,
        reason,
        by,
    })
}

/// A session of the user `root` of an hour ago, which nobody watches without approval.
fn guarded() -> World {
    let mut world = World::new();
    world.clock(HOUR_MS);
    let Command::OpenSession(open) = Command::OpenSession(session(RECORDING)) else { unreachable!() };
    let info = SessionInfo { user_name: "root".to_owned(), ..open.info };
    world.done(Command::OpenSession(OpenSession { info, ..open }));
    let need = world.catalog.approval_need(RECORDING, "ada").unwrap();
    assert_eq!(need, ApprovalNeed::Unneeded);
    world.done(put("watch_needs_approval", ParameterValue::Switch(true)));
    world
}

fn need(world: &World, user: &str) -> ApprovalNeed {
    world.catalog.approval_need(RECORDING, user).unwrap()
}

#[test]
fn an_approval_holds_for_one_user_in_its_time() {
    let mut world = guarded();
    world.done(ask(HOUR_MS + MINUTE_MS, HOUR_MS + 3 * MINUTE_MS));
    assert_eq!(world.catalog.approvals_asked(9).unwrap(), [(RECORDING, APPROVAL)]);
    world.done(decide("bob", true));
    assert_eq!(world.catalog.approvals_asked(9).unwrap(), []);
    assert_eq!(need(&world, "ada"), ApprovalNeed::Unmet);
    world.clock(HOUR_MS + MINUTE_MS);
    assert_eq!([need(&world, "ada"), need(&world, "bob")], [ApprovalNeed::Met, ApprovalNeed::Unmet]);
    world.clock(HOUR_MS + 3 * MINUTE_MS);
    assert_eq!(need(&world, "ada"), ApprovalNeed::Unmet);
}

#[test]
fn what_nobody_can_decide_about_any_more_is_not_listed() {
    let mut world = guarded();
    world.done(ask(0, HOUR_MS + 2 * MINUTE_MS));
    world.clock(HOUR_MS + MINUTE_MS);
    assert_eq!(world.catalog.approvals_asked(9).unwrap(), [(RECORDING, APPROVAL)]);
    world.clock(HOUR_MS + 2 * MINUTE_MS);
    assert_eq!(world.catalog.approvals_asked(9).unwrap(), []);

    let mut world = guarded();
    world.done(ask(0, 2 * HOUR_MS));
    world.write(OBJECT);
    world.done(Command::EndSession(ending()));
    let (by, reason) = ("bob".to_owned(), "asked".to_owned());
    world.done(Command::Purge(Purge { recording: RECORDING, cause: PurgeCause::Person { by, reason } }));
    assert_eq!(world.catalog.approvals_asked(9).unwrap(), []);
}

#[test]
fn neither_who_watches_nor_who_was_recorded_approves() {
    let mut world = guarded();
    assert_eq!(world.refused(decide("bob", true)), Refusal::ApprovalUnknown { approval: APPROVAL });
    world.done(ask(0, 2 * HOUR_MS));
    for by in ["ada", "root"] {
        assert_eq!(world.refused(decide(by, true)), Refusal::ApprovalOfOwn { approval: APPROVAL }, "{by}");
    }
    assert_eq!(need(&world, "ada"), ApprovalNeed::Unmet);
    world.done(decide("bob", true));
    assert_eq!(need(&world, "ada"), ApprovalNeed::Met);
    assert_eq!(world.refused(decide("bob", true)), Refusal::ApprovalDecided { approval: APPROVAL });
    world.done(decide("eve", false));
    assert_eq!(need(&world, "ada"), ApprovalNeed::Unmet);
    assert_eq!(world.refused(decide("bob", true)), Refusal::ApprovalDecided { approval: APPROVAL });
    let (_, row) = world.catalog.approvals(RECORDING).unwrap().remove(0);
    let (by, reason, at_ms) = ("eve".to_owned(), "seen".to_owned(), HOUR_MS);
    assert_eq!(row.state, ApprovalState::Denied(ApprovalWord { by, reason, at_ms }));
}

#[test]
fn an_approval_is_asked_for_a_time_to_come_that_is_not_too_long() {
    let mut world = guarded();
    let limit_ms = 31 * 24 * HOUR_MS;
    let wrong = Refusal::ApprovalWindow { now_ms: HOUR_MS, limit_ms };
    for (from_ms, until_ms) in
        [(0, HOUR_MS), (3 * HOUR_MS, 3 * HOUR_MS), (0, HOUR_MS + limit_ms + 1), (0, u64::MAX)]
    {
        assert_eq!(world.refused(ask(from_ms, until_ms)), wrong, "{from_ms}..{until_ms}");
    }
    world.done(ask(0, HOUR_MS + limit_ms));
}
