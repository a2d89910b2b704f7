use std::collections::{BTreeMap, BTreeSet};

use policy::RoleName;

use super::algorithm::Algorithm;
use super::claims::{Claims, Vouched};
use super::jws::Jws;
use super::key_set_cell::KeySetCell;
use super::refusal::TokenRefusal;

/// Whom to believe, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRules {
    /// The provider's name, which is also its address; compared to the letter.
    pub issuer: String,
    /// How tokens name us.
    pub audience: String,
    /// How tokens may be signed.
    pub algorithms: BTreeSet<Algorithm>,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim that lists the user's roles; full stops lead into claims within claims.
    pub roles_claim: String,
    /// Which of our roles each text of that claim stands for. Without, each stands for the role of its name.
    pub roles: Option<BTreeMap<String, RoleName>>,
}

/// An identity provider.
#[derive(Debug)]
pub struct IdentityProvider {
    /// Whom to believe, and what.
    pub rules: IdentityRules,
    /// Its keys.
    pub keys: KeySetCell,
}

impl IdentityProvider {
    /// A provider whose keys are still to come.
    pub fn new(rules: IdentityRules) -> Self {
        Self { rules, keys: KeySetCell::default() }
    }

    /// Whom a token vouches for at the cluster's time. A key that is not known is asked for once.
    pub(crate) async fn vouch(&self, token: &str, now_ms: u64) -> Result<Vouched, TokenRefusal> {
        match self.vouch_by_known_keys(token, now_ms) {
            Err(TokenRefusal::UnknownKey) if self.keys.newer().await => {
                self.vouch_by_known_keys(token, now_ms)
            }
            answer => answer,
        }
    }

    fn vouch_by_known_keys(&self, token: &str, now_ms: u64) -> Result<Vouched, TokenRefusal> {
        let token = Jws::parse(token)?;
        if !self.rules.algorithms.contains(&token.algorithm) {
            return Err(TokenRefusal::Algorithm);
        }
        self.keys.get().verify(&token)?;
        Claims::parse(&token.payload()?)?.vouch(&self.rules, now_ms)
    }
}
