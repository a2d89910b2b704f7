//! The roles of the catalog, put in force.

use super::error::StartError;
use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use cluster::catalog::{CatalogError, RoleRow};
use policy::{Authorizer, AuthorizerCell, Revision, Role};
use std::sync::Arc;
use std::time::Duration;

/// How soon a changed role is in force.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The authorizer of the roles as they are.
pub(super) fn authorizer(cluster: &Cluster) -> Result<Authorizer, StartError> {
    let roles = cluster.catalog()?.roles()?;
    built(&roles)
}

/// Puts roles in force when they change. Roles that cannot be built leave the ones before in force.
pub(super) async fn run(cluster: Arc<Cluster>, cell: Arc<AuthorizerCell>, stop: Stop) -> TaskResult {
    let mut refused = None;
    while stop.sleep(LOOK_EVERY).await {
        let roles: Result<_, CatalogError> = match cluster.catalog() {
            Ok(catalog) => catalog.roles(),
            Err(_) => continue,
        };
        let Ok(roles) = roles.inspect_err(|error| tracing::warn!(%error, "the roles cannot be read")) else {
            continue;
        };
        let revision = revision(&roles);
        if revision == cell.get().revision() || refused == Some(revision) {
            continue;
        }
        let swapped = built(&roles).map(|next| cell.swap(next));
        match swapped {
            Ok(Ok(())) => tracing::info!(revision = revision.0, "roles changed"),
            Ok(Err(error)) => tracing::warn!(%error, "the changed roles are not in force"),
            Err(error) => {
                refused = Some(revision);
                tracing::error!(%error, "the changed roles are not in force");
            }
        }
    }
    Ok(())
}

/// Rows only ever get higher versions and are never removed.
fn revision(roles: &[(String, RoleRow)]) -> Revision {
    Revision(roles.iter().map(|(_, row)| row.version).sum())
}

fn built(rows: &[(String, RoleRow)]) -> Result<Authorizer, StartError> {
    let mut roles = Vec::new();
    for (name, row) in rows {
        let permissions = row.permissions.iter().map(String::as_str);
        roles.push(Role::from_names(name, permissions).map_err(|error| StartError::Roles(error.into()))?);
    }
    Authorizer::build(revision(rows), &roles).map_err(|error| StartError::Roles(error.into()))
}
