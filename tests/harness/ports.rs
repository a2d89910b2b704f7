//! Ports for members that are killed and started again.
//!
//! A port of the range from which the system takes those of connections may be somebody's between two runs of a member,
//! so that the second one cannot listen. Those below it are only taken by who asks for them.

use anyhow::bail;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where ports of this kind begin, and how many there are; the range for connections begins at 32768.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;
/// How far apart processes begin that run at the same time.
const APART: u32 = 61;

/// How many were given to this process.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// So many ports of this machine that nobody listens on, each given once in a process.
pub(crate) fn free(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    // All are bound at once, so that no two are the same.
    let mut listeners = Vec::new();
    for _ in 0..COUNT {
        if listeners.len() == count {
            break;
        }
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let place = std::process::id().wrapping_mul(APART).wrapping_add(given) % COUNT;
        let port = u16::try_from(FIRST + place)?;
        listeners.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    }
    if listeners.len() < count {
        bail!("{count} ports of this machine are free");
    }
    listeners.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}
