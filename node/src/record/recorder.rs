//! Takes connections, and lets none to the server whose session is not open.

use super::connection::Connection;
use super::cut::Cut;
use super::handshake::{Wanted, hear};
use super::tape::seal;
use crate::client::{Client, ClientError, NewSession, is_passing};
use crate::interrupt::Interrupt;
use crate::serve::wall_ms;
use cluster::catalog::{Format, Protocol};
use codec::postgres::fatal;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections at one time; each takes three threads.
const CONNECTIONS_MAX: usize = 256;
/// How long the server may take to be reached.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What is said of a session that did not get to the server.
const UNREACHED: &str = "the database cannot be reached";
/// How often is looked for connections, and whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Records all connections that come in at an address.
pub(crate) struct Recorder {
    /// The members of the cluster, in the order in which they are asked.
    pub(crate) members: Vec<Client>,
    /// The host and port of the server.
    pub(crate) upstream: String,
    /// Who uses it; without, who logs in there.
    pub(crate) user: Option<String>,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Passwords and rows would go over a network in clear.
    #[error("expected a loopback address to listen on, not {address}: connections are not encrypted here")]
    Loopback {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The connections that go on.
#[derive(Debug, Default)]
struct Live {
    next: AtomicU64,
    cuts: Mutex<HashMap<u64, Option<Arc<Cut>>>>,
}

impl Recorder {
    /// Listens and records until it is interrupted; then all sessions end, and are sealed. Tells the address.
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        interrupt: &Interrupt,
        listening: impl FnOnce(SocketAddr),
    ) -> Result<(), RecordError> {
        if !address.ip().is_loopback() {
            return Err(RecordError::Loopback { address });
        }
        let failed = |source| RecordError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        listening(listener.local_addr().map_err(failed)?);
        let live = Live::default();
        std::thread::scope(|scope| {
            while !interrupt.is_set() {
                match listener.accept() {
                    Ok((client, from)) => match live.begin() {
                        Some(number) => {
                            let live = &live;
                            scope.spawn(move || {
                                self.serve((client, from), interrupt, |cut| live.keep(number, cut));
                                live.end(number);
                            });
                        }
                        None => refuse(client, "53300", "too many sessions are recorded"),
                    },
                    // Nobody, or somebody who is gone again, or no descriptor for them.
                    Err(_) => std::thread::sleep(LOOK_EVERY),
                }
            }
            live.close();
        });
        Ok(())
    }

    fn serve(
        &self,
        (mut client, from): (TcpStream, SocketAddr),
        interrupt: &Interrupt,
        keep: impl FnOnce(&Arc<Cut>),
    ) {
        // A client that cannot be told so is slower, and is recorded all the same.
        let _: Result<_, _> = client.set_nonblocking(false).and_then(|()| client.set_nodelay(true));
        let (message, user, database) = match hear(&mut client) {
            Ok(Wanted::Session { message, user, database }) => (message, user, database),
            Ok(Wanted::Cancel(message)) => return self.cancel(&message),
            Err(error) => return tracing::info!(%from, %error, "no session begins"),
        };
        let begun = Instant::now();
        let session = match self.open(&user, from) {
            Ok(session) => session,
            Err(error) => {
                tracing::warn!(%from, %error, "a session that cannot be recorded does not begin");
                return refuse(client, "57P03", "the session cannot be recorded");
            }
        };
        let connected = self.connect().and_then(|mut upstream| {
            upstream.write_all(&message)?;
            Ok((Arc::new(Cut::new(&client, &upstream)?), upstream))
        });
        match connected {
            Ok((cut, upstream)) => {
                keep(&cut);
                let members = &self.members;
                Connection { client, upstream, cut, members, interrupt, session, database, begun }.run();
            }
            Err(error) => {
                tracing::warn!(%session, %error, "the database cannot be reached");
                refuse(client, "08001", UNREACHED);
                if let Err(error) = seal(&self.members, &session, 0, UNREACHED, interrupt) {
                    tracing::error!(%session, %error, "a session is not sealed");
                }
            }
        }
    }

    /// Opens a session on the first member that does it.
    fn open(&self, user: &str, from: SocketAddr) -> Result<String, ClientError> {
        let new = NewSession {
            protocol: Protocol::Postgresql,
            format: Format::DbLines,
            device_address: self.upstream.clone(),
            credential_user: user.to_owned(),
            user_name: self.user.clone().unwrap_or_else(|| user.to_owned()),
            user_address: from.ip().to_string(),
            start_ms: wall_ms(),
        };
        let mut result = Err(ClientError::Answer { url: String::new(), expected: "a member" });
        for member in &self.members {
            result = member.open_session(&new);
            match &result {
                Err(error) if is_passing(error) => {}
                Ok(_) | Err(_) => break,
            }
        }
        result
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in self.upstream.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                Ok(upstream) => {
                    upstream.set_nodelay(true)?;
                    return Ok(upstream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Passes the wish on. What comes of it is told in the session that it is about.
    fn cancel(&self, message: &[u8]) {
        let passed = self.connect().and_then(|mut upstream| upstream.write_all(message));
        if let Err(error) = passed {
            tracing::warn!(%error, "a statement is not cancelled");
        }
    }
}

impl Live {
    /// Room for one more; none when there are too many.
    fn begin(&self) -> Option<u64> {
        let mut cuts = self.lock();
        if cuts.len() >= CONNECTIONS_MAX {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        cuts.insert(number, None);
        Some(number)
    }

    fn keep(&self, number: u64, cut: &Arc<Cut>) {
        self.lock().insert(number, Some(Arc::clone(cut)));
    }

    fn end(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn close(&self) {
        let cuts: Vec<_> = self.lock().values().flatten().cloned().collect();
        cuts.iter().for_each(|cut| cut.because("the recorder was stopped", "57P01", "the recorder stops"));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Option<Arc<Cut>>>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a client why there is no session.
fn refuse(mut client: TcpStream, sqlstate: &str, sentence: &str) {
    // A client that is gone needs to be told nothing.
    let _: Result<_, _> = client.write_all(&fatal(sqlstate, sentence));
    let _: Result<_, _> = client.shutdown(Shutdown::Both);
}
