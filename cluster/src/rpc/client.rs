//! Calls other members over mutual TLS.

use super::codec::Plain;
use super::generated::members_client::MembersClient;
use super::peers::{Answer, CallError, Peers, is_raft};
use super::server::MESSAGE_BYTES_MAX;
use super::tls::MemberTls;
use crate::id::MemberId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// How long the connection itself may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// A connection on which nothing comes back for so long is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Where members listen for members.
pub type Directory = BTreeMap<MemberId, SocketAddr>;

/// Two connections a member, made when they are first needed and again when they break. Raft has one of its own: what
/// waits for a leader must not keep votes and heartbeats waiting.
#[derive(Debug)]
pub struct Client {
    tls: MemberTls,
    directory: Directory,
    channels: Mutex<BTreeMap<(MemberId, Line), Channel>>,
}

/// Which of the connections to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Raft,
    Others,
}

impl Client {
    /// Nothing is connected yet.
    pub fn new(tls: MemberTls, directory: Directory) -> Self {
        Self { tls, directory, channels: Mutex::default() }
    }

    /// The connection to a member. Must be called in a tokio runtime.
    fn channel(&self, target: MemberId, line: Line) -> Result<Channel, CallError> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&(target, line)) {
            return Ok(channel.clone());
        }
        let address = self.directory.get(&target).ok_or(CallError::Unknown { target })?;
        let refused =
            |error: tonic::transport::Error| CallError::Unreachable { target, reason: error.to_string() };
        let endpoint = Endpoint::from_shared(format!("https://{address}"))
            .and_then(|endpoint| endpoint.tls_config(self.tls.client(target)))
            .map_err(refused)?
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        let channel = endpoint.connect_lazy();
        channels.insert((target, line), channel.clone());
        Ok(channel)
    }

    async fn send(
        &self,
        target: MemberId,
        request: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let line = if is_raft(&request) { Line::Raft } else { Line::Others };
        let mut client = MembersClient::new(self.channel(target, line)?)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut request = Request::new(Plain(request.into()));
        // The other side learns the deadline, so that it does not work for nobody.
        request.set_timeout(deadline);
        match tokio::time::timeout(deadline, client.call(request)).await {
            Ok(Ok(answer)) => Ok(answer.into_inner().0.to_vec()),
            Ok(Err(status)) => Err(refusal(target, deadline, &status)),
            Err(_) => Err(CallError::Deadline { target, deadline }),
        }
    }
}

impl Peers for Client {
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_> {
        Box::pin(self.send(target, request, deadline))
    }
}

fn refusal(target: MemberId, deadline: Duration, status: &Status) -> CallError {
    match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => CallError::Deadline { target, deadline },
        Code::InvalidArgument | Code::Unimplemented | Code::OutOfRange => CallError::Answer { target },
        Code::Ok
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => CallError::Unreachable { target, reason: status.to_string() },
    }
}
