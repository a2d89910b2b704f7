//! Who asks.

use std::borrow::Cow;
use std::collections::BTreeSet;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use cluster::catalog::{As, Catalog, Command, TokenId, TokenKind, TokenRow};
use policy::{Action, Authorizer, RecorderName, RoleName, Service, ServiceName, Subject, User, UserName};

use super::act_for::named_user;
use super::bearer::{bearer, invalid, known, may_be_new};
use super::cookie::{brought, need_own_page};
use crate::audit::{Refused, Who};
use crate::identity::{IdentityProvider, Vouched, is_jws};
use crate::metrics::TOKENS_REFUSED;
use crate::problem::Problem;
use crate::state::ApiState;

/// Somebody with a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who it is that asks, or is asked for.
    pub(crate) name: String,
    /// The roles that decide.
    pub(crate) roles: Vec<String>,
    pub(crate) subject: Subject,
    pub(crate) credential: Credential,
    /// Until when the credential is valid, in the cluster's time.
    pub(crate) expires_ms: Option<u64>,
    /// From where the request came; empty when it is not known.
    pub(crate) address: String,
}

/// How a caller has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A token of this service's own.
    Token(TokenId),
    /// The cookie of a local user's login.
    Login(TokenId),
    /// A token that an identity provider has signed.
    Jwt,
}

impl Caller {
    /// Who sent a request, or for whom, if its token is valid at the cluster's time.
    pub(crate) async fn of(request: &HttpRequest, state: &ApiState) -> Result<Self, Problem> {
        let address = address(request);
        let authorizer = state.authorizer.get();
        // Who sends a token means it, whatever cookie the browser adds.
        let cookie = brought(request).filter(|_| !request.headers().contains_key(AUTHORIZATION));
        let known = match (cookie, &state.identity) {
            (Some(text), _) => {
                let found = token(text, true, state).await?;
                Self::logged_in(found, state.cluster.catalog()?)?
            }
            (None, Some(provider)) if is_jws(&bearer(request)?) => {
                Self::vouched(vouch(provider, &bearer(request)?, state).await?, &authorizer)
            }
            (None, Some(_) | None) => Self::known(token(&bearer(request)?, false, state).await?),
        };
        let sender = Self { address, ..known };
        if cookie.is_some() {
            // The browser is theirs, the page is another one's: whom it was tried on is told.
            let tell =
                |_: &Problem| state.trail.refuse(sender.who(), None, Refused::Forbidden, String::new());
            need_own_page(request).inspect_err(tell)?;
        }
        state.rates.count(&sender)?;
        let who = sender.who();
        let named = named_user(request.headers(), || authorizer.permissions(&sender.subject));
        let caller = named.and_then(|user| match user {
            Some(user) => sender.acting_for(user),
            None => Ok(sender),
        });
        if caller.as_ref().is_err_and(Problem::is_forbidden) {
            state.trail.refuse(who, Some(Action::UsersActFor), Refused::Forbidden, String::new());
        }
        caller
    }

    /// As leaves of the audit log name them.
    pub(crate) fn who(&self) -> Who {
        let service = self.subject.service().map(|service| service.name.0.clone()).unwrap_or_default();
        Who { user: self.name.clone(), service, address: self.address.clone() }
    }

    /// A change in their name: its leaf says who they are and from where they came.
    pub(crate) fn asks(&self, command: Command) -> Command {
        let Who { user, service, address } = self.who();
        Command::As(As { user, service, address, command: Box::new(command) })
    }

    fn known((token, row): (TokenId, TokenRow)) -> Self {
        // A role that no longer parses permits nothing.
        let roles: BTreeSet<RoleName> = row.roles.iter().filter_map(|role| role.parse().ok()).collect();
        let subject = match row.kind {
            TokenKind::Recorder => Subject::Recorder(RecorderName(row.subject.clone())),
            TokenKind::User | TokenKind::Login => {
                Subject::User(User { name: UserName(row.subject.clone()), roles })
            }
        };
        let (credential, expires_ms) = (Credential::Token(token), row.expires_ms);
        let address = String::new();
        Self { name: row.subject, roles: row.roles, subject, credential, expires_ms, address }
    }

    /// The user of a login, with the roles that they have at this time, unless they are disabled.
    fn logged_in((token, row): (TokenId, TokenRow), catalog: &Catalog) -> Result<Self, Problem> {
        let user = catalog.user(&row.subject)?.filter(|user| !user.is_disabled).ok_or_else(invalid)?;
        let caller = Self::known((token, TokenRow { roles: user.roles, ..row }));
        Ok(Self { credential: Credential::Login(token), ..caller })
    }

    /// What the provider calls a role and is none of ours is left out.
    fn vouched(vouched: Vouched, authorizer: &Authorizer) -> Self {
        let Vouched { user, mut roles, expires_ms } = vouched;
        roles.retain(|role| authorizer.knows(role));
        Self {
            name: user.clone(),
            roles: roles.iter().map(RoleName::to_string).collect(),
            subject: Subject::User(User { name: UserName(user), roles }),
            credential: Credential::Jwt,
            expires_ms: Some(expires_ms),
            address: String::new(),
        }
    }

    /// The user for whom this caller asks.
    fn acting_for(self, user: String) -> Result<Self, Problem> {
        let Subject::User(User { roles, .. }) = self.subject else {
            return Err(Problem::forbidden(Action::UsersActFor));
        };
        let service = Service { name: ServiceName(self.name), roles };
        let subject = Subject::ActFor { service, user: UserName(user.clone()) };
        Ok(Self { name: user, subject, ..self })
    }

    pub(crate) fn is_recorder(&self) -> bool {
        matches!(self.subject, Subject::Recorder(_))
    }

    /// The token by which a recorder delivers.
    pub(crate) fn recorder_token(&self) -> Option<TokenId> {
        match self.credential {
            Credential::Token(token) => self.is_recorder().then_some(token),
            Credential::Login(_) | Credential::Jwt => None,
        }
    }

    /// The login by which a local user asks for themselves.
    pub(crate) fn login_of(&self, name: &str) -> Option<TokenId> {
        match self.credential {
            Credential::Login(token) => {
                (self.name == name && self.subject.service().is_none()).then_some(token)
            }
            Credential::Token(_) | Credential::Jwt => None,
        }
    }
}

/// From where a request came: whoever is connected, as headers can say anything.
pub(crate) fn address(request: &HttpRequest) -> String {
    request.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default()
}

/// The text by which a request shows who sends it: a bearer token, else a cookie.
pub(crate) fn credential(request: &HttpRequest) -> Option<String> {
    match request.headers().contains_key(AUTHORIZATION) {
        true => bearer(request).ok().map(Cow::into_owned),
        false => brought(request).map(str::to_owned),
    }
}

async fn vouch(provider: &IdentityProvider, text: &str, state: &ApiState) -> Result<Vouched, Problem> {
    let now_ms = state.cluster.catalog()?.clock()?.now_ms;
    provider.vouch(text, now_ms).await.map_err(|refusal| {
        metrics::counter!(TOKENS_REFUSED, "reason" => refusal.to_string()).increment(1);
        tracing::debug!(%refusal, "a token of the identity provider is refused");
        invalid()
    })
}

/// The token of a text. One that another member has made a moment ago is known here after a read index; only so many
/// wait for one at a time, as anybody can send what looks like a token.
async fn token(text: &str, is_cookie: bool, state: &ApiState) -> Result<(TokenId, TokenRow), Problem> {
    let catalog = state.cluster.catalog()?;
    if may_be_new(text, catalog)?
        && let Some(_turn) = state.rates.look_again()
    {
        state.cluster.read_index().await?;
    }
    known(text, is_cookie, catalog)
}
