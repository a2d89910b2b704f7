//! Who asks, and whether they may.

mod allowed;
mod bearer;
mod permission;
mod target;

pub use bearer::{TOKEN_PREFIX, TokenSecret};

pub(crate) use allowed::{Allowed, Asked};
pub(crate) use bearer::Caller;
pub(crate) use permission::{
    Any, ClusterRead, Convert, Download, ParametersManage, ParametersRead, RawRecording, Read, Record,
    Recording, UsersManage, UsersRead,
};
pub(crate) use target::{AllSessions, NewSession, OneSession, OneVideo, Themselves};
