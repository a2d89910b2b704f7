//! The routes against a real cluster, with an intake and a media of the tests' own.

mod access;
mod acting;
mod approvals;
mod artefacts;
mod audit;
mod authorisation;
mod comments;
mod conditions;
mod cors;
mod harness;
mod live;
mod members;
mod once;
mod permissions;
mod problems;
mod recordings;
mod retention;
mod serving;
mod sessions;
mod settings;
pub(crate) mod signer;
mod users;
mod videos;
mod wire;
mod workers;
