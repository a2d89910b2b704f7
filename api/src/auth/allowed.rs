//! The only way to a session, a video or a setting.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use cluster::catalog::{AuditEvent, AuditKind, Command, Outcome, SessionRow};
use cluster::facts::SubmitError;
use cluster::id::RecordingId;
use futures_util::{Stream, TryStreamExt};
use policy::{Action, Decision, Resource};
use serde::de::DeserializeOwned;

use super::caller::{Caller, address};
use super::permission::Permission;
use super::target::{AllSessions, System, Target, Themselves, relations};
use super::viewer::Viewer;
use crate::audit::{Refused, Shown, View, Who};
use crate::object::object;
use crate::once::Key;
use crate::problem::Problem;
use crate::roles;
use crate::state::ApiState;

/// The most characters of what is announced.
const ANNOUNCED_CHARS: usize = 240;

/// Somebody who may do `A` to `T`, and what they may do it to. There is no other way to make one than to ask.
///
/// Refusals are counted for the audit log; what is shown passes a [`Viewer`], what is changed [`Allowed::submit`].
pub(crate) struct Allowed<A, T = System> {
    pub(crate) caller: Caller,
    pub(crate) target: T,
    state: Data<ApiState>,
    resource: Resource,
    action: PhantomData<fn() -> A>,
}

impl<A: Permission, T: Target> Allowed<A, T> {
    async fn ask(request: HttpRequest) -> Result<Self, Problem> {
        let state = state(&request)?;
        let caller = Caller::of(&request, &state).await.inspect_err(|problem| {
            if problem.is_unauthenticated() {
                let who = Who { address: address(&request), ..Who::default() };
                state.trail.refuse(who, A::ACTIONS.first().copied(), Refused::Unauthenticated, String::new());
            }
        })?;
        let (found, is_new) = find::<A, T>(&state, &request, &caller).await?;
        let (target, resource) = found.ok_or_else(Problem::not_found)?;
        if A::ACTIONS.iter().any(|&action| decide(&state, &caller, action, &resource).is_err()) {
            // A role may be a moment old, and made on another member; and what is hidden must take the steps of what is
            // not there.
            if !is_new {
                state.cluster.read_index().await?;
            }
            roles::catch_up(&state).await?;
        }
        for &action in A::ACTIONS {
            demand(&state, &caller, action, &resource, || target.object())?;
        }
        if target.is_purged() {
            return Err(Problem::session_purged());
        }
        Ok(Self { caller, target, state, resource, action: PhantomData })
    }
}

impl<A, T: Target> Allowed<A, T> {
    /// Whether they may also do this to the same target; asked when it decides what they get, not whether.
    pub(crate) fn may(&self, action: Action) -> bool {
        decide(&self.state, &self.caller, action, &self.resource).is_ok()
    }

    /// Refuses those who may not also do this to the same target.
    pub(crate) fn also(&self, action: Action) -> Result<(), Problem> {
        demand(&self.state, &self.caller, action, &self.resource, || self.target.object())
    }

    /// Commits a change in their name, and its leaf.
    pub(crate) async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        self.state.cluster.submit(self.caller.asks(command)).await
    }

    /// Commits a leaf of what they are about to change, where the change cannot say who they are.
    pub(crate) async fn announce(&self, action: Action, detail: String) -> Result<(), Problem> {
        let Who { user, service, address } = self.caller.who();
        let (action, object) = (action.name().to_owned(), self.target.object());
        // A log entry is bounded, and a leaf would cut it all the same.
        let detail = detail.chars().take(ANNOUNCED_CHARS).collect();
        let kind = AuditKind::Change;
        let event = AuditEvent { kind, user, service, action, object, address, detail };
        self.state.cluster.submit(Command::Audit(event)).await?;
        Ok(())
    }

    /// Commits the leaf of an export, which says what it is, and answers its number.
    pub(crate) async fn exported(&self, detail: String) -> Result<u64, Problem> {
        let Who { user, service, address } = self.caller.who();
        let (action, object) = (Action::Evidence.name().to_owned(), self.target.object());
        let kind = AuditKind::View;
        let event = AuditEvent { kind, user, service, action, object, address, detail };
        let Outcome::Audited { leaf } = self.state.cluster.submit(Command::Audit(event)).await? else {
            return Err(Problem::not_ready("the audit log has not told which leaf it is"));
        };
        Ok(leaf)
    }

    /// Them, about to see something of the target by an action that they were asked about.
    pub(crate) fn viewer(&self, action: Action, shown: Shown) -> Viewer {
        let (who, object) = (self.caller.who(), self.target.object());
        Viewer { state: self.state.clone(), view: View { who, action, object, shown } }
    }
}

impl<A> Allowed<A, AllSessions> {
    /// Whether they may also read this one of all sessions.
    pub(crate) fn reads(&self, id: RecordingId, row: &SessionRow) -> Result<bool, Problem> {
        let relations = relations(&self.caller, id, row, self.state.cluster.catalog()?)?;
        let resource = Resource::Session(relations);
        Ok(self.state.authorizer.get().decide(&self.caller.subject, Action::Read, &resource).is_allowed())
    }
}

impl<A> Allowed<A, Themselves> {
    /// What they may do to a session, and by what. A session of which they may know nothing is not there.
    pub(crate) async fn verdicts(&self, session: &str) -> Result<Vec<(Action, Decision)>, Problem> {
        // What another member has committed counts, and what is hidden takes the steps of what is not there.
        self.state.cluster.read_index().await?;
        let catalog = self.state.cluster.catalog()?;
        let id: RecordingId = session.parse().map_err(|_| Problem::not_found())?;
        let row = catalog.session(id)?.ok_or_else(Problem::not_found)?;
        let resource = Resource::Session(relations(&self.caller, id, &row, catalog)?);
        let authorizer = self.state.authorizer.get();
        let about_sessions = Action::ALL.iter().copied().filter(|action| action.is_about_sessions());
        let decided = about_sessions
            .map(|action| (action, authorizer.decide(&self.caller.subject, action, &resource)))
            .collect::<Vec<_>>();
        if decided.iter().all(|(_, decision)| *decision == Decision::Hidden) {
            let object = format!("session/{id}");
            self.state.trail.refuse(self.caller.who(), Some(Action::Read), Refused::Hidden, object);
            return Err(Problem::not_found());
        }
        Ok(decided)
    }
}

impl<A: Permission, T: Target> FromRequest for Allowed<A, T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::ask(request.clone()))
    }
}

/// Somebody who may do `A` to `T`, and the JSON that they sent. It is not looked at before the decision: what is wrong
/// with it would tell who may not see the target that it is there.
pub(crate) struct Asked<A, B, T = System> {
    pub(crate) allowed: Allowed<A, T>,
    pub(crate) body: B,
}

impl<A: Permission, B: DeserializeOwned + 'static, T: Target> FromRequest for Asked<A, B, T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let allowed = Allowed::ask(request.clone()).await?;
            let limit_bytes = allowed.state.limits.json_bytes_max;
            let body = object(&request, &mut payload, limit_bytes).await?;
            Ok(Self { allowed, body })
        })
    }
}

/// As [`Asked`], with the key under which it is asked for.
pub(crate) struct AskedOnce<A, B, T = System> {
    pub(crate) allowed: Allowed<A, T>,
    pub(crate) body: B,
    pub(crate) key: Key,
}

impl<A: Permission, B: DeserializeOwned + 'static, T: Target> FromRequest for AskedOnce<A, B, T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let allowed = Allowed::ask(request.clone()).await?;
            let limit_bytes = allowed.state.limits.json_bytes_max;
            let read = Rc::new(RefCell::new(Vec::new()));
            let copy = Rc::clone(&read);
            let copied = payload.inspect_ok(move |piece| {
                // The next piece is more than the limit, and then nobody asks for the rest.
                if copy.borrow().len() <= limit_bytes {
                    copy.borrow_mut().extend_from_slice(piece);
                }
            });
            let copied: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(copied);
            let mut payload = Payload::Stream { payload: copied };
            let body = object(&request, &mut payload, limit_bytes).await?;
            let key = Key::of(&request, &allowed.caller, &read.borrow())?;
            Ok(Self { allowed, body, key })
        })
    }
}

/// What the request names, and whether this member has learnt before what is committed: that nothing is there, that it has not
/// ended, and that nobody has approved may be a moment old, and another member know better.
async fn find<A: Permission, T: Target>(
    state: &ApiState,
    request: &HttpRequest,
    caller: &Caller,
) -> Result<(Option<(T, Resource)>, bool), Problem> {
    // Where a recorder goes on says the owner of the object, whatever this member knows.
    let is_to_be_new = !A::ACTIONS.contains(&Action::Record);
    let may_be_old =
        |(target, resource): &(T, Resource)| is_unapproved(resource) || is_to_be_new && target.is_under_way();
    let found = T::find(request, caller, state.cluster.catalog()?)?;
    if found.as_ref().is_some_and(|found| !may_be_old(found)) {
        return Ok((found, false));
    }
    state.cluster.read_index().await?;
    Ok((T::find(request, caller, state.cluster.catalog()?)?, true))
}

fn is_unapproved(resource: &Resource) -> bool {
    match resource {
        Resource::Session(relations) => relations.unapproved,
        Resource::Sessions | Resource::System => false,
    }
}

/// Decides, and counts refusals.
fn demand(
    state: &ApiState,
    caller: &Caller,
    action: Action,
    resource: &Resource,
    object: impl FnOnce() -> String,
) -> Result<(), Problem> {
    let decided = decide(state, caller, action, resource);
    if let Err(problem) = &decided {
        let refused = if problem.is_forbidden() { Refused::Forbidden } else { Refused::Hidden };
        state.trail.refuse(caller.who(), Some(action), refused, object());
    }
    decided
}

fn decide(state: &ApiState, caller: &Caller, action: Action, resource: &Resource) -> Result<(), Problem> {
    match state.authorizer.get().decide(&caller.subject, action, resource) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Forbidden => Err(Problem::forbidden(action)),
        Decision::Hidden => Err(Problem::not_found()),
        Decision::Unapproved => Err(Problem::unapproved(action)),
    }
}

fn state(request: &HttpRequest) -> Result<Data<ApiState>, Problem> {
    let state = request.app_data::<Data<ApiState>>().cloned();
    state.ok_or_else(|| Problem::not_ready("the server has no state"))
}
