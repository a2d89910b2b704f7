//! What the link between members bears that run on one machine.

use anyhow::ensure;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

/// What is sent.
const BYTES: usize = 256 << 20;
/// At once.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes in a second through one TCP connection of this machine, from one thread to another, in clear and onto no disk.
pub(crate) fn loopback_bytes_per_s() -> anyhow::Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut sending = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiving, _) = listener.accept()?;
    let began = Instant::now();
    let sender = std::thread::spawn(move || -> std::io::Result<()> {
        let piece = vec![0; PIECE_BYTES];
        (0..BYTES / PIECE_BYTES).try_for_each(|_| sending.write_all(&piece))
    });
    let (mut piece, mut received) = (vec![0; PIECE_BYTES], 0);
    loop {
        match receiving.read(&mut piece)? {
            0 => break,
            read => received += read,
        }
    }
    sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    ensure!(received == BYTES, "{received} bytes arrived of {BYTES}");
    let us = began.elapsed().as_micros().max(1);
    Ok(u64::try_from(u128::try_from(BYTES)? * 1_000_000 / us)?)
}
