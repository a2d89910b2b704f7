use actix_web::http::{Method, StatusCode};
use cluster::catalog::{
    BlockMail, ClaimJob, ClaimToken, Command, Complete, FailJob, FailureKind, JobProgress, MailFault, MailId,
    Outcome, ParameterValue, Progress, PutParameter, VideoFacts, VideoState,
};
use cluster::chunk::Hash;
use cluster::chunk::key::KeyPurpose;
use cluster::id::{MemberId, RecordingId};
use serde_json::{Value, json};

use super::harness::*;

pub(super) async fn enable(member: &Member, is_on: bool) {
    let (name, by) = ("video_download_enabled".to_owned(), "tests".to_owned());
    let value = ParameterValue::Switch(is_on);
    member.submit(Command::PutParameter(PutParameter { name, value, expected_version: None, by })).await;
}

/// Claims the newest open conversion.
pub(super) async fn claim(member: &Member) -> ClaimToken {
    let open = member.state.cluster.catalog().unwrap().open_jobs(100).unwrap();
    let (job, _) = open.last().unwrap().clone();
    let claimed =
        member.submit(Command::ClaimJob(ClaimJob { job, member: MemberId(1), lease_ms: 60_000 })).await;
    let Outcome::Claimed(claim) = claimed else { panic!("{claimed:?}") };
    ClaimToken { job, fencing_token: claim.fencing_token }
}

/// Makes the video of a claim: its bytes are these.
pub(super) async fn complete(member: &Member, session: &str, claim: ClaimToken, bytes: &[u8]) {
    let recording: RecordingId = session.parse().unwrap();
    let object = member.state.cluster.open_stream(recording, KeyPurpose::Bytes).await.unwrap();
    member.state.cluster.append(object, 0, bytes.to_vec()).await.unwrap();
    member.state.cluster.seal(object).await.unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let content_hash = Hash(digest.as_ref().try_into().unwrap());
    let facts =
        VideoFacts { object, length: bytes.len().try_into().unwrap(), duration_ms: 5000, content_hash };
    member.submit(Command::Complete(Complete { claim, facts })).await;
}

#[actix_web::test]
async fn videos_are_off_until_somebody_switches_them_on() {
    let member = Member::start().await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let path = format!("/v1/sessions/{session}/videos");
    let refused = member.post(&auditor, &path, &json!({})).await;
    assert_eq!(refused.problem(), (403, "video-download-disabled".to_owned()));
    assert_eq!(refused.json()["parameter"], "video_download_enabled");
    enable(&member, true).await;
    assert_eq!(member.post(&auditor, &path, &json!({})).await.status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn only_ended_sessions_have_videos() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.open(&recorder, &ssh()).await;
    let refused = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await;
    assert_eq!(refused.problem(), (409, "session-not-ended".to_owned()));
}

#[actix_web::test]
async fn a_video_is_asked_for_watched_and_downloaded() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let first = member.sealed(&recorder, b"first").await;
    let session = member.sealed(&recorder, b"second").await;
    member.post(&auditor, &format!("/v1/sessions/{first}/videos"), &json!({})).await;
    let asked_for =
        member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({ "format": "mp4" })).await;
    let video = asked_for.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/videos/{video}");
    assert_eq!((asked_for.status, asked_for.header("location")), (StatusCode::ACCEPTED, &*path));
    assert_eq!(asked_for.header("retry-after"), "1");
    assert_eq!(asked_for.json()["message"], "the video waits to be generated");
    assert_eq!(asked_for.json()["queue_position"], 1);
    let again = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await;
    assert_eq!(again.json()["id"], video);
    let content = format!("{path}/content");
    assert_eq!(member.get(&auditor, &content).await.problem(), (409, "video-not-ready".to_owned()));

    let token = claim(&member).await;
    let progress = JobProgress { done_ms: 1000, total_ms: 5000 };
    member.submit(Command::Progress(Progress { claim: token, progress })).await;
    let shown = member.get(&auditor, &path).await.json();
    assert_eq!(
        (&shown["state"], &shown["message"]),
        (&json!("pending"), &json!("the video is being generated"))
    );
    assert_eq!(shown["progress"], json!({ "done_ms": 1000, "total_ms": 5000 }));

    complete(&member, &session, token, b"0123456789").await;
    let shown = member.get(&auditor, &path).await.json();
    let sha256 = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
    assert_eq!(
        (&shown["state"], &shown["size_bytes"], &shown["duration_ms"]),
        (&json!("ready"), &json!(10), &json!(5000))
    );
    assert_eq!(
        (&shown["sha256"], &shown["progress"], &shown["content"]),
        (&json!(sha256), &Value::Null, &json!(content))
    );
    let report = member.get(&auditor, &format!("/v1/sessions/{session}")).await.json();
    assert_eq!(report["video"], json!({ "download_enabled": true, "videos": [shown] }));

    let whole = member.get(&auditor, &content).await;
    assert_eq!(
        (whole.status, whole.bytes(), whole.header("content-type")),
        (StatusCode::OK, b"0123456789".as_slice(), "video/mp4")
    );
    assert_eq!(whole.header("etag"), format!("\"{sha256}\""));
    assert_eq!(
        whole.header("content-disposition"),
        format!("attachment; filename=\"session-{session}.mp4\"")
    );
    let part = asked(Method::GET, &auditor, &content).insert_header(("range", "bytes=3-"));
    let part = member.send(part.insert_header(("if-range", format!("\"{sha256}\"")))).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, b"3456789".as_slice()));
    let ready = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await;
    assert_eq!((ready.status, ready.json()["id"].as_str()), (StatusCode::OK, Some(&*video)));

    // The user whose name is an address is told.
    let outbox = member.get(&member.user(SYSTEM).await, "/v1/outbox").await.json();
    let mail = &outbox["mails"][0];
    assert_eq!(
        (&mail["state"], &mail["address"], &mail["video"]),
        (&json!("pending"), &json!("ada@example.org"), &json!(video))
    );
    assert_eq!(
        (&mail["channel"], &mail["fault"], &outbox["alerts"]),
        (&json!("mail"), &Value::Null, &json!([]))
    );
    let error = "535 no".to_owned();
    let blocked = BlockMail { mail: MailId(1), fault: MailFault::Credentials, error, retry_after_ms: 1000 };
    member.submit(Command::BlockMail(blocked)).await;
    let outbox = member.get(&member.user(SYSTEM).await, "/v1/outbox").await.json();
    let mail = &outbox["mails"][0];
    assert_eq!(
        (&mail["state"], &mail["fault"], &mail["attempts"]),
        (&json!("blocked"), &json!("credentials"), &json!(0))
    );
    let alert = json!({ "channel": "mail", "fault": "credentials", "error": "535 no" });
    assert_eq!(outbox["alerts"], json!([alert]));

    enable(&member, false).await;
    let off = member.get(&auditor, &content).await;
    assert_eq!(
        (off.problem(), off.json()["parameter"].as_str()),
        ((403, "video-download-disabled".to_owned()), Some("video_download_enabled"))
    );
}

#[actix_web::test]
async fn a_video_that_cannot_be_made_says_why() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let path = format!("/v1/sessions/{session}/videos");
    let wanted = json!({ "notify": [] });
    let video = member.post(&auditor, &path, &wanted).await.json()["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let claim = claim(&member).await;
        let detail = "line 1".to_owned();
        member.submit(Command::FailJob(FailJob { claim, failure: FailureKind::TimeBudget, detail })).await;
    }
    let failed = member.get(&auditor, &format!("/v1/videos/{video}")).await.json();
    assert_eq!((&failed["state"], &failed["failure"]), (&json!("failed"), &json!("time-budget")));
    let again = member.post(&auditor, &path, &wanted).await;
    assert_eq!(
        (again.status, again.json()["id"] == video),
        (StatusCode::ACCEPTED, true),
        "the same, once more"
    );
    for address in
        ["ada", "@example.org", "ada@", "ada example.org", "ada @example.org", "ada@example.org\r\nBcc: eve"]
    {
        let refused = member.post(&auditor, &path, &json!({ "notify": [address] })).await;
        assert_eq!(refused.problem(), (422, "invalid-field".to_owned()), "{address}");
    }
}

#[actix_web::test]
async fn keystrokes_in_videos_take_their_permission() {
    let member = Member::start().await;
    enable(&member, true).await;
    let converter = cluster::catalog::PutRole {
        name: "Converter".to_owned(),
        permissions: ["Read", "Convert", "Download"]
            .map(|action| format!("PAM.SessionManagement.{action}"))
            .to_vec(),
        expected_version: None,
        by: "tests".to_owned(),
    };
    let names = converter.permissions.clone();
    member.submit(Command::PutRole(converter)).await;
    let mut roles = policy::Role::seeded();
    roles.push(policy::Role::from_names("Converter", names.iter().map(String::as_str)).unwrap());
    let authorizer = policy::Authorizer::build(policy::Revision(2), &roles).unwrap();
    member.state.authorizer.swap(authorizer).unwrap();

    let (recorder, auditor, converter) =
        (member.recorder().await, member.user(AUDITOR).await, member.user("Converter").await);
    let session = member.sealed(&recorder, b"x").await;
    let path = format!("/v1/sessions/{session}/videos");
    let wanted = json!({ "keystrokes": true });
    let refused = member.post(&converter, &path, &wanted).await;
    assert_eq!(refused.problem(), (403, "permission-missing".to_owned()));
    assert_eq!(refused.json()["permission"], "PAM.SessionManagement.Keystrokes");
    let video = member.post(&auditor, &path, &wanted).await.json()["id"].as_str().unwrap().to_owned();
    complete(&member, &session, claim(&member).await, b"typed").await;
    let content = format!("/v1/videos/{video}/content");
    assert_eq!(member.get(&auditor, &content).await.bytes(), b"typed");
    assert_eq!(member.get(&converter, &content).await.problem(), (403, "permission-missing".to_owned()));
}

#[actix_web::test]
async fn a_video_is_cancelled_and_made_once_more() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let asked_for = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await.json();
    let video = format!("/v1/videos/{}", asked_for["id"].as_str().unwrap());
    let post = async |part: &str| member.post(&auditor, &format!("{video}/{part}"), &json!({})).await;
    assert_eq!(post("retry").await.problem(), (409, "conflict".to_owned()));
    assert_eq!(post("cancel").await.json()["state"], "cancelled");
    assert_eq!(post("cancel").await.problem(), (409, "conflict".to_owned()));
    let again = post("retry").await;
    assert_eq!((again.status, &again.json()["state"]), (StatusCode::ACCEPTED, &json!("pending")));
    complete(&member, &session, claim(&member).await, b"video").await;
    assert_eq!(member.get(&auditor, &format!("{video}/content")).await.bytes(), b"video");
    assert_eq!(post("retry").await.problem(), (409, "conflict".to_owned()));
}

#[actix_web::test]
async fn a_deleted_video_is_gone_and_can_be_asked_for_anew() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let videos = format!("/v1/sessions/{session}/videos");
    let ask = async || member.post(&administrator, &videos, &json!({})).await.json();
    let id = |video: &Value| video["id"].as_str().unwrap().to_owned();
    let video = ask().await;
    let path = format!("/v1/videos/{}", id(&video));
    let delete = async |path: &str| member.send(asked(Method::DELETE, &administrator, path)).await;
    complete(&member, &session, claim(&member).await, b"video").await;
    let recording: RecordingId = session.parse().unwrap();
    let catalog = member.state.cluster.catalog().unwrap();
    let VideoState::Ready(facts) = catalog.videos_of(recording).unwrap()[0].1.state else { panic!() };

    let holds = format!("/v1/sessions/{session}/holds");
    let held = member.post(&administrator, &holds, &json!({ "justification": "inquiry" })).await.json();
    assert_eq!(delete(&path).await.problem(), (409, "session-held".to_owned()));
    assert_eq!(member.get(&administrator, &format!("{path}/content")).await.bytes(), b"video");
    let release = asked(Method::DELETE, &administrator, &format!("{holds}/{}?reason=over", id(&held)));
    assert_eq!(member.send(release.insert_header(("if-match", "*"))).await.status, StatusCode::OK);

    assert_eq!(delete(&path).await.status, StatusCode::NO_CONTENT);
    for gone in [path.clone(), format!("{path}/content"), format!("{path}/replication")] {
        assert_eq!(member.get(&administrator, &gone).await.problem(), (404, "not-found".to_owned()));
    }
    assert_eq!(delete(&path).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(member.get(&administrator, &videos).await.json()["videos"], json!([]));
    let deleted = member.get(&administrator, "/v1/audit?limit=1000").await.json();
    let leaves = deleted["leaves"].as_array().unwrap().iter();
    let told = leaves
        .filter(|leaf| leaf["object"] == format!("video/{}", id(&video)) && leaf["detail"] == "deleted");
    assert_eq!(told.count(), 1);
    assert!(!catalog.is_kept(facts.object).unwrap());
    assert_eq!(member.state.cluster.delete_copies().await.unwrap(), 1);
    assert_eq!(member.state.cluster.delete_copies().await.unwrap(), 0);
    assert_eq!(member.get(&recorder, &format!("/v1/sessions/{session}")).await.status, StatusCode::NOT_FOUND);

    let again = ask().await;
    assert_eq!((id(&again) == id(&video), &again["state"]), (false, &json!("pending")));
    let path = format!("/v1/videos/{}", id(&again));
    assert_eq!(delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(catalog.open_jobs(9).unwrap().len(), 1, "the index alone");
}

#[actix_web::test]
async fn events_tell_each_change_of_a_video_until_its_end() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let asked_for = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &json!({})).await.json();
    let path = format!("/v1/videos/{}/events", asked_for["id"].as_str().unwrap());
    let work = async {
        let claim = claim(&member).await;
        complete(&member, &session, claim, b"video").await;
    };
    let (answer, ()) = tokio::join!(member.get(&auditor, &path), work);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = std::str::from_utf8(answer.bytes()).unwrap();
    let events: Vec<Value> = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("event: video\ndata: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!((&events[0]["state"], &events.last().unwrap()["state"]), (&json!("pending"), &json!("ready")));
}

#[actix_web::test]
async fn another_container_is_another_video_of_its_own_kind() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    for (format, media_type, ending) in
        [("webm", "video/webm", "webm"), ("fragmented-mp4", "video/mp4", "mp4")]
    {
        let session = member.sealed(&recorder, format.as_bytes()).await;
        let asked = json!({ "format": format });
        let video = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &asked).await.json();
        assert_eq!(video["format"], format);
        let token = claim(&member).await;
        complete(&member, &session, token, b"0123456789").await;
        let path = format!("/v1/videos/{}/content", video["id"].as_str().unwrap());
        let content = member.get(&auditor, &path).await;
        assert_eq!((content.status, content.header("content-type")), (StatusCode::OK, media_type));
        assert_eq!(
            content.header("content-disposition"),
            format!("attachment; filename=\"session-{session}.{ending}\"")
        );
    }
    let session = member.sealed(&recorder, b"other").await;
    let unknown = json!({ "format": "avi" });
    let refused = member.post(&auditor, &format!("/v1/sessions/{session}/videos"), &unknown).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
