//! The only way to a session, a video or a setting.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::{JsonBody, Payload};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use cluster::catalog::SessionRow;
use cluster::id::RecordingId;
use policy::{Action, Decision, Resource};
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::permission::Permission;
use super::target::{AllSessions, System, Target, relations};
use crate::problem::Problem;
use crate::state::ApiState;

/// Somebody who may do `A` to `T`, and what they may do it to. There is no other way to make one than to ask.
///
/// Views leave no leaf in the audit log yet, since the catalog knows none: this is where one is committed before the
/// first byte, once it does. Every byte that leaves passes through here.
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
        let caller = Caller::of(&request, &state).await?;
        let found = match T::find(&request, &caller, state.cluster.catalog()?)? {
            Some(found) => Some(found),
            None => {
                state.cluster.read_index().await?;
                T::find(&request, &caller, state.cluster.catalog()?)?
            }
        };
        let (target, resource) = found.ok_or_else(Problem::not_found)?;
        for &action in A::ACTIONS {
            if let Err(problem) = decide(&state, &caller, action, &resource) {
                // What is hidden must take the steps of what is not there.
                if problem == Problem::not_found() {
                    state.cluster.read_index().await?;
                }
                return Err(problem);
            }
        }
        if target.is_purged() {
            return Err(Problem::session_purged());
        }
        Ok(Self { caller, target, state, resource, action: PhantomData })
    }
}

impl<A, T> Allowed<A, T> {
    /// Whether they may also do this to the same target.
    pub(crate) fn also(&self, action: Action) -> Result<(), Problem> {
        decide(&self.state, &self.caller, action, &self.resource)
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
            let body = JsonBody::new(&request, &mut payload, None, true).limit(limit_bytes).await?;
            Ok(Self { allowed, body })
        })
    }
}

fn decide(state: &ApiState, caller: &Caller, action: Action, resource: &Resource) -> Result<(), Problem> {
    match state.authorizer.get().decide(&caller.subject, action, resource) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Forbidden => Err(Problem::forbidden(action)),
        Decision::Hidden => Err(Problem::not_found()),
    }
}

fn state(request: &HttpRequest) -> Result<Data<ApiState>, Problem> {
    let state = request.app_data::<Data<ApiState>>().cloned();
    state.ok_or_else(|| Problem::not_ready("the server has no state"))
}
