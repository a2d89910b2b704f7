//! Local users: who logs in with a name and a password. Only the hash of a password is ever here.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::parameter::check_version;
use super::role;
use super::row::Row;
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::token::{self, TokenId, TokenKind, TokenRow};
use super::transaction::CatalogError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most users of a cluster: those of a portal come with its own tokens.
const USERS_MAX: u64 = 1000;
/// The most logins of one user; a further one ends the oldest.
const LOGINS_MAX: usize = 16;
/// The most bytes of a password's hash in PHC form.
const PASSWORD_HASH_BYTES_MAX: usize = 256;

/// A password's hash in PHC form, made by who proposes the command. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash of a text in PHC form.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text, for who verifies a password.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn check(&self) -> Result<(), Refusal> {
        let is_phc = self.0.starts_with("$argon2id$") && self.0.bytes().all(|byte| byte.is_ascii_graphic());
        match is_phc && self.0.len() <= PASSWORD_HASH_BYTES_MAX {
            true => Ok(()),
            false => Err(Refusal::PasswordHashForm),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash")
    }
}

/// Makes a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// Its name.
    pub name: String,
    /// Of the password.
    pub password: PasswordHash,
    /// With which roles.
    pub roles: Vec<String>,
    /// Who.
    pub by: String,
}

/// Changes a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutUser {
    /// Which.
    pub name: String,
    /// With which roles from here on.
    pub roles: Vec<String>,
    /// Whether they may log in no more; ends their logins.
    pub is_disabled: bool,
    /// Only if this is its version.
    pub expected_version: Option<u64>,
    /// Who.
    pub by: String,
}

/// Sets a user's password and ends their logins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPassword {
    /// Whose.
    pub name: String,
    /// Of the password.
    pub password: PasswordHash,
    /// Only if the password is still the one that was set here.
    pub expected_password_index: Option<u64>,
    /// The login that goes on.
    pub keep: Option<TokenId>,
    /// Who.
    pub by: String,
}

/// Makes a login of a user whose password was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogIn {
    /// Who.
    pub name: String,
    /// Where in the log the password was set that was verified.
    pub password_index: u64,
    /// The name of the login's token.
    pub token: TokenId,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// Until when, in the cluster's time.
    pub expires_ms: u64,
}

/// A user in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Of the password.
    pub password: PasswordHash,
    /// Where in the log the password was set: no two passwords share it.
    pub password_index: u64,
    /// With which roles, in order.
    pub roles: Vec<String>,
    /// Whether they may not log in.
    pub is_disabled: bool,
    /// Counted from 1.
    pub version: u64,
    /// Who changed it last.
    pub changed_by: String,
    /// When, in the cluster's time.
    pub changed_ms: u64,
}

impl Row for UserRow {
    const TREE: Tree = Tree::Users;
}

/// The logins of a user, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct LoginsRow {
    tokens: Vec<TokenId>,
}

impl Row for LoginsRow {
    const TREE: Tree = Tree::Logins;
}

impl Catalog {
    /// A user.
    pub fn user(&self, name: &str) -> Result<Option<UserRow>, CatalogError> {
        self.get(name.as_bytes())
    }

    /// All users, by name.
    pub fn users(&self) -> Result<Vec<(String, UserRow)>, CatalogError> {
        self.list(KeyRange::all(), usize::MAX, |key| String::from_utf8(key.to_vec()).ok())
    }
}

pub(crate) fn create(step: &mut Step<'_, '_>, command: CreateUser) -> Effect {
    let CreateUser { name, password, roles, by } = command;
    text::needed("name", &name)?;
    text::needed("by", &by)?;
    password.check()?;
    let roles = known_roles(step, roles)?;
    if step.rows.has_key(Tree::Users, name.as_bytes())? {
        return Err(Refusal::UserExists { name }.into());
    }
    if step.count(Counter::User)? > USERS_MAX {
        return Err(Refusal::UsersFull { limit: USERS_MAX }.into());
    }
    let row = UserRow {
        password,
        password_index: step.index,
        roles,
        is_disabled: false,
        version: 1,
        changed_by: by,
        changed_ms: step.now_ms,
    };
    step.rows.put(name.as_bytes(), &row)?;
    Ok(Outcome::Version(1))
}

pub(crate) fn put(step: &mut Step<'_, '_>, command: PutUser) -> Effect {
    let PutUser { name, roles, is_disabled, expected_version, by } = command;
    text::needed("by", &by)?;
    let older = user(step, &name)?;
    check_version(expected_version, older.version)?;
    let roles = known_roles(step, roles)?;
    let version = older.version + 1;
    let row = UserRow { roles, is_disabled, version, changed_by: by, changed_ms: step.now_ms, ..older };
    if is_disabled {
        end_logins(step, &name, None)?;
    }
    step.rows.put(name.as_bytes(), &row)?;
    Ok(Outcome::Version(version))
}

pub(crate) fn set_password(step: &mut Step<'_, '_>, command: SetPassword) -> Effect {
    let SetPassword { name, password, expected_password_index, keep, by } = command;
    text::needed("by", &by)?;
    password.check()?;
    let older = user(step, &name)?;
    check_version(expected_password_index, older.password_index)?;
    let version = older.version + 1;
    let row = UserRow {
        password,
        password_index: step.index,
        version,
        changed_by: by,
        changed_ms: step.now_ms,
        ..older
    };
    end_logins(step, &name, keep)?;
    step.rows.put(name.as_bytes(), &row)?;
    Ok(Outcome::Version(version))
}

pub(crate) fn delete(step: &mut Step<'_, '_>, name: &str, by: &str) -> Effect {
    text::needed("by", by)?;
    user(step, name)?;
    end_logins(step, name, None)?;
    step.rows.remove(Tree::Users, name.as_bytes());
    step.uncount(Counter::User)?;
    Ok(Outcome::Done)
}

pub(crate) fn log_in(step: &mut Step<'_, '_>, command: LogIn) -> Effect {
    let LogIn { name, password_index, token, hash, expires_ms } = command;
    let user: UserRow = step.need(name.as_bytes(), || Refusal::LoginRefused)?;
    if user.is_disabled || user.password_index != password_index {
        return Err(Refusal::LoginRefused.into());
    }
    let LoginsRow { tokens } = step.rows.get(name.as_bytes())?.unwrap_or_default();
    let mut going_on = Vec::with_capacity(LOGINS_MAX);
    for older in tokens {
        match step.rows.get::<TokenRow>(&older.0)?.filter(|row| row.is_valid(step.now_ms)) {
            Some(_) => going_on.push(older),
            None => token::forget(step, older)?,
        }
    }
    if going_on.len() >= LOGINS_MAX {
        token::forget(step, going_on.remove(0))?;
    }
    going_on.push(token);
    step.rows.put(name.as_bytes(), &LoginsRow { tokens: going_on })?;
    let row = TokenRow {
        hash,
        kind: TokenKind::Login,
        subject: name.clone(),
        roles: Vec::new(),
        expires_ms: Some(expires_ms),
        created_by: name,
        created_ms: step.now_ms,
        revoked_ms: None,
    };
    token::insert(step, token, &row)
}

fn user(step: &Step<'_, '_>, name: &str) -> Result<UserRow, Halt> {
    text::needed("name", name)?;
    step.need(name.as_bytes(), || Refusal::UserUnknown { name: name.to_owned() })
}

/// Roles that there are, in order, each once.
fn known_roles(step: &Step<'_, '_>, mut roles: Vec<String>) -> Result<Vec<String>, Halt> {
    role::need_all(step, &roles)?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

/// Ends the logins of a user but for one, which goes on if it is one of theirs.
fn end_logins(step: &mut Step<'_, '_>, name: &str, keep: Option<TokenId>) -> Result<(), Halt> {
    let LoginsRow { tokens } = step.rows.get(name.as_bytes())?.unwrap_or_default();
    let (kept, ended): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|token| keep == Some(*token));
    for token in ended {
        token::forget(step, token)?;
    }
    match kept.is_empty() {
        true => step.rows.remove(Tree::Logins, name.as_bytes()),
        false => step.rows.put(name.as_bytes(), &LoginsRow { tokens: kept })?,
    }
    Ok(())
}
