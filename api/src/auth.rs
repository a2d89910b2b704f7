//! Who asks, and whether they may.

mod act_for;
mod allowed;
mod bearer;
mod caller;
pub(crate) mod cookie;
mod permission;
mod sighted;
mod target;
mod viewer;

pub use bearer::{TOKEN_PREFIX, TokenSecret};

pub(crate) use act_for::is_user_name;
pub(crate) use allowed::{Allowed, Asked, AskedOnce};
pub(crate) use caller::{Caller, Credential, address, credential};
pub(crate) use permission::{
    Any, Approve, AuditRead, Auditors, Block, ClusterManage, ClusterRead, Convert, Download, Drop, Evidence,
    Keystrokes, Logs, ParametersManage, ParametersRead, PreventPurge, Purge, Read, Record, Recording,
    ReleaseHold, Review, RolesManage, RolesRead, UsersManage, UsersRead,
};
pub(crate) use sighted::{Sighted, watching};
pub(crate) use target::{AllSessions, NewSession, OneSession, OneVideo, SessionOrTombstone, Themselves};
pub(crate) use viewer::Viewer;
