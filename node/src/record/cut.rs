//! The end of a connection, by whoever first has a reason.

use codec::postgres::fatal;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a client that does not read may keep its last sentence from being written.
const SENTENCE_LIMIT: Duration = Duration::from_millis(300);

/// Both sides of a connection, to end it from any thread.
#[derive(Debug)]
pub(super) struct Cut {
    client: TcpStream,
    upstream: TcpStream,
    /// Whether all that was sent to the client are whole messages. Who sends holds it.
    pub(super) is_between: Arc<Mutex<bool>>,
    /// Why.
    reason: Mutex<Option<&'static str>>,
}

impl Cut {
    /// Of these two.
    pub(super) fn new(client: &TcpStream, upstream: &TcpStream) -> std::io::Result<Self> {
        let (client, upstream) = (client.try_clone()?, upstream.try_clone()?);
        Ok(Self { client, upstream, is_between: Arc::new(Mutex::new(true)), reason: Mutex::new(None) })
    }

    /// Ends the connection. The first reason counts; the client is told a sentence if it is not within a message.
    pub(super) fn because(&self, reason: &'static str, sqlstate: &str, sentence: &str) {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(reason);
            if let Ok(is_between) = self.is_between.try_lock()
                && *is_between
            {
                // A client that is gone or does not read is told nothing.
                let mut client = &self.client;
                let _: Result<_, _> = client.set_write_timeout(Some(SENTENCE_LIMIT));
                let _: Result<_, _> = client.write_all(&fatal(sqlstate, sentence));
            }
        }
        self.close();
    }

    /// Ends the connection without a reason.
    pub(super) fn close(&self) {
        // An error means that a side is gone.
        let _: Result<_, _> = self.client.shutdown(Shutdown::Both);
        let _: Result<_, _> = self.upstream.shutdown(Shutdown::Both);
    }

    /// Why it ended, if somebody ended it.
    pub(super) fn reason(&self) -> Option<&'static str> {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
