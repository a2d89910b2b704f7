//! The end of a connection, by whoever first has a reason.

use codec::postgres::fatal;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long is waited for the end of a message, and for a client that does not read.
const SENTENCE_LIMIT: Duration = Duration::from_millis(300);
/// How often is looked for that end.
const LOOK_EVERY: Duration = Duration::from_millis(5);

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

    /// Ends the connection. The first reason counts; the client is told a sentence as soon as it is not within a message. What
    /// it says is to be read further, until it has read that: it is reset otherwise.
    pub(super) fn because(&self, reason: &'static str, sqlstate: &str, sentence: &str) {
        {
            let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            if known.is_some() {
                return;
            }
            *known = Some(reason);
        }
        let until = Instant::now() + SENTENCE_LIMIT;
        while !self.tell(sqlstate, sentence) && Instant::now() < until {
            std::thread::sleep(LOOK_EVERY);
        }
        // An error means that the server is gone.
        let _: Result<_, _> = self.upstream.shutdown(Shutdown::Both);
    }

    /// Tells the client its last sentence, if it is between two messages.
    fn tell(&self, sqlstate: &str, sentence: &str) -> bool {
        let Ok(is_between) = self.is_between.try_lock() else { return false };
        if *is_between {
            // A client that is gone or does not read is told nothing.
            let mut client = &self.client;
            let _: Result<_, _> = client.set_write_timeout(Some(SENTENCE_LIMIT));
            let _: Result<_, _> = client.write_all(&fatal(sqlstate, sentence));
            let _: Result<_, _> = client.shutdown(Shutdown::Write);
        }
        *is_between
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
