//! Changes under a key of their own, which are made once however often they are asked for
//! (draft-ietf-httpapi-idempotency-key-header).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use cluster::catalog::{Command, Once, OnceKey, Outcome};
use ring::digest::{Context, SHA256};
use ring::hmac;

use crate::auth::{Caller, credential};
use crate::problem::{Kind, Problem};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The most bytes of a key.
const KEY_BYTES_MAX: usize = 128;

/// What a request is asked for under: the caller's own key, or none.
pub(crate) struct Key(Option<Given>);

struct Given {
    text: String,
    once: OnceKey,
    /// What the caller has shown, which the catalog never holds.
    credential: String,
}

/// What became of a change, whether this request has made it or an earlier one.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// What was proposed with the change that was made.
    pub(crate) note: Vec<u8>,
}

impl Key {
    /// The key of a request and of its body. It is the caller's, for this method at this address.
    pub(crate) fn of(request: &HttpRequest, caller: &Caller, body: &[u8]) -> Result<Self, Problem> {
        let Some(text) = text(request)? else { return Ok(Self(None)) };
        let who = caller.who();
        let kind = if caller.is_recorder() { "recorder" } else { "user" };
        let mut context = Context::new(&SHA256);
        for part in [kind, &who.user, &who.service, request.method().as_str(), request.path(), &text] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let key = context.finish().as_ref().try_into().unwrap_or([0; 32]);
        // Under the key, which is kept nowhere: the bodies of few words cannot be guessed from it.
        let body_key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
        let request_hash = hmac::sign(&body_key, body).as_ref().try_into().unwrap_or([0; 32]);
        let once = OnceKey { key, request: request_hash };
        Ok(Self(Some(Given { text, once, credential: credential(request).unwrap_or_default() })))
    }

    /// For the catalog.
    pub(crate) fn once(&self) -> Option<OnceKey> {
        self.0.as_ref().map(|given| given.once)
    }

    /// A change that is made once, and what the next one is told.
    pub(crate) fn wrap(&self, note: Vec<u8>, command: Command) -> Command {
        match self.once() {
            Some(key) => Command::Once(Once { key, note, command: Box::new(command) }),
            None => command,
        }
    }

    /// 32 bytes that only who has key, credential and salt can make again; none without a key.
    pub(crate) fn derive(&self, salt: &[u8]) -> Option<[u8; 32]> {
        let given = self.0.as_ref()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, given.credential.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"custody token made once");
        context.update(salt);
        context.update(given.text.as_bytes());
        context.sign().as_ref().try_into().ok()
    }
}

impl Done {
    /// Of an outcome, with the note of this request.
    pub(crate) fn of(outcome: Outcome, note: Vec<u8>) -> Self {
        match outcome {
            Outcome::Again { note, outcome } => Self { outcome: *outcome, note },
            outcome @ (Outcome::Done
            | Outcome::Started(_)
            | Outcome::Now { .. }
            | Outcome::Stream(_)
            | Outcome::TakenOver { .. }
            | Outcome::Sealed { .. }
            | Outcome::Video { .. }
            | Outcome::Claimed(_)
            | Outcome::GivenUp
            | Outcome::Failed { .. }
            | Outcome::Completed { .. }
            | Outcome::Version(_)
            | Outcome::HoldRelease { .. }
            | Outcome::Audited { .. }
            | Outcome::Admitted { .. }
            | Outcome::Sound { .. }) => Self { outcome, note },
        }
    }

    /// The identifier with which the note begins.
    pub(crate) fn id(&self) -> Result<[u8; 16], Problem> {
        let id = self.note.first_chunk().copied();
        id.ok_or_else(|| Problem::new(Kind::Internal, "a note of another form"))
    }
}

/// The key as it was sent: a string of structured fields between quotes, or without them as most clients do.
fn text(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let expected = || {
        let expected =
            format_args!("expected one Idempotency-Key of 1 to {KEY_BYTES_MAX} visible characters");
        Problem::new(Kind::BadRequest, expected)
    };
    let mut values = request.headers().get_all(HEADER);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| expected())?.trim(),
        (Some(_), Some(_)) => return Err(expected()),
    };
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_plain = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    match is_plain && (1..=KEY_BYTES_MAX).contains(&bare.len()) {
        true => Ok(Some(bare.to_owned())),
        false => Err(expected()),
    }
}
