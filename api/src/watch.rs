//! Something whose standing is told whenever it changes, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde::Serialize;

use crate::problem::Problem;
use crate::state::ApiState;

/// After so long an idle stream says that it is alive, so that no proxy ends it.
const SILENCE: Duration = Duration::from_secs(15);
/// So long is one stream: its reader asks again then, and is judged again.
const STREAM: Duration = Duration::from_secs(600);

/// What is told under a name, and how often it is looked at.
pub(crate) struct Watch<L> {
    pub(crate) state: Data<ApiState>,
    pub(crate) event: &'static str,
    pub(crate) look_every: Duration,
    /// How it stands, and whether that is its end.
    pub(crate) look: L,
}

/// A stream under way.
struct Watching<L> {
    watch: Watch<L>,
    looked_for: Duration,
    /// Since something was told.
    silence: Duration,
    /// What was told last.
    told: String,
    is_over: bool,
}

impl<T, L> Watch<L>
where
    T: Serialize,
    L: FnMut(&ApiState) -> Result<(T, bool), Problem> + 'static,
{
    /// The events, until the end.
    pub(crate) fn events(self) -> HttpResponse {
        let (looked_for, silence) = (Duration::ZERO, Duration::ZERO);
        let first = Watching { watch: self, looked_for, silence, told: String::new(), is_over: false };
        let events = unfold(first, |mut watching| async move {
            let event = watching.next().await?;
            Some((Ok::<Bytes, Infallible>(event), watching))
        });
        HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/event-stream")).streaming(Box::pin(events))
    }
}

impl<T, L> Watching<L>
where
    T: Serialize,
    L: FnMut(&ApiState) -> Result<(T, bool), Problem>,
{
    /// The next event; none after the last, or when the facts can no longer be read here: its reader asks again.
    async fn next(&mut self) -> Option<Bytes> {
        let every = self.watch.look_every;
        while !self.is_over && self.looked_for < STREAM && !self.watch.state.closing.is_set() {
            if !self.looked_for.is_zero() {
                rt::time::sleep(every).await;
            }
            self.looked_for += every;
            if let Some(event) = self.look().ok()? {
                return Some(event);
            }
            self.silence += every;
            if self.silence >= SILENCE {
                self.silence = Duration::ZERO;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }

    /// The event of what has changed since the last one.
    fn look(&mut self) -> Result<Option<Bytes>, Problem> {
        let (standing, is_over) = (self.watch.look)(&self.watch.state)?;
        self.is_over = is_over;
        let text = serde_json::to_string(&standing).map_err(|error| Problem::internal(&error))?;
        if text == self.told {
            return Ok(None);
        }
        let event = Bytes::from(format!("event: {}\ndata: {text}\n\n", self.watch.event));
        (self.told, self.silence) = (text, Duration::ZERO);
        Ok(Some(event))
    }
}
