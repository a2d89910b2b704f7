//! The user for whom a service asks.

use std::collections::BTreeSet;

use actix_web::http::header::{HeaderMap, HeaderValue};
use policy::Action;

use crate::problem::{Kind, Problem};

/// Names the user; UTF-8.
const ACT_FOR: &str = "Custody-Act-For";
/// The most bytes of a user's name: those of a name in the catalog.
const USER_BYTES_MAX: usize = 256;

/// Whether a text can name a user: printable, and nothing before or behind it that nobody would see.
pub(crate) fn is_user_name(text: &str) -> bool {
    let is_bounded = !text.is_empty() && text.len() <= USER_BYTES_MAX;
    is_bounded && text.trim() == text && !text.contains(char::is_control)
}

/// The user whom a request names, if its sender may name any. Who may not is not told what is wrong with the name.
pub(super) fn named_user(
    headers: &HeaderMap,
    permissions: impl FnOnce() -> BTreeSet<Action>,
) -> Result<Option<String>, Problem> {
    let values: Vec<&HeaderValue> = headers.get_all(ACT_FOR).collect();
    if values.is_empty() {
        return Ok(None);
    }
    if !permissions().contains(&Action::UsersActFor) {
        return Err(Problem::forbidden(Action::UsersActFor));
    }
    let name = match values.as_slice() {
        [value] => std::str::from_utf8(value.as_bytes()).ok().filter(|name| is_user_name(name)),
        _ => None,
    };
    let expected = || {
        Problem::new(
            Kind::BadRequest,
            format_args!("expected one header {ACT_FOR} with 1 to {USER_BYTES_MAX} bytes of printable UTF-8"),
        )
    };
    name.map(|name| Some(name.to_owned())).ok_or_else(expected)
}
