//! Every route of the document, without a token, with wrong ones and with one that permits nothing.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use cluster::catalog::TokenKind;
use serde_json::{Value, json};

use super::harness::*;
use super::videos::{claim, complete, enable};
use crate::openapi_json;

/// What anyone may ask.
const OPEN: [&str; 6] = [
    "POST /v1/login",
    "GET /livez",
    "GET /readyz",
    "GET /openapi.json",
    "OPTIONS /v1/sessions",
    "OPTIONS /v1/sessions/{id}/recording",
];
/// What every valid token may ask. There is a login to end only where one has come by its cookie.
const OF_ANY_TOKEN: [(&str, StatusCode); 2] =
    [("GET /v1/whoami", StatusCode::OK), ("POST /v1/logout", StatusCode::CONFLICT)];

pub(super) fn routes() -> Vec<(String, Method, String)> {
    let document: Value = serde_json::from_str(openapi_json()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let method: Method = method.to_uppercase().parse().unwrap();
            routes.push((format!("{method} {path}"), method, path.clone()));
        }
    }
    routes
}

async fn session_with_video(member: &Member, recorder: &str) -> (String, String) {
    let session = member.sealed(recorder, b"x").await;
    enable(member, true).await;
    let auditor = member.user(AUDITOR).await;
    let asked_for = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await;
    complete(member, &session, claim(member).await, b"video").await;
    (session, asked_for.json()["id"].as_str().unwrap().to_owned())
}

fn request(method: &Method, path: &str, ids: (&str, &str)) -> TestRequest {
    let (session, video) = ids;
    let path = path
        .replace("/videos/{id}", &format!("/videos/{video}"))
        .replace("{id}", session)
        .replace("{ms}", "12")
        .replace("{member}", "1")
        .replace("{name}", "replicas")
        .replace("{scope}", "device")
        .replace("{hold}", session)
        .replace("{approval}", session);
    TestRequest::with_uri(&path).method(method.clone())
}

#[actix_web::test]
async fn no_route_answers_those_who_may_not_ask() {
    let member = Member::start().await;
    let (session, video) = session_with_video(&member, &member.recorder().await).await;
    let nobody = member.token(TokenKind::User, "nobody", &[]).await;
    let expired = member.token_until(TokenKind::User, "late", &[ADMINISTRATOR], Some(NOW_MS + 1)).await;
    let clock = cluster::catalog::ClockSample { member: cluster::id::MemberId(1), wall_ms: NOW_MS + 1 };
    member.submit(cluster::catalog::Command::Clock(clock)).await;
    let forged = format!("custody_{}", "0".repeat(64));
    let headers = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {forged}")),
        Some(format!("Bearer {}", "x".repeat(4000))),
        Some(format!("Bearer {expired}")),
        Some(format!("Bearer {nobody} ")),
        Some(format!("Basic {nobody}")),
        Some(nobody.to_uppercase()),
    ];
    let routes = routes();
    assert!(routes.len() > 20);
    for (name, method, path) in routes.iter().filter(|(name, ..)| !OPEN.contains(&name.as_str())) {
        for header in &headers {
            let asked = request(method, path, (&session, &video));
            let asked = header
                .iter()
                .fold(asked, |asked, header| asked.insert_header(("authorization", header.as_str())));
            let answer = member.send(asked).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name} {header:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"custody\"", "{name}");
        }
        let twice = request(method, path, (&session, &video));
        let twice = twice.append_header(("authorization", format!("Bearer {nobody}")));
        let twice = twice.append_header(("authorization", format!("Bearer {nobody}")));
        assert_eq!(member.send(twice).await.status, StatusCode::UNAUTHORIZED, "{name}");
        let answer = member
            .send(
                request(method, path, (&session, &video))
                    .insert_header(("authorization", format!("Bearer {nobody}"))),
            )
            .await;
        let of_any = OF_ANY_TOKEN.into_iter().find(|(route, _)| route == name);
        let expected = of_any.map_or(StatusCode::NOT_FOUND, |(_, status)| status);
        assert_eq!(answer.status, expected, "{name}");
    }
    for name in OPEN {
        assert!(routes.iter().any(|(route, ..)| route == name), "{name}");
    }
}

#[actix_web::test]
async fn the_document_is_whole() {
    let document: Value = serde_json::from_str(openapi_json()).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is not there");
    }
    for (name, method, path) in routes() {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let operation = operation.as_object().unwrap();
        assert_eq!(operation.contains_key("security"), OPEN.contains(&name.as_str()), "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
