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
use crate::problem::Problem;

/// Somebody who may see a recording, and how much of it. There is no other way to make one than to ask.
pub(crate) struct Sighted {
    pub(crate) session: OneSession,
    pub(crate) sight: Sight,
}

/// How much of a recording somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Its bytes as they were received: with Download and Keystrokes, for they hold what was typed.
    Received,
    /// Its view, without keys and clipboards: with Recording, and while the session runs Livestream.
    View,
}

impl Sighted {
    fn new(allowed: Allowed<Read, OneSession>) -> Result<Self, Problem> {
        let sight = sight(&allowed)?;
        Ok(Self { session: allowed.target, sight })
    }
}

fn sight(allowed: &Allowed<Read, OneSession>) -> Result<Sight, Problem> {
    let whole = [Action::Download, Action::Keystrokes];
    if whole.into_iter().all(|action| allowed.also(action).is_ok()) {
        return Ok(Sight::Received);
    }
    allowed.also(Action::Recording)?;
    match allowed.target.row.state {
        SessionState::Live => allowed.also(Action::Livestream)?,
        SessionState::Ended { .. } | SessionState::Purging(_) => {}
    }
    Ok(Sight::View)
}

impl FromRequest for Sighted {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let allowed = Allowed::<Read, OneSession>::from_request(request, payload);
        Box::pin(async move { Self::new(allowed.await?) })
    }
}
