use proptest::prelude::*;

use super::*;
use crate::action::Action::{
    AuditRead, Convert, Download, Keystrokes, Livestream, Logs, Purge, Read, Record, Recording,
};
use crate::resource::Relations;
use crate::subject::{RecorderName, Service, ServiceName, User, UserName};

const NONE: Relations = Relations { own: false, auditor: false, denied: false, unapproved: false };
const OWN: Relations = Relations { own: true, ..NONE };
const AUDITOR: Relations = Relations { auditor: true, ..NONE };
const UNAPPROVED: Relations = Relations { unapproved: true, ..AUDITOR };
const DENIED: Relations = Relations { denied: true, ..NONE };

/// What each seeded role permits, copied by hand from the design: yes `x`, no `.`.
const SEEDED: &str = "
    permission                            PAM-Administrator  PAM-Auditor  System-Administrator
    PAM.SessionManagement.Record          x                  .            .
    PAM.SessionManagement.Read            x                  x            x
    PAM.SessionManagement.Recording       x                  x            x
    PAM.SessionManagement.Livestream      x                  x            x
    PAM.SessionManagement.Logs            x                  x            .
    PAM.SessionManagement.Keystrokes      x                  x            .
    PAM.SessionManagement.Convert         x                  x            .
    PAM.SessionManagement.Download        x                  x            .
    PAM.SessionManagement.Block           x                  .            .
    PAM.SessionManagement.Drop            x                  .            .
    PAM.SessionManagement.PreventPurge    x                  .            .
    PAM.SessionManagement.ReleaseHold     x                  .            .
    PAM.SessionManagement.Auditors        x                  .            .
    PAM.SessionManagement.Approve         x                  .            .
    PAM.SessionManagement.Review          x                  x            .
    PAM.SessionManagement.Evidence        x                  x            .
    PAM.SessionManagement.Purge           x                  .            .
    PAM.Audit.Read                        x                  x            .
    System.Cluster.Read                   .                  .            x
    System.Cluster.Manage                 .                  .            x
    System.Parameters.Read                .                  .            x
    System.Parameters.Manage              .                  .            x
    System.Users.Read                     .                  .            x
    System.Users.Manage                   .                  .            x
    System.Users.ActFor                   .                  .            x
    System.Roles.Read                     .                  .            x
    System.Roles.Manage                   .                  .            x
";

fn name(role: &str) -> RoleName {
    role.parse().unwrap()
}

fn names(roles: &[&str]) -> BTreeSet<RoleName> {
    roles.iter().map(|role| name(role)).collect()
}

fn user(roles: &[&str]) -> User {
    User { name: UserName("ana".to_owned()), roles: names(roles) }
}

fn service(roles: &[&str]) -> Service {
    Service { name: ServiceName("portal".to_owned()), roles: names(roles) }
}

fn recorder() -> Subject {
    Subject::Recorder(RecorderName("guacd-1".to_owned()))
}

fn role(name: &str, permissions: &[Action]) -> Role {
    Role { name: name.parse().unwrap(), permissions: permissions.iter().copied().collect() }
}

fn built(roles: &[Role]) -> Authorizer {
    Authorizer::build(Revision(1), roles).unwrap()
}

fn allowed(role: &str) -> Decision {
    Decision::Allowed { by: Ground::Role(name(role)) }
}

/// A resource of the kind that the action is done to, with no relation to anyone.
fn resource_of(action: Action) -> Resource {
    if action.name().starts_with("PAM.SessionManagement.") {
        Resource::Session(NONE)
    } else {
        Resource::System
    }
}

#[test]
fn seeded_roles_permit_what_the_design_says() {
    let authorizer = built(&Role::seeded());
    let mut lines = SEEDED.lines().map(str::split_whitespace).filter(|words| words.clone().next().is_some());
    let roles: Vec<String> = lines.next().unwrap().skip(1).map(|role| role.replace('-', " ")).collect();
    let mut seen = BTreeSet::new();
    for mut words in lines {
        let action: Action = words.next().unwrap().parse().unwrap();
        assert!(seen.insert(action), "{action} is listed twice");
        let cells: Vec<&str> = words.collect();
        assert_eq!(cells.len(), roles.len(), "{action}");
        for (role, cell) in roles.iter().zip(cells) {
            let subject = Subject::User(user(&[role]));
            let decision = authorizer.decide(&subject, action, &resource_of(action));
            assert_eq!(decision.is_allowed(), cell == "x", "{role}, {action}: {decision:?}");
            assert_eq!(authorizer.permissions(&subject).contains(&action), cell == "x", "{role}, {action}");
        }
    }
    assert_eq!(seen.len(), Action::ALL.len());
    assert_eq!(
        authorizer.permissions.keys().cloned().collect::<Vec<_>>(),
        roles.iter().map(|r| name(r)).collect::<Vec<_>>()
    );
}

#[test]
fn what_can_be_read_is_forbidden_and_what_cannot_is_hidden() {
    let authorizer = built(&Role::seeded());
    let auditor = Subject::User(user(&["PAM Auditor"]));
    let cases = [
        (Read, Resource::Session(NONE), allowed("PAM Auditor")),
        (Purge, Resource::Session(NONE), Decision::Forbidden),
        (Record, Resource::Session(NONE), Decision::Forbidden),
        (Read, Resource::Sessions, allowed("PAM Auditor")),
        (Purge, Resource::Sessions, Decision::Forbidden),
        (AuditRead, Resource::System, allowed("PAM Auditor")),
        (Action::ClusterRead, Resource::System, Decision::Hidden),
        (Action::ClusterManage, Resource::System, Decision::Hidden),
    ];
    for (action, resource, expected) in cases {
        assert_eq!(authorizer.decide(&auditor, action, &resource), expected, "{action}, {resource:?}");
    }
    let nobody = Subject::User(user(&[]));
    for &action in Action::ALL {
        assert_eq!(authorizer.decide(&nobody, action, &resource_of(action)), Decision::Hidden, "{action}");
    }
}

#[test]
fn system_reads_turn_hidden_into_forbidden() {
    let authorizer = built(&[role("Viewer", &[Action::ParametersRead, Action::UsersRead])]);
    let viewer = Subject::User(user(&["Viewer"]));
    let cases = [
        (Action::ParametersManage, Decision::Forbidden),
        (Action::UsersManage, Decision::Forbidden),
        (Action::UsersActFor, Decision::Forbidden),
        (Action::RolesManage, Decision::Hidden),
        (AuditRead, Decision::Hidden),
    ];
    for (action, expected) in cases {
        assert_eq!(authorizer.decide(&viewer, action, &Resource::System), expected, "{action}");
    }
}

#[test]
fn an_auditor_of_a_session_watches_that_session_and_no_more() {
    let authorizer = built(&Role::seeded());
    let subject = Subject::User(user(&[]));
    for &action in Action::ALL {
        let of_session = authorizer.decide(&subject, action, &Resource::Session(AUDITOR));
        let expected = match action.name() {
            "PAM.SessionManagement.Read"
            | "PAM.SessionManagement.Recording"
            | "PAM.SessionManagement.Livestream"
            | "PAM.SessionManagement.Logs" => Decision::Allowed { by: Ground::Auditor },
            name if name.starts_with("PAM.SessionManagement.") => Decision::Forbidden,
            _ => Decision::Hidden,
        };
        assert_eq!(of_session, expected, "{action}");
        assert_eq!(authorizer.decide(&subject, action, &Resource::Sessions), Decision::Hidden, "{action}");
        assert_eq!(authorizer.decide(&subject, action, &resource_of(action)), Decision::Hidden, "{action}");
    }
}

#[test]
fn a_denial_comes_before_grants_and_these_before_roles() {
    let authorizer = built(&Role::seeded());
    let subject = Subject::User(user(&["PAM Auditor"]));
    let cases = [
        (Logs, NONE, allowed("PAM Auditor")),
        (Logs, AUDITOR, Decision::Allowed { by: Ground::Auditor }),
        (Logs, DENIED, Decision::Hidden),
        (Logs, Relations { auditor: true, ..DENIED }, Decision::Hidden),
        (Keystrokes, AUDITOR, allowed("PAM Auditor")),
        (Purge, Relations { auditor: true, ..DENIED }, Decision::Hidden),
    ];
    for (action, relations, expected) in cases {
        let decision = authorizer.decide(&subject, action, &Resource::Session(relations));
        assert_eq!(decision, expected, "{action}, {relations:?}");
    }
}

#[test]
fn a_permission_without_sight_of_the_session_waits_for_it() {
    let authorizer = built(&[role("Converter", &[Convert])]);
    let subject = Subject::User(user(&["Converter"]));
    assert_eq!(authorizer.decide(&subject, Convert, &Resource::Session(NONE)), Decision::Hidden);
    assert_eq!(authorizer.decide(&subject, Convert, &Resource::Session(AUDITOR)), allowed("Converter"));
    assert_eq!(authorizer.decide(&subject, Download, &Resource::Session(AUDITOR)), Decision::Forbidden);
}

#[test]
fn a_recorder_only_records_its_own_sessions() {
    let authorizer = built(&Role::seeded());
    let others = [
        Resource::Session(NONE),
        Resource::Session(AUDITOR),
        Resource::Session(Relations { own: true, ..DENIED }),
        Resource::Sessions,
        Resource::System,
    ];
    for &action in Action::ALL {
        let own =
            authorizer.decide(&recorder(), action, &Resource::Session(Relations { auditor: true, ..OWN }));
        let by_token = Decision::Allowed { by: Ground::Recorder };
        assert_eq!(own, if action == Record { by_token } else { Decision::Hidden }, "{action}");
        for resource in others {
            assert_eq!(
                authorizer.decide(&recorder(), action, &resource),
                Decision::Hidden,
                "{action}, {resource:?}"
            );
        }
    }
    assert_eq!(authorizer.permissions(&recorder()), BTreeSet::new());
}

#[test]
fn relations_are_for_whom_they_are_meant() {
    let authorizer = built(&Role::seeded());
    let both = Resource::Session(Relations { auditor: true, ..OWN });
    let service = Subject::Service(service(&["System Administrator"]));
    assert_eq!(authorizer.decide(&service, Logs, &both), Decision::Forbidden);
    assert_eq!(authorizer.decide(&service, Recording, &both), allowed("System Administrator"));
    assert_eq!(authorizer.decide(&Subject::User(user(&[])), Record, &both), Decision::Forbidden);
}

#[test]
fn a_role_that_may_only_record_needs_no_sight_of_what_it_records() {
    let authorizer = built(&[role("Feeder", &[Record])]);
    let feeder = Subject::Service(service(&["Feeder"]));
    assert_eq!(authorizer.decide(&feeder, Record, &Resource::Session(NONE)), allowed("Feeder"));
    assert_eq!(authorizer.decide(&feeder, Record, &Resource::Sessions), allowed("Feeder"));
    assert_eq!(authorizer.decide(&feeder, Read, &Resource::Session(NONE)), Decision::Hidden);
    assert_eq!(authorizer.decide(&feeder, Download, &Resource::Session(NONE)), Decision::Hidden);
}

#[test]
fn a_service_acts_for_a_user_only_by_permission_and_within_its_own() {
    let mut roles = Role::seeded();
    roles.push(role("Portal", &[Action::UsersActFor]));
    let authorizer = built(&roles);
    let portal = Subject::Service(service(&["Portal"]));
    assert_eq!(authorizer.decide(&portal, Action::UsersActFor, &Resource::System), allowed("Portal"));
    let act = |by: &[&str]| Subject::ActFor { service: service(by), user: user(&[]).name };
    let by_auditor = Decision::Allowed { by: Ground::Auditor };
    let cases = [
        (act(&["Portal", "PAM Auditor"]), NONE, allowed("PAM Auditor")),
        (act(&["Portal", "PAM Auditor"]), AUDITOR, by_auditor.clone()),
        (act(&["Portal"]), NONE, Decision::Hidden),
        (act(&["Portal"]), AUDITOR, by_auditor),
        (act(&["Portal"]), OWN, Decision::Hidden),
        (act(&["PAM Administrator"]), NONE, Decision::Hidden),
        (act(&["PAM Auditor"]), AUDITOR, Decision::Hidden),
        (act(&[]), AUDITOR, Decision::Hidden),
    ];
    for (subject, relations, expected) in cases {
        let decision = authorizer.decide(&subject, Logs, &Resource::Session(relations));
        assert_eq!(decision, expected, "{subject:?}, {relations:?}");
    }
}

#[test]
fn who_is_acted_for_has_the_permissions_of_the_service_and_acts_for_no_one() {
    let authorizer = built(&Role::seeded());
    let system = service(&["System Administrator"]);
    let acting = Subject::ActFor { service: system.clone(), user: user(&[]).name };
    let mut expected = authorizer.permissions(&Subject::Service(system));
    assert!(expected.remove(&Action::UsersActFor));
    assert_eq!(authorizer.permissions(&acting), expected);
    assert_eq!(authorizer.decide(&acting, Action::UsersActFor, &Resource::System), Decision::Forbidden);
    assert_eq!(acting.user(), Some(&UserName("ana".to_owned())));
    assert_eq!(acting.service().map(|service| service.name.0.as_str()), Some("portal"));
    let unvouched = Subject::ActFor { service: service(&["PAM Auditor"]), user: user(&[]).name };
    assert_eq!(authorizer.permissions(&unvouched), BTreeSet::new());
    assert!(authorizer.knows(&name("PAM Auditor")) && !authorizer.knows(&name("pam auditor")));
}

#[test]
fn the_first_role_by_name_is_the_ground_and_unknown_roles_are_none() {
    let authorizer = built(&Role::seeded());
    let subject = Subject::User(user(&["Accountant", "System Administrator", "PAM Auditor"]));
    assert_eq!(authorizer.decide(&subject, Livestream, &Resource::Sessions), allowed("PAM Auditor"));
    for stranger in
        ["pam auditor", "PAM Auditors", "PAM", "p", "*", "PAM Auditor, PAM.Audit.Read", "\" || true"]
    {
        let subject = Subject::User(user(&[stranger]));
        assert_eq!(authorizer.decide(&subject, Read, &Resource::Sessions), Decision::Hidden, "{stranger}");
    }
}

#[test]
fn roles_that_cannot_be_told_apart_or_bounded_are_refused() {
    let mut roles = vec![role("A", &[Read]), role("B", &[Read]), role("A", &[Purge])];
    let duplicate = BuildError::Duplicate { name: name("A") };
    assert_eq!(Authorizer::build(Revision(1), &roles), Err(duplicate));
    roles = (0..=MAX_ROLES).map(|number| role(&format!("role {number}"), &[])).collect();
    let many = Authorizer::build(Revision(1), &roles).unwrap_err();
    assert_eq!(many.to_string(), "there are 65 roles, expected at most 64");
    roles.pop();
    assert_eq!(built(&roles).permissions.len(), MAX_ROLES);
}

#[test]
fn what_was_recorded_waits_for_an_approval_and_the_report_does_not() {
    let authorizer = built(&Role::seeded());
    let everything = Subject::User(user(&["PAM Administrator", "System Administrator"]));
    let nothing = Subject::User(user(&[]));
    let waiting = [Recording, Livestream, Logs, Keystrokes, Download, Action::Evidence];
    for &action in Action::ALL {
        let decided = authorizer.decide(&everything, action, &Resource::Session(UNAPPROVED));
        let waits = waiting.contains(&action);
        let is_expected = match decided {
            Decision::Allowed { .. } => !waits && action.is_about_sessions(),
            Decision::Unapproved => waits,
            Decision::Hidden => !action.is_about_sessions(),
            Decision::Forbidden => false,
        };
        assert!(is_expected, "{action}: {decided:?}");
    }
    let unapproved = Resource::Session(UNAPPROVED);
    assert_eq!(authorizer.decide(&nothing, Recording, &unapproved), Decision::Unapproved);
    assert_eq!(authorizer.decide(&nothing, Keystrokes, &unapproved), Decision::Forbidden);
}

fn actions() -> impl Strategy<Value = BTreeSet<Action>> {
    prop::collection::btree_set(prop::sample::select(Action::ALL), 0..=Action::ALL.len())
}

fn resources() -> impl Strategy<Value = Resource> {
    let relations = any::<[bool; 4]>().prop_map(|[own, auditor, denied, unapproved]| Relations {
        own,
        auditor,
        denied,
        unapproved,
    });
    prop_oneof![4 => relations.prop_map(Resource::Session), 1 => Just(Resource::Sessions), 1 => Just(Resource::System)]
}

/// Roles with hostile names, and subjects of every kind that hold some of them.
fn worlds() -> impl Strategy<Value = (Vec<Role>, Subject)> {
    let names = prop::collection::btree_set("[A-Z,\"'*.|=#]{1,3}", 1..4);
    let roles = names.prop_flat_map(|names| {
        let permissions = prop::collection::vec(actions(), names.len());
        permissions.prop_map(move |permissions| {
            let roles = names.iter().zip(permissions);
            roles
                .map(|(name, permissions)| Role { name: name.parse().unwrap(), permissions })
                .collect::<Vec<_>>()
        })
    });
    roles.prop_flat_map(|roles| {
        let all: Vec<RoleName> = roles.iter().map(|role| role.name.clone()).collect();
        let held = || prop::sample::subsequence(all.clone(), 0..=all.len());
        let subject = (0..4, held()).prop_map(|(kind, held)| {
            let user = User { roles: held.iter().cloned().collect(), ..user(&[]) };
            let service =
                |roles: Vec<RoleName>| Service { roles: roles.into_iter().collect(), ..service(&[]) };
            match kind {
                0 => Subject::User(user),
                1 => Subject::Service(service(held)),
                2 => Subject::ActFor { service: service(held), user: user.name },
                _ => recorder(),
            }
        });
        (Just(roles), subject)
    })
}

proptest! {
    #[test]
    fn casbin_gives_each_role_its_permissions_and_no_other((roles, _) in worlds()) {
        let expected: BTreeMap<_, _> = roles.iter().map(|role| (role.name.clone(), role.permissions.clone())).collect();
        prop_assert_eq!(built(&roles).permissions, expected);
    }

    #[test]
    fn a_denial_always_wins((roles, subject) in worlds(), own: bool, auditor: bool, unapproved: bool) {
        let authorizer = built(&roles);
        let denied = Resource::Session(Relations { own, auditor, denied: true, unapproved });
        for &action in Action::ALL {
            prop_assert_eq!(authorizer.decide(&subject, action, &denied), Decision::Hidden);
        }
    }

    #[test]
    fn who_cannot_read_is_never_told_that_it_is_forbidden((roles, subject) in worlds(), resource in resources()) {
        let authorizer = built(&roles);
        for &action in Action::ALL {
            let can_read = authorizer.decide(&subject, action.read(), &resource).is_allowed();
            match authorizer.decide(&subject, action, &resource) {
                Decision::Allowed { .. } => prop_assert!(can_read || [Record, Action::UsersActFor].contains(&action)),
                Decision::Forbidden | Decision::Unapproved => prop_assert!(can_read),
                Decision::Hidden => prop_assert!(!can_read),
            }
        }
    }

    #[test]
    fn another_role_never_takes_a_permission_away((roles, _) in worlds(), resource in resources()) {
        let authorizer = built(&roles);
        let all: BTreeSet<_> = roles.iter().map(|role| role.name.clone()).collect();
        let some: BTreeSet<_> = all.iter().take(1).cloned().collect();
        for &action in Action::ALL {
            let with = |roles: &BTreeSet<RoleName>| {
                let subject = Subject::User(User { roles: roles.clone(), ..user(&[]) });
                authorizer.decide(&subject, action, &resource).is_allowed()
            };
            prop_assert!(!with(&some) || with(&all));
        }
    }
}
