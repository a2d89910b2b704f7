//! Answers other members over mutual TLS.

use super::codec::Plain;
use super::generated::members_server::{Members, MembersServer};
use super::tls::{MemberTls, caller};
use crate::id::MemberId;
use std::future::Future;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// The longest message.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Requests of one connection that are answered at one time.
pub(super) const REQUESTS_AT_ONCE: usize = 256;
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

/// Answers members on `listener` until `stop` resolves and all that was being answered is. Runs in a tokio runtime.
pub async fn serve(
    listener: TcpListener,
    tls: MemberTls,
    handler: Arc<dyn Handler>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listener.set_nonblocking(true)?;
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?).with_nodelay(Some(true));
    let service = MembersServer::new(Door { handler })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    Server::builder()
        .tls_config(tls.server())?
        .concurrency_limit_per_connection(REQUESTS_AT_ONCE)
        .timeout(ANSWER_LIMIT)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, stop)
        .await?;
    Ok(())
}

struct Door {
    handler: Arc<dyn Handler>,
}

#[tonic::async_trait]
impl Members for Door {
    async fn call(&self, request: Request<Plain>) -> Result<Response<Plain>, Status> {
        let certificates = request.peer_certs().unwrap_or_default();
        let from = caller(&certificates).map_err(|error| Status::unauthenticated(error.to_string()))?;
        let bytes = request.into_inner().0.to_vec();
        match self.handler.handle(from, bytes).await {
            Some(answer) => Ok(Response::new(Plain(answer.into()))),
            None => Err(Status::invalid_argument("a request of another version")),
        }
    }
}
