//! Where an identity provider publishes its keys, and what stands there (OpenID Connect Discovery 1.0, RFC 7517).

use crate::config::ProviderUrl;
use api::{KeySet, KeySetError};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::header::CACHE_CONTROL;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Behind the issuer's address.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// The most bytes of either document.
const DOCUMENT_BYTES_MAX: u64 = 256 << 10;
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long one document may take.
const DOCUMENT_LIMIT: Duration = Duration::from_secs(10);
/// How long keys are used at least, and at most, whatever the provider says.
const FRESH: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// How long keys are used when the provider does not say.
const FRESH_USUAL: Duration = Duration::from_secs(900);

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    /// It cannot be reached, or answers too much or too slowly.
    #[error("cannot read {url}: {source}")]
    Read {
        /// What was asked for.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// It answers something else.
    #[error("{url} answers {status}, expected 200")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The description is none, or that of somebody else.
    #[error("{url} does not describe the provider identity.issuer, expected JSON with issuer and jwks_uri")]
    Description {
        /// What was asked for.
        url: String,
    },
    /// Anybody could answer there.
    #[error("{url} names an address for keys without TLS, expected https, or http on loopback")]
    Address {
        /// What was asked for.
        url: String,
    },
    /// There are none that serve.
    #[error("{url}: {source}")]
    Keys {
        /// What was asked for.
        url: String,
        /// Why.
        source: KeySetError,
    },
}

/// What is looked at of a provider's description.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

/// Keys, and how long they may be used.
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) fresh: Duration,
}

struct Document {
    bytes: Vec<u8>,
    cache_control: Option<String>,
}

/// Looks up the keys of one provider. Blocks: not for threads of a runtime.
#[derive(Clone)]
pub(super) struct Discovery {
    agent: Agent,
    issuer: String,
}

impl Discovery {
    /// A provider by its name, which the system's certificates must prove.
    pub(super) fn new(issuer: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(DOCUMENT_LIMIT))
            .user_agent(concat!("custody/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), issuer: issuer.to_owned() }
    }

    /// The keys as they are published.
    pub(super) fn look_up(&self) -> Result<Published, DiscoveryError> {
        let url = format!("{}{WELL_KNOWN}", self.issuer.trim_end_matches('/'));
        let description = self.read(&url)?.bytes;
        let description = serde_json::from_slice::<Description>(&description).ok();
        let Some(description) = description.filter(|found| found.issuer == self.issuer) else {
            return Err(DiscoveryError::Description { url });
        };
        let keys_url = description.jwks_uri.parse::<ProviderUrl>();
        let keys_url = keys_url.map_err(|()| DiscoveryError::Address { url })?;
        let Document { bytes, cache_control } = self.read(keys_url.as_str())?;
        let keys = KeySet::parse(&bytes)
            .map_err(|source| DiscoveryError::Keys { url: keys_url.as_str().to_owned(), source })?;
        Ok(Published { keys, fresh: fresh(cache_control.as_deref()) })
    }

    fn read(&self, url: &str) -> Result<Document, DiscoveryError> {
        let failed = |source| DiscoveryError::Read { url: url.to_owned(), source: Box::new(source) };
        let mut answer = self.agent.get(url).header("Accept", "application/json").call().map_err(failed)?;
        if answer.status() != 200 {
            return Err(DiscoveryError::Status { url: url.to_owned(), status: answer.status().as_u16() });
        }
        let cache_control = answer.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let cache_control = cache_control.map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_vec();
        Ok(Document { bytes: bytes.map_err(failed)?, cache_control })
    }
}

/// How long an answer with this Cache-Control may be used (RFC 9111, 5.2.2).
fn fresh(cache_control: Option<&str>) -> Duration {
    let directives = || cache_control.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let is = |name: &str| directives().any(|directive| directive.eq_ignore_ascii_case(name));
    if is("no-store") || is("no-cache") {
        return FRESH.0;
    }
    let max_age = directives().find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let seconds: u64 = seconds.trim_matches('"').parse().ok()?;
        name.eq_ignore_ascii_case("max-age").then_some(Duration::from_secs(seconds))
    });
    max_age.unwrap_or(FRESH_USUAL).clamp(FRESH.0, FRESH.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{Ipv4Addr, TcpListener};

    /// Ed25519's key of RFC 8037.
    const KEYS: &str = r#"{"keys":[{"kid":"k","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// What a provider answers to the two questions, each as head and body; `ISSUER` stands for its address.
    fn look_up(answers: [(&str, &str); 2]) -> Result<Published, DiscoveryError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers.map(|(head, body)| {
            let body = body.replace("ISSUER", &issuer);
            format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        });
        let paths = [WELL_KNOWN, "/keys"];
        std::thread::spawn(move || {
            for (path, answer) in paths.into_iter().zip(answers) {
                let (stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(&stream).lines();
                assert!(lines.next().unwrap().unwrap().starts_with(&format!("GET {path} ")));
                lines.find(|line| line.as_ref().unwrap().is_empty()).unwrap().unwrap();
                // Who has heard enough hangs up.
                let _: std::io::Result<()> = (&stream).write_all(answer.as_bytes());
            }
        });
        Discovery::new(&issuer).look_up()
    }

    const RIGHT: (&str, &str) = ("200 OK", r#"{"issuer":"ISSUER","jwks_uri":"ISSUER/keys"}"#);

    #[test]
    fn keys_are_found_by_the_providers_description() {
        let published = look_up([RIGHT, ("200 OK\r\nCache-Control: max-age=300", KEYS)]).unwrap();
        assert_eq!(published.keys, KeySet::parse(KEYS.as_bytes()).unwrap());
        assert_eq!(published.fresh, Duration::from_secs(300));
    }

    #[test]
    fn answers_that_are_not_the_providers_own_give_no_keys() {
        let long = format!("{KEYS}{}", " ".repeat(256 << 10));
        let cases = [
            (
                ("200 OK", r#"{"issuer":"https://a.example","jwks_uri":"ISSUER/keys"}"#),
                KEYS,
                "does not describe",
            ),
            (("200 OK", r#"{"issuer":"ISSUER"}"#), KEYS, "does not describe"),
            (("200 OK", "no JSON"), KEYS, "does not describe"),
            (("200 OK", r#"{"issuer":"ISSUER","jwks_uri":"http://192.0.2.1/keys"}"#), KEYS, "without TLS"),
            (("200 OK", r#"{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}"#), KEYS, "without TLS"),
            (("302 Found\r\nLocation: /keys", ""), KEYS, "answers 302"),
            (("500 Internal Server Error", ""), KEYS, "answers 500"),
            (RIGHT, "{}", "no set of keys"),
            (RIGHT, r#"{"keys":[]}"#, "no key of the document serves"),
            (RIGHT, &long, "cannot read"),
        ];
        for (description, keys, expected) in cases {
            let error = look_up([description, ("200 OK", keys)]).err().unwrap().to_string();
            assert!(error.contains(expected), "{description:?}: {error}");
        }
    }

    #[test]
    fn keys_are_used_as_long_as_the_provider_says_within_bounds() {
        let cases = [
            (None, 900),
            (Some(""), 900),
            (Some("public"), 900),
            (Some("max-age=soon"), 900),
            (Some("public, max-age=3600, must-revalidate"), 3600),
            (Some("Max-Age=\"120\""), 120),
            (Some("max-age=0"), 60),
            (Some("max-age=31536000"), 86_400),
            (Some("max-age=3600, no-store"), 60),
            (Some("No-Cache"), 60),
            (Some("s-maxage=3600"), 900),
        ];
        for (header, expected_s) in cases {
            assert_eq!(fresh(header), Duration::from_secs(expected_s), "{header:?}");
        }
    }
}
