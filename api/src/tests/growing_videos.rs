//! Videos that are played while they are made.

use actix_web::http::{Method, StatusCode};
use cluster::catalog::{
    AuditKind, BeginVideo, ClaimToken, Command, Complete, FailJob, FailureKind, VideoFacts,
};
use cluster::chunk::Hash;
use cluster::chunk::key::KeyPurpose;
use cluster::id::{ObjectId, RecordingId};
use serde_json::json;

use super::audit::told;
use super::harness::*;
use super::live::Following;
use super::videos::{claim, enable};

/// A video in fragments that is being made.
pub(super) struct Growing {
    pub(super) video: String,
    pub(super) claim: ClaimToken,
    object: ObjectId,
    made: Vec<u8>,
}

impl Growing {
    /// Asks for a video of a session and claims its job.
    pub(super) async fn wanted(member: &Member, token: &str, session: &str, keystrokes: bool) -> Self {
        let path = format!("/v1/sessions/{session}/videos");
        let wanted = json!({ "format": "fragmented-mp4", "keystrokes": keystrokes });
        let video = member.post(token, &path, &wanted).await.json()["id"].as_str().unwrap().to_owned();
        let claim = claim(member).await;
        let object = opened(member, session).await;
        Self { video, claim, object, made: Vec::new() }
    }

    /// Stores its first bytes and tells the catalog.
    pub(super) async fn begin(&mut self, member: &Member, bytes: &[u8]) {
        self.append(member, bytes).await;
        let (claim, object) = (self.claim, self.object);
        member.submit(Command::BeginVideo(BeginVideo { claim, object })).await;
    }

    async fn append(&mut self, member: &Member, bytes: &[u8]) {
        let offset = self.made.len().try_into().unwrap();
        member.state.cluster.append(self.object, offset, bytes.to_vec()).await.unwrap();
        self.made.extend_from_slice(bytes);
    }

    async fn complete(&self, member: &Member) {
        member.state.cluster.seal(self.object).await.unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.made);
        let (object, length) = (self.object, self.made.len().try_into().unwrap());
        let content_hash = Hash(digest.as_ref().try_into().unwrap());
        let facts = VideoFacts { object, length, duration_ms: 5000, content_hash };
        member.submit(Command::Complete(Complete { claim: self.claim, facts })).await;
    }

    fn path(&self) -> String {
        format!("/v1/videos/{}", self.video)
    }

    fn content(&self) -> String {
        format!("{}/content", self.path())
    }
}

async fn opened(member: &Member, session: &str) -> ObjectId {
    let recording: RecordingId = session.parse().unwrap();
    member.state.cluster.open_stream(recording, KeyPurpose::Bytes).await.unwrap()
}

/// A member with a video of which four bytes are made, and an administrator.
async fn begun() -> (Member, String, String, Growing) {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, administrator) = (member.recorder().await, member.user(ADMINISTRATOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let mut growing = Growing::wanted(&member, &administrator, &session, false).await;
    growing.begin(&member, b"0123").await;
    (member, administrator, session, growing)
}

#[actix_web::test]
async fn a_video_in_fragments_is_sent_as_it_is_made_and_ends_when_it_is_complete() {
    let member = Member::start().await;
    enable(&member, true).await;
    let (recorder, auditor) = (member.recorder().await, member.user(AUDITOR).await);
    let session = member.sealed(&recorder, b"x").await;
    let mut growing = Growing::wanted(&member, &auditor, &session, false).await;
    let (path, content) = (growing.path(), growing.content());
    let before = member.get(&auditor, &path).await.json();
    assert_eq!((&before["playable"], &before["content"]), (&json!(false), &json!(null)));
    assert_eq!(member.get(&auditor, &content).await.problem(), (409, "video-not-ready".to_owned()));

    growing.begin(&member, b"0123").await;
    let begun = member.get(&auditor, &path).await.json();
    assert_eq!(
        (&begun["state"], &begun["playable"], &begun["content"], &begun["sha256"]),
        (&json!("pending"), &json!(true), &json!(content), &json!(null))
    );
    let mut all = Following::begin(&member, &auditor, &content).await;
    let names = ["content-type", "accept-ranges", "etag", "content-length", "content-range", "cache-control"];
    assert_eq!(names.map(|name| all.header(name)), ["video/mp4", "none", "", "", "", "no-store"]);
    let file = format!("attachment; filename=\"session-{session}.mp4\"");
    assert_eq!(all.header("content-disposition"), file);
    assert_eq!(all.next().await, Some(Ok(b"0123".to_vec())));
    let object = format!("video/{}", growing.video);
    let leaves = told(&member, AuditKind::View);
    let told = leaves.last().map(|[_, action, of, detail]| [&**action, &**of, &**detail]);
    let download = "PAM.SessionManagement.Download";
    assert_eq!(told, Some([download, &*object, "video: bytes 0-3"]), "before the first byte");

    // There is nothing yet of which a part, or what a client has, could be told.
    let part = asked(Method::GET, &auditor, &content).insert_header(("range", "bytes=2-"));
    let part = part.insert_header(("if-none-match", "*")).insert_header(("if-range", "\"x\""));
    let mut part = Following::of(&member, part).await;
    growing.append(&member, b"4567").await;
    assert_eq!(all.next().await, Some(Ok(b"4567".to_vec())));
    growing.append(&member, b"89").await;
    growing.complete(&member).await;
    assert_eq!((all.rest().await, part.rest().await), (b"89".to_vec(), b"0123456789".to_vec()));

    let ready = member.get(&auditor, &path).await.json();
    assert_eq!((&ready["state"], &ready["playable"]), (&json!("ready"), &json!(false)));
    let part = asked(Method::GET, &auditor, &content).insert_header(("range", "bytes=2-"));
    let part = member.send(part).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, b"23456789".as_slice()));
    assert_eq!(part.header("accept-ranges"), "bytes");
}

#[actix_web::test]
async fn what_will_not_become_the_video_breaks_off() {
    let fail = |claim| {
        let (failure, detail) = (FailureKind::Storage, String::new());
        Command::FailJob(FailJob { claim, failure, detail })
    };
    for end in ["failed", "claimed anew", "cancelled", "deleted", "begun anew"] {
        let (member, administrator, session, growing) = begun().await;
        let (path, content) = (growing.path(), growing.content());
        let mut following = Following::begin(&member, &administrator, &content).await;
        assert_eq!(following.next().await, Some(Ok(b"0123".to_vec())));
        match end {
            "failed" => _ = member.submit(fail(growing.claim)).await,
            "claimed anew" => _ = claim(&member).await,
            "cancelled" => {
                let cancel = member.post(&administrator, &format!("{path}/cancel"), &json!({})).await;
                assert_eq!(cancel.status, StatusCode::OK);
            }
            "deleted" => {
                let delete = member.send(asked(Method::DELETE, &administrator, &path)).await;
                assert_eq!(delete.status, StatusCode::NO_CONTENT);
            }
            _ => {
                let (claim, object) = (growing.claim, opened(&member, &session).await);
                member.submit(Command::BeginVideo(BeginVideo { claim, object })).await;
            }
        }
        assert!(matches!(following.next().await, Some(Err(_))), "{end}");
        assert_eq!(following.next().await, None, "{end}");
    }
}

#[actix_web::test]
async fn who_may_not_have_the_video_any_more_gets_no_more_of_it() {
    let (member, administrator, session, mut growing) = begun().await;
    let content = growing.content();
    let auditor = member.token(cluster::catalog::TokenKind::User, "root", &[AUDITOR]).await;
    let mut denied = Following::begin(&member, &auditor, &content).await;
    let mut allowed = Following::begin(&member, &administrator, &content).await;
    let deny = asked(Method::PUT, &administrator, &format!("/v1/sessions/{session}/auditors"));
    let put = member.send(deny.set_json(json!({ "denied": ["root"] }))).await;
    assert_eq!(put.status, StatusCode::OK);
    for following in [&mut denied, &mut allowed] {
        assert_eq!(following.next().await, Some(Ok(b"0123".to_vec())));
    }
    assert!(matches!(denied.next().await, Some(Err(_))), "it breaks off");
    growing.append(&member, b"45").await;
    assert_eq!(allowed.next().await, Some(Ok(b"45".to_vec())));
    enable(&member, false).await;
    assert_eq!(
        member.get(&administrator, &content).await.problem(),
        (403, "video-download-disabled".to_owned())
    );
    assert!(matches!(allowed.next().await, Some(Err(_))), "videos are off");
}
