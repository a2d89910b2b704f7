//! Calls other members over mutual TLS.

use super::codec::Plain;
use super::directory::Directory;
use super::generated::members_client::MembersClient;
use super::message::Hello;
use super::peers::{
    Answer, CallError, NEWEST, OLDEST, Peers, VERSION_KEY, decode, encode, in_version, is_raft,
};
use super::server::{FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, WINDOW_BYTES};
use super::tls::MemberTls;
use crate::id::MemberId;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// How long the connection itself may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// A connection on which nothing comes back for so long is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Two connections a member, made when they are first needed and again when they break. Raft has one of its own: what
/// waits for a leader must not keep votes and heartbeats waiting.
#[derive(Debug)]
pub struct Client {
    tls: MemberTls,
    directory: Arc<Directory>,
    channels: Mutex<BTreeMap<(MemberId, Line), Connected>>,
}

/// A connection, and where it goes: a member that is elsewhere gets another one.
#[derive(Debug)]
struct Connected {
    address: String,
    channel: Channel,
    /// The version that is spoken, and whether the other side has answered to it.
    version: u8,
    is_known: bool,
}

/// Which of the connections to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Raft,
    Others,
}

impl Client {
    /// Nothing is connected yet. Calls go where the directory says at that time.
    pub fn new(tls: MemberTls, directory: Arc<Directory>) -> Self {
        Self { tls, directory, channels: Mutex::default() }
    }

    /// Asks a member who it is: whether it is there, and answers this one.
    pub async fn hello(&self, target: MemberId, deadline: Duration) -> Result<Hello, CallError> {
        let answer = self.send(target, encode(&super::Request::Hello), deadline).await?;
        decode(&answer).ok_or(CallError::Answer { target })
    }

    /// The connection to a member. Must be called in a tokio runtime.
    fn channel(&self, target: MemberId, line: Line) -> Result<(Channel, u8), CallError> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(address) = self.directory.address(target) else {
            channels.retain(|(member, _), _| *member != target);
            return Err(CallError::Unknown { target });
        };
        if let Some(connected) =
            channels.get(&(target, line)).filter(|connected| connected.address == address)
        {
            return Ok((connected.channel.clone(), connected.version));
        }
        let refused =
            |error: tonic::transport::Error| CallError::Unreachable { target, reason: error.to_string() };
        let endpoint = Endpoint::from_shared(format!("https://{address}"))
            .and_then(|endpoint| endpoint.tls_config(self.tls.client(target)))
            .map_err(refused)?
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        let channel = endpoint.connect_lazy();
        let connected = Connected { address, channel: channel.clone(), version: NEWEST, is_known: false };
        channels.insert((target, line), connected);
        Ok((channel, NEWEST))
    }

    /// Remembers the version that a member has answered to; none when it is to be found out anew.
    fn speaks(&self, target: MemberId, line: Line, version: Option<u8>) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = channels.get_mut(&(target, line)) {
            (connected.version, connected.is_known) = (version.unwrap_or(NEWEST), version.is_some());
        }
    }

    async fn send(
        &self,
        target: MemberId,
        request: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let line = if is_raft(&request) { Line::Raft } else { Line::Others };
        let until = Instant::now() + deadline;
        let (channel, version) = self.channel(target, line)?;
        let call = Call { target, channel, deadline, until };
        let request = Bytes::from(request);
        let Answered { answer, newest } = call.send(&request, version).await;
        let common = newest.map(|newest| newest.min(NEWEST));
        match (&answer, common) {
            // Who says nothing of versions may know the oldest alone.
            (Err(CallError::Answer { .. }), _) if common.unwrap_or(OLDEST) < version => {
                let older = common.unwrap_or(OLDEST);
                let again = call.send(&request, older).await.answer;
                if again.is_ok() {
                    self.speaks(target, line, Some(older));
                }
                return again;
            }
            (_, Some(common)) => self.speaks(target, line, Some(common)),
            // One that is brought to another program is away for a moment.
            (Err(CallError::Unreachable { .. }), None) => self.speaks(target, line, None),
            (Ok(_) | Err(_), None) => {}
        }
        answer
    }
}

/// An answer, and the newest version of who gave it.
struct Answered {
    answer: Result<Vec<u8>, CallError>,
    newest: Option<u8>,
}

/// One request on its way.
struct Call {
    target: MemberId,
    channel: Channel,
    deadline: Duration,
    until: Instant,
}

impl Call {
    async fn send(&self, request: &Bytes, version: u8) -> Answered {
        let Self { target, deadline, .. } = *self;
        let request = match version {
            NEWEST => request.clone(),
            older => in_version(request.to_vec(), older).into(),
        };
        let mut client = MembersClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut request = Request::new(Plain(request));
        // The other side learns the deadline, so that it does not work for nobody.
        request.set_timeout(self.until.saturating_duration_since(Instant::now()));
        match tokio::time::timeout_at(self.until, client.call(request)).await {
            Ok(Ok(answer)) => {
                let newest = newest(answer.metadata());
                Answered { answer: Ok(answer.into_inner().0.into()), newest }
            }
            Ok(Err(status)) => {
                let newest = newest(status.metadata());
                Answered { answer: Err(refusal(target, deadline, &status)), newest }
            }
            Err(_) => Answered { answer: Err(CallError::Deadline { target, deadline }), newest: None },
        }
    }
}

/// The newest version that the other side says to understand; none of one that is older than all that are here.
fn newest(metadata: &MetadataMap) -> Option<u8> {
    let newest = metadata.get(VERSION_KEY)?.to_str().ok()?.parse().ok()?;
    (OLDEST..).contains(&newest).then_some(newest)
}

impl Peers for Client {
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_> {
        Box::pin(self.send(target, request, deadline))
    }

    fn is_newest(&self, target: MemberId) -> bool {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = channels.get(&(target, Line::Others));
        connected.is_some_and(|connected| connected.is_known && connected.version == NEWEST)
    }
}

pub(super) fn refusal(target: MemberId, deadline: Duration, status: &Status) -> CallError {
    match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => CallError::Deadline { target, deadline },
        Code::InvalidArgument | Code::Unimplemented | Code::OutOfRange => CallError::Answer { target },
        Code::PermissionDenied => CallError::Denied { target, reason: status.message().to_owned() },
        Code::Ok
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => CallError::Unreachable { target, reason: status.to_string() },
    }
}
