//! A client of the API, for the commands that bring recordings to a cluster.

mod live;

use crate::config::Secret;
use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use cluster::catalog::{Format, Protocol};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::typestate::WithBody;
use ureq::{Agent, AsSendBody, Body, RequestBuilder};

pub(crate) use live::{LiveEnd, Order};

/// Bytes of a recording that go in one request: what a broken connection costs at most.
const PIECE_BYTES: usize = 4 << 20;
/// Bytes of a download that are handed out at once.
const DOWNLOAD_BYTES: usize = 64 << 10;
/// How often one piece is tried.
const TRIES_MAX: u32 = 6;
/// How long to wait after the first failure; after each further one, twice as long.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// How long a server may take to answer a piece.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long all of a file of sound may take: it is decoded before the answer.
const SOUND_LIMIT: Duration = Duration::from_secs(2 * 3600);
/// The version of tus that is spoken.
const TUS_VERSION: &str = "1.0.0";
/// The media type of a piece.
const PIECES: &str = "application/offset+octet-stream";
/// The media type of sound, whatever it is.
const SOUND: &str = "application/octet-stream";

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

    /// Appends a recording to its session from an offset on, piece by piece; gives its length. A piece that fails is
    /// sent again from where the server is.
    pub(crate) fn append(
        &self,
        session: &str,
        recording: &Recording,
        offset: u64,
        interrupt: &Interrupt,
    ) -> Result<u64, ClientError> {
        let length = recording.length()?;
        let mut offset = offset;
        let mut failures = 0;
        while offset < length {
            if interrupt.is_set() {
                return Err(OpenError::Interrupted.into());
            }
            match self.append_piece(session, recording, offset) {
                Ok(reached) if reached > offset => {
                    offset = reached;
                    failures = 0;
                }
                Ok(_) => return Err(self.misunderstood(session, "a greater Upload-Offset")),
                Err(error) if failures + 1 < TRIES_MAX && is_passing(&error) => {
                    std::thread::sleep(WAIT_FIRST * (1 << failures));
                    failures += 1;
                    // Without an answer the next try begins at the same place, which is harmless.
                    offset = self.offset(session).unwrap_or(offset);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    /// Ends a session; its recording is final.
    pub(crate) fn seal(&self, session: &str, end_ms: u64, length: u64) -> Result<(), ClientError> {
        let body = SealBody { end: "finished", end_ms, length };
        let _: serde_json::Value = self.post(&format!("/v1/sessions/{session}/seal"), &body)?;
        Ok(())
    }

    /// Brings the file of sound of a session, which begins at a media time. The same again is harmless, so that it is tried as a
    /// piece is.
    pub(crate) fn put_sound(&self, session: &str, path: &Path, offset_ms: i64) -> Result<(), ClientError> {
        let url = format!("{}/v1/sessions/{session}/sound?offset_ms={offset_ms}", self.server);
        let mut failures = 0;
        loop {
            match self.put_file(&url, path) {
                Err(error) if failures + 1 < TRIES_MAX && is_passing_for_sound(&error) => {
                    std::thread::sleep(WAIT_FIRST * (1 << failures));
                    failures += 1;
                }
                put => return put,
            }
        }
    }

    fn put_file(&self, url: &str, path: &Path) -> Result<(), ClientError> {
        let unread = |source| ClientError::Recording(OpenError::Read { path: path.to_owned(), source });
        let file = File::open(path).map_err(unread)?;
        let request = self.agent.put(url).config().timeout_per_call(Some(SOUND_LIMIT)).build();
        let request = request.header("Authorization", self.bearer()).header("Content-Type", SOUND);
        self.checked(url, request.send(file)).map(drop)
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

    /// Up to where a recording is durable.
    pub(crate) fn offset(&self, session: &str) -> Result<u64, ClientError> {
        let url = self.recording_url(session);
        let head = self.agent.head(&url).header("Authorization", self.bearer());
        let answer = self.checked(&url, head.header("Tus-Resumable", TUS_VERSION).call())?;
        self.offset_of(session, &answer)
    }

    /// Sends one piece; gives the offset behind it.
    fn append_piece(&self, session: &str, recording: &Recording, offset: u64) -> Result<u64, ClientError> {
        let end = offset.saturating_add(u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX));
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        recording.each_piece(offset..end, |bytes| -> Result<(), OpenError> {
            piece.extend_from_slice(bytes);
            Ok(())
        })?;
        self.put_piece(session, offset, piece.as_slice())
    }

    /// Sends bytes that begin at an offset; gives the offset behind them.
    pub(crate) fn put_piece(
        &self,
        session: &str,
        offset: u64,
        piece: impl AsSendBody,
    ) -> Result<u64, ClientError> {
        let url = self.recording_url(session);
        let request = self
            .agent
            .patch(&url)
            .header("Authorization", self.bearer())
            .header("Tus-Resumable", TUS_VERSION)
            .header("Upload-Offset", offset)
            .header("Content-Type", PIECES);
        let answer = self.checked(&url, request.send(piece))?;
        self.offset_of(session, &answer)
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

    /// Asks for something at a path, and gives the answer's JSON.
    /// Has something done, of which there is nothing to tell.
    pub(crate) fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        let url = format!("{}{path}", self.server);
        let body = serde_json::to_vec(body).expect("requests are plain data");
        let request = self.agent.post(&url).header("Authorization", self.bearer());
        let request = request.header("Content-Type", "application/json");
        self.checked(&url, request.send(body.as_slice())).map(drop)
    }

    /// Sends JSON, and reads what it is answered with.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.server);
        let request = self.agent.post(&url).header("Authorization", self.bearer());
        self.send_json(url, request, body)
    }

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

    fn offset_of(&self, session: &str, answer: &Response<Body>) -> Result<u64, ClientError> {
        let header = answer.headers().get("Upload-Offset").and_then(|value| value.to_str().ok());
        let offset = header.and_then(|value| value.parse().ok());
        offset.ok_or_else(|| self.misunderstood(session, "a header Upload-Offset"))
    }

    fn misunderstood(&self, session: &str, expected: &'static str) -> ClientError {
        ClientError::Answer { url: self.recording_url(session), expected }
    }

    fn recording_url(&self, session: &str) -> String {
        format!("{}/v1/sessions/{session}/recording", self.server)
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

/// The same of a file of sound, which is a conflict only with another one.
fn is_passing_for_sound(error: &ClientError) -> bool {
    is_passing(error) && !matches!(error, ClientError::Refused { status: 409, .. })
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
