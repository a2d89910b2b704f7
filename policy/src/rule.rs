//! The rules that roles make, and casbin, which judges them. Nothing of casbin leaves this file.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use casbin::{CoreApi, DefaultModel, Enforcer, Error, MgmtApi, NullAdapter};

use crate::action::Action;
use crate::role::{Role, RoleName};

const MODEL: &str = include_str!("model.conf");

/// Why rules could not be made or judged. What casbin reports is kept as text, since its errors are no part of this
/// crate's door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The model or the rules were not accepted.
    #[error("casbin accepts neither model nor rules: {reason}")]
    Load {
        /// What casbin says.
        reason: String,
    },
    /// A check failed.
    #[error("casbin cannot tell whether role {role} holds {action}: {reason}")]
    Check {
        /// The role.
        role: RoleName,
        /// The permission.
        action: Action,
        /// What casbin says.
        reason: String,
    },
    /// Loading wanted to wait, and there is nothing in memory to wait for.
    #[error("casbin waits while it loads, expected rules from memory at once")]
    Waits,
}

impl From<Error> for RuleError {
    fn from(error: Error) -> Self {
        Self::Load { reason: error.to_string() }
    }
}

/// Rules in casbin: one for each permission of each role.
pub(crate) struct Rules {
    enforcer: Enforcer,
}

impl Rules {
    pub(crate) fn new(roles: &[Role]) -> Result<Self, RuleError> {
        ready(load(MODEL, rules(roles)))?
    }

    /// Whether a rule gives the role this permission.
    pub(crate) fn permit(&self, role: &RoleName, action: Action) -> Result<bool, RuleError> {
        self.enforcer.enforce((role.as_str(), action.name())).map_err(|error| RuleError::Check {
            role: role.clone(),
            action,
            reason: error.to_string(),
        })
    }
}

fn rules(roles: &[Role]) -> Vec<Vec<String>> {
    let of_role = |role: &Role| -> Vec<_> {
        role.permissions.iter().map(|action| vec![role.name.to_string(), action.to_string()]).collect()
    };
    roles.iter().flat_map(of_role).collect()
}

async fn load(model: &str, rules: Vec<Vec<String>>) -> Result<Rules, RuleError> {
    let model = DefaultModel::from_str(model).await?;
    let mut enforcer = Enforcer::new(model, NullAdapter).await?;
    // It answers whether none of them was there before; here none was.
    enforcer.add_policies(rules).await?;
    Ok(Rules { enforcer })
}

/// The result of a future that has nothing to wait for. One poll instead of an executor keeps input and output out
/// of this crate, and works in any thread, a runtime's own ones too.
fn ready<T>(future: impl Future<Output = T>) -> Result<T, RuleError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result),
        Poll::Pending => Err(RuleError::Waits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_none_is_refused() {
        let loaded = ready(load("[request_definition", Vec::new())).unwrap();
        assert!(matches!(loaded.map(|_| ()), Err(RuleError::Load { .. })));
    }

    #[test]
    fn a_check_that_fails_is_no_permission() {
        let model = MODEL.replace("r.role == p.role", "r.stranger == p.role");
        let rules = ready(load(&model, rules(&Role::seeded()))).unwrap().unwrap();
        let role: RoleName = "PAM Administrator".parse().unwrap();
        let error = rules.permit(&role, Action::Read).unwrap_err();
        assert!(matches!(error, RuleError::Check { action: Action::Read, .. }), "{error}");
    }

    #[test]
    fn what_waits_is_refused() {
        assert_eq!(ready(std::future::pending::<()>()), Err(RuleError::Waits));
    }

    #[test]
    fn without_rules_nothing_is_permitted() {
        let rules = Rules::new(&[]).unwrap();
        for role in Role::seeded() {
            for &action in Action::ALL {
                assert_eq!(rules.permit(&role.name, action), Ok(false));
            }
        }
    }
}
