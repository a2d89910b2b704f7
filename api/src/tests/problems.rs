use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use cluster::catalog::TokenKind;
use serde_json::json;

use super::harness::*;
use crate::Limits;

#[actix_web::test]
async fn what_is_no_route_is_a_problem() {
    let member = Member::start().await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/sessions/",
        "/v2/sessions",
        "//",
        "/metrics",
        "/../etc/passwd",
        "/%00",
    ] {
        let answer = member.send(TestRequest::with_uri(path)).await;
        assert_eq!(answer.problem(), (404, "not-found".to_owned()), "{path}");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/sessions", "GET, OPTIONS, POST"),
        (Method::PUT, "/v1/sessions/1/recording", "GET, HEAD, OPTIONS, PATCH"),
        (Method::POST, "/", "GET"),
        (Method::from_bytes(b"PROPFIND").unwrap(), "/v1/videos/1", "DELETE, GET"),
    ] {
        let answer = member.send(TestRequest::with_uri(path).method(method)).await;
        assert_eq!(answer.problem(), (405, "method-not-allowed".to_owned()), "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[actix_web::test]
async fn bodies_that_are_not_what_was_expected_are_problems() {
    let member = Member::start().await;
    let administrator = member.user(ADMINISTRATOR).await;
    let posted = async |media_type: &str, body: Vec<u8>| {
        let request =
            asked(Method::POST, &administrator, "/v1/sessions").insert_header(("content-type", media_type));
        member.send(request.set_payload(body)).await.problem()
    };
    let invalid = (400, "invalid-json".to_owned());
    let nested = [vec![b'['; 60_000], vec![b']'; 4]].concat();
    let mut unknown = ssh();
    unknown["colour"] = json!("red");
    let twice = ssh().to_string().replacen('{', "{\"start_ms\":1,", 1);
    let bodies = [
        b"".to_vec(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        vec![0xff],
        nested,
        unknown.to_string().into_bytes(),
        twice.into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        assert_eq!(posted("application/json", body).await, invalid, "{shown}");
    }
    assert_eq!(posted("application/json", vec![b' '; 70_000]).await, (413, "too-large".to_owned()));
    assert_eq!(posted("text/plain", b"{}".to_vec()).await, (415, "unsupported-media-type".to_owned()));
    for (field, value) in [
        ("device_address", json!("")),
        ("device_address", json!("a\r\nb")),
        ("user_name", json!("\u{0}")),
        ("user_name", json!("adm\u{202e}nimda")),
        ("device_address", json!("a\u{2066}b")),
        ("user_name", json!("x".repeat(300))),
    ] {
        let mut session = ssh();
        session[field] = value;
        let answer = member.post(&administrator, "/v1/sessions", &session).await;
        assert_eq!(answer.problem(), (422, "invalid-field".to_owned()), "{field}");
    }
}

#[actix_web::test]
async fn an_array_is_no_object() {
    let member = Member::start().await;
    let owner = member.token(TokenKind::User, "owner", &[ADMINISTRATOR, SYSTEM]).await;
    let session = member.sealed(&member.recorder().await, b"x").await;
    let invalid = (400, "invalid-json".to_owned());
    // Each would do what the object of the same fields does.
    let purge = format!("/v1/sessions/{session}/purge");
    for (method, path, body) in [
        (Method::POST, "/v1/sessions", json!(["ssh", "guacamole", "10.0.0.7", "", "", "", NOW_MS])),
        (Method::POST, &purge, json!(["asked"])),
        (Method::PUT, "/v1/parameters/replicas", json!([2])),
        (Method::POST, "/v1/users", json!(["grace", "correct horse", []])),
        (Method::POST, "/v1/tokens", json!(["user", "eve", [SYSTEM], null])),
        (Method::POST, "/v1/login", json!(["owner", "correct horse"])),
    ] {
        let refused = member.send(asked(method, &owner, path).set_json(body)).await;
        assert_eq!(refused.problem(), invalid, "{path}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("expected an object at line 1"), "{path}: {detail}");
    }
    assert_eq!(member.get(&owner, &format!("/v1/sessions/{session}/recording")).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn headers_and_targets_have_limits() {
    let member = Member::start().await;
    let long = TestRequest::with_uri("/livez").insert_header(("x-long", "x".repeat(64 << 10)));
    assert_eq!(member.send(long).await.problem(), (431, "headers-too-large".to_owned()));
    let long = TestRequest::with_uri(&format!("/livez?{}", "x".repeat(32 << 10)));
    assert_eq!(member.send(long).await.problem(), (414, "target-too-long".to_owned()));
}

#[actix_web::test]
async fn a_member_that_is_not_ready_says_when_to_ask_again() {
    let member = Member::start_with(Limits::default()).await;
    assert_eq!(member.send(TestRequest::with_uri("/livez")).await.status, StatusCode::OK);
    for path in ["/readyz", "/v1/sessions", "/v1/whoami"] {
        let answer = member.get("x", path).await;
        assert_eq!(answer.problem(), (503, "not-ready".to_owned()), "{path}");
        assert_eq!(answer.header("retry-after"), "2", "{path}");
    }
}

#[actix_web::test]
async fn every_answer_keeps_browsers_strict() {
    let member = Member::start().await;
    let api = member.send(TestRequest::with_uri("/livez")).await;
    assert_eq!(api.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(api.header("x-content-type-options"), "nosniff");
    assert_eq!(api.header("cache-control"), "no-store");
    for (path, media_type) in [("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css")]
    {
        let file = member.send(TestRequest::with_uri(path)).await;
        assert_eq!(file.status, StatusCode::OK);
        assert!(file.header("content-type").starts_with(media_type));
        let csp = file.header("content-security-policy");
        assert!(
            csp.starts_with("default-src 'none'; script-src 'self';") && !csp.contains("unsafe"),
            "{csp}"
        );
        let text = String::from_utf8(file.bytes().to_vec()).unwrap();
        assert!(
            !text.contains("style=\"") && !text.contains("onclick=\"") && !text.contains("innerHTML"),
            "{path}"
        );
        assert!(
            !text.contains("<script>") && !text.contains("http://") && !text.contains("https://"),
            "{path}"
        );
    }
}
