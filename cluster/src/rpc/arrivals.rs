//! Connections that come in: bounded in number and time until a member has spoken on them.
//!
//! Anybody who reaches the port may connect and say nothing, within TLS or before it. What has not proven to be a member's is
//! closed after a while; of too many the oldest goes at once, so that a member always finds a place.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tonic::codegen::tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpIncoming};

/// How much is borne of those that have not proven to be members.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many connections. Of more the oldest is closed.
    pub(super) at_once: usize,
    /// How long each one may last: the handshake, the first message of a member, all that a stranger has to say.
    pub(super) lasts: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { at_once: 64, lasts: Duration::from_secs(30) }
    }
}

/// What comes in on a listener.
pub(super) struct Arrivals {
    incoming: TcpIncoming,
    bounds: Bounds,
    /// Those that may be unproven still, the oldest first.
    unproven: VecDeque<(Proof, oneshot::Sender<()>)>,
}

/// Whether a member has spoken on a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Proof(Arc<AtomicBool>);

impl Proof {
    /// A member has.
    pub(super) fn give(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_given(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Arrivals {
    pub(super) fn new(incoming: TcpIncoming, bounds: Bounds) -> Self {
        Self { incoming, bounds, unproven: VecDeque::new() }
    }

    /// Takes a connection in, and closes another one if there are too many.
    fn admit(&mut self, stream: TcpStream) -> Arrival {
        self.unproven.retain(|(proof, close)| !proof.is_given() && !close.is_closed());
        while self.unproven.len() >= self.bounds.at_once {
            // What waits for it ends with it.
            drop(self.unproven.pop_front());
        }
        let (proof, (close, closed)) = (Proof::default(), oneshot::channel());
        self.unproven.push_back((proof.clone(), close));
        Arrival { stream, proof, closed, over: Box::pin(tokio::time::sleep(self.bounds.lasts)) }
    }
}

impl Stream for Arrivals {
    type Item = io::Result<Arrival>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        Pin::new(&mut this.incoming)
            .poll_next(context)
            .map(|next| next.map(|stream| stream.map(|stream| this.admit(stream))))
    }
}

/// One connection.
pub(super) struct Arrival {
    stream: TcpStream,
    proof: Proof,
    closed: oneshot::Receiver<()>,
    over: Pin<Box<Sleep>>,
}

impl Arrival {
    /// An error when nobody has proven to be a member for too long, or others need the place.
    fn poll_bounds(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.proof.is_given() {
            return Ok(());
        }
        let is_closed = Pin::new(&mut self.closed).poll(context).is_ready();
        if is_closed || self.over.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl Connected for Arrival {
    type ConnectInfo = Proof;

    fn connect_info(&self) -> Proof {
        self.proof.clone()
    }
}

impl AsyncRead for Arrival {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_bounds(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Arrival {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_bounds(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_bounds(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tonic::codegen::tokio_stream::StreamExt;

    #[tokio::test]
    async fn who_is_no_member_is_closed_after_a_while_or_for_others_and_a_member_never() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let lasts = Duration::from_millis(100);
        let mut arrivals = Arrivals::new(TcpIncoming::from(listener), Bounds { at_once: 2, lasts });
        let (mut callers, mut taken) = (Vec::new(), Vec::new());
        for number in 0..4 {
            callers.push(TcpStream::connect(address).await.unwrap());
            let arrival = arrivals.next().await.unwrap().unwrap();
            if number == 0 {
                arrival.connect_info().give();
            }
            taken.push(arrival);
        }
        let unproven = |arrivals: &Arrivals| arrivals.unproven.len();
        assert_eq!(unproven(&arrivals), 2);
        let mut byte = [0];
        // The second one, the oldest that has not proven anything, has made place for the fourth; the others wait in vain.
        for arrival in &mut taken[1..] {
            let error = arrival.read(&mut byte).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        callers[0].write_all(&[7]).await.unwrap();
        assert_eq!((taken[0].read(&mut byte).await.unwrap(), byte), (1, [7]));
        taken.truncate(1);
        callers.push(TcpStream::connect(address).await.unwrap());
        let _last = arrivals.next().await.unwrap().unwrap();
        assert_eq!(unproven(&arrivals), 1, "those that have ended take no place");
    }
}
