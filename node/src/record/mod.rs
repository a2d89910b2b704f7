//! Records connections to databases: a proxy between clients and a server that writes down statements, and no rows.
//!
//! Nothing of a connection goes on unseen: a session is opened before the server is reached, and where its statements cannot
//! be made durable its user's input is held back first, and then the connection ends.

mod connection;
mod cut;
mod handshake;
mod recorder;
mod tape;

pub(crate) use recorder::Recorder;
