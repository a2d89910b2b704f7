//! Conditions of changes (RFC 9110, section 13): who changes what others change, too, says what they have looked at.

use actix_web::HttpRequest;
use actix_web::http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::{HttpResponse, HttpResponseBuilder};
use cluster::catalog::{Command, Condition, OnlyIf, RowTag, Tagged};
use serde::Serialize;

use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::state::ApiState;

/// A change that is made only while the row is as the request says; a request that does not say is refused.
pub(crate) fn only_if(request: &HttpRequest, row: Tagged, command: Command) -> Result<Command, Problem> {
    let condition = condition(request)?;
    Ok(Command::OnlyIf(OnlyIf { row, condition, command: Box::new(command) }))
}

/// `If-Match` with the tag that a GET has shown, or `*` for whatever is there; `If-None-Match: *` for what is not there.
fn condition(request: &HttpRequest) -> Result<Condition, Problem> {
    match (only(request, &IF_MATCH)?, only(request, &IF_NONE_MATCH)?) {
        (Some("*"), None) => Ok(Condition::Present),
        (Some(tag), None) => {
            let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            // A tag that is none of ours is that of nothing that is here; weak ones never match (section 13.1.1).
            let tag = tag.filter(|tag| !tag.contains('"')).and_then(RowTag::from_text);
            tag.map(Condition::Tag).ok_or_else(|| {
                Problem::new(Kind::PreconditionFailed, "expected the ETag of a GET, one and as it was")
            })
        }
        (None, Some("*")) => Ok(Condition::Absent),
        (None, None) | (_, Some(_)) => Err(Problem::new(
            Kind::PreconditionRequired,
            "expected If-Match with the ETag of a GET, or If-None-Match: * for what is not there yet",
        )),
    }
}

/// The value of a header that is there at most once.
fn only<'a>(request: &'a HttpRequest, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = request.headers().get_all(name).map(|value| value.to_str().unwrap_or_default());
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(str::trim)),
        (_, Some(_)) => Err(Problem::new(Kind::BadRequest, format_args!("expected one {name}"))),
    }
}

/// A row and its tag. What `show` reads is never older than the tag, so that a change in between is never overwritten.
pub(crate) async fn tagged<T: Serialize>(
    state: &ApiState,
    row: &Tagged,
    show: impl Fn() -> Result<T, Problem>,
) -> Result<HttpResponse, Problem> {
    found(state, || with_tag(HttpResponse::Ok(), state, row, &show)).await
}

/// What a look finds. What it does not find may be a moment old, and made on another member: it looks once more, and knows by
/// then what any member has acknowledged.
pub(crate) async fn found<T>(state: &ApiState, look: impl Fn() -> Result<T, Problem>) -> Result<T, Problem> {
    match look() {
        Err(problem) if problem == Problem::not_found() => {
            state.cluster.read_index().await?;
            look()
        }
        looked => looked,
    }
}

/// The same with another status and headers of its own.
pub(crate) fn with_tag<T: Serialize>(
    mut response: HttpResponseBuilder,
    state: &ApiState,
    row: &Tagged,
    show: impl FnOnce() -> Result<T, Problem>,
) -> Result<HttpResponse, Problem> {
    if let Some(tag) = state.cluster.catalog()?.tag(row)? {
        response.insert_header((ETAG, Tag(tag.to_string()).quoted()));
    }
    Ok(response.json(show()?))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_change_says_what_it_is_of() {
        let asked = |headers: &[(&'static str, &str)]| {
            let request = TestRequest::put();
            let request = headers.iter().fold(request, |request, header| request.append_header(*header));
            condition(&request.to_http_request()).map_err(|problem| problem.to_string())
        };
        let (if_match, if_none) = ("if-match", "if-none-match");
        let tag = RowTag::from_text("0123456789abcdef").unwrap();
        assert_eq!(asked(&[(if_match, "\"0123456789abcdef\"")]), Ok(Condition::Tag(tag)));
        assert_eq!(asked(&[(if_match, " * ")]), Ok(Condition::Present));
        assert_eq!(asked(&[(if_none, "*")]), Ok(Condition::Absent));
        for failed in ["\"1\"", "W/\"0123456789abcdef\"", "0123456789abcdef", "", "\"\"", "\"a\", \"b\""] {
            let problem = asked(&[(if_match, failed)]).unwrap_err();
            assert!(problem.starts_with(Kind::PreconditionFailed.title()), "{failed}: {problem}");
        }
        for missing in [&[][..], &[(if_none, "\"0123456789abcdef\"")], &[(if_match, "*"), (if_none, "*")]] {
            let problem = asked(missing).unwrap_err();
            assert!(problem.starts_with(Kind::PreconditionRequired.title()), "{missing:?}: {problem}");
        }
        let twice = asked(&[(if_match, "*"), (if_match, "*")]).unwrap_err();
        assert!(twice.starts_with(Kind::BadRequest.title()), "{twice}");
    }
}
