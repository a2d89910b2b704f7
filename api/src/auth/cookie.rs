//! The cookie of a login, and whether a request that brings it comes from a page of this service.
//!
//! Over TLS its name has the prefix `__Host-`, by which browsers hold it to this host, to TLS and to all paths. Plain
//! HTTP is served on loopback only; there it goes without the prefix and `Secure`.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::bearer::TokenSecret;
use crate::problem::{Kind, Problem};

/// Over TLS.
pub(crate) const COOKIE: &str = "__Host-custody";
/// Over plain HTTP.
const PLAIN_COOKIE: &str = "custody";
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The header that gives a login its cookie. Without an age it ends with the browser, at the latest with the login.
pub(crate) fn given(request: &HttpRequest, secret: &TokenSecret) -> String {
    cookie(is_tls(request), secret.expose())
}

/// The header that takes the cookie away.
pub(crate) fn taken(request: &HttpRequest) -> String {
    format!("{}; Max-Age=0", cookie(is_tls(request), ""))
}

fn cookie(is_tls: bool, value: &str) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}", name(is_tls))
}

/// What a request brings in the cookie of a login; nothing when it is there twice, since one of them is another's.
pub(super) fn brought(request: &HttpRequest) -> Option<&str> {
    let headers = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = headers.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == self::name(is_tls(request))).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        (Some(_) | None, _) => None,
    }
}

/// Refuses a change that no page of this service has sent: a browser adds the cookie whoever asks.
pub(super) fn need_own_page(request: &HttpRequest) -> Result<(), Problem> {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
    match reads.contains(request.method()) || is_own_page(request) == Some(true) {
        true => Ok(()),
        false => Err(cross_site()),
    }
}

/// Refuses what a page of another site has sent; what is no browser says nothing about pages.
pub(crate) fn refuse_other_page(request: &HttpRequest) -> Result<(), Problem> {
    match is_own_page(request) {
        Some(false) => Err(cross_site()),
        Some(true) | None => Ok(()),
    }
}

/// Whether a page of this service has sent the request; none when the request does not say. `Sec-Fetch-Site` decides,
/// as it holds behind a proxy, too; browsers without it send `Origin`.
fn is_own_page(request: &HttpRequest) -> Option<bool> {
    let only = |name: HeaderName| {
        let values: Vec<&HeaderValue> = request.headers().get_all(name).collect();
        match values.as_slice() {
            [] => None,
            [value] => Some(value.to_str().unwrap_or_default()),
            _ => Some(""),
        }
    };
    if let Some(site) = only(SITE) {
        return Some(site == "same-origin");
    }
    let origin = only(header::ORIGIN)?;
    let scheme = if is_tls(request) { "https" } else { "http" };
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = authority.or_else(|| only(header::HOST));
    Some(host.is_some_and(|host| origin == format!("{scheme}://{host}")))
}

fn cross_site() -> Problem {
    let expected = "expected Sec-Fetch-Site: same-origin, or Origin with this address";
    Problem::new(Kind::CrossSite, expected)
}

fn name(is_tls: bool) -> &'static str {
    if is_tls { COOKIE } else { PLAIN_COOKIE }
}

/// How the server is bound.
fn is_tls(request: &HttpRequest) -> bool {
    request.app_config().secure()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_cookie_is_held_to_this_host_and_to_tls() {
        let tls = "__Host-custody=x; Path=/; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(cookie(true, "x"), tls);
        assert_eq!(cookie(false, "x"), "custody=x; Path=/; HttpOnly; SameSite=Strict");
        let request = TestRequest::get().to_http_request();
        assert_eq!(taken(&request), "custody=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }

    #[test]
    fn one_cookie_of_the_name_counts() {
        let brought_by = |values: &[&str]| {
            let request = TestRequest::get();
            let request =
                values.iter().fold(request, |request, value| request.append_header(("cookie", *value)));
            brought(&request.to_http_request()).map(str::to_owned)
        };
        assert_eq!(brought_by(&["a=b; custody=x ;c"]).as_deref(), Some("x"));
        assert_eq!(brought_by(&["a=b", "custody=x=y"]).as_deref(), Some("x=y"));
        for none in [&[][..], &["__Host-custody=x"], &["Custody=x"], &["custody=x; custody=y"], &["custody"]]
        {
            assert_eq!(brought_by(none), None, "{none:?}");
        }
        assert_eq!(brought_by(&["custody=x", "custody=x"]), None);
    }

    #[test]
    fn changes_come_from_own_pages() {
        let asked = |method: Method, headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::default().method(method).insert_header(("host", "custody:8443"));
            let request = headers.iter().fold(request, |request, header| request.append_header(*header));
            let request = request.to_http_request();
            (need_own_page(&request).is_ok(), refuse_other_page(&request).is_ok())
        };
        let (site, origin) = ("sec-fetch-site", "origin");
        let post = |headers: &[(&'static str, &'static str)]| asked(Method::POST, headers);
        assert_eq!(post(&[(site, "same-origin")]), (true, true));
        assert_eq!(post(&[(site, "same-origin"), (origin, "https://proxy.example")]), (true, true));
        assert_eq!(post(&[(origin, "http://custody:8443")]), (true, true));
        assert_eq!(post(&[]), (false, true));
        for foreign in [
            &[(site, "same-site")][..],
            &[(site, "cross-site"), (origin, "http://custody:8443")],
            &[(site, "none")],
            &[(site, "same-origin"), (site, "same-origin")],
            &[(origin, "http://custody")],
            &[(origin, "https://custody:8443")],
            &[(origin, "http://custody:8443.example")],
            &[(origin, "null")],
            &[(origin, "http://custody:8443"), (origin, "http://custody:8443")],
        ] {
            assert_eq!(post(foreign), (false, false), "{foreign:?}");
            assert!(asked(Method::GET, foreign).0, "{foreign:?}");
        }
    }
}
