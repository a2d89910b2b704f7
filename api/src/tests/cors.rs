use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;

use super::harness::*;

const PORTAL: &str = "https://portal.example.org";

fn preflight(origin: &'static str, path: &str, method: &'static str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(Method::OPTIONS)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", method))
        .insert_header(("access-control-request-headers", "authorization, if-match"))
}

#[actix_web::test]
async fn pages_of_named_origins_may_ask_with_tokens() {
    let member = Member::start_for_pages_of(PORTAL).await;
    let system = member.user(SYSTEM).await;
    let path = "/v1/parameters/replicas";
    let may = member.send(preflight(PORTAL, path, "PUT")).await;
    assert_eq!((may.status, may.bytes()), (StatusCode::NO_CONTENT, &b""[..]));
    assert_eq!(may.header("access-control-allow-origin"), PORTAL);
    assert_eq!(may.header("access-control-allow-methods"), "GET, PUT");
    assert!(may.header("access-control-allow-headers").contains("if-match"));
    assert_eq!(may.header("access-control-allow-credentials"), "");
    assert_eq!(may.header("vary"), "Origin");

    let asked = |origin: &'static str| asked(Method::GET, &system, path).insert_header(("origin", origin));
    let shown = member.send(asked(PORTAL)).await;
    assert_eq!((shown.status, shown.header("access-control-allow-origin")), (StatusCode::OK, PORTAL));
    for exposed in ["etag", "content-range", "location", "retry-after"] {
        assert!(shown.header("access-control-expose-headers").split(", ").any(|name| name == exposed));
    }
    // A page may read why it was refused, too.
    let refused = TestRequest::with_uri(path).insert_header(("origin", PORTAL));
    let refused = member.send(refused).await;
    assert_eq!(refused.problem().0, 401);
    assert_eq!(refused.header("access-control-allow-origin"), PORTAL);

    for other in ["https://portal.example.org.evil", "http://portal.example.org", "null", ""] {
        let refused = member.send(preflight(other, path, "PUT")).await;
        assert_eq!(refused.problem(), (405, "method-not-allowed".to_owned()), "{other}");
        let shown = member.send(asked(other)).await;
        for answer in [refused, shown] {
            assert_eq!(answer.header("access-control-allow-origin"), "", "{other}");
            assert_eq!(answer.header("vary"), "Origin", "{other}");
        }
    }
    let nothing = member.send(preflight(PORTAL, "/v1/nothing", "PUT")).await;
    assert_eq!(nothing.problem().0, 404);
    // What tus asks for is no preflight.
    let tus = TestRequest::with_uri("/v1/sessions").method(Method::OPTIONS).insert_header(("origin", PORTAL));
    assert_eq!(member.send(tus).await.header("tus-version"), "1.0.0");
}

#[actix_web::test]
async fn pages_of_named_origins_read_every_header_of_an_answer() {
    let member = Member::start_for_pages_of(PORTAL).await;
    let exposed = member.send(TestRequest::with_uri("/livez").insert_header(("origin", PORTAL))).await;
    let exposed: Vec<&str> = exposed.header("access-control-expose-headers").split(", ").collect();
    // HEAD has no body that could say the same, and problems have headers of their own.
    for told in ["upload-defer-length", "custody-session", "tus-resumable"] {
        assert!(exposed.contains(&told), "{told}");
    }
    let document = member.send(TestRequest::with_uri("/openapi.json")).await.json();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
    let answers = operations.flat_map(|(_, operation)| operation["responses"].as_object()).flatten();
    let headers = answers.flat_map(|(_, answer)| answer["headers"].as_object()).flatten();
    let mut names: Vec<String> = headers.map(|(name, _)| name.to_ascii_lowercase()).collect();
    // No page may ever read it.
    names.retain(|name| name != "set-cookie");
    assert!(names.contains(&"custody-position".to_owned()) && names.contains(&"upload-length".to_owned()));
    for name in names {
        assert!(exposed.contains(&&*name), "{name}");
    }
}

#[actix_web::test]
async fn a_named_origin_gets_nothing_by_cookie() {
    let member = Member::start_for_pages_of(PORTAL).await;
    let login = TestRequest::post().uri("/v1/login").insert_header(("origin", PORTAL));
    let login = login.set_json(json!({ "name": "ada", "password": "correct horse" }));
    assert_eq!(member.send(login).await.problem(), (403, "cross-site".to_owned()));
}

#[actix_web::test]
async fn without_configuration_no_page_of_another_origin_may_ask() {
    let member = Member::start().await;
    let system = member.user(SYSTEM).await;
    let refused = member.send(preflight(PORTAL, "/v1/parameters/replicas", "PUT")).await;
    assert_eq!(refused.problem().0, 405);
    let shown = asked(Method::GET, &system, "/v1/parameters").insert_header(("origin", PORTAL));
    for answer in [refused, member.send(shown).await] {
        assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("", ""));
    }
}
