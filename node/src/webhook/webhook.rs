use super::body::Body;
use super::guard::{AddressRefused, Guard};
use super::secret::{Secrets, Signed};
use crate::config::{ConfigError, WebhookSettings};
use crate::outbox::{DeliveryError, Item};
use crate::serve::wall_ms;
use crate::tasks::on_thread;
use cluster::catalog::MailFault;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::DefaultConnector;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a message may take, the lookup of the server's name included.
const MESSAGE_LIMIT: Duration = Duration::from_secs(15);
/// How long a message on its way may take to end.
pub(crate) const GRACE: Duration = Duration::from_secs(16);
/// The most bytes of the head of an answer; its body is not read.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The server does not want to be told any more (Standard Webhooks 1.0).
const GONE: u16 = 410;

/// Tells one server what happens.
#[derive(Clone)]
pub(crate) struct Webhook {
    agent: Agent,
    url: String,
    secrets: Secrets,
    public_url: String,
}

/// A message as it is sent.
struct Message {
    id: String,
    body: String,
}

impl Webhook {
    /// Reads the secrets; connects with the first message. `public_url` is what links begin with.
    pub(crate) fn new(
        settings: &WebhookSettings,
        public_url: String,
        credentials: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let secrets = Secrets::read(&settings.secret_file, credentials)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .https_only(!settings.is_loopback_http)
            .max_idle_connections(0)
            .max_response_header_size(HEAD_BYTES_MAX)
            .tls_config(tls)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(MESSAGE_LIMIT))
            .user_agent(concat!("custody/", env!("CARGO_PKG_VERSION")))
            .build();
        let guard = Guard { allowed: settings.allowed.clone(), is_loopback_http: settings.is_loopback_http };
        let agent = Agent::with_parts(config, DefaultConnector::default(), guard);
        Ok(Self { agent, url: settings.url.clone(), secrets, public_url })
    }

    /// Hands over one message. Not cancel-safe: a dropped call goes on to its end.
    pub(crate) async fn deliver(&self, Item { id, row, .. }: Item<'_>) -> Result<(), DeliveryError> {
        let body = Body::of(row, &self.public_url).and_then(|body| serde_json::to_string(&body).ok());
        let Some(body) = body else {
            return Err(DeliveryError::Final("this is no message for a webhook".to_owned()));
        };
        let message = Message { id: format!("custody_{}_{id}", row.recording), body };
        let own = self.clone();
        let posted = on_thread("webhook", move || own.post(&message, wall_ms() / 1000)).await;
        posted.unwrap_or_else(|error| Err(DeliveryError::Later(error.to_string())))
    }

    /// Sends a message at a time. Blocks: not for threads of a runtime.
    fn post(&self, message: &Message, timestamp_s: u64) -> Result<(), DeliveryError> {
        let Message { id, body } = message;
        let signature = self.secrets.sign(Signed { id, timestamp_s, body });
        let request = self.agent.post(&self.url);
        let request = request.header("Content-Type", "application/json").header("webhook-id", id);
        let request = request.header("webhook-timestamp", timestamp_s.to_string());
        let request = request.header("webhook-signature", signature);
        let answer = request.send(body.as_str()).map_err(|error| failed(&error))?;
        let status = answer.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            GONE => Err(DeliveryError::Final(format!("the server answers {status}"))),
            300..=399 => {
                Err(DeliveryError::Later(format!("the server answers {status}; redirects are not followed")))
            }
            _ => Err(DeliveryError::Later(format!("the server answers {status}"))),
        }
    }
}

/// What a failure without an answer means. No message holds the address: a part of it may be a secret.
fn failed(error: &ureq::Error) -> DeliveryError {
    use ureq::{Error, Timeout};
    let io = if let Error::Io(error) = error { Some(error) } else { None };
    let inner = io.and_then(std::io::Error::get_ref);
    let kind = io.map(std::io::Error::kind);
    let is_unreachable = matches!(error, Error::ConnectionFailed)
        || matches!(error, Error::Timeout(Timeout::Resolve | Timeout::Connect))
        || matches!(
            kind,
            Some(ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)
        );
    let is_tls = matches!(error, Error::Tls(_) | Error::Rustls(_))
        || inner.is_some_and(|inner| inner.is::<rustls::Error>());
    let fault = if inner.is_some_and(|inner| inner.is::<AddressRefused>()) {
        MailFault::Address
    } else if matches!(error, Error::HostNotFound) {
        MailFault::UnknownHost
    } else if is_tls {
        MailFault::Tls
    } else if is_unreachable {
        MailFault::Unreachable
    } else {
        return DeliveryError::Later(error.to_string());
    };
    DeliveryError::fault(fault, error)
}

#[cfg(test)]
mod tests;
