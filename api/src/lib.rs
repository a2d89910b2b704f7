//! HTTP in, problem out: recordings and videos of sessions, and the page that shows them.
//!
//! A request is authenticated and judged by `Allowed` before anything is looked up for it, reaches the cluster by one
//! method, and is answered with JSON, with bytes, or with a problem (RFC 9457). What recorders send passes an
//! [`Intake`] before it is stored; pictures come from a [`Media`]; whoever knows formats implements both.
//!
//! This crate never parses a recording, never spawns a task, never reads configuration and never does long work: it
//! writes a job to the catalog instead. Passwords are hashed and rules are built on few threads of its own.

mod admission;
mod app;
mod artefact;
mod audit;
mod auth;
mod cast;
mod content;
mod control;
mod cors;
mod dto;
mod evidence;
mod follow;
mod grant;
mod guard;
mod identity;
mod intake;
mod live;
mod log;
mod media;
mod metrics;
mod multipart;
mod object;
mod once;
mod openapi;
mod password;
mod precondition;
mod problem;
mod purge_plan;
mod range;
mod rate;
mod report;
mod roles;
mod routes;
mod server;
mod sound;
mod state;
mod threads;
mod tls;
mod unread;
mod upload;
mod video_file;
mod watch;

#[cfg(test)]
mod tests;

pub use audit::{CheckpointKey, CheckpointKeyError, Trail};
pub use auth::{TOKEN_PREFIX, TokenSecret};
pub use cors::{Origins, OriginsError};
pub use follow::Closing;
pub use identity::{
    Algorithm, IdentityProvider, IdentityRules, KeySet, KeySetCell, KeySetError, UnknownAlgorithm,
};
pub use intake::{Intake, IntakeRefusal, PIECE_BYTES_MAX};
pub use media::{
    BoxFuture, FoundLine, FoundText, Join, Media, MediaError, Sight, SoundSpool, Surveyed, TextKind,
    TextQuery, ViewPart, ViewRead,
};
pub use metrics::{Metrics, MetricsError};
pub use openapi::openapi_json;
pub use rate::Rates;
pub use roles::{Roles, RolesError};
pub use server::{ServeError, Server, ServerOptions, Stopper};
pub use state::{ApiState, Limits};
pub use threads::Threads;
pub use tls::{TlsError, TlsFiles};
pub use upload::Ahead;
