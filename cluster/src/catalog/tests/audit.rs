use super::*;
use crate::chunk::merkle;
use proptest::prelude::*;

const DAY_MS: u64 = 86_400_000;

pub(super) fn view(object: &str) -> AuditEvent {
    AuditEvent {
        kind: AuditKind::View,
        user: "ada".to_owned(),
        service: "portal".to_owned(),
        action: "PAM.SessionManagement.Recording".to_owned(),
        object: object.to_owned(),
        address: "192.0.2.7".to_owned(),
        detail: "timeline".to_owned(),
    }
}

pub(super) fn asked_by(service: &str, command: Command) -> Command {
    let (user, service, address) = ("bob".to_owned(), service.to_owned(), "::1".to_owned());
    Command::As(As { user, service, address, command: Box::new(command) })
}

pub(super) fn key(member: MemberId) -> Command {
    Command::AuditKey(AuditKey { member, public_key: [5; 32] })
}

fn leaves(world: &World) -> Vec<AuditLeaf> {
    let query = AuditQuery { limit: usize::MAX, ..AuditQuery::default() };
    world.catalog.audit_leaves(&query).unwrap().leaves
}

/// Action, user, service, object and detail of the leaves that a world has got from one number on.
pub(super) fn told(world: &World, from: usize) -> Vec<[String; 5]> {
    let leaves = leaves(world).into_iter().skip(from);
    leaves.map(|leaf| [leaf.action, leaf.user, leaf.service, leaf.object, leaf.detail]).collect()
}

/// The tree of a log of views.
fn log_of(size: u64) -> (World, Vec<Hash>) {
    let mut world = World::new();
    world.done(key(MEMBER));
    for number in 1..size {
        let expected = Outcome::Audited { leaf: number };
        assert_eq!(world.done(Command::Audit(view(&number.to_string()))), expected);
    }
    let hashes = leaves(&world).iter().map(AuditLeaf::hash).collect();
    (world, hashes)
}

#[test]
fn nothing_is_audited_before_the_log_begins() {
    let mut world = World::new();
    world.done(put("replicas", ParameterValue::Number(2)));
    assert_eq!(world.catalog.audit_head().unwrap(), None);
    assert_eq!(world.refused(Command::Audit(view("x"))), Refusal::AuditNotBegun);
    assert_eq!(world.refused(Command::AuditHeartbeat { member: MEMBER }), Refusal::AuditNotBegun);
    world.done(key(MEMBER));
    world.done(key(MEMBER));
    assert_eq!(told(&world, 0), [["audit-key", "", "", "member/1", &"05".repeat(32)]]);
    let keys = world.catalog.audit_keys().unwrap();
    let expected = AuditKey { member: MEMBER, public_key: [5; 32] };
    assert_eq!(keys, [(expected, AuditKeyRow { since_ms: 0 })]);
}

#[test]
fn the_leaf_of_an_end_says_its_error_before_its_reason() {
    let mut world = World::new();
    world.done(key(MEMBER));
    let (error_message, reason) = ("connection reset".to_owned(), "x".repeat(500));
    for (number, end, error_message, reason, detail) in [
        (1, End::Finished, String::new(), String::new(), "finished".to_owned()),
        (
            2,
            End::Interrupted,
            error_message.clone(),
            String::new(),
            "interrupted error: connection reset".to_owned(),
        ),
        (
            3,
            End::Failed,
            error_message,
            reason,
            format!("failed error: connection reset reason: {}", "x".repeat(201)),
        ),
    ] {
        let recording = RecordingId([number; 16]);
        world.done(Command::OpenSession(session(recording)));
        let end = EndSession { recording, end, error_message, reason, ..ending() };
        world.done(Command::CloseSession(end));
        let leaves = told(&world, 0);
        assert_eq!(leaves.last().unwrap()[4], detail);
    }
}

#[test]
fn every_change_that_names_somebody_has_its_leaf() {
    let mut world = World::new();
    world.done(key(MEMBER));
    let token = CreateToken {
        token: TokenId([5; 16]),
        hash: [1; 32],
        kind: TokenKind::Recorder,
        subject: "pam-proxy".to_owned(),
        roles: Vec::new(),
        expires_ms: None,
        by: "ada".to_owned(),
    };
    world.done(Command::CreateToken(token));
    world.done(Command::OpenSession(session(RECORDING)));
    world.write(OBJECT);
    world.done(asked_by("portal", Command::EndSession(ending())));
    world.allow_videos();
    let job = world.video(&[]);
    world.done(Command::CancelJob { job, by: "ada".to_owned() });
    let (hold, by) = (HoldId([3; 16]), "ada".to_owned());
    world.done(Command::RetryVideo(RetryVideo { video: VIDEO, by: by.clone() }));
    world.done(Command::PutAccess(PutAccess {
        recording: RECORDING,
        auditors: vec!["grace".to_owned()],
        denied: vec!["eve".to_owned(), "mallory".to_owned()],
        expected_version: None,
        by: by.clone(),
    }));
    world.done(Command::PlaceHold(PlaceHold {
        hold,
        recording: RECORDING,
        justification: "inquiry".to_owned(),
        expires_ms: None,
        by: by.clone(),
    }));
    let purge = |cause| Command::Purge(Purge { recording: RECORDING, cause });
    let person = PurgeCause::Person { by: by.clone(), reason: "asked".to_owned() };
    world.refused(purge(person.clone()));
    let (reason, recording) = ("over".to_owned(), RECORDING);
    world.done(Command::ReleaseHold(ReleaseHold { hold, recording, reason, by: by.clone() }));
    world.done(asked_by("portal", purge(person)));
    let scope = RetentionScope::Device("db1".to_owned());
    let retention = Some(Retention::Days(7));
    world.done(Command::PutRetention(PutRetention { scope, retention, by: by.clone() }));
    world.done(Command::PutRole(PutRole {
        name: "Watcher".to_owned(),
        permissions: vec!["A.B.Read".to_owned()],
        expected_version: None,
        by: by.clone(),
    }));
    world.done(Command::ConfirmClock { by: by.clone() });
    world.done(Command::RevokeToken { token: TokenId([5; 16]), by });
    let session = format!("session/{RECORDING}");
    let hold = format!("hold {hold}");
    let token = format!("token/{}", TokenId([5; 16]));
    let video = format!("video/{VIDEO}");
    let expected: [[&str; 5]; 15] = [
        ["System.Users.Manage", "ada", "", &token, "created for recorder pam-proxy: "],
        ["session-opened", "pam-proxy", "", &session, "ssh db1.example:22 ada"],
        ["session-ended", "bob", "portal", &session, "finished "],
        ["System.Parameters.Manage", "ada", "", "parameter/video_download_enabled", "true"],
        ["PAM.SessionManagement.Convert", "ada", "", &session, "mp4"],
        ["job-cancelled", "ada", "", &format!("job/{job}"), ""],
        ["PAM.SessionManagement.Convert", "ada", "", &video, "again"],
        ["PAM.SessionManagement.Auditors", "ada", "", &session, "auditors grace; denied eve, mallory"],
        ["PAM.SessionManagement.PreventPurge", "ada", "", &session, &format!("{hold}: inquiry")],
        ["PAM.SessionManagement.ReleaseHold", "ada", "", &session, &format!("{hold}: over")],
        ["PAM.SessionManagement.Purge", "ada", "portal", &session, "asked"],
        ["System.Parameters.Manage", "ada", "", "retention-rule/device/db1", "7 days"],
        ["System.Roles.Manage", "ada", "", "role/Watcher", "A.B.Read"],
        ["clock-confirmed", "ada", "", "", ""],
        ["System.Users.Manage", "ada", "", &token, "revoked"],
    ];
    assert_eq!(told(&world, 1), expected);
    // The words and the form of leaves are what older members have hashed: they never change.
    let root = world.catalog.audit_head().unwrap().unwrap().root();
    assert_eq!(root.to_string(), "66c76beb83fa402f18e7e270b5d2780ae75e0731b82ca3bf697be49b3ca2a012");
}

#[test]
fn a_leaf_has_one_form() {
    let event = AuditEvent { user: "ä".to_owned(), detail: String::new(), ..view("o") };
    let mut world = World::new();
    world.clock(258);
    world.done(key(MEMBER));
    world.done(Command::Audit(event));
    let texts: [&[u8]; 6] =
        ["ä".as_bytes(), b"portal", b"PAM.SessionManagement.Recording", b"o", b"192.0.2.7", b""];
    let mut expected = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2];
    for text in texts {
        expected.extend_from_slice(&[0, u8::try_from(text.len()).unwrap()]);
        expected.extend_from_slice(text);
    }
    let leaf = world.catalog.audit_leaf(1).unwrap().unwrap();
    assert_eq!(leaf.canonical_bytes(), expected);
    assert_eq!(leaf.hash(), merkle::leaf_hash(&expected));
}

#[test]
fn a_leaf_is_bounded_and_a_change_is_not_refused_for_it() {
    let mut world = World::new();
    world.done(key(MEMBER));
    let long = "ä".repeat(600);
    let event = AuditEvent {
        kind: AuditKind::View,
        user: long.clone(),
        service: long.clone(),
        action: long.clone(),
        object: long.clone(),
        address: long.clone(),
        detail: format!("x{long}"),
    };
    world.done(Command::Audit(event));
    let leaf = world.catalog.audit_leaf(1).unwrap().unwrap();
    assert!(leaf.canonical_bytes().len() <= LEAF_BYTES_MAX);
    assert_eq!(leaf.detail, format!("x{}", "ä".repeat(119)));
}

#[test]
fn a_refused_change_has_no_leaf_and_a_repeated_one_has_one() {
    let mut world = World::new();
    world.done(key(MEMBER));
    let Ok(Outcome::Started(incarnation)) = world.apply(Command::StartMember { member: MEMBER }) else {
        panic!("not started")
    };
    world.refused(put("replicas", ParameterValue::Never));
    world.refused(asked_by("x", asked_by("y", put("replicas", ParameterValue::Number(2)))));
    assert_eq!(leaves(&world).len(), 1);
    let id = Some(RequestId { incarnation, sequence: 1 });
    for _ in 0..3 {
        world.request(id, put("replicas", ParameterValue::Number(2))).unwrap();
    }
    assert_eq!(leaves(&world).len(), 2);
}

#[test]
fn the_log_says_each_hour_that_it_goes_on() {
    let mut world = World::new();
    world.clock(5);
    world.done(key(MEMBER));
    let beat = |world: &mut World| world.done(Command::AuditHeartbeat { member: MEMBER });
    assert_eq!(beat(&mut world), Outcome::Audited { leaf: 1 });
    world.clock(5 + HEARTBEAT_MS - 1);
    assert_eq!(beat(&mut world), Outcome::Done);
    world.clock(5 + HEARTBEAT_MS);
    assert_eq!(beat(&mut world), Outcome::Audited { leaf: 2 });
    assert_eq!(leaves(&world).len(), 3);
}

#[test]
fn pages_follow_one_another_in_both_directions() {
    let mut world = World::new();
    world.clock(DAY_MS);
    world.done(key(MEMBER));
    for number in 1..10 {
        world.clock(DAY_MS + 10 * number);
        world.done(Command::Audit(view(if number % 3 == 0 { "third" } else { "other" })));
    }
    let all = leaves(&world);
    for descending in [false, true] {
        let mut query = AuditQuery { limit: 4, descending, ..AuditQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = world.catalog.audit_leaves(&query).unwrap();
            found.extend(page.leaves);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        if descending {
            found.reverse();
        }
        assert_eq!(found, all);
    }
    let numbers = |query: AuditQuery| -> Vec<u64> {
        let page = world.catalog.audit_leaves(&AuditQuery { limit: 100, ..query }).unwrap();
        page.leaves.iter().map(|leaf| leaf.number).collect()
    };
    let third = || AuditQuery { object: Some("third".to_owned()), ..AuditQuery::default() };
    assert_eq!(numbers(third()), [3, 6, 9]);
    assert_eq!(numbers(AuditQuery { from_ms: Some(DAY_MS + 31), ..third() }), [6, 9]);
    assert_eq!(
        numbers(AuditQuery { from_ms: Some(DAY_MS + 30), to_ms: Some(DAY_MS + 90), ..third() }),
        [3, 6]
    );
    assert_eq!(numbers(AuditQuery { kind: Some(AuditKind::Change), ..AuditQuery::default() }), [0]);
    assert_eq!(numbers(AuditQuery { user: Some("eve".to_owned()), ..AuditQuery::default() }), [0; 0]);
    assert_eq!(numbers(AuditQuery { action: Some("audit-key".to_owned()), ..AuditQuery::default() }), [0]);
}

/// MTH of RFC 6962, 2.1, as it is written there.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::of(&[&[1], &naive_root(left).0, &naive_root(right).0])
        }
    }
}

/// SUBPROOF of RFC 6962, 2.1.2, as it is written there.
fn naive_consistency(m: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if is_whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if m <= left.len() {
        [naive_consistency(m, left, is_whole), vec![naive_root(right)]].concat()
    } else {
        [naive_consistency(m - left.len(), right, false), vec![naive_root(left)]].concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn roots_and_proofs_are_those_of_rfc_6962(size in 1..130u64, at in 0..130u64, leaf in 0..130u64) {
        let (world, hashes) = log_of(size);
        let head = world.catalog.audit_head().unwrap().unwrap();
        prop_assert_eq!((head.size, head.root()), (size, naive_root(&hashes)));
        let older = usize::try_from(at).unwrap().min(hashes.len());
        let at = at.min(size);
        let root = world.catalog.audit_root(at).unwrap();
        prop_assert_eq!(root, Some(naive_root(&hashes[..older])));
        let proof = world.catalog.audit_inclusion(leaf, at).unwrap();
        match usize::try_from(leaf).unwrap() {
            leaf if leaf < older => prop_assert_eq!(proof, merkle::inclusion_proof(&hashes[..older], leaf)),
            _ => prop_assert_eq!(proof, None),
        }
        let proof = world.catalog.audit_consistency(at, size).unwrap();
        let expected = (at > 0).then(|| naive_consistency(older, &hashes, true));
        prop_assert_eq!(proof, expected);
        prop_assert_eq!(world.catalog.audit_root(size + 1).unwrap(), None);
        prop_assert_eq!(world.catalog.audit_inclusion(0, size + 1).unwrap(), None);
        prop_assert_eq!(world.catalog.audit_consistency(1, size + 1).unwrap(), None);
    }
}
