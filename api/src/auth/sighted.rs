//! How much of a recording somebody may see.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use cluster::catalog::SessionState;
use policy::Action;

use super::allowed::Allowed;
use super::permission::Read;
use super::target::OneSession;
use super::viewer::Viewer;
use crate::audit::Shown;
use crate::media::Sight;
use crate::problem::Problem;

/// Somebody who may see a recording, and how much of it. There is no other way to make one than to ask.
pub(crate) struct Sighted {
    allowed: Allowed<Read, OneSession>,
    pub(crate) sight: Sight,
    /// What decided how much.
    action: Action,
}

impl Sighted {
    fn new(allowed: Allowed<Read, OneSession>) -> Result<Self, Problem> {
        let (sight, action) = sight(&allowed)?;
        Ok(Self { allowed, sight, action })
    }

    /// The session whose recording it is.
    pub(crate) fn session(&self) -> &OneSession {
        &self.allowed.target
    }

    /// Refuses those who may not watch a session while it runs.
    pub(crate) fn watches_live(&self) -> Result<(), Problem> {
        self.allowed.also(Action::Livestream)
    }

    /// Them, about to see something of the recording.
    pub(crate) fn viewer(&self, shown: Shown) -> Viewer {
        self.allowed.viewer(self.action, shown)
    }
}

/// As they were received with Download and Keystrokes, for the bytes hold what was typed; the view with Recording, and while
/// the session runs Livestream. Bytes of a format without keys are their own view.
fn sight(allowed: &Allowed<Read, OneSession>) -> Result<(Sight, Action), Problem> {
    let whole = [Action::Download, Action::Keystrokes];
    if whole.into_iter().all(|action| allowed.may(action)) {
        return Ok((Sight::Received, Action::Download));
    }
    let sight = if allowed.target.row.info.format.has_keys() { Sight::View } else { Sight::Received };
    Ok((sight, watching(allowed)?))
}

/// The action by which somebody watches a recording: while the session runs it takes Livestream, too.
pub(crate) fn watching<A>(allowed: &Allowed<A, OneSession>) -> Result<Action, Problem> {
    allowed.also(Action::Recording)?;
    match allowed.target.row.state {
        SessionState::Live => allowed.also(Action::Livestream).map(|()| Action::Livestream),
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {
            Ok(Action::Recording)
        }
    }
}

impl FromRequest for Sighted {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let allowed = Allowed::<Read, OneSession>::from_request(request, payload);
        Box::pin(async move { Self::new(allowed.await?) })
    }
}
