//! How members talk: one request, one answer, each with a deadline.
//!
//! [`Peers`] is the seam: [`Client`] calls over mutual TLS, [`NoPeers`] is a cluster of one. What a request means is
//! the business of those who send and answer it; here it is bytes. Large things go as many requests, so that every
//! message and every wait has a bound.

mod arrivals;
mod client;
mod codec;
mod directory;
mod gate;
mod generated;
mod message;
mod peers;
mod server;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

pub use client::Client;
pub use directory::{Denied, Directory};
pub use gate::{Gate, GateAt, ask_to_join};
pub use message::Hello;
pub use peers::{Answer, CallError, NoPeers, Peers};
pub use server::{Answering, Handled, Handler, ServeError, serve};
pub use tls::{MemberTls, NewCertificate, TlsError, fingerprint, fingerprint_of, member_name};

pub(crate) use message::{Asked, Request};
pub(crate) use peers::{decode, encode};
