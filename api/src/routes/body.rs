//! JSON bodies of routes that decide before they read.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::de::DeserializeOwned;

use crate::object::object;
use crate::problem::Problem;
use crate::state::ApiState;

/// The body of a request, within the limit of all JSON bodies.
pub(super) async fn json<B: DeserializeOwned + 'static>(
    request: &HttpRequest,
    payload: Payload,
    state: &ApiState,
) -> Result<B, Problem> {
    let mut payload = payload.into_inner();
    object(request, &mut payload, state.limits.json_bytes_max).await
}
