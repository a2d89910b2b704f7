use super::*;

const SYSTEM: &str = "System Administrator";

pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_text(format!("$argon2id${text}"))
}

pub(super) fn create() -> CreateUser {
    CreateUser {
        name: "grace".to_owned(),
        password: hash("a"),
        roles: vec![SYSTEM.to_owned(), "PAM Auditor".to_owned(), SYSTEM.to_owned()],
        by: "ada".to_owned(),
    }
}

/// A world with the user grace, and where in the log the password was set.
fn with_grace() -> (World, u64) {
    let mut world = World::new();
    world.clock(1_000);
    world.done(Command::CreateUser(create()));
    let index = world.index;
    (world, index)
}

fn log_in(number: u8, password_index: u64) -> LogIn {
    let (name, token, hash) = ("grace".to_owned(), TokenId([number; 16]), [number; 32]);
    LogIn { name, password_index, token, hash, expires_ms: 9_000 }
}

fn put_user(is_disabled: bool, expected_version: Option<u64>) -> Command {
    let (name, by) = ("grace".to_owned(), "bob".to_owned());
    Command::PutUser(PutUser { name, roles: vec![], is_disabled, expected_version, by })
}

fn set_password(text: &str, keep: Option<TokenId>, expected_password_index: Option<u64>) -> Command {
    let (name, by) = ("grace".to_owned(), "grace".to_owned());
    Command::SetPassword(SetPassword { name, password: hash(text), expected_password_index, keep, by })
}

/// The numbers of the logins that open something.
fn logins(world: &World) -> Vec<u8> {
    let found = |number: &u8| world.catalog.token_by_hash([*number; 32]).unwrap().is_some();
    let open: Vec<u8> = (0..40).filter(found).collect();
    assert_eq!(open.len(), world.catalog.tokens().unwrap().len());
    open
}

#[test]
fn a_user_is_made_changed_and_deleted() {
    let (mut world, password_index) = with_grace();
    let row = UserRow {
        password: hash("a"),
        password_index,
        roles: vec!["PAM Auditor".to_owned(), SYSTEM.to_owned()],
        is_disabled: false,
        version: 1,
        changed_by: "ada".to_owned(),
        changed_ms: 1_000,
    };
    assert_eq!(world.catalog.users().unwrap(), [("grace".to_owned(), row.clone())]);
    let exists = Refusal::UserExists { name: "grace".to_owned() };
    assert_eq!(world.refused(Command::CreateUser(create())), exists);

    assert_eq!(world.refused(put_user(true, Some(2))), Refusal::VersionDiffers { expected: 2, actual: 1 });
    assert_eq!(world.done(put_user(true, Some(1))), Outcome::Version(2));
    let (roles, changed_by) = (vec![], "bob".to_owned());
    let disabled = UserRow { roles, is_disabled: true, version: 2, changed_by, ..row };
    assert_eq!(world.catalog.user("grace").unwrap(), Some(disabled));

    let delete = || Command::DeleteUser { name: "grace".to_owned(), by: "ada".to_owned() };
    world.done(delete());
    assert_eq!(world.catalog.users().unwrap(), []);
    assert_eq!(world.refused(delete()), Refusal::UserUnknown { name: "grace".to_owned() });
    assert_eq!(world.refused(put_user(false, None)), Refusal::UserUnknown { name: "grace".to_owned() });
}

#[test]
fn what_is_no_user_is_refused() {
    let mut world = World::new();
    let mut refused = |command| world.refused(Command::CreateUser(command));
    let roles = vec!["Wizard".to_owned()];
    assert_eq!(refused(CreateUser { roles, ..create() }), Refusal::RoleUnknown { role: "Wizard".to_owned() });
    let roles = vec![SYSTEM.to_owned(); 9];
    assert_eq!(refused(CreateUser { roles, ..create() }), Refusal::TooManyRoles { limit: 8 });
    for text in ["", "secret", "$argon2id$\n"] {
        let password = PasswordHash::from_text(text.to_owned());
        assert_eq!(refused(CreateUser { password, ..create() }), Refusal::PasswordHashForm);
    }
    let long = CreateUser { password: hash(&"x".repeat(247)), ..create() };
    assert_eq!(refused(long), Refusal::PasswordHashForm);
    let name = String::new();
    let missing = Refusal::TextMissing { field: "name".to_owned() };
    assert_eq!(refused(CreateUser { name, ..create() }), missing);
}

#[test]
fn users_are_counted() {
    let mut world = World::new();
    let user = |number| Command::CreateUser(CreateUser { name: format!("user {number}"), ..create() });
    (0..1000).for_each(|number| assert_eq!(world.done(user(number)), Outcome::Version(1)));
    assert_eq!(world.refused(user(1000)), Refusal::UsersFull { limit: 1000 });
    world.done(Command::DeleteUser { name: "user 7".to_owned(), by: "ada".to_owned() });
    assert_eq!(world.done(user(1000)), Outcome::Version(1));
    assert_eq!(world.refused(user(7)), Refusal::UsersFull { limit: 1000 });
}

#[test]
fn a_password_is_never_shown() {
    let text = format!("{:?} {:?}", Command::CreateUser(create()), with_grace().0.catalog.user("grace"));
    assert!(text.contains("PasswordHash") && !text.contains("argon2id"), "{text}");
}

#[test]
fn a_login_is_a_token_of_the_user() {
    let (mut world, index) = with_grace();
    world.done(Command::LogIn(log_in(1, index)));
    let (token, row) = world.catalog.token_by_hash([1; 32]).unwrap().unwrap();
    let expected = TokenRow {
        hash: [1; 32],
        kind: TokenKind::Login,
        subject: "grace".to_owned(),
        roles: vec![],
        expires_ms: Some(9_000),
        created_by: "grace".to_owned(),
        created_ms: 1_000,
        revoked_ms: None,
    };
    assert_eq!((token, row), (TokenId([1; 16]), expected));
    assert_eq!(world.refused(Command::LogIn(log_in(1, index))), Refusal::TokenExists);
    let stranger = LogIn { name: "eve".to_owned(), ..log_in(2, index) };
    assert_eq!(world.refused(Command::LogIn(stranger)), Refusal::LoginRefused);
    assert_eq!(world.refused(Command::LogIn(log_in(2, index - 1))), Refusal::LoginRefused);
    let expired = LogIn { expires_ms: 1_000, ..log_in(2, index) };
    let refusal = Refusal::TokenExpired { expires_ms: 1_000, now_ms: 1_000 };
    assert_eq!(world.refused(Command::LogIn(expired)), refusal);
    world.done(put_user(true, None));
    assert_eq!(logins(&world), [0; 0]);
    assert_eq!(world.refused(Command::LogIn(log_in(2, index))), Refusal::LoginRefused);
    let token = CreateToken {
        token,
        hash: [2; 32],
        kind: TokenKind::Login,
        subject: "grace".to_owned(),
        roles: vec![],
        expires_ms: None,
        by: "ada".to_owned(),
    };
    assert_eq!(world.refused(Command::CreateToken(token)), Refusal::LoginKind);
}

#[test]
fn logins_are_bounded_and_forgotten_when_they_are_over() {
    let (mut world, index) = with_grace();
    for number in 0..17 {
        world.done(Command::LogIn(log_in(number, index)));
    }
    assert_eq!(logins(&world), (1..17).collect::<Vec<_>>());
    world.clock(9_000);
    world.done(Command::LogIn(LogIn { expires_ms: 20_000, ..log_in(17, index) }));
    assert_eq!(logins(&world), [17]);
    world.done(Command::DeleteUser { name: "grace".to_owned(), by: "ada".to_owned() });
    assert_eq!(logins(&world), [0; 0]);
}

#[test]
fn a_new_password_ends_the_other_logins() {
    let (mut world, index) = with_grace();
    for number in 1..4 {
        world.done(Command::LogIn(log_in(number, index)));
    }
    world.done(set_password("b", Some(TokenId([2; 16])), Some(index)));
    let changed = world.index;
    assert_eq!(logins(&world), [2]);
    assert_eq!(world.refused(Command::LogIn(log_in(5, index))), Refusal::LoginRefused);
    let stale = Refusal::VersionDiffers { expected: index, actual: changed };
    assert_eq!(world.refused(set_password("c", None, Some(index))), stale);
    world.done(set_password("c", Some(TokenId([9; 16])), None));
    assert_eq!(logins(&world), [0; 0]);
    let row = world.catalog.user("grace").unwrap().unwrap();
    assert_eq!((row.password, row.version, row.password_index), (hash("c"), 3, world.index));
}

#[test]
fn one_role_can_always_change_roles_and_give_them() {
    let mut world = World::new();
    let put = |name: &str, permissions: &[&str]| {
        let permissions = permissions.iter().copied().map(str::to_owned).collect();
        let (name, by) = (name.to_owned(), "ada".to_owned());
        Command::PutRole(PutRole { name, permissions, expected_version: None, by })
    };
    let both = ["System.Roles.Manage", "System.Users.Manage"];
    assert_eq!(world.refused(put(SYSTEM, &both[..1])), Refusal::LastManager);
    assert_eq!(world.refused(put(SYSTEM, &[])), Refusal::LastManager);
    assert_eq!(world.catalog.role(SYSTEM).unwrap().unwrap().version, 1);
    world.done(put("Owner", &both));
    world.done(put(SYSTEM, &both[1..]));
    assert_eq!(world.refused(put("Owner", &both[1..])), Refusal::LastManager);
    for number in 4..64 {
        world.done(put(&format!("role {number}"), &[]));
    }
    assert_eq!(world.refused(put("one more", &[])), Refusal::RolesFull { limit: 64 });
    world.done(put("role 7", &both));
}
