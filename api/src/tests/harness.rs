//! One member in memory, and short ways to ask it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::{Payload, Service};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use actix_web::{App, Error};
use cluster::catalog::{
    AuditKey, ClockSample, Command, CreateToken, Format, MemoryEngine, TokenId, TokenKind,
};
use cluster::chunk::disk::MemoryDisk;
use cluster::chunk::key::{Kek, KekId, NoRandomness, Random};
use cluster::id::{MemberId, RecordingId};
use cluster::rpc::{NoPeers, Peers};
use cluster::{Cluster, ClusterOptions};
use futures_util::future::join;
use policy::{Authorizer, AuthorizerCell, Revision, Role};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::wire::Wire;
use crate::guard::guard;
use crate::intake::{Intake, IntakeRefusal};
use crate::media::{
    BoxFuture, FoundLine, FoundText, Join, Media, MediaError, Sight, SoundSpool, Surveyed, TextKind,
    TextQuery, ViewPart, ViewRead,
};
use crate::{
    Ahead, ApiState, CheckpointKey, Closing, IdentityProvider, Limits, Metrics, Origins, Rates, Threads,
    TokenSecret, Trail, app,
};

/// For how long a view goes on without a leaf: longer than any test.
const WINDOW: Duration = Duration::from_secs(3600);
/// The cluster's time in tests.
pub(super) const NOW_MS: u64 = 1_800_000_000_000;
pub(super) const PIECES: &str = "application/offset+octet-stream";
pub(super) const ADMINISTRATOR: &str = "PAM Administrator";
pub(super) const AUDITOR: &str = "PAM Auditor";
pub(super) const SYSTEM: &str = "System Administrator";

/// Accepts whole lines of db-lines, refuses those with `"rows":[`, and accepts everything else.
struct LineIntake;

impl Intake for LineIntake {
    fn accept(&self, format: Format, accepted: u64, bytes: &[u8]) -> Result<usize, IntakeRefusal> {
        if format != Format::DbLines {
            return Ok(bytes.len());
        }
        let mut whole = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            if line.windows(8).any(|window| window == b"\"rows\":[") {
                if whole > 0 {
                    return Ok(whole);
                }
                let reason = "a statement holds result rows".to_owned();
                return Err(IntakeRefusal { offset: accepted, line: Some(1), reason });
            }
            whole += line.len();
        }
        Ok(whole)
    }
}

/// The view of every recording.
pub(super) const VIEW: &[u8] = b"what everybody with the permission Recording may see";

/// The newest key state of every recording's view.
pub(super) const KEY_STATE: &[u8] = b"what was drawn before";

/// Draws the time, and fails at some times. Views are [`VIEW`].
struct ClockMedia;

impl Media for ClockMedia {
    fn frame(&self, _: RecordingId, at_ms: u64, pointer: bool) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(async move {
            match at_ms {
                1 => Err(MediaError::Busy { retry_after_s: 7 }),
                2 => Err(MediaError::NoPicture { at_ms }),
                3 => Err(MediaError::Damaged { reason: "cut".to_owned() }),
                4 => Err(MediaError::Deadline { limit_ms: 10 }),
                5 => Err(MediaError::Crashed),
                _ => Ok(format!("png {at_ms} {pointer}").into_bytes()),
            }
        })
    }

    fn view(&self, part: ViewPart) -> BoxFuture<'_, Result<Box<dyn ViewRead>, MediaError>> {
        let [start, end] = [part.range.start, part.range.end].map(|at| usize::try_from(at).unwrap());
        let pieces: Vec<_> = VIEW[start..end].chunks(7).rev().map(<[u8]>::to_vec).collect();
        Box::pin(async move {
            let read: Box<dyn ViewRead> = Box::new(Pieces(pieces));
            Ok(read)
        })
    }

    fn view_length(&self, _: RecordingId) -> BoxFuture<'_, Result<u64, MediaError>> {
        Box::pin(async { Ok(VIEW.len().try_into().unwrap()) })
    }

    fn survey(&self, _: RecordingId, wanted: Surveyed) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(async move { Ok(format!("{wanted:?} so far").into_bytes()) })
    }

    fn text(&self, _: RecordingId, wanted: TextQuery) -> BoxFuture<'_, Result<FoundText, MediaError>> {
        Box::pin(async move {
            let TextQuery { text, from_ms, limit } = wanted;
            let line = FoundLine { t_ms: from_ms, kind: TextKind::Shown, text };
            Ok(FoundText { lines: vec![line], left_out: limit.try_into().unwrap() })
        })
    }

    fn join(&self, _: RecordingId, sight: Sight) -> BoxFuture<'_, Result<Option<Join>, MediaError>> {
        Box::pin(async move {
            Ok(match sight {
                Sight::Received => None,
                Sight::View => Some(Join { at_ms: 7, position: 5, instructions: KEY_STATE.into() }),
            })
        })
    }

    fn sound(&self) -> Result<Box<dyn SoundSpool>, MediaError> {
        Ok(Box::new(MemorySpool(Vec::new())))
    }
}

/// What comes in as sound; it is heard unless it begins with `no`.
struct MemorySpool(Vec<u8>);

impl SoundSpool for MemorySpool {
    fn push(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), MediaError>> {
        self.0.extend(bytes);
        Box::pin(async { Ok(()) })
    }

    fn survey(&mut self, _: i64) -> BoxFuture<'_, Result<(), MediaError>> {
        let is_sound = !self.0.starts_with(b"no");
        let reason = "UNSUPPORTED: expected sound".to_owned();
        Box::pin(async move { if is_sound { Ok(()) } else { Err(MediaError::Unheard { reason }) } })
    }

    fn piece(&mut self, at: u64) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        let rest = &self.0[usize::try_from(at).unwrap()..];
        // Short, so that a file has several.
        let piece = rest[..rest.len().min(4)].to_vec();
        Box::pin(async { Ok(piece) })
    }
}

/// The pieces of a view, the last one first.
struct Pieces(Vec<Vec<u8>>);

impl ViewRead for Pieces {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Vec<u8>, MediaError>>> {
        Box::pin(async { self.0.pop().map(Ok) })
    }
}

pub(super) struct Member {
    pub(super) state: Arc<ApiState>,
    pub(super) disk: MemoryDisk,
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Result<Bytes, String>,
}

/// What the KEK of the tests is made of: all members of a cluster hold the same one.
struct Sevens;

impl Random for Sevens {
    fn fill(&self, into: &mut [u8]) -> Result<(), NoRandomness> {
        into.fill(7);
        Ok(())
    }
}

impl Member {
    /// A member that is ready and knows the time.
    pub(super) async fn start() -> Self {
        Self::start_ready(Limits::default()).await
    }

    pub(super) async fn start_ready(limits: Limits) -> Self {
        Self::start_with(limits).await.become_ready().await
    }

    /// A member that believes a provider, and that anybody may ask as often as they like.
    pub(super) async fn start_believing(provider: IdentityProvider) -> Self {
        let limits = Limits {
            requests_per_s: NonZeroU32::MAX,
            logins_per_min: NonZeroU32::MAX,
            address_logins_per_min: NonZeroU32::MAX,
            ..Limits::default()
        };
        Self::start_as(limits, Some(Arc::new(provider))).await.become_ready().await
    }

    /// A member that pages of these origins may ask.
    pub(super) async fn start_for_pages_of(origins: &str) -> Self {
        let mut member = Self::start_with(Limits::default()).await;
        Arc::get_mut(&mut member.state).unwrap().origins = origins.parse().unwrap();
        member.become_ready().await
    }

    async fn become_ready(self) -> Self {
        let member = self;
        member.state.cluster.ready(Duration::from_secs(20)).await.unwrap();
        let sample = ClockSample { member: MemberId(1), wall_ms: NOW_MS };
        member.submit(Command::Clock(sample)).await;
        let public_key = member.state.checkpoint_key.public_key();
        member.submit(Command::AuditKey(AuditKey { member: MemberId(1), public_key })).await;
        member
    }

    /// A member that has only just started.
    pub(super) async fn start_with(limits: Limits) -> Self {
        Self::start_as(limits, None).await
    }

    /// Two members, and what stands between them.
    pub(super) async fn start_two() -> (Self, Self, Wire) {
        let wire = Wire::default();
        let founders = BTreeSet::from([MemberId(1), MemberId(2)]);
        let start = async |member| {
            let peers = Arc::new(wire.end(member));
            let started = Self::start_among(member, &founders, peers, Limits::default(), None).await;
            wire.connect(member, started.state.cluster.handler());
            started
        };
        let (one, other) = (start(MemberId(1)).await, start(MemberId(2)).await);
        let ready = |member: &Self| {
            let cluster = Arc::clone(&member.state.cluster);
            async move { cluster.ready(Duration::from_secs(20)).await.unwrap() }
        };
        join(ready(&one), ready(&other)).await;
        (one.become_ready().await, other, wire)
    }

    async fn start_as(limits: Limits, identity: Option<Arc<IdentityProvider>>) -> Self {
        let founders = BTreeSet::from([MemberId(1)]);
        Self::start_among(MemberId(1), &founders, Arc::new(NoPeers), limits, identity).await
    }

    async fn start_among(
        member: MemberId,
        founders: &BTreeSet<MemberId>,
        peers: Arc<dyn Peers>,
        limits: Limits,
        identity: Option<Arc<IdentityProvider>>,
    ) -> Self {
        let disk = MemoryDisk::default();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let kek = Kek::generate(KekId(1), &Sevens).unwrap();
        let options = ClusterOptions {
            founders: founders.clone(),
            ..ClusterOptions::new(member, PathBuf::from("member"), "boot".to_owned())
        };
        let engine = Arc::new(MemoryEngine::new());
        let started =
            Cluster::start_on(options, kek, Arc::new(disk.clone()), Arc::clone(&random), engine, peers).await;
        let (cluster, _) = started.unwrap();
        let authorizer = Authorizer::build(Revision(1), &Role::seeded()).unwrap();
        let state = ApiState {
            cluster: Arc::new(cluster),
            authorizer: Arc::new(AuthorizerCell::new(authorizer)),
            identity,
            intake: Arc::new(LineIntake),
            media: Arc::new(ClockMedia),
            random,
            metrics: Metrics::detached().unwrap(),
            codec_version: 1,
            limits,
            origins: Origins::default(),
            rates: Rates::new(&limits),
            trail: Arc::new(Trail::new(WINDOW)),
            checkpoint_key: CheckpointKey::from_seed(&[7; 32]).unwrap(),
            ahead: Ahead::default(),
            threads: Threads::default(),
            closing: Closing::default(),
        };
        Self { state: Arc::new(state), disk }
    }

    pub(super) async fn submit(&self, command: Command) -> cluster::catalog::Outcome {
        self.state.cluster.submit(command).await.unwrap()
    }

    /// The text of a new token.
    pub(super) async fn token(&self, kind: TokenKind, subject: &str, roles: &[&str]) -> String {
        self.token_until(kind, subject, roles, None).await
    }

    pub(super) async fn token_until(
        &self,
        kind: TokenKind,
        subject: &str,
        roles: &[&str],
        expires_ms: Option<u64>,
    ) -> String {
        let secret = TokenSecret::generate(&*self.state.random).unwrap();
        let mut id = [0; 16];
        self.state.random.fill(&mut id).unwrap();
        let command = CreateToken {
            token: TokenId(id),
            hash: secret.hash(),
            kind,
            subject: subject.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            expires_ms,
            by: "tests".to_owned(),
        };
        self.submit(Command::CreateToken(command)).await;
        secret.expose().to_owned()
    }

    pub(super) async fn user(&self, role: &str) -> String {
        self.token(TokenKind::User, "ada@example.org", &[role]).await
    }

    pub(super) async fn recorder(&self) -> String {
        self.token(TokenKind::Recorder, "pam-proxy", &[]).await
    }

    pub(super) async fn send(&self, request: TestRequest) -> Answer {
        self.send_with(request, None).await
    }

    /// Sends a request with this body instead of its own.
    pub(super) async fn send_with(&self, request: TestRequest, body: Option<Payload>) -> Answer {
        let mut request = request.to_request();
        if let Some(body) = body {
            request = request.replace_payload(body).0;
        }
        let app = App::new().configure(app::api(Arc::clone(&self.state))).wrap(from_fn(guard));
        let app = init_service(app).await;
        let response = app.call(request).await;
        let response = response.unwrap_or_else(|error: Error| panic!("a middleware failed: {error}"));
        let (_, response) = response.into_parts();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.map_err(|error| error.to_string());
        Answer { status, headers, body }
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(asked(Method::GET, token, path)).await
    }

    pub(super) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(asked(Method::POST, token, path).set_json(body)).await
    }

    /// Opens a session and answers its identifier.
    pub(super) async fn open(&self, token: &str, body: &Value) -> String {
        let answer = self.post(token, "/v1/sessions", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn append(&self, token: &str, session: &str, offset: u64, bytes: &[u8]) -> Answer {
        self.send(patch(token, session, offset, bytes)).await
    }

    pub(super) async fn seal(&self, token: &str, session: &str) -> Answer {
        let body = json!({ "end": "finished", "end_ms": NOW_MS + 60_000 });
        self.post(token, &format!("/v1/sessions/{session}/seal"), &body).await
    }

    /// A sealed session of these bytes.
    pub(super) async fn sealed(&self, recorder: &str, bytes: &[u8]) -> String {
        let session = self.open(recorder, &ssh()).await;
        let appended = self.append(recorder, &session, 0, bytes).await;
        assert_eq!(appended.status, StatusCode::NO_CONTENT, "{:?}", appended.body);
        assert_eq!(self.seal(recorder, &session).await.status, StatusCode::OK);
        session
    }
}

/// A request; one that changes something does so whatever is there.
pub(super) fn asked(method: Method, token: &str, path: &str) -> TestRequest {
    let changes = [Method::PUT, Method::DELETE].contains(&method);
    let request = unconditional(method, token, path);
    if changes { request.insert_header(("if-match", "*")) } else { request }
}

/// A request without a condition.
pub(super) fn unconditional(method: Method, token: &str, path: &str) -> TestRequest {
    TestRequest::with_uri(path).method(method).insert_header(("authorization", format!("Bearer {token}")))
}

/// A request that makes what is not there yet.
pub(super) fn making(token: &str, path: &str) -> TestRequest {
    unconditional(Method::PUT, token, path).insert_header(("if-none-match", "*"))
}

pub(super) fn patch(token: &str, session: &str, offset: u64, bytes: &[u8]) -> TestRequest {
    asked(Method::PATCH, token, &format!("/v1/sessions/{session}/recording"))
        .insert_header(("content-type", PIECES))
        .insert_header(("tus-resumable", "1.0.0"))
        .insert_header(("upload-offset", offset.to_string()))
        .set_payload(bytes.to_vec())
}

/// A session of SSH.
pub(super) fn ssh() -> Value {
    json!({
        "protocol": "ssh",
        "format": "asciicast",
        "device_address": "10.0.0.7",
        "credential_user": "root",
        "user_name": "grace",
        "user_address": "192.0.2.1",
        "start_ms": NOW_MS,
    })
}

/// A session of a database.
pub(super) fn database(format: &str) -> Value {
    json!({ "protocol": "postgresql", "format": format, "device_address": "db", "start_ms": NOW_MS })
}

impl Answer {
    pub(super) fn bytes(&self) -> &[u8] {
        self.body.as_ref().unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the last part of the problem's type; checks that it is a problem.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{:?}", self.body);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
        let kind = body["type"].as_str().unwrap().strip_prefix("urn:custody:problem:").unwrap();
        (self.status.as_u16(), kind.to_owned())
    }
}
