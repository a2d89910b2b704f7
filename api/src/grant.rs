//! Nobody gives what they do not hold: else who may make users or change roles could make themselves anything.

use std::collections::BTreeSet;

use cluster::catalog::{Catalog, RoleRow};
use policy::Action;

use crate::audit::Refused;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::ApiState;

/// Whether a caller holds every permission of roles that they are about to give; a refusal is counted. A role that is not
/// there is left to who stores it.
pub(crate) async fn check_roles<'a>(
    state: &ApiState,
    caller: &Caller,
    roles: impl IntoIterator<Item = &'a String>,
) -> Result<(), Problem> {
    // What another member has committed counts.
    state.cluster.read_index().await?;
    let held = held(state, caller);
    let catalog = state.cluster.catalog()?;
    for role in roles {
        let permissions = catalog.role(role)?.map(|row| row.permissions).unwrap_or_default();
        if let Some(missing) = permissions.iter().find(|permission| !held.contains(permission.as_str())) {
            refuse(state, caller, Action::UsersManage, role);
            return Err(Problem::grant_refused(missing));
        }
    }
    Ok(())
}

/// Whether a caller may change what a role permits: they hold all that is added and all that is taken away. What no
/// role holds may be added by anyone, since nobody else could; who took it away there held it.
pub(crate) async fn check_change(
    state: &ApiState,
    caller: &Caller,
    role: &str,
    wanted: &[String],
) -> Result<(), Problem> {
    state.cluster.read_index().await?;
    let held = held(state, caller);
    let catalog = state.cluster.catalog()?;
    let given = given(catalog)?;
    let older = catalog.role(role)?.map(|row| row.permissions).unwrap_or_default();
    let (older, wanted): (BTreeSet<&String>, BTreeSet<&String>) =
        (older.iter().collect(), wanted.iter().collect());
    let missing = older
        .symmetric_difference(&wanted)
        .find(|permission| given.contains(**permission) && !held.contains(permission.as_str()));
    match missing {
        Some(missing) => {
            refuse(state, caller, Action::RolesManage, role);
            Err(Problem::grant_refused(missing))
        }
        None => Ok(()),
    }
}

/// Counts a refusal for the audit log: what they were about to do, and the role that holds more than they do.
fn refuse(state: &ApiState, caller: &Caller, action: Action, role: &str) {
    state.trail.refuse(caller.who(), Some(action), Refused::Forbidden, format!("role/{role}"));
}

fn held(state: &ApiState, caller: &Caller) -> BTreeSet<&'static str> {
    let permissions = state.authorizer.get().permissions(&caller.subject);
    permissions.into_iter().map(Action::name).collect()
}

/// Every permission that some role holds.
fn given(catalog: &Catalog) -> Result<BTreeSet<String>, Problem> {
    let permissions = |(_, row): (String, RoleRow)| row.permissions;
    Ok(catalog.roles()?.into_iter().flat_map(permissions).collect())
}
