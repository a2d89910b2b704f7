//! One connection: what a client says goes to the server and what the server says to the client, byte for byte, and what was
//! done goes to the cluster.

use super::cut::Cut;
use super::tape::{News, Tape, seal};
use crate::client::Client;
use crate::interrupt::Interrupt;
use codec::postgres::{FollowError, Follower};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that are passed on at once. The statements that so few can complete fit into memory.
const PIECE_BYTES: usize = 4 << 10;
/// How long a client may take to read why its connection has ended.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What a user is shown whose session somebody has ended.
const DROPPED: &str = "You have been disconnected";
const UNRECORDED: &str = "the session cannot be recorded any further";
const UNFOLLOWED: &str = "the connection says what cannot be recorded";

/// A session that is recorded.
pub(super) struct Connection<'a> {
    pub(super) client: TcpStream,
    pub(super) upstream: TcpStream,
    pub(super) cut: Arc<Cut>,
    /// The members that may be asked.
    pub(super) members: &'a [Client],
    /// Set when the recorder is to stop.
    pub(super) interrupt: &'a Interrupt,
    pub(super) session: String,
    pub(super) database: String,
    /// When the session began.
    pub(super) begun: Instant,
}

/// What the threads of a connection share.
struct Shared<'a> {
    follower: Mutex<Follower>,
    tape: Tape,
    cut: &'a Cut,
    begun: Instant,
}

impl Connection<'_> {
    /// Passes all on until either side ends, and seals the session.
    pub(super) fn run(self) {
        let Self { client, upstream, cut, members, interrupt, session, database, begun } = self;
        let follower = Mutex::new(Follower::new(database));
        let shared = Shared { follower, tape: Tape::default(), cut: &cut, begun };
        let written = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                shared.tape.write(members, &session, interrupt, |news| match news {
                    News::Dropped => cut.because(DROPPED, "57P01", DROPPED),
                    News::Unrecorded => cut.because(UNRECORDED, "58000", UNRECORDED),
                })
            });
            let asking = scope.spawn(|| shared.pass_to_server(&client, &upstream));
            shared.pass_to_client(&upstream, &client);
            shared.tape.hold_back();
            let until = Instant::now() + READ_LIMIT;
            while cut.reason().is_some() && !asking.is_finished() && Instant::now() < until {
                std::thread::sleep(LOOK_EVERY);
            }
            cut.close();
            // A panic there has ended what it did; here nothing more is waited for.
            let _: Result<_, _> = asking.join();
            shared.finish();
            writing.join()
        });
        let length = match written {
            Ok(Ok(Some(length))) => length,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                tracing::error!(%session, %error, "the end of a session is not recorded");
                return;
            }
            Err(_) => {
                tracing::error!(%session, "a session is not recorded to its end");
                return;
            }
        };
        if let Err(error) = seal(members, &session, length, cut.reason().unwrap_or_default(), interrupt) {
            tracing::error!(%session, %error, "a session is not sealed");
        }
    }
}

impl Shared<'_> {
    fn pass_to_server(&self, mut client: &TcpStream, mut upstream: &TcpStream) {
        let mut piece = [0; PIECE_BYTES];
        while let Ok(length @ 1..) = client.read(&mut piece) {
            let bytes = piece.get(..length).unwrap_or_default();
            if !self.tape.lets_through() {
                break;
            }
            let t_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            if let Err(error) = self.follow(|follower| follower.client(bytes, t_ms)) {
                self.give_up(error);
                break;
            }
            if upstream.write_all(bytes).is_err() {
                break;
            }
        }
        // The server answers what it has got, and ends.
        let _: Result<_, _> = upstream.shutdown(Shutdown::Write);
        // What else it says is left aside.
        while let Ok(1..) = client.read(&mut piece) {}
    }

    fn pass_to_client(&self, mut upstream: &TcpStream, mut client: &TcpStream) {
        let mut piece = [0; PIECE_BYTES];
        while let Ok(length @ 1..) = upstream.read(&mut piece) {
            let bytes = piece.get(..length).unwrap_or_default();
            let mut is_between = self.cut.is_between.lock().unwrap_or_else(PoisonError::into_inner);
            let mut lines = Vec::new();
            let followed = self.follow(|follower| {
                follower.server(bytes, &mut lines).map(|()| *is_between = follower.is_between_messages())
            });
            // What was done is on its way to the cluster before its user hears of it.
            lines.iter().for_each(|line| self.tape.put(line));
            if let Err(error) = followed {
                drop(is_between);
                return self.give_up(error);
            }
            if client.write_all(bytes).is_err() {
                break;
            }
        }
    }

    fn follow<T>(
        &self,
        follow: impl FnOnce(&mut Follower) -> Result<T, FollowError>,
    ) -> Result<T, FollowError> {
        follow(&mut self.follower.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn give_up(&self, error: FollowError) {
        tracing::warn!(%error, "a connection cannot be followed, and ends");
        self.cut.because(UNFOLLOWED, "08P01", UNFOLLOWED);
    }

    /// Both sides have ended.
    fn finish(&self) {
        let follower = std::mem::take(&mut *self.follower.lock().unwrap_or_else(PoisonError::into_inner));
        follower.finish().iter().for_each(|line| self.tape.put(line));
        self.tape.finish();
    }
}
