//! What happens to every request: limits before, metrics and security headers after.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use crate::metrics::{REQUEST_SECONDS, REQUESTS};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;
use crate::unread::Unread;

/// Headers of every answer that does not set its own.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(crate) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let method = known_method(request.method().as_str());
    let is_tls = request.app_config().secure();
    let state = request.app_data::<Data<ApiState>>().cloned();
    let origin = state.as_ref().and_then(|state| state.origins.of(request.request()));
    let preflight = state.as_ref().and_then(|state| state.origins.preflight(request.request()));
    let unread = Unread::of(&mut request);
    let mut response = match (check(&request), preflight) {
        (Ok(()), None) => next.call(request).await?.map_into_boxed_body(),
        (Ok(()), Some(answer)) => request.into_response(answer),
        (Err(problem), _) => request.into_response(problem.error_response()),
    };
    if let Some(unread) = unread.filter(|_| !response.status().is_success()) {
        unread.drain().await;
    }
    set_headers(response.headers_mut(), is_tls);
    if let Some(state) = state {
        state.origins.set_headers(response.headers_mut(), origin);
    }
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let status = response.status().as_str().to_owned();
    metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route.clone())
        .record(begun.elapsed().as_secs_f64());
    metrics::counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    Ok(response)
}

fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let Some(state) = request.app_data::<Data<ApiState>>() else { return Ok(()) };
    let limit_bytes = state.limits.header_bytes_max;
    if request.uri().to_string().len() > limit_bytes {
        return Err(Problem::new(Kind::TargetTooLong, format_args!("expected at most {limit_bytes} bytes")));
    }
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    match bytes > limit_bytes {
        true => {
            Err(Problem::new(Kind::HeadersTooLarge, format_args!("expected at most {limit_bytes} bytes")))
        }
        false => Ok(()),
    }
}

fn set_headers(headers: &mut HeaderMap, is_tls: bool) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if is_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}

/// A client can invent methods; a metric must not grow by that.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
