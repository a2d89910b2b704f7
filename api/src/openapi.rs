//! The OpenAPI document: made from the routes that are served, so that it lists each of them and no other.

mod examples;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use actix_web::App;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document, RefOr, Schema};
use utoipa_actix_web::AppExt;

use crate::app;
use crate::auth::cookie::COOKIE;
use crate::dto::StateFilter;
use crate::problem::{Body, Kind};

/// The name of the security scheme.
pub(crate) const TOKEN: &str = "token";
/// What may stand in its header.
const TOKENS: &str = "A token that `POST /v1/tokens` has made, or one that the configured identity provider has signed. \
                      Who holds System.Users.ActFor may name a user in the header `Custody-Act-For`: what sessions grant \
                      that user then counts, besides what the token's own roles permit. Without the permission the \
                      answer is 403.";

/// The name of the other one.
const LOGIN: &str = "login";
const COOKIES: &str = "The cookie that `POST /v1/login` gives to a local user; `custody` where plain HTTP is served on loopback. What \
                       changes something needs `Sec-Fetch-Site: same-origin`, or `Origin` with this address: else 403 \
                       `cross-site`.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Custody", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(Body, StateFilter)),
    security(("token" = []), ("login" = []))
)]
struct Base;

/// The document as JSON, as it is committed and served.
pub fn openapi_json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        let json = document().to_pretty_json();
        json.map(|json| format!("{json}\n")).unwrap_or_default()
    })
}

/// The methods of the route at an address, as the header Allow lists them.
pub(crate) fn methods_at(path: &str) -> Option<String> {
    let mut methods: Vec<_> = templates().iter().filter(|(template, _)| is_at(template, path)).collect();
    // An address that is written out is no identifier.
    if methods.iter().any(|(template, _)| template.as_str() == path) {
        methods.retain(|(template, _)| template.as_str() == path);
    }
    let listed: Vec<_> = methods.into_iter().flat_map(|(_, methods)| methods).copied().collect();
    (!listed.is_empty()).then(|| listed.join(", "))
}

fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut base = Base::openapi();
        base.info.description = Some(description());
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(TOKENS)).build();
        let login = ApiKeyValue::with_description(COOKIE, COOKIES);
        let components = base.components.get_or_insert_with(Components::new);
        components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
        components.add_security_scheme(LOGIN, SecurityScheme::ApiKey(ApiKey::Cookie(login)));
        let app = App::new().into_utoipa_app().openapi(base).configure(app::documented);
        let mut document = app.split_for_parts().1;
        document.components.iter_mut().for_each(examples::add);
        for item in document.paths.paths.values_mut() {
            item.head.iter_mut().for_each(without_bodies);
            let methods = [&mut item.get, &mut item.head, &mut item.post, &mut item.put, &mut item.patch];
            methods.into_iter().flatten().for_each(without_null_headers);
        }
        document
    })
}

/// The answer to HEAD has no body, a problem neither.
fn without_bodies(head: &mut Operation) {
    for response in head.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
}

/// A header that may be missing is never null.
fn without_null_headers(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        for header in response.headers.values_mut() {
            if let RefOr::T(header) = header
                && let Some(RefOr::T(Schema::Object(object))) = &mut header.schema
                && let SchemaType::Array(types) = &object.schema_type
                && let Some(only) = types.iter().find(|one| **one != Type::Null)
            {
                object.schema_type = SchemaType::Type(only.clone());
            }
        }
    }
}

fn description() -> String {
    format!(
        "Recordings of privileged sessions. Every error is a problem (RFC 9457); what you may not see is answered \
         as what is not there. Times are milliseconds since 1970, lengths are bytes.\n\n{}",
        Kind::table()
    )
}

/// Every address and its methods.
fn templates() -> &'static BTreeMap<String, Vec<&'static str>> {
    static TEMPLATES: OnceLock<BTreeMap<String, Vec<&'static str>>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let documented = document().paths.paths.iter().map(|(path, item)| (path.clone(), methods(item)));
        let page = crate::routes::page::PATHS.iter().map(|path| ((*path).to_owned(), vec!["GET"]));
        documented.chain(page).collect()
    })
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [
        (HttpMethod::Delete, item.delete.is_some()),
        (HttpMethod::Get, item.get.is_some()),
        (HttpMethod::Head, item.head.is_some()),
        (HttpMethod::Options, item.options.is_some()),
        (HttpMethod::Patch, item.patch.is_some()),
        (HttpMethod::Post, item.post.is_some()),
        (HttpMethod::Put, item.put.is_some()),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(method, _)| name(&method)).collect()
}

fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Head => "HEAD",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Trace => "TRACE",
    }
}

/// Whether a path has the form of a template, in which `{…}` stands for what has no slash.
fn is_at(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if fits(wanted, given) => {}
            (Some(_), Some(_) | None) | (None, Some(_)) => return false,
        }
    }
}

fn fits(wanted: &str, given: &str) -> bool {
    match (wanted.split_once('{'), wanted.split_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            given.len() > before.len() + after.len() && given.starts_with(before) && given.ends_with(after)
        }
        (Some(_) | None, Some(_) | None) => wanted == given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_that_of_the_routes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, openapi_json()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == openapi_json(),
            "api/openapi.json is not what the routes say; update it with: \
             UPDATE_OPENAPI=1 cargo nextest run -p api the_committed_document_is_that_of_the_routes"
        );
    }

    #[test]
    fn addresses_have_the_methods_of_their_routes() {
        assert_eq!(methods_at("/v1/sessions").as_deref(), Some("GET, OPTIONS, POST"));
        assert_eq!(methods_at("/v1/sessions/7/frames/12.png").as_deref(), Some("GET"));
        assert_eq!(methods_at("/v1/sessions/7/frames/.png"), None);
        assert_eq!(methods_at("/v1/sessions/"), None);
        assert_eq!(methods_at("/v1/nothing"), None);
    }
}
