//! May this subject do this to that?
//!
//! The data's way: [`Role`]s become rules that casbin judges; an [`Authorizer`] keeps its verdicts as a table,
//! and an [`AuthorizerCell`] holds the one that is in force. Each question is a [`Subject`], an [`Action`] and a
//! [`Resource`]; each answer is a [`Decision`] that tells apart what may not be done and what may not be known.
//!
//! This crate never reads a file, a clock or a network, never looks up who a subject is or how it relates to a
//! session, and never answers yes by default: what it does not know, it refuses.

mod action;
mod authorizer;
mod authorizer_cell;
mod decision;
mod resource;
mod role;
mod rule;
mod subject;

pub use action::{Action, UnknownPermission};
pub use authorizer::{Authorizer, BuildError, MAX_ROLES, Revision};
pub use authorizer_cell::{AuthorizerCell, SwapError};
pub use decision::{Decision, Ground};
pub use resource::{Relations, Resource};
pub use role::{MAX_NAME_CHARS, Role, RoleError, RoleName, RoleNameError};
pub use rule::RuleError;
pub use subject::{RecorderName, Service, ServiceName, Subject, User, UserName};
