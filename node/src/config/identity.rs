//! Whom the operator lets vouch for users.

use super::error::ConfigError;
use super::keys::Values;
use api::{Algorithm, IdentityRules};
use policy::RoleName;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use ureq::http::Uri;

/// Names the provider; without it there is none.
const ISSUER: &str = "identity.issuer";
/// What makes sense with a provider only.
const OTHERS: [&str; 5] = [
    "identity.algorithms",
    "identity.audience",
    "identity.roles",
    "identity.roles_claim",
    "identity.user_claim",
];
/// The claim that names the user in every token (RFC 9068, 2.2).
const USER_CLAIM: &str = "sub";
/// The claim for roles (RFC 9068, 2.2.3.1).
const ROLES_CLAIM: &str = "roles";

/// An address that may be fetched: TLS proves who answers, or nobody stands between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderUrl(String);

impl ProviderUrl {
    /// The address as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: Uri = text.parse().map_err(|_| ())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(())?;
        let is_private = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_loopback(host),
            Some(_) | None => false,
        };
        let has_login = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let is_plain = !has_login && !text.contains('#');
        if is_private && is_plain { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    ip.map_or(host == "localhost", |ip| ip.is_loopback())
}

/// Names of algorithms with commas between them.
struct Algorithms(BTreeSet<Algorithm>);

impl FromStr for Algorithms {
    type Err = api::UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// `text = role` with semicolons between them. A text may hold equals signs, as names in directories do.
struct Mapping(BTreeMap<String, RoleName>);

impl FromStr for Mapping {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let pairs = text.split(';').map(|pair| {
            let (text, role) = pair.rsplit_once('=').ok_or(())?;
            Ok((text.trim().to_owned(), role.trim().parse().map_err(|_| ())?))
        });
        let pairs: Vec<(String, RoleName)> = pairs.collect::<Result<_, ()>>()?;
        let count = pairs.len();
        let mapping = BTreeMap::from_iter(pairs);
        let is_clear = mapping.len() == count && mapping.keys().all(|text| !text.is_empty());
        if is_clear { Ok(Self(mapping)) } else { Err(()) }
    }
}

/// The provider that is set, if one is.
pub(super) fn identity(values: &Values) -> Result<Option<IdentityRules>, ConfigError> {
    let issuer = "an address with https, or with http on loopback, such as https://portal.example.org";
    let Some(issuer) = values.get::<ProviderUrl>(ISSUER, issuer)? else {
        return match OTHERS.into_iter().find(|key| values.is_set(key)) {
            Some(key) => Err(ConfigError::Without { key, other: ISSUER }),
            None => Ok(None),
        };
    };
    let claim = "the name of a claim";
    let algorithms =
        values.get("identity.algorithms", "some of RS256, ES256 and EdDSA, with commas between")?;
    let roles = values.get("identity.roles", "pairs such as ops=PAM Auditor; sec=PAM Administrator")?;
    Ok(Some(IdentityRules {
        issuer: issuer.0,
        audience: values.need("identity.audience", "how tokens name this service, such as custody")?,
        algorithms: algorithms
            .map_or_else(|| Algorithm::ALL.iter().copied().collect(), |Algorithms(named)| named),
        user_claim: values.get("identity.user_claim", claim)?.unwrap_or_else(|| USER_CLAIM.to_owned()),
        roles_claim: values.get("identity.roles_claim", claim)?.unwrap_or_else(|| ROLES_CLAIM.to_owned()),
        roles: roles.map(|Mapping(mapping)| mapping),
    }))
}
