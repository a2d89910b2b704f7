//! Which server is told what happens, besides people.

use super::error::ConfigError;
use super::identity::is_loopback;
use super::keys::Values;
use super::secret::SecretFile;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use ureq::http::Uri;

/// Names the server; without it there is none.
const URL: &str = "webhook.url";
/// What makes sense with a server only.
const OTHERS: [&str; 3] = ["webhook.allow_addresses", "webhook.allow_loopback_http", "webhook.secret_file"];

/// A server that is told.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebhookSettings {
    /// Where; what stands behind the host may be a secret.
    pub(crate) url: String,
    /// Where the secrets stand by which it knows us.
    pub(crate) secret_file: SecretFile,
    /// Addresses that are spoken to though they are private.
    pub(crate) allowed: Vec<Network>,
    /// Whether plain HTTP to loopback is spoken: for tests.
    pub(crate) is_loopback_http: bool,
}

impl WebhookSettings {
    /// The server's name.
    pub(crate) fn host(&self) -> String {
        let uri = self.url.parse::<Uri>().ok();
        uri.and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default()
    }
}

impl fmt::Debug for WebhookSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebhookSettings").field("host", &self.host()).finish_non_exhaustive()
    }
}

/// Addresses that begin with the same bits, such as 10.1.0.0/16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Addresses of version 4.
    pub(crate) const fn v4(address: [u8; 4], bits: u32) -> Self {
        let [a, b, c, d] = address;
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    /// Addresses of version 6.
    pub(crate) const fn v6(address: Ipv6Addr, bits: u32) -> Self {
        Self { address: IpAddr::V6(address), bits }
    }

    /// Whether an address is one of them. An address of version 4 is never one of version 6.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.checked_shr(u32::BITS - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.checked_shr(u128::BITS - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.trim().split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let bits = bits.parse().map_err(|_| ())?;
        let bits_max = if address.is_ipv4() { u32::BITS } else { u128::BITS };
        if bits <= bits_max { Ok(Self { address, bits }) } else { Err(()) }
    }
}

/// Networks with commas between them.
struct Networks(Vec<Network>);

impl FromStr for Networks {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The server that is set, if one is.
pub(super) fn webhook(values: &Values) -> Result<Option<WebhookSettings>, ConfigError> {
    let expected = "an address with https, such as https://portal.example.org/custody";
    let Some(url) = values.get::<String>(URL, expected)? else {
        return match OTHERS.into_iter().find(|key| values.is_set(key)) {
            Some(key) => Err(ConfigError::Without { key, other: URL }),
            None => Ok(None),
        };
    };
    let is_loopback_http = values.get("webhook.allow_loopback_http", "true or false")?.unwrap_or(false);
    if !is_spoken_to(&url, is_loopback_http) {
        return Err(values.refused(URL, expected));
    }
    let networks = "networks such as 10.1.0.0/16, with commas between";
    let allowed = values.get("webhook.allow_addresses", networks)?;
    let secret_file = values.need("webhook.secret_file", "a path, or the name of a systemd credential")?;
    let allowed = allowed.map(|Networks(networks)| networks).unwrap_or_default();
    Ok(Some(WebhookSettings { url, secret_file, allowed, is_loopback_http }))
}

fn is_spoken_to(url: &str, is_loopback_http: bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return false };
    let is_private = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback_http && is_loopback(host),
        Some(_) | None => false,
    };
    let has_login = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    is_private && !has_login && !url.contains('#')
}
