//! Pages of other sites (CORS, as the Fetch standard defines it): those that the operator names may ask, with tokens and never
//! with cookies.

use std::str::FromStr;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::openapi;

/// The most origins.
const ORIGINS_MAX: usize = 32;
/// The most bytes of an origin.
const ORIGIN_BYTES_MAX: usize = 256;
/// For how long a browser may remember what it may send; browsers have lower limits of their own.
const MAX_AGE_S: &str = "600";
/// What requests may bring.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, custody-act-for, idempotency-key, if-match, if-none-match, if-range, range, \
     tus-resumable, upload-length, upload-offset",
);
/// What pages may read of answers, beside what every page may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept-ranges, allow, content-disposition, content-range, custody-key-state-bytes, custody-key-state-ms, \
     custody-position, custody-session, etag, link, location, retry-after, tus-max-size, tus-resumable, tus-version, \
     upload-defer-length, upload-length, upload-offset",
);

/// The origins of the pages that may ask; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

/// Something that is no list of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {ORIGINS_MAX} origins such as https://portal.example.org, with spaces between")]
pub struct OriginsError;

impl FromStr for Origins {
    type Err = OriginsError;

    /// Each is compared to the letter with what browsers send: scheme, host, and a port that is not the scheme's own.
    fn from_str(text: &str) -> Result<Self, OriginsError> {
        let origins: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        let are_right = origins.iter().all(|origin| is_origin(origin));
        if are_right && origins.len() <= ORIGINS_MAX { Ok(Self(origins)) } else { Err(OriginsError) }
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_part))
        && text.len() <= ORIGIN_BYTES_MAX
        && !(text.starts_with("https://") && text.ends_with(":443"))
        && !(text.starts_with("http://") && text.ends_with(":80"))
}

impl Origins {
    /// The answer to a browser that asks whether a page may send something; none to anybody else.
    pub(crate) fn preflight(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() != Method::OPTIONS || !asks || self.of(request).is_none() {
            return None;
        }
        let methods = openapi::methods_at(request.path())?;
        Some(
            HttpResponse::NoContent()
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
                .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S))
                .finish(),
        )
    }

    /// The origin of a request, if its page may ask.
    pub(crate) fn of(&self, request: &HttpRequest) -> Option<HeaderValue> {
        let mut values = request.headers().get_all(header::ORIGIN);
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        self.0.iter().any(|origin| value == origin.as_str()).then(|| value.clone())
    }

    /// What lets the page of an origin read an answer. Without credentials, which the standard has to be asked for: a
    /// cookie counts for the service's own pages alone.
    pub(crate) fn set_headers(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.0.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        let two = "https://portal.example.org  http://localhost:3000";
        let list = ["https://portal.example.org", "http://localhost:3000"].map(str::to_owned);
        assert_eq!(two.parse(), Ok(Origins(list.to_vec())));
        assert_eq!("http://[::1]:3000".parse(), Ok(Origins(vec!["http://[::1]:3000".to_owned()])));
        assert_eq!("".parse(), Ok(Origins::default()));
        for wrong in [
            "*",
            "https://*.example.org",
            "null",
            "https://",
            "https://a/",
            "https://a/b",
            "https://A.example",
            "https://a:443",
            "http://a:80",
            "https://user@a",
            "ftp://a",
            &"https://a ".repeat(33),
        ] {
            assert_eq!(wrong.parse::<Origins>(), Err(OriginsError), "{wrong}");
        }
    }
}
