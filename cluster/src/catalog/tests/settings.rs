use super::*;

#[test]
fn a_parameter_has_its_default_until_it_is_set() {
    let mut world = World::new();
    let defaults: Vec<_> = Parameter::ALL.iter().map(|one| (one.name, one.default)).collect();
    assert_eq!(
        defaults,
        [
            ("replicas", ParameterValue::Number(3)),
            ("resume_hours", ParameterValue::Number(24)),
            ("retention_days", ParameterValue::Number(90)),
            ("video_download_enabled", ParameterValue::Switch(false)),
            ("hold_release_by_two", ParameterValue::Switch(false)),
            ("resync_mib_per_s", ParameterValue::Number(400)),
            ("scrub_days", ParameterValue::Number(30)),
            ("scrub_mib_per_s", ParameterValue::Number(32)),
            ("watch_needs_approval", ParameterValue::Switch(false)),
            ("webhook_enabled", ParameterValue::Switch(false)),
            ("kek_rotation_days", ParameterValue::Number(30)),
            ("forget_hours", ParameterValue::Number(24)),
        ]
    );
    let retention = Parameter::named("retention_days").unwrap();
    assert_eq!(world.catalog.parameter(retention).unwrap(), ParameterValue::Number(90));
    world.clock(77);
    assert_eq!(world.done(put("retention_days", ParameterValue::Never)), Outcome::Version(1));
    let (value, version, changed_by, changed_ms) = (ParameterValue::Never, 1, "ada".to_owned(), 77);
    let row = ParameterRow { value, version, changed_by, changed_ms };
    assert_eq!(world.catalog.parameter_row(retention).unwrap(), Some(row));
}

#[test]
fn a_parameter_takes_values_of_its_kind_and_range() {
    use ParameterValue::{Never, Number, Switch};
    let mut world = World::new();
    let cases = [
        ("replicas", Number(0), "a number from 1 to 7"),
        ("replicas", Number(8), "a number from 1 to 7"),
        ("replicas", Never, "a number from 1 to 7"),
        ("replicas", Switch(true), "a number from 1 to 7"),
        ("retention_days", Number(1001), "a number from 1 to 1000, or never"),
        ("retention_days", Switch(false), "a number from 1 to 1000, or never"),
        ("video_download_enabled", Number(1), "true or false"),
        ("video_download_enabled", Never, "true or false"),
    ];
    for (name, value, expected) in cases {
        let (name_owned, expected) = (name.to_owned(), expected.to_owned());
        let refusal = Refusal::ParameterValue { name: name_owned, expected };
        assert_eq!(world.refused(put(name, value)), refusal, "{name} {value:?}");
    }
    let unknown = Refusal::ParameterUnknown { name: "colour".to_owned() };
    assert_eq!(world.refused(put("colour", Number(1))), unknown);
}

#[test]
fn a_stale_version_changes_nothing() {
    let mut world = World::new();
    let put = |expected_version| {
        let (name, by, value) = ("replicas".to_owned(), "ada".to_owned(), ParameterValue::Number(2));
        Command::PutParameter(PutParameter { name, value, expected_version, by })
    };
    assert_eq!(world.refused(put(Some(1))), Refusal::VersionDiffers { expected: 1, actual: 0 });
    assert_eq!(world.done(put(Some(0))), Outcome::Version(1));
    assert_eq!(world.refused(put(Some(0))), Refusal::VersionDiffers { expected: 0, actual: 1 });
    assert_eq!(world.done(put(Some(1))), Outcome::Version(2));
}

fn put_role(name: &str, permissions: &[&str]) -> Command {
    let permissions = permissions.iter().copied().map(str::to_owned).collect();
    Command::PutRole(PutRole {
        name: name.to_owned(),
        permissions,
        expected_version: None,
        by: "ada".to_owned(),
    })
}

#[test]
fn three_roles_are_seeded_once() {
    let mut world = World::new();
    let names = |world: &World| -> Vec<(String, usize)> {
        let roles = world.catalog.roles().unwrap();
        roles.into_iter().map(|(name, row)| (name, row.permissions.len())).collect()
    };
    let seeded = [("PAM Administrator", 18), ("PAM Auditor", 10), ("System Administrator", 12)];
    assert_eq!(names(&world), seeded.map(|(name, count)| (name.to_owned(), count)));
    world.done(put_role("PAM Auditor", &["PAM.Audit.Read"]));
    world.done(Command::Seed);
    assert_eq!(names(&world)[1], ("PAM Auditor".to_owned(), 1));

    for permission in ["", "Read", "PAM..Read", "PAM.*", "PAM.Read ", "pam/x.y"] {
        let refusal = world.refused(put_role("R", &[permission]));
        assert_eq!(refusal, Refusal::PermissionForm { permission: permission.to_owned() });
    }
    let many = vec!["PAM.Audit.Read"; 65];
    let (role, limit) = ("R".to_owned(), 64);
    assert_eq!(world.refused(put_role("R", &many)), Refusal::TooManyPermissions { role, limit });
}

fn create(token: u8, hash: u8, roles: &[&str], expires_ms: Option<u64>) -> Command {
    Command::CreateToken(CreateToken {
        token: TokenId([token; 16]),
        hash: [hash; 32],
        kind: TokenKind::User,
        subject: "portal".to_owned(),
        roles: roles.iter().copied().map(str::to_owned).collect(),
        expires_ms,
        by: "ada".to_owned(),
    })
}

#[test]
fn a_token_is_found_by_its_hash_until_it_is_revoked() {
    let mut world = World::new();
    world.clock(1_000);
    world.done(create(1, 1, &["PAM Auditor"], Some(2_000)));
    let (token, row) = world.catalog.token_by_hash([1; 32]).unwrap().unwrap();
    assert_eq!((token, row.subject.as_str()), (TokenId([1; 16]), "portal"));
    assert!(row.is_valid(1_999) && !row.is_valid(2_000));
    let token = TokenId([1; 16]);
    let revoke = || Command::RevokeToken { token, by: "ada".to_owned() };
    world.done(revoke());
    world.clock(1_500);
    world.done(revoke());
    assert_eq!(world.catalog.token_by_hash([1; 32]).unwrap(), None);
    let row = world.catalog.token(token).unwrap().unwrap();
    assert_eq!(row.revoked_ms, Some(1_000));
    assert!(!row.is_valid(1_500));
}

#[test]
fn a_token_is_refused_with_a_reason() {
    let mut world = World::new();
    world.clock(1_000);
    let role = "Wizard".to_owned();
    assert_eq!(world.refused(create(1, 1, &["Wizard"], None)), Refusal::RoleUnknown { role });
    let expired = Refusal::TokenExpired { expires_ms: 1_000, now_ms: 1_000 };
    assert_eq!(world.refused(create(1, 1, &[], Some(1_000))), expired);
    let roles = ["PAM Auditor"; 9];
    assert_eq!(world.refused(create(1, 1, &roles, None)), Refusal::TooManyRoles { limit: 8 });
    let Command::CreateToken(user) = create(1, 1, &["PAM Auditor"], None) else { panic!() };
    let recorder = CreateToken { kind: TokenKind::Recorder, ..user };
    assert_eq!(world.refused(Command::CreateToken(recorder.clone())), Refusal::RecorderRoles);
    world.done(Command::CreateToken(CreateToken { roles: vec![], ..recorder }));
    assert_eq!(world.refused(create(1, 2, &[], None)), Refusal::TokenExists);
    assert_eq!(world.refused(create(2, 1, &[], None)), Refusal::TokenExists);
    let token = TokenId([3; 16]);
    let unknown = world.refused(Command::RevokeToken { token, by: "ada".to_owned() });
    assert_eq!(unknown, Refusal::TokenUnknown { token });
}
