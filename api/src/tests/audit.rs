//! What is seen, changed and refused stands in the audit log, and the log can be checked.

use std::collections::BTreeSet;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::test::{call_service, init_service};
use base64_simd::STANDARD;
use cluster::catalog::{AuditKind, AuditLeaf, AuditQuery, TokenKind};
use cluster::chunk::{Hash, merkle};
use futures_util::future::join_all;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::artefacts::{KEYSTROKES, TIMELINE, VIEW_TIMELINE, index};
use super::harness::*;
use super::videos::{claim, complete, enable};
use crate::app;
use crate::guard::guard;

const BYTES: &[u8] = b"all that was received";

/// The leaves that a query wants.
fn find(member: &Member, query: AuditQuery) -> Vec<AuditLeaf> {
    let query = AuditQuery { limit: usize::MAX, ..query };
    member.state.cluster.catalog().unwrap().audit_leaves(&query).unwrap().leaves
}

/// User, action, object and detail of all leaves of a kind.
pub(super) fn told(member: &Member, kind: AuditKind) -> Vec<[String; 4]> {
    let leaves = find(member, AuditQuery { kind: Some(kind), ..AuditQuery::default() });
    leaves.into_iter().map(|leaf| [leaf.user, leaf.action, leaf.object, leaf.detail]).collect()
}

/// A session that is indexed, and its video.
async fn session(member: &Member) -> (String, String) {
    let session = member.sealed(&member.recorder().await, BYTES).await;
    index(member, &session).await;
    enable(member, true).await;
    let maker = member.token(TokenKind::User, "maker", &[AUDITOR]).await;
    let video = member.post(&maker, &format!("/v1/sessions/{session}/videos"), &json!({})).await.json();
    complete(member, &session, claim(member).await, b"video").await;
    (session, video["id"].as_str().unwrap().to_owned())
}

fn ranged(token: &str, path: &str, range: &str) -> actix_web::test::TestRequest {
    asked(Method::GET, token, path).insert_header(("range", format!("bytes={range}")))
}

#[actix_web::test]
async fn every_way_to_see_a_session_leaves_a_leaf() {
    let member = Member::start().await;
    let (session, video) = session(&member).await;
    let of = |part: &str| format!("/v1/sessions/{session}/{part}");
    let ada = member.token(TokenKind::User, "ada", &[AUDITOR]).await;
    let sam = member.token(TokenKind::User, "sam", &[SYSTEM]).await;
    assert_eq!(member.send(ranged(&ada, &of("recording"), "4-7")).await.bytes(), b"that");
    for (token, path) in [
        (&ada, of("timeline")),
        (&ada, of("keystrokes")),
        (&ada, of("logs")),
        (&ada, of("frames/12.png")),
        (&ada, format!("/v1/videos/{video}/content")),
        (&sam, of("recording")),
        (&sam, of("timeline")),
    ] {
        assert_eq!(member.get(token, &path).await.status, StatusCode::OK, "{path}");
    }
    let (session, video) = (format!("session/{session}"), format!("video/{video}"));
    let pam = |name| format!("PAM.SessionManagement.{name}");
    let (download, keys, watch) = (pam("Download"), pam("Keystrokes"), pam("Recording"));
    let whole = |name: &str, bytes: &[u8]| format!("{name}: bytes 0-{}", bytes.len() - 1);
    let (timeline, keystrokes) = (whole("timeline", TIMELINE), whole("keystrokes", KEYSTROKES));
    let view_timeline = whole("timeline", VIEW_TIMELINE);
    let expected: [[&str; 4]; 8] = [
        ["ada", &download, &session, "recording: bytes 4-7"],
        ["ada", &download, &session, &timeline],
        ["ada", &keys, &session, &keystrokes],
        ["ada", &keys, &session, "log: entries 0-4"],
        ["ada", &watch, &session, "frame: ms 12-12"],
        ["ada", &download, &video, "video: bytes 0-4"],
        ["sam", &watch, &session, "view: bytes 0-51"],
        ["sam", &watch, &session, &view_timeline],
    ];
    assert_eq!(told(&member, AuditKind::View), expected);
}

#[actix_web::test]
async fn who_gets_no_byte_leaves_no_view() {
    let member = Member::start().await;
    let recorder = member.recorder().await;
    let live = member.open(&recorder, &ssh()).await;
    let (session, _) = session(&member).await;
    let (ada, sam) = (member.user(AUDITOR).await, member.user(SYSTEM).await);
    let path = format!("/v1/sessions/{session}/timeline");
    let tag = member.get(&ada, &path).await.header("etag").to_owned();
    let views = told(&member, AuditKind::View).len();
    let known = asked(Method::GET, &sam, &path).insert_header(("if-none-match", tag.clone()));
    assert_eq!(member.send(known).await.status, StatusCode::OK, "the view's timeline has another tag");
    let known = asked(Method::GET, &ada, &path).insert_header(("if-none-match", tag));
    assert_eq!(member.send(known).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(member.send(ranged(&ada, &path, "900-")).await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let frame = format!("/v1/sessions/{session}/frames/2.png");
    assert_eq!(member.get(&ada, &frame).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for query in ["?from=1", "?from=x"] {
        let live = format!("/v1/sessions/{live}/live{query}");
        assert!(member.get(&ada, &live).await.status.is_client_error());
    }
    assert_eq!(told(&member, AuditKind::View).len(), views + 1);
}

#[actix_web::test]
async fn what_follows_in_a_view_is_told_in_one_leaf() {
    let member = Member::start().await;
    let (session, _) = session(&member).await;
    let ada = member.token(TokenKind::User, "ada", &[AUDITOR]).await;
    let path = format!("/v1/sessions/{session}/recording");
    for range in ["0-1", "2-3", "10-12", "4-5"] {
        assert_eq!(member.send(ranged(&ada, &path, range)).await.status, StatusCode::PARTIAL_CONTENT);
    }
    let flush = async || member.state.trail.flush(&member.state.cluster).await.unwrap();
    assert_eq!(told(&member, AuditKind::View).len(), 1);
    assert_eq!((flush().await, flush().await), (1, 0));
    member.send(ranged(&ada, &path, "0-0")).await;
    assert_eq!((flush().await, flush().await), (1, 0));
    let details: Vec<_> = told(&member, AuditKind::View).into_iter().map(|[.., detail]| detail).collect();
    let expected = ["bytes 0-1", "3 more, 7 bytes in 2-5 10-12", "1 more, 1 bytes in 0-0"];
    assert_eq!(details, expected.map(|text| format!("recording: {text}")));
}

#[actix_web::test]
async fn a_thousand_views_at_once_have_their_leaves_before_their_bytes() {
    let limits = crate::Limits { requests_per_s: std::num::NonZeroU32::MAX, ..crate::Limits::default() };
    let member = Member::start_ready(limits).await;
    let mut objects = Vec::new();
    for _ in 0..4 {
        objects.push(session(&member).await);
    }
    let mut users = Vec::new();
    for number in 0..25 {
        let (name, role) = (format!("user {number}"), if number % 5 == 0 { SYSTEM } else { AUDITOR });
        users.push((member.token(TokenKind::User, &name, &[role]).await, name, role == AUDITOR));
    }
    let application = App::new().configure(app::api(member.state.clone())).wrap(from_fn(guard));
    let application = init_service(application).await;
    let before = find(&member, AuditQuery::default()).len();
    let requests = (0..1000usize).map(|number| {
        let (token, user, is_auditor) = &users[number % 25];
        let (session, video) = &objects[number / 25 % 4];
        let (action, path, object) = match number / 100 % 5 {
            0 => ("Download", format!("/v1/sessions/{session}/recording"), session),
            1 => ("Download", format!("/v1/sessions/{session}/timeline"), session),
            2 => ("Keystrokes", format!("/v1/sessions/{session}/keystrokes"), session),
            3 => ("Recording", format!("/v1/sessions/{session}/frames/12.png"), session),
            _ => ("Download", format!("/v1/videos/{video}/content"), video),
        };
        let kind = if object == video { "video" } else { "session" };
        let object = format!("{kind}/{object}");
        let is_refused = !is_auditor && matches!(number / 100 % 5, 2 | 4);
        let action = if !is_auditor && action == "Download" { "Recording" } else { action };
        let action = format!("PAM.SessionManagement.{action}");
        let (application, member) = (&application, &member);
        async move {
            let response = call_service(application, asked(Method::GET, token, &path).to_request()).await;
            let query = AuditQuery { kind: Some(AuditKind::View), ..AuditQuery::default() };
            let wanted = AuditQuery { user: Some(user.clone()), object: Some(object), ..query };
            let leaves = find(member, AuditQuery { action: Some(action), ..wanted });
            let status = if is_refused { StatusCode::FORBIDDEN } else { StatusCode::OK };
            assert_eq!(response.status(), status, "{path}");
            // No byte of the body was asked for yet.
            assert_eq!(leaves.is_empty(), is_refused, "{user} {path}");
            to_bytes(response.into_body()).await.unwrap().len()
        }
    });
    let lengths = join_all(requests).await;
    assert!(lengths.iter().all(|length| *length > 0));
    let opened = find(&member, AuditQuery::default()).len() - before;
    // Each user asks each thing twice: 20 auditors 5 things of 4 sessions, 5 others 3.
    assert_eq!(opened, 4 * (20 * 5 + 5 * 3));
    member.state.trail.flush(&member.state.cluster).await.unwrap();
    let told = told(&member, AuditKind::View);
    let views: BTreeSet<_> = told.iter().map(|[user, action, object, _]| (user, action, object)).collect();
    println!("{} leaves of {} views", told.len(), views.len());
    assert_eq!(told.len(), 2 * opened);
}

#[actix_web::test]
async fn refusals_are_counted_by_caller_and_action() {
    let member = Member::start().await;
    let (session, _) = session(&member).await;
    let sam = member.token(TokenKind::User, "sam", &[SYSTEM]).await;
    let eve = member.token(TokenKind::User, "eve", &[]).await;
    let of = |part: &str| format!("/v1/sessions/{session}/{part}");
    let forged = format!("custody_{}", "0".repeat(64));
    for _ in 0..3 {
        let stranger =
            asked(Method::GET, &forged, &of("keystrokes")).peer_addr("192.0.2.9:1".parse().unwrap());
        assert_eq!(member.send(stranger).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(member.get(&sam, &of("keystrokes")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(member.get(&eve, &of("timeline")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(member.get(&eve, "/v1/audit").await.status, StatusCode::NOT_FOUND);
        // What nobody has hidden is no refusal, and neither is a view in the place of what was received.
        let absent = format!("/v1/sessions/{}", "0".repeat(32));
        assert_eq!(member.get(&sam, &absent).await.status, StatusCode::NOT_FOUND);
        assert_eq!(member.get(&sam, &of("recording")).await.status, StatusCode::OK);
    }
    let acting = asked(Method::GET, &eve, "/v1/whoami").insert_header(("custody-act-for", "ada"));
    assert_eq!(member.send(acting).await.status, StatusCode::FORBIDDEN);
    assert_eq!(told(&member, AuditKind::Refusal), [[""; 4]; 0]);
    member.state.trail.flush(&member.state.cluster).await.unwrap();
    member.state.trail.flush(&member.state.cluster).await.unwrap();
    let object = format!("session/{session}");
    let found: BTreeSet<_> = told(&member, AuditKind::Refusal).into_iter().collect();
    let expected: [[&str; 4]; 5] = [
        ["", "PAM.SessionManagement.Keystrokes", "", "3 x 401"],
        ["eve", "PAM.Audit.Read", "", "3 x 404"],
        ["eve", "PAM.SessionManagement.Read", &object, "3 x 404"],
        ["eve", "System.Users.ActFor", "", "1 x 403"],
        ["sam", "PAM.SessionManagement.Keystrokes", &object, "3 x 403"],
    ];
    assert_eq!(found, expected.map(|leaf| leaf.map(str::to_owned)).into_iter().collect());
    let stranger =
        AuditQuery { user: Some(String::new()), kind: Some(AuditKind::Refusal), ..AuditQuery::default() };
    assert_eq!(find(&member, stranger)[0].address, "192.0.2.9");
}

#[actix_web::test]
async fn a_change_says_for_whom_by_which_service_and_from_where() {
    let member = Member::start().await;
    let portal = member.token(TokenKind::User, "portal", &[SYSTEM]).await;
    let put =
        asked(Method::PUT, &portal, "/v1/parameters/replicas").insert_header(("custody-act-for", "ada"));
    let put = put.peer_addr("[2001:db8::1]:1".parse().unwrap()).set_json(json!({ "value": 2 }));
    assert_eq!(member.send(put).await.status, StatusCode::OK);
    let last = find(&member, AuditQuery { descending: true, ..AuditQuery::default() }).remove(0);
    let AuditLeaf { user, service, address, object, detail, .. } = last;
    let actual = [user, service, address, object, detail];
    assert_eq!(actual, ["ada", "portal", "2001:db8::1", "parameter/replicas", "2"]);
    // The session's own leaf names recorders alone.
    let root = member.token(TokenKind::User, "root", &[ADMINISTRATOR]).await;
    let opened = member.open(&root, &ssh()).await;
    member.append(&root, &opened, 0, b"x").await;
    member.seal(&root, &opened).await;
    let object = format!("session/{opened}");
    let expected: [[&str; 4]; 3] = [
        ["root", "PAM.SessionManagement.Record", "", "opens a session on 10.0.0.7"],
        ["", "session-opened", &object, "ssh 10.0.0.7 grace"],
        ["root", "session-ended", &object, "finished"],
    ];
    let told = told(&member, AuditKind::Change);
    assert_eq!(told[told.len() - 3..], expected);
}

#[actix_web::test]
async fn without_a_quorum_nothing_is_shown() {
    let (member, other, cut) = Member::start_two().await;
    let (session, video) = session(&member).await;
    let ada = member.user(AUDITOR).await;
    let timeline = format!("/v1/sessions/{session}/timeline");
    assert_eq!(member.get(&ada, &timeline).await.status, StatusCode::OK);
    cut.cut();
    let paths =
        ["recording", "keystrokes", "frames/12.png"].map(|part| format!("/v1/sessions/{session}/{part}"));
    let paths: Vec<_> = paths.into_iter().chain([format!("/v1/videos/{video}/content")]).collect();
    for answer in join_all(paths.iter().map(|path| member.get(&ada, path))).await {
        assert_eq!(answer.problem().0, 503);
    }
    // A view that its leaf has opened goes on within its window.
    assert_eq!(member.get(&ada, &timeline).await.status, StatusCode::OK);
    drop(other);
}

#[actix_web::test]
async fn the_log_is_shown_page_by_page_in_every_form_and_reading_is_told() {
    let member = Member::start().await;
    let ada = member.token(TokenKind::User, "ada", &[AUDITOR]).await;
    let eve = member.token(TokenKind::User, "eve]|=\"\\", &[SYSTEM]).await;
    for value in 1..=3 {
        let put = asked(Method::PUT, &eve, "/v1/parameters/replicas").set_json(json!({ "value": value }));
        assert_eq!(member.send(put).await.status, StatusCode::OK);
    }
    let path = "/v1/audit?object=parameter/replicas&limit=2";
    let page = member.get(&ada, path).await;
    let leaves = page.json()["leaves"].clone();
    let details: Vec<_> = leaves.as_array().unwrap().iter().map(|leaf| leaf["detail"].clone()).collect();
    assert_eq!(details, ["1", "2"]);
    let next = page.json()["next"].as_u64().unwrap();
    assert_eq!(page.header("link"), format!("<{}&cursor={next}>; rel=\"next\"", path));
    let last = member.get(&ada, &format!("{path}&cursor={next}")).await.json();
    assert_eq!((&last["leaves"][0]["detail"], &last["next"]), (&json!("3"), &Value::Null));
    let newest = member.get(&ada, "/v1/audit?kind=change&newest_first=true&limit=1").await.json();
    assert_eq!(newest["leaves"][0], last["leaves"][0]);
    let late = member.get(&ada, &format!("/v1/audit?from_ms={}", NOW_MS + 1)).await.json();
    assert_eq!(late["leaves"], json!([]));
    assert_eq!(member.get(&ada, "/v1/audit?format=xml").await.problem().0, 400);

    for (format, media_type) in [
        ("jsonl", "application/jsonl"),
        ("rfc5424", "text/plain; charset=utf-8"),
        ("cef", "text/plain; charset=utf-8"),
    ] {
        let answer = member.get(&ada, &format!("{path}&format={format}")).await;
        assert_eq!(answer.header("content-type"), media_type);
        let text = std::str::from_utf8(answer.bytes()).unwrap();
        assert!(text.ends_with('\n') && text.lines().count() == 2, "{text}");
        assert!(!text.contains("eve]|=\"\\ "), "{text}");
    }
    let views = told(&member, AuditKind::View);
    assert_eq!(views.len(), 1);
    assert_eq!(views[0][..2], ["ada", "PAM.Audit.Read"]);
    assert!(views[0][3].starts_with("audit log: leaves "));
}

#[actix_web::test]
async fn a_checkpoint_is_signed_over_the_root_of_all_leaves() {
    let member = Member::start().await;
    let ada = member.token(TokenKind::User, "ada", &[AUDITOR]).await;
    for _ in 0..6 {
        member.recorder().await;
    }
    let hashes: Vec<Hash> = find(&member, AuditQuery::default())
        .iter()
        .map(|leaf| merkle::leaf_hash(&leaf.canonical_bytes()))
        .collect();
    let keys = member.get(&ada, "/v1/audit/keys").await.json();
    let answer = member.get(&ada, "/v1/audit/checkpoint").await;
    let note = std::str::from_utf8(answer.bytes()).unwrap();
    let (text, signature) = note.split_once("\n\n").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let root = merkle::root(&hashes);
    assert_eq!(lines[1..], [hashes.len().to_string(), STANDARD.encode_to_string(root.0)]);

    let verifier = keys[0]["verifier_key"].as_str().unwrap();
    let [name, id, key] = verifier.splitn(3, '+').collect::<Vec<_>>()[..] else { panic!("{verifier}") };
    assert_eq!(lines[0], name);
    let signature = signature.strip_prefix(&format!("\u{2014} {name} ")).unwrap().trim_end();
    let signature = STANDARD.decode_to_vec(signature).unwrap();
    let key = STANDARD.decode_to_vec(key).unwrap();
    assert_eq!((crate::dto::hex(&signature[..4]).as_str(), key[0]), (id, 1));
    let key = UnparsedPublicKey::new(&ED25519, &key[1..]);
    key.verify(format!("{text}\n").as_bytes(), &signature[4..]).unwrap();
    assert!(key.verify(format!("{text} \n").as_bytes(), &signature[4..]).is_err());

    let size = u64::try_from(hashes.len()).unwrap();
    let hash = |text: &Value| {
        let digits = text.as_str().unwrap().as_bytes();
        let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
        Hash(bytes.collect::<Result<Vec<u8>, _>>().unwrap().try_into().unwrap())
    };
    for leaf in 0..size {
        let proof = member.get(&ada, &format!("/v1/audit/proof?leaf={leaf}&size={size}")).await.json();
        let path: Vec<Hash> = proof["path"].as_array().unwrap().iter().map(hash).collect();
        assert!(merkle::verify_inclusion(&root, size, leaf, &hash(&proof["leaf_hash"]), &path));
        assert_eq!(hash(&proof["root"]), root);
    }
    let proof = member.get(&ada, &format!("/v1/audit/consistency?from=4&to={size}")).await.json();
    assert_eq!((hash(&proof["from_root"]), hash(&proof["to_root"])), (merkle::root(&hashes[..4]), root));
    let path: Vec<Hash> = proof["path"].as_array().unwrap().iter().map(hash).collect();
    assert_eq!(path, [merkle::root(&hashes[4..])]);
    for path in
        ["proof", "proof?leaf=900", "proof?leaf=0&size=900", "consistency?from=0", "consistency?from=900"]
    {
        let refused = member.get(&ada, &format!("/v1/audit/{path}")).await;
        assert_eq!(refused.problem(), (400, "invalid-query".to_owned()), "{path}");
    }
}
