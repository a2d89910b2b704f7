//! Handlers: extract, call one method, convert. One file a resource.

pub(crate) mod access;
pub(crate) mod audit;
mod body;
pub(crate) mod conversion;
pub(crate) mod frame;
pub(crate) mod health;
pub(crate) mod hold;
pub(crate) mod keystrokes;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod member;
pub(crate) mod openapi;
pub(crate) mod outbox;
pub(crate) mod page;
pub(crate) mod parameter;
mod problems;
pub(crate) mod purge;
pub(crate) mod recording;
pub(crate) mod retention;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod timeline;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod video;
pub(crate) mod whoami;
