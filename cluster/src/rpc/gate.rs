//! The door for those who are no members yet: one request, and nothing else.

use super::client::refusal;
use super::codec::Plain;
use super::generated::gate_client::GateClient;
use super::generated::gate_server::{Gate as GateService, GateServer};
use super::peers::CallError;
use super::server::Handled;
use super::tls::stranger;
use crate::id::MemberId;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status};

/// The longest request and the longest answer.
const MESSAGE_BYTES_MAX: usize = 16 << 10;
/// How long the connection itself may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Who answers those that want to be members.
pub trait Gate: Send + Sync + 'static {
    /// Answers a request of nobody knows whom.
    fn join(&self, request: Vec<u8>) -> Handled<'_>;
}

struct Stranger(Arc<dyn Gate>);

#[tonic::async_trait]
impl GateService for Stranger {
    async fn join(&self, request: Request<Plain>) -> Result<Response<Plain>, Status> {
        match self.0.join(request.into_inner().0.to_vec()).await {
            Some(answer) => Ok(Response::new(Plain(answer.into()))),
            None => Err(Status::invalid_argument("a request of another version")),
        }
    }
}

/// What a server offers to callers without a certificate.
pub(super) fn service(gate: Arc<dyn Gate>) -> GateServer<impl GateService> {
    GateServer::new(Stranger(gate))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

/// A member that may be asked to be let in.
#[derive(Debug, Clone, Copy)]
pub struct GateAt<'a> {
    /// Which.
    pub member: MemberId,
    /// Host and port.
    pub address: &'a str,
    /// The CA that must have certified it, PEM.
    pub ca: &'a [u8],
}

/// Asks a member to be let in. Only the member that is meant, certified by that CA, gets the request. Runs in a tokio
/// runtime.
pub async fn ask_to_join(at: GateAt<'_>, request: Vec<u8>, deadline: Duration) -> Result<Vec<u8>, CallError> {
    let GateAt { member: target, address, ca } = at;
    let unreachable =
        |error: tonic::transport::Error| CallError::Unreachable { target, reason: reasons(&error) };
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .and_then(|endpoint| endpoint.tls_config(stranger(ca, target)))
        .map_err(unreachable)?
        .connect_timeout(CONNECT_LIMIT);
    let asking = async {
        let channel = endpoint.connect().await.map_err(unreachable)?;
        let mut client = GateClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut request = Request::new(Plain(request.into()));
        request.set_timeout(deadline);
        let answer = client.join(request).await.map_err(|status| refusal(target, deadline, &status))?;
        Ok(answer.into_inner().0.to_vec())
    };
    let answered = tokio::time::timeout(deadline, asking).await;
    answered.unwrap_or(Err(CallError::Deadline { target, deadline }))
}

/// An error and its causes: "transport error" alone tells nobody anything.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
