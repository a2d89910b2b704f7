//! The network between members: a proxy before each for each other one, which holds back, cuts or slows what passes.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Between two looks at what holds a connection back.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Bytes that are passed on at once.
const PIECE_BYTES: usize = 64 << 10;

/// From which member to which.
pub(crate) type Way = (u64, u64);

/// One direction between two members.
#[derive(Debug, Default)]
struct Direction {
    /// Nothing passes. Connections stay, as they do when packets are lost: what was sent arrives at last.
    is_held: AtomicBool,
    /// Each piece is as late as that.
    delay_ms: AtomicU64,
}

/// All directions. Dropped, everything ends.
#[derive(Debug)]
pub(crate) struct Links {
    directions: BTreeMap<Way, Arc<Direction>>,
    /// Where the first member of a way finds the second.
    doors: BTreeMap<Way, SocketAddr>,
    /// Connections of an older generation are broken.
    generation: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

/// A connection that is passed on.
#[derive(Clone)]
struct Passage {
    generation: Arc<AtomicU64>,
    born: u64,
}

impl Links {
    /// Opens a door for each way between members that listen at these addresses.
    pub(crate) fn open(members: &BTreeMap<u64, SocketAddr>) -> io::Result<Self> {
        let ways = members.keys().flat_map(|from| members.keys().map(move |to| (*from, *to)));
        let ways: Vec<Way> = ways.filter(|(from, to)| from != to).collect();
        let directions: BTreeMap<_, _> = ways.iter().map(|way| (*way, Arc::default())).collect();
        let mut links =
            Self { directions, doors: BTreeMap::new(), generation: Arc::default(), is_over: Arc::default() };
        for (from, to) in ways {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            links.doors.insert((from, to), listener.local_addr()?);
            let there = links.direction((from, to));
            let back = links.direction((to, from));
            let (generation, is_over) = (Arc::clone(&links.generation), Arc::clone(&links.is_over));
            let target = members[&to];
            std::thread::spawn(move || {
                for client in listener.incoming() {
                    if is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    let born = generation.load(Ordering::SeqCst);
                    let passage = Passage { generation: Arc::clone(&generation), born };
                    // Whoever is not passed on finds a closed connection, as with a member that is away.
                    if let Ok(client) = client
                        && let Ok(server) = TcpStream::connect(target)
                    {
                        passage.begin(&client, &server, &there, &back).ok();
                    }
                }
            });
        }
        Ok(links)
    }

    /// Where a member finds another one.
    pub(crate) fn door(&self, way: Way) -> SocketAddr {
        self.doors[&way]
    }

    /// All ways.
    pub(crate) fn ways(&self) -> Vec<Way> {
        self.directions.keys().copied().collect()
    }

    /// Holds back all that goes these ways.
    pub(crate) fn hold(&self, ways: &[Way]) {
        for way in ways {
            self.directions[way].is_held.store(true, Ordering::SeqCst);
        }
    }

    /// Makes all that goes these ways late.
    pub(crate) fn slow(&self, ways: &[Way], delay_ms: u64) {
        for way in ways {
            self.directions[way].delay_ms.store(delay_ms, Ordering::SeqCst);
        }
    }

    /// Breaks all connections; those that are made after it are passed on.
    pub(crate) fn break_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets everything pass.
    pub(crate) fn heal(&self) {
        for direction in self.directions.values() {
            direction.is_held.store(false, Ordering::SeqCst);
            direction.delay_ms.store(0, Ordering::SeqCst);
        }
    }

    fn direction(&self, way: Way) -> Arc<Direction> {
        Arc::clone(&self.directions[&way])
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.break_all();
        self.heal();
        for door in self.doors.values() {
            // Wakes the thread, which then ends.
            TcpStream::connect(door).ok();
        }
    }
}

impl Passage {
    fn begin(
        self,
        client: &TcpStream,
        server: &TcpStream,
        there: &Arc<Direction>,
        back: &Arc<Direction>,
    ) -> io::Result<()> {
        for (from, to, direction) in [(client, server, there), (server, client, back)] {
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            from.set_read_timeout(Some(LOOK_EVERY))?;
            to.set_nodelay(true)?;
            let (direction, passage) = (Arc::clone(direction), self.clone());
            std::thread::spawn(move || {
                // An error is the end of the connection, on both sides.
                passage.pass(&mut from, &mut to, &direction).ok();
                from.shutdown(Shutdown::Both).ok();
                to.shutdown(Shutdown::Both).ok();
            });
        }
        Ok(())
    }

    fn pass(&self, from: &mut TcpStream, to: &mut TcpStream, direction: &Direction) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if is_early(&error) => 0,
                Err(error) => return Err(error),
            };
            std::thread::park_timeout(Duration::from_millis(match length {
                0 => 0,
                _ => direction.delay_ms.load(Ordering::SeqCst),
            }));
            while direction.is_held.load(Ordering::SeqCst) && !self.is_broken() {
                std::thread::park_timeout(LOOK_EVERY);
            }
            if self.is_broken() {
                return Ok(());
            }
            to.write_all(&piece[..length])?;
        }
    }

    fn is_broken(&self) -> bool {
        self.generation.load(Ordering::SeqCst) != self.born
    }
}

/// Nothing has come yet.
fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A member that sends back what it gets.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut from = stream.try_clone().unwrap();
                let mut to = stream;
                std::thread::spawn(move || io::copy(&mut from, &mut to));
            }
        });
        address
    }

    #[test]
    fn what_is_held_arrives_after_it_and_what_is_broken_does_not() {
        let links = Links::open(&BTreeMap::from([(1, echo()), (2, echo())])).unwrap();
        let mut stream = TcpStream::connect(links.door((1, 2))).unwrap();
        let mut answer = [0; 3];
        for held in [vec![], vec![(1, 2)], vec![(2, 1)], vec![(1, 2), (2, 1)]] {
            links.hold(&held);
            stream.write_all(b"one").unwrap();
            if !held.is_empty() {
                stream.set_read_timeout(Some(10 * LOOK_EVERY)).unwrap();
                assert!(is_early(&stream.read_exact(&mut answer).unwrap_err()), "{held:?}");
            }
            links.heal();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"one");
        }
        links.break_all();
        assert_eq!(stream.read(&mut answer).unwrap_or(0), 0);
        let mut stream = TcpStream::connect(links.door((1, 2))).unwrap();
        stream.write_all(b"two").unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"two");
    }
}
