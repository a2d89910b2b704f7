//! The authorizer that is in force.

use std::sync::{Arc, PoisonError, RwLock};

use crate::authorizer::{Authorizer, Revision};

/// Why an authorizer was not put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// Rebuilds can overtake one another; the older one would bring back what has been revoked.
    #[error("the authorizer offered is of revision {offered}, expected {current} or later",
        offered = .offered.0, current = .current.0)]
    Stale {
        /// The revision in force.
        current: Revision,
        /// The revision that was refused.
        offered: Revision,
    },
}

/// Holds the authorizer in force. Another one is built aside and swapped in; whoever already took the former decides
/// by it to the end of the request.
///
/// A lock of the standard library will do: it is held only to copy or replace a pointer, never while something is
/// built, decided or awaited.
#[derive(Debug)]
pub struct AuthorizerCell {
    authorizer: RwLock<Arc<Authorizer>>,
}

impl AuthorizerCell {
    /// A cell with this authorizer in force.
    pub fn new(authorizer: Authorizer) -> Self {
        Self { authorizer: RwLock::new(Arc::new(authorizer)) }
    }

    /// The authorizer in force.
    pub fn get(&self) -> Arc<Authorizer> {
        // A poisoned lock holds a whole authorizer all the same: replacing a pointer cannot stop half-way.
        Arc::clone(&self.authorizer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts this authorizer in force, unless one of a later revision is.
    pub fn swap(&self, next: Authorizer) -> Result<(), SwapError> {
        let mut authorizer = self.authorizer.write().unwrap_or_else(PoisonError::into_inner);
        let (current, offered) = (authorizer.revision(), next.revision());
        if offered < current {
            return Err(SwapError::Stale { current, offered });
        }
        *authorizer = Arc::new(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    fn built(revision: u64, roles: &[Role]) -> Authorizer {
        Authorizer::build(Revision(revision), roles).unwrap()
    }

    #[test]
    fn who_took_the_former_authorizer_keeps_it() {
        let cell = AuthorizerCell::new(built(1, &Role::seeded()));
        let former = cell.get();
        assert_eq!(cell.swap(built(2, &[])), Ok(()));
        assert_eq!(*former, built(1, &Role::seeded()));
        assert_eq!(*cell.get(), built(2, &[]));
    }

    #[test]
    fn an_older_authorizer_does_not_replace_a_later_one() {
        let cell = AuthorizerCell::new(built(2, &[]));
        let stale = cell.swap(built(1, &Role::seeded())).unwrap_err();
        assert_eq!(stale, SwapError::Stale { current: Revision(2), offered: Revision(1) });
        assert_eq!(stale.to_string(), "the authorizer offered is of revision 1, expected 2 or later");
        assert_eq!(*cell.get(), built(2, &[]));
        assert_eq!(cell.swap(built(2, &[])), Ok(()));
    }
}
