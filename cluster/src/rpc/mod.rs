//! How members talk: one request, one answer, each with a deadline.
//!
//! [`Peers`] is the seam: [`Client`] calls over mutual TLS, [`NoPeers`] is a cluster of one. What a request means is
//! the business of those who send and answer it; here it is bytes. Large things go as many requests, so that every
//! message and every wait has a bound.

mod client;
mod codec;
mod generated;
mod message;
mod peers;
mod server;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

pub use client::{Client, Directory};
pub use peers::{Answer, CallError, NoPeers, Peers};
pub use server::{Handled, Handler, ServeError, serve};
pub use tls::{MemberTls, TlsError, member_name};

pub(crate) use message::{Asked, Request};
pub(crate) use peers::{decode, encode};
