//! How a cluster begins, and how members come to it: its CA, its certificates, the door for those who join, and what
//! a member keeps of all that.

mod authority;
mod describe;
mod error;
mod found;
mod gate;
mod identity;
mod join;
mod tend;

pub(crate) use describe::{Own, describe, introduce};
pub(crate) use error::{IdentityError, MembershipError};
pub(crate) use found::found;
pub(crate) use gate::JoinGate;
pub(crate) use identity::Identity;
pub(crate) use join::{JoinOptions, join};
pub(crate) use tend::{Removed, Tended, is_removed, run as tend};
