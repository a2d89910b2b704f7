//! A finished file of a terminal as a session: opened, appended, ended and sealed at once.

use std::future::ready;
use std::pin::Pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use actix_web::{FromRequest, HttpRequest, dev};
use bytes::{Bytes, BytesMut};
use cluster::catalog::{Command, End, EndSession, Format, Protocol, SessionInfo};
use cluster::id::RecordingId;
use futures_util::stream::{once, unfold};
use futures_util::{Stream, StreamExt};
use policy::Action;
use serde::Deserialize;
use tokio::time::timeout;

use crate::auth::{Allowed, NewSession, OneSession, Record};
use crate::media::{Sight, Surveyed};
use crate::multipart::Part;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;
use crate::upload;

/// The most bytes of its first line that are waited for.
const HEAD_BYTES_MAX: usize = 64 << 10;
const SECOND_MS: u64 = 1000;

/// What its first line says.
#[derive(Default, Deserialize)]
struct Header {
    /// When it began, in seconds since 1970.
    timestamp: Option<u64>,
}

/// What its timeline says.
#[derive(Default, Deserialize)]
struct Length {
    #[serde(default)]
    media_duration_ms: u64,
}

/// Makes a session of a file, and answers its name. What no session can be made of opens none; what is found to be none
/// further on is a session that has failed.
pub(crate) async fn take(
    state: &ApiState,
    allowed: &Allowed<Record, NewSession>,
    request: &HttpRequest,
    mut part: Part,
) -> Result<String, Problem> {
    let limit_s = state.limits.idle_s_max;
    let head = timeout(Duration::from_secs(limit_s), head(&mut part)).await;
    let head =
        head.map_err(|_| Problem::new(Kind::RecorderIdle, format_args!("nothing came for {limit_s} s")))?;
    let head = head.map_err(Problem::from)?;
    if state.intake.accept(Format::Asciicast, 0, &head)? == 0 {
        return Err(Problem::new(Kind::RecordingRefused, "expected a file that is not empty"));
    }
    let session = open(state, allowed, &head).await?;
    let body = payload(request, head, part).await?;
    let appended = upload::append(state, &session, 0, None, body).await;
    let (end, error_message) = match &appended {
        Ok(_) => (End::Finished, String::new()),
        Err(problem) => (End::Failed, problem.detail().to_owned()),
    };
    let (recording, reason) = (session.id, String::new());
    let end_ms = session.row.info.start_ms.saturating_add(duration_ms(state, recording).await);
    let command = EndSession { recording, end, end_ms, error_message, reason };
    allowed.submit(Command::CloseSession(command)).await?;
    state.cluster.seal(recording.into()).await?;
    appended.map(|_| recording.to_string())
}

/// The bytes up to the end of the first line.
async fn head(part: &mut Part) -> Result<BytesMut, PayloadError> {
    let mut head = BytesMut::new();
    while head.len() < HEAD_BYTES_MAX && !head.contains(&b'\n') {
        match part.next().await {
            Some(piece) => head.extend_from_slice(&piece?),
            None => break,
        }
    }
    Ok(head)
}

async fn open(
    state: &ApiState,
    allowed: &Allowed<Record, NewSession>,
    head: &[u8],
) -> Result<OneSession, Problem> {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: Header = serde_json::from_slice(line).unwrap_or_default();
    let now_ms = state.cluster.catalog()?.clock()?.now_ms;
    let said_ms = header.timestamp.map(|timestamp| timestamp.saturating_mul(SECOND_MS));
    let caller = &allowed.caller;
    let info = SessionInfo {
        protocol: Protocol::Terminal,
        format: Format::Asciicast,
        // The file names no machine: it is the one that it comes from.
        device_address: match caller.address.is_empty() {
            true => "unknown".to_owned(),
            false => caller.address.clone(),
        },
        credential_user: String::new(),
        user_name: caller.name.clone(),
        user_address: caller.address.clone(),
        start_ms: said_ms.filter(|said_ms| *said_ms <= now_ms).unwrap_or(now_ms),
        recorder_token: caller.recorder_token(),
    };
    if info.recorder_token.is_none() {
        // The session's own leaf names recorders alone, by their token.
        allowed.announce(Action::Record, format!("uploads a terminal of {}", info.device_address)).await?;
    }
    let id = state.cluster.open_session(cluster::cluster::NewSession { info }).await?;
    let row = state.cluster.catalog()?.session(id)?.ok_or_else(Problem::not_found)?;
    Ok(OneSession { id, row })
}

/// The file as the body of an append.
async fn payload(request: &HttpRequest, head: BytesMut, part: Part) -> Result<Payload, Problem> {
    let rest = unfold(part, |mut part| async move {
        let piece = part.next().await?;
        Some((piece, part))
    });
    let pieces = once(ready(Ok(head.freeze()))).chain(rest);
    let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(pieces);
    let body = Payload::from_request(request, &mut dev::Payload::Stream { payload }).await;
    body.map_err(|_| Problem::new(Kind::BadRequest, "expected a body"))
}

/// How long it plays. What cannot be told is told by its index.
async fn duration_ms(state: &ApiState, recording: RecordingId) -> u64 {
    let timeline = state.media.survey(recording, Surveyed::Timeline(Sight::Received)).await;
    let length = timeline.ok().and_then(|json| serde_json::from_slice(&json).ok());
    length.unwrap_or_else(Length::default).media_duration_ms
}
