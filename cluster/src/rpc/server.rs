//! Answers other members over mutual TLS, and those who want to be one.

use super::arrivals::{Arrivals, Bounds, Proof};
use super::codec::Plain;
use super::directory::Directory;
use super::gate::Gate;
use super::generated::members_server::{Members, MembersServer};
use super::peers::{NEWEST, VERSION_KEY, in_version};
use super::tls::{MemberTls, caller};
use crate::id::MemberId;
use std::future::Future;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::{TcpIncoming, TlsConnectInfo};
use tonic::{Request, Response, Status};

/// The longest message.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Requests of one connection that are answered at one time.
pub(super) const REQUESTS_AT_ONCE: usize = 256;
/// What may be under way on a connection before the other side says that it has taken it: a few pieces of chunks.
pub(super) const WINDOW_BYTES: u32 = 4 << 20;
/// The longest frame of HTTP/2. Each one costs both sides a turn.
pub(super) const FRAME_BYTES_MAX: u32 = 256 << 10;
/// The longest that an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// A connection on which nothing comes back for so long is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What a handler answers; nothing when the request cannot be understood.
pub type Handled<'a> = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send + 'a>>;

/// Who answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request of a member whose certificate was checked.
    fn handle(&self, from: MemberId, request: Vec<u8>) -> Handled<'_>;
}

/// Why a member does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket cannot be used.
    #[error("cannot listen for members: {0}")]
    Socket(#[from] std::io::Error),
    /// The certificate or key cannot be used, or the server has failed.
    #[error("cannot serve members: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Who answers whom.
pub struct Answering {
    /// Answers members.
    pub handler: Arc<dyn Handler>,
    /// Who is a member.
    pub directory: Arc<Directory>,
    /// Answers those who want to be one; without, callers without a certificate get no connection.
    pub gate: Option<Arc<dyn Gate>>,
}

/// Answers members on `listener` until `stop` resolves and all that was being answered is. Runs in a tokio runtime.
pub async fn serve(
    listener: TcpListener,
    tls: MemberTls,
    answering: Answering,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let Answering { handler, directory, gate } = answering;
    listener.set_nonblocking(true)?;
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?).with_nodelay(Some(true));
    let incoming = Arrivals::new(incoming, Bounds::default());
    let members = MembersServer::new(Door { handler })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    // Asked before a byte of a message is read: who is no member can make nobody keep one.
    let check = move |request: Request<()>| know(request, &directory);
    let takes_strangers = gate.is_some();
    let mut routes = Routes::new(InterceptedService::new(members, check));
    if let Some(gate) = gate {
        routes = routes.add_service(super::gate::service(gate));
    }
    Server::builder()
        .tls_config(tls.server(takes_strangers))?
        .concurrency_limit_per_connection(REQUESTS_AT_ONCE)
        .timeout(ANSWER_LIMIT)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop)
        .await?;
    Ok(())
}

/// Writes down who calls, if it is a member.
fn know(mut request: Request<()>, directory: &Directory) -> Result<Request<()>, Status> {
    let connection = request.extensions().get::<TlsConnectInfo<Proof>>().cloned();
    let certificates = connection.as_ref().and_then(TlsConnectInfo::peer_certs).unwrap_or_default();
    let (from, shown) = caller(&certificates).map_err(|error| Status::unauthenticated(error.to_string()))?;
    directory.check(from, &shown).map_err(|denied| Status::permission_denied(denied.to_string()))?;
    if let Some(connection) = connection {
        connection.get_ref().give();
    }
    request.extensions_mut().insert(from);
    Ok(request)
}

struct Door {
    handler: Arc<dyn Handler>,
}

#[tonic::async_trait]
impl Members for Door {
    async fn call(&self, request: Request<Plain>) -> Result<Response<Plain>, Status> {
        let from = request.extensions().get::<MemberId>().copied();
        let from = from.ok_or_else(|| Status::unauthenticated("expected the certificate of a member"))?;
        let bytes = Vec::from(request.into_inner().0);
        let version = bytes.first().copied().unwrap_or(NEWEST);
        let newest = MetadataValue::from(u64::from(NEWEST));
        match self.handler.handle(from, bytes).await {
            // In the words of who asks.
            Some(answer) => {
                let mut answer = Response::new(Plain(in_version(answer, version).into()));
                answer.metadata_mut().insert(VERSION_KEY, newest);
                Ok(answer)
            }
            None => {
                let mut status = Status::invalid_argument("a request of another version");
                status.metadata_mut().insert(VERSION_KEY, newest);
                Err(status)
            }
        }
    }
}
