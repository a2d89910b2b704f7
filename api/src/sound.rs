//! A file of sound of a session on its way in: gathered whole, decoded once, and only then stored.
//!
//! Nothing is stored of what cannot be heard, or of what breaks off: an object that no session has would stay until its
//! session is purged.

use std::time::Duration;

use actix_web::web::Payload;
use bytes::Bytes;
use cluster::catalog::{Command, KeepSound, ObjectState, Outcome, SOUND_OFFSET_MS_MAX, SoundRow};
use cluster::chunk::Hash;
use cluster::chunk::key::KeyPurpose;
use futures_util::StreamExt;
use ring::digest::{Context, SHA256};
use tokio::time::timeout;

use crate::auth::{Allowed, OneSession, Record};
use crate::content::{Content, Source};
use crate::dto;
use crate::intake::PIECE_BYTES_MAX;
use crate::media::SoundSpool;
use crate::metrics::APPENDED_BYTES;
use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::state::ApiState;

/// How long all of a file may take to come: who sends slowly keeps a place from others.
const UPLOAD_LIMIT: Duration = Duration::from_secs(3600);

/// What a recorder says of a file before it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announced {
    /// When it begins, in milliseconds of media time.
    pub(crate) offset_ms: i64,
    /// Its bytes, where the request says.
    pub(crate) length: Option<u64>,
}

/// A file that came in whole.
struct Gathered {
    spool: Box<dyn SoundSpool>,
    length: u64,
    content_hash: Hash,
}

/// How a session comes to have the file that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// By this request.
    New,
    /// It had it before.
    Before,
}

/// Takes the file of sound of a session. The same one again changes nothing; another one is refused.
pub(crate) async fn take(
    state: &ApiState,
    allowed: &Allowed<Record, OneSession>,
    announced: Announced,
    body: Payload,
) -> Result<Kept, Problem> {
    let session = &allowed.target;
    check(state, session, announced)?;
    let standing = state.cluster.catalog()?.sound(session.id)?;
    let is_other = |standing: &SoundRow| {
        announced.offset_ms != standing.offset_ms
            || announced.length.is_some_and(|all| all != standing.length)
    };
    if standing.as_ref().is_some_and(is_other) {
        return Err(differs());
    }
    let gathering = timeout(UPLOAD_LIMIT, gather(state, body)).await;
    let mut gathered = gathering.map_err(|_| {
        let limit_s = UPLOAD_LIMIT.as_secs();
        Problem::new(Kind::RecorderIdle, format_args!("expected all of the sound within {limit_s} s"))
    })??;
    if let Some(sound) = standing {
        let is_same = (gathered.length, gathered.content_hash) == (sound.length, sound.content_hash);
        return if is_same { Ok(Kept::Before) } else { Err(differs()) };
    }
    gathered.spool.survey(announced.offset_ms).await?;
    store(state, allowed, announced.offset_ms, gathered).await
}

/// The file of a session as content.
pub(crate) async fn content(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let find = || state.cluster.catalog().map(|catalog| catalog.sound(session.id));
    let sound = match find()?? {
        Some(sound) => sound,
        None => {
            // Another member may have taken it a moment ago.
            state.cluster.read_index().await?;
            find()??.ok_or_else(Problem::not_found)?
        }
    };
    Ok(Content {
        source: Source::Object(sound.object),
        length: sound.length,
        tag: Some(Tag(dto::hex(&sound.content_hash.0))),
        media_type: "application/octet-stream",
        file_name: format!("session-{}-sound", session.id),
    })
}

/// What is said of the file of a session.
pub(crate) fn told(state: &ApiState, session: &OneSession) -> Result<Option<dto::Sound>, Problem> {
    let catalog = state.cluster.catalog()?;
    let Some(sound) = catalog.sound(session.id)? else { return Ok(None) };
    let row = catalog.object(sound.object)?.ok_or_else(Problem::not_found)?;
    Ok(match row.state {
        ObjectState::Sealed(facts) => Some(dto::Sound::new(session.id, &sound, &facts)),
        // The catalog takes sealed objects only.
        ObjectState::Open | ObjectState::Interrupted { .. } => None,
    })
}

/// Refuses what no file could make good.
fn check(state: &ApiState, session: &OneSession, announced: Announced) -> Result<(), Problem> {
    let Announced { offset_ms, length } = announced;
    if !session.row.info.format.may_have_sound() {
        return Err(Problem::new(Kind::DatabaseFormat, "expected no sound: its bytes could hold anything"));
    }
    if offset_ms.unsigned_abs() > SOUND_OFFSET_MS_MAX {
        let detail =
            format_args!("expected an offset_ms of at most {SOUND_OFFSET_MS_MAX} ms, before or after");
        return Err(Problem::new(Kind::InvalidQuery, detail));
    }
    check_length(state, length.unwrap_or(0))
}

fn check_length(state: &ApiState, length: u64) -> Result<(), Problem> {
    let limit = state.limits.sound_bytes_max;
    match length <= limit {
        true => Ok(()),
        false => Err(Problem::new(Kind::TooLarge, format_args!("expected sound of at most {limit} bytes"))),
    }
}

fn differs() -> Problem {
    Problem::new(Kind::SoundDiffers, "the session has another file of sound, or the same at another offset")
}

/// Takes a body to its end.
async fn gather(state: &ApiState, mut body: Payload) -> Result<Gathered, Problem> {
    let mut spool = state.media.sound()?;
    let (mut hash, mut length, mut pending) = (Context::new(&SHA256), 0_u64, Vec::new());
    loop {
        let next = next(state, &mut body).await?;
        let is_end = next.is_none();
        let piece = next.unwrap_or_default();
        length = length.saturating_add(length_of(piece.len()));
        check_length(state, length)?;
        hash.update(&piece);
        pending.extend_from_slice(&piece);
        if pending.len() >= PIECE_BYTES_MAX || is_end {
            spool.push(std::mem::take(&mut pending)).await?;
        }
        if is_end {
            break;
        }
    }
    let mut content_hash = [0; 32];
    content_hash.copy_from_slice(hash.finish().as_ref());
    Ok(Gathered { spool, length, content_hash: Hash(content_hash) })
}

/// The next bytes of a body; none at its end.
async fn next(state: &ApiState, body: &mut Payload) -> Result<Option<Bytes>, Problem> {
    let limit_s = state.limits.idle_s_max;
    match timeout(Duration::from_secs(limit_s), body.next()).await {
        Ok(next) => Ok(next.transpose()?),
        Err(_) => Err(Problem::new(Kind::RecorderIdle, format_args!("nothing came for {limit_s} s"))),
    }
}

/// Makes a file durable that can be heard, and part of its session.
async fn store(
    state: &ApiState,
    allowed: &Allowed<Record, OneSession>,
    offset_ms: i64,
    gathered: Gathered,
) -> Result<Kept, Problem> {
    let Gathered { mut spool, length, content_hash } = gathered;
    let recording = allowed.target.id;
    let object = state.cluster.open_stream(recording, KeyPurpose::Bytes).await?;
    let mut at = 0;
    while at < length {
        let piece = Bytes::from(spool.piece(at).await?);
        let bytes = length_of(piece.len());
        // It would be an endless loop.
        if bytes == 0 {
            return Err(Problem::new(Kind::Internal, "the sound came back shorter than it was"));
        }
        state.cluster.append(object, at, piece).await?;
        metrics::counter!(APPENDED_BYTES).increment(bytes);
        at = at.saturating_add(bytes);
    }
    state.cluster.seal(object).await?;
    let sound = SoundRow { object, offset_ms, length, content_hash };
    let outcome = allowed.submit(Command::KeepSound(KeepSound { recording, sound })).await?;
    let Outcome::Sound { sound: standing, is_new } = outcome else {
        return Err(Problem::new(Kind::Internal, "the catalog answered with something else"));
    };
    match is_new {
        true => Ok(Kept::New),
        // One came at the same time.
        false if standing.is_same(&sound) => Ok(Kept::Before),
        false => Err(differs()),
    }
}

fn length_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
