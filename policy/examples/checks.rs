//! Measures how long it takes to build an authorizer, and how many questions it decides in a second.
//!
//!     cargo run --release -p policy --example checks

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use std::hint::black_box;
use std::time::Instant;

use policy::{
    Action, Authorizer, AuthorizerCell, BuildError, MAX_ROLES, Relations, Resource, Revision, Role, Subject,
    User, UserName,
};

const ROUNDS: u32 = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    build("seeded roles", &Role::seeded())?;
    let names = Action::ALL.iter().map(|action| action.name());
    let full = |number| Role::from_names(&format!("role {number}"), names.clone());
    let most = (0..MAX_ROLES).map(full).collect::<Result<Vec<_>, _>>()?;
    let cell = AuthorizerCell::new(build("as many full roles as there may be", &most)?);
    decide("as many full roles as there may be", &cell, "role 63".parse()?);
    cell.swap(Authorizer::build(Revision(2), &Role::seeded())?)?;
    decide("seeded roles", &cell, "PAM Auditor".parse()?);
    Ok(())
}

/// Builds, which asks casbin about each role and action once.
fn build(what: &str, roles: &[Role]) -> Result<Authorizer, BuildError> {
    let begin = Instant::now();
    let authorizer = Authorizer::build(Revision(1), roles)?;
    let rules: usize = roles.iter().map(|role| role.permissions.len()).sum();
    let checks = roles.len() * Action::ALL.len();
    println!("{what}: {rules} rules, {checks} checks by casbin, built in {:?}", begin.elapsed());
    Ok(authorizer)
}

/// Decides about each action on a session, and takes the authorizer in force each time.
fn decide(what: &str, cell: &AuthorizerCell, role: policy::RoleName) {
    let subject = Subject::User(User { name: UserName("ana".to_owned()), roles: [role].into() });
    let resource = Resource::Session(Relations::default());
    let begin = Instant::now();
    let mut decisions = 0_u32;
    for _ in 0..ROUNDS {
        for &action in Action::ALL {
            let _ = black_box(cell.get().decide(black_box(&subject), action, &resource));
            decisions += 1;
        }
    }
    println!("{what}: {:.0} decisions/s", f64::from(decisions) / begin.elapsed().as_secs_f64());
}
