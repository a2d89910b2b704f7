//! A client of the API, for the commands that bring recordings to a cluster.

mod live;
mod pieces;
mod sound;
mod tries;

use crate::config::Secret;
use crate::recording::OpenError;
use cluster::catalog::{Format, Protocol};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder};

pub(crate) use live::{LiveEnd, Order};

/// Bytes of a download that are handed out at once.
const DOWNLOAD_BYTES: usize = 64 << 10;
/// How long a server may take to answer a piece.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// It cannot be reached.
    #[error("cannot reach {url}: {source}")]
    Reach {
        /// What was asked for.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// It refuses.
    #[error("{url} answers {status}: {detail}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// The problem's own words.
        detail: String,
    },
    /// It answers something else than its description says.
    #[error("{url} answers what cannot be understood: expected {expected}")]
    Answer {
        /// What was asked for.
        url: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The file with the certificates cannot be used.
    #[error("cannot use the certificates of {}: expected PEM", path.display())]
    Certificates {
        /// Which.
        path: PathBuf,
    },
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] OpenError),
}

/// What a recorder knows when a session begins.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    /// What was spoken with the device.
    pub(crate) protocol: Protocol,
    /// What its recording's bytes are.
    pub(crate) format: Format,
    /// The device.
    pub(crate) device_address: String,
    /// The name of the credential on the device.
    pub(crate) credential_user: String,
    /// The user.
    pub(crate) user_name: String,
    /// From where the user came.
    pub(crate) user_address: String,
    /// The start, in milliseconds since 1970.
    pub(crate) start_ms: u64,
}

/// The same as the API reads it.
#[derive(Serialize)]
struct NewSessionBody<'a> {
    protocol: &'a str,
    format: &'a str,
    device_address: &'a str,
    credential_user: &'a str,
    user_name: &'a str,
    user_address: &'a str,
    start_ms: u64,
}

#[derive(Serialize)]
struct SealBody<'a> {
    end: &'a str,
    end_ms: u64,
    length: u64,
}

#[derive(Serialize)]
struct VideoBody<'a> {
    notify: &'a [String],
}

#[derive(Serialize)]
struct RecorderBody<'a> {
    kind: &'a str,
    subject: &'a str,
}

#[derive(Serialize)]
struct SwitchBody {
    value: bool,
}

#[derive(Deserialize)]
struct MadeToken {
    token: String,
}

/// The part of an answer that is looked at.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// A problem's own words (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// Asks one server with one token. Blocks: not for threads of a runtime.
pub(crate) struct Client {
    agent: Agent,
    server: String,
    token: Secret,
}

impl Client {
    /// A client of the server at `server`, which proves itself with a certificate that the system trusts, or one
    /// of those in `certificates`.
    pub(crate) fn new(server: &str, token: Secret, certificates: Option<&Path>) -> Result<Self, ClientError> {
        let roots = match certificates {
            Some(path) => {
                roots_of(path).ok_or_else(|| ClientError::Certificates { path: path.to_owned() })?
            }
            None => RootCerts::PlatformVerifier,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(roots)
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_per_call(Some(ANSWER_LIMIT))
            .user_agent(concat!("custody/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.into(), server: server.trim_end_matches('/').to_owned(), token })
    }

    /// Opens a session; gives its identifier.
    pub(crate) fn open_session(&self, session: &NewSession) -> Result<String, ClientError> {
        let body = NewSessionBody {
            protocol: session.protocol.as_str(),
            format: session.format.as_str(),
            device_address: &session.device_address,
            credential_user: &session.credential_user,
            user_name: &session.user_name,
            user_address: &session.user_address,
            start_ms: session.start_ms,
        };
        let opened: Named = self.post("/v1/sessions", &body)?;
        Ok(opened.id)
    }

    /// Ends a session; its recording is final.
    pub(crate) fn seal(&self, session: &str, end_ms: u64, length: u64) -> Result<(), ClientError> {
        let body = SealBody { end: "finished", end_ms, length };
        let _: serde_json::Value = self.post(&format!("/v1/sessions/{session}/seal"), &body)?;
        Ok(())
    }

    /// Asks for the video of a session; gives its identifier.
    pub(crate) fn request_video(&self, session: &str, notify: &[String]) -> Result<String, ClientError> {
        let video: Named = self.post(&format!("/v1/sessions/{session}/videos"), &VideoBody { notify })?;
        Ok(video.id)
    }

    /// Makes a token of a recorder.
    pub(crate) fn make_recorder(&self, subject: &str) -> Result<Secret, ClientError> {
        let made: MadeToken = self.post("/v1/tokens", &RecorderBody { kind: "recorder", subject })?;
        Ok(Secret::new(made.token))
    }

    /// Switches a parameter on.
    pub(crate) fn switch_on(&self, parameter: &str) -> Result<(), ClientError> {
        let url = format!("{}/v1/parameters/{parameter}", self.server);
        // Whatever it was.
        let request = self.agent.put(&url).header("Authorization", self.bearer()).header("If-Match", "*");
        let _: serde_json::Value = self.send_json(url, request, &SwitchBody { value: true })?;
        Ok(())
    }

    /// Has something done that needs to be told nothing.
    pub(crate) fn order<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.post(path, &serde_json::Map::new())
    }

    /// What stands at a path.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.server);
        let answer =
            self.checked(&url, self.agent.get(&url).header("Authorization", self.bearer()).call())?;
        json_of(url, answer)
    }

    /// The bytes that stand at a path, piece by piece.
    pub(crate) fn download(&self, path: &str, mut receive: impl FnMut(&[u8])) -> Result<(), ClientError> {
        let url = format!("{}{path}", self.server);
        let answer =
            self.checked(&url, self.agent.get(&url).header("Authorization", self.bearer()).call())?;
        let mut body = answer.into_body().into_reader();
        let mut piece = vec![0; DOWNLOAD_BYTES];
        loop {
            match body.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => receive(piece.get(..length).unwrap_or_default()),
                Err(source) => return Err(ClientError::Reach { url, source: Box::new(source.into()) }),
            }
        }
    }

    /// Tells what is to stand at a path, and gives the answer's JSON.
    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.server);
        let request = self.agent.put(&url).header("Authorization", self.bearer());
        self.send_json(url, request, body)
    }

    /// Takes away what stands at a path, and gives the answer's JSON.
    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.server);
        let answer =
            self.checked(&url, self.agent.delete(&url).header("Authorization", self.bearer()).call())?;
        json_of(url, answer)
    }

    /// Has something done, of which there is nothing to tell.
    pub(crate) fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        let url = format!("{}{path}", self.server);
        let body = serde_json::to_vec(body).expect("requests are plain data");
        let request = self.agent.post(&url).header("Authorization", self.bearer());
        let request = request.header("Content-Type", "application/json");
        self.checked(&url, request.send(body.as_slice())).map(drop)
    }

    /// Asks for something at a path, and gives the answer's JSON.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.server);
        let request = self.agent.post(&url).header("Authorization", self.bearer());
        self.send_json(url, request, body)
    }

    /// Sends JSON, and reads what it is answered with.
    fn send_json<T: DeserializeOwned>(
        &self,
        url: String,
        request: RequestBuilder<WithBody>,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).expect("requests are plain data");
        let request = request.header("Content-Type", "application/json");
        let answer = self.checked(&url, request.send(body.as_slice()))?;
        json_of(url, answer)
    }

    /// An answer whose status says that it is done.
    fn checked(
        &self,
        url: &str,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, ClientError> {
        let unreached = |source| ClientError::Reach { url: url.to_owned(), source: Box::new(source) };
        let mut answer = answer.map_err(unreached)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.body_mut().read_to_vec().unwrap_or_default();
        let detail = match serde_json::from_slice::<Problem>(&text) {
            Ok(Problem { title, detail }) if detail.is_empty() => title,
            Ok(Problem { title, detail }) => format!("{title}: {detail}"),
            Err(_) => "no problem that could be read".to_owned(),
        };
        Err(ClientError::Refused { url: url.to_owned(), status: status.as_u16(), detail })
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }
}

fn json_of<T: DeserializeOwned>(url: String, mut answer: Response<Body>) -> Result<T, ClientError> {
    let text = answer.body_mut().read_to_vec();
    let value = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
    value.ok_or(ClientError::Answer { url, expected: "JSON" })
}

/// Whether it may go better the next time.
pub(crate) fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Reach { .. } => true,
        ClientError::Refused { status, .. } => matches!(status, 408 | 409 | 429 | 500..),
        ClientError::Answer { .. } | ClientError::Certificates { .. } | ClientError::Recording(_) => false,
    }
}

fn roots_of(path: &Path) -> Option<RootCerts> {
    let pem = std::fs::read(path).ok()?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            Ok(_) | Err(_) => None,
        })
        .collect();
    (!certificates.is_empty()).then(|| RootCerts::new_with_certs(&certificates))
}
