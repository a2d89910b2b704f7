//! The roles of the catalog as what judges requests.

use cluster::catalog::{Catalog, CatalogError, RoleRow};
use policy::{Authorizer, BuildError, Revision, Role, RoleError};

use crate::problem::Problem;
use crate::state::ApiState;

/// Why the roles of the catalog cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// They cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// One of them is none.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// They do not make rules.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The roles of the catalog at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<(String, RoleRow)>);

impl Roles {
    /// The roles as they are.
    pub fn read(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self(catalog.roles()?))
    }

    /// Rows only ever get higher versions and are never removed.
    pub fn revision(&self) -> Revision {
        Revision(self.0.iter().map(|(_, row)| row.version).sum())
    }

    /// What judges by them. Takes a while when there are many.
    pub fn authorizer(&self) -> Result<Authorizer, RolesError> {
        let role = |(name, row): &(String, RoleRow)| {
            Role::from_names(name, row.permissions.iter().map(String::as_str))
        };
        let roles: Vec<Role> = self.0.iter().map(role).collect::<Result<_, _>>()?;
        Ok(Authorizer::build(self.revision(), &roles)?)
    }
}

/// Puts the roles in force if they have changed. Those that make no rules leave the ones before in force: what looks for
/// changes by itself tells of them.
pub(crate) async fn catch_up(state: &ApiState) -> Result<(), Problem> {
    let revision = Roles::read(state.cluster.catalog()?)?.revision();
    if revision != state.authorizer.get().revision()
        && let Err(problem) = put_in_force(state).await
    {
        tracing::warn!(?problem, "the changed roles are not in force");
    }
    Ok(())
}

/// Puts the roles as they are in force on this member; others do so when they see them.
pub(crate) async fn put_in_force(state: &ApiState) -> Result<(), Problem> {
    let roles = Roles::read(state.cluster.catalog()?)?;
    let built = state.threads.run(move || roles.authorizer()).await?;
    let authorizer = built.map_err(|error| Problem::internal(&error))?;
    // Later ones may be in force by now.
    if let Err(stale) = state.authorizer.swap(authorizer) {
        tracing::debug!(%stale, "other roles are in force");
    }
    Ok(())
}
