//! What a verified token says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use policy::RoleName;
use serde_json::{Map, Value};

use super::provider::IdentityRules;
use super::refusal::TokenRefusal;
use crate::auth::is_user_name;

/// By how much the provider's clock and the cluster's may differ.
const LEEWAY_MS: u64 = 30_000;

/// The claims of a token whose signature is right.
pub(crate) struct Claims(Map<String, Value>);

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) user: String,
    pub(crate) roles: BTreeSet<RoleName>,
    pub(crate) expires_ms: u64,
}

impl Claims {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, TokenRefusal> {
        serde_json::from_slice(payload).map(Self).map_err(|_| TokenRefusal::Claims)
    }

    /// Whom the token vouches for at this time, if it does so to us.
    pub(crate) fn vouch(&self, rules: &IdentityRules, now_ms: u64) -> Result<Vouched, TokenRefusal> {
        if self.0.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
            return Err(TokenRefusal::Issuer);
        }
        if !texts(self.0.get("aud")).any(|audience| audience == rules.audience) {
            return Err(TokenRefusal::Audience);
        }
        let expires_ms = self.time_ms("exp")?.ok_or(TokenRefusal::NoExpiry)?;
        if now_ms >= expires_ms.saturating_add(LEEWAY_MS) {
            return Err(TokenRefusal::Expired);
        }
        if self.time_ms("nbf")?.is_some_and(|begin_ms| begin_ms > now_ms.saturating_add(LEEWAY_MS)) {
            return Err(TokenRefusal::NotYet);
        }
        let user = self.0.get(&rules.user_claim).and_then(Value::as_str);
        let user = user.filter(|user| is_user_name(user)).ok_or(TokenRefusal::NoUser)?.to_owned();
        Ok(Vouched { user, roles: self.roles(rules), expires_ms })
    }

    /// A date (RFC 7519, 2), if it is there.
    fn time_ms(&self, claim: &str) -> Result<Option<u64>, TokenRefusal> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let since = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let since_ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        since_ms.map(Some).ok_or(TokenRefusal::Claims)
    }

    /// What names no role is passed over: providers list more than is ours.
    fn roles(&self, rules: &IdentityRules) -> BTreeSet<RoleName> {
        let named = texts(self.at(&rules.roles_claim));
        named.filter_map(|text| role(text, rules.roles.as_ref())).collect()
    }

    /// The claim of this name, or else at this way through claims within claims.
    fn at(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut steps = path.split('.');
        let first = self.0.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(step))
    }
}

fn role(text: &str, mapping: Option<&BTreeMap<String, RoleName>>) -> Option<RoleName> {
    match mapping {
        Some(mapping) => mapping.get(text).cloned(),
        None => text.parse().ok(),
    }
}

/// A text, or the texts of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice);
    list.unwrap_or(value.map(std::slice::from_ref).unwrap_or_default()).iter().filter_map(Value::as_str)
}
