//! The roles of the catalog, put in force.

use super::error::StartError;
use crate::tasks::{Stop, TaskResult};
use api::{Roles, RolesError};
use cluster::Cluster;
use policy::{Authorizer, AuthorizerCell};
use std::sync::Arc;
use std::time::Duration;

/// How soon a changed role is in force.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The authorizer of the roles as they are.
pub(super) fn authorizer(cluster: &Cluster) -> Result<Authorizer, StartError> {
    let roles = Roles::read(cluster.catalog()?).map_err(RolesError::from);
    roles.and_then(|roles| roles.authorizer()).map_err(|error| StartError::Roles(error.into()))
}

/// Puts roles in force when they change. Roles that cannot be built leave the ones before in force.
pub(super) async fn run(cluster: Arc<Cluster>, cell: Arc<AuthorizerCell>, stop: Stop) -> TaskResult {
    let mut refused = None;
    while stop.sleep(LOOK_EVERY).await {
        let roles = match cluster.catalog() {
            Ok(catalog) => Roles::read(catalog),
            Err(_) => continue,
        };
        let Ok(roles) = roles.inspect_err(|error| tracing::warn!(%error, "the roles cannot be read")) else {
            continue;
        };
        let revision = roles.revision();
        if revision == cell.get().revision() || refused == Some(revision) {
            continue;
        }
        let swapped = roles.authorizer().map(|next| cell.swap(next));
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
