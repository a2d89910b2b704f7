//! Jobs outlive their workers and their member; their mail comes once.

use super::harness::{Served, SmtpServer, free_port, plain, sha256, wait};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a member may take to stop while it works.
const STOP: Duration = Duration::from_secs(15);
/// How long a claim holds without its member.
const LEASE: Duration = Duration::from_secs(60);
/// A recording that goes on as often takes its conversion long enough to be seen at work.
const COPIES: usize = 16;

fn is_begun(video: &serde_json::Value) -> bool {
    video["progress"]["done_ms"].as_u64().is_some_and(|done_ms| done_ms > 0)
}

#[test]
fn a_conversion_goes_on_after_a_stop_and_after_kill_9_and_its_mail_comes_once() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let settings = format!(
        "workers = 2\npublic_url = \"https://custody.example.org\"\n[smtp]\nhost = \"127.0.0.1\"\n\
         port = {port}\nencryption = \"none\"\nfrom = \"Custody <custody@example.org>\"\n"
    );
    let served = Served::start(folder.path(), &settings);
    served.allow_videos();
    let long = folder.path().join("long.guac");
    std::fs::write(&long, plain("ssh-terminal.guac.zst").repeat(COPIES)).unwrap();
    let session = served.import(folder.path(), long.to_str().unwrap());
    let video = served.request_video(&session, &["ada@example.org"]);
    served.video_once(&video, "progress", is_begun);
    let stopping = Instant::now();
    assert!(served.terminate().success());
    assert!(stopping.elapsed() < STOP, "a stop does not wait for the whole job");
    let served = Served::start(folder.path(), &settings);
    served.video_once(&video, "progress after a stop", is_begun);
    served.kill();

    // The mail server is away: the mail waits and is tried again.
    let served = Served::start(folder.path(), &settings);
    let restarted = Instant::now();
    served.video_once(&video, "progress again", |video| is_begun(video) || video["state"] == "ready");
    assert!(restarted.elapsed() < LEASE, "the job is taken up again before its old claim runs out");
    let ready = served.video_once(&video, "the video", |video| video["state"] == "ready");
    let (status, tag, bytes) = served.get(&format!("/v1/videos/{video}/content"), None);
    assert_eq!((status, json!(sha256(&bytes))), (200, ready["sha256"].clone()));
    assert!(tag.contains(ready["sha256"].as_str().unwrap()), "{tag}");
    let outbox = || served.get_json("/v1/outbox")["mails"][0].clone();
    let blocked = wait("a failure", || Some(outbox()).filter(|mail| mail["state"] == "blocked"));
    assert_eq!((&blocked["fault"], &blocked["attempts"]), (&json!("unreachable"), &json!(0)));
    let smtp = SmtpServer::start(port);
    let mail = smtp.mail();
    assert_eq!(mail["to"], json!(["ada@example.org"]));
    let text = mail["text"].as_str().unwrap();
    let link = format!("https://custody.example.org/#/sessions/{session}/videos/{video}");
    assert!(text.contains(&link) && text.contains(&format!("Message-ID: <video-{video}.")), "{text}");
    wait("the outbox", || (outbox()["state"] == "sent").then_some(()));

    assert!(served.terminate().success());
    let served = Served::start(folder.path(), &settings);
    assert_eq!(served.get_json("/v1/outbox")["mails"][0]["state"], "sent");
    assert!(served.terminate().success());
    assert!(smtp.is_silent());
}

#[test]
fn a_video_of_a_damaged_recording_says_from_when_on_something_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    served.allow_videos();
    for (name, is_damaged) in
        [("write-existing.before-overwrite.guac.zst", false), ("write-existing.guac.zst", true)]
    {
        let session = served.import(folder.path(), name);
        let video = served.request_video(&session, &[]);
        let ready = served.video_once(&video, "the video", |video| video["state"] == "ready");
        let missing = ready["missing_from_ms"].as_u64();
        assert_eq!(missing.is_some(), is_damaged, "{ready}");
        assert!(missing <= ready["duration_ms"].as_u64(), "{ready}");
        assert_eq!(ready["message"].as_str().unwrap().contains("damaged"), is_damaged, "{ready}");
    }
}

#[test]
fn a_job_whose_workers_die_is_tried_twice_and_then_failed() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "workers = 1");
    served.allow_videos();
    let session = served.import(folder.path(), "vnc-truncated.guac.zst");
    let video = served.request_video(&session, &[]);
    let failed = wait("the failure", || {
        for worker in served.workers() {
            // It may have ended by itself.
            let _: Result<_, _> = rustix::process::kill_process(worker, rustix::process::Signal::KILL);
        }
        let video = served.get_json(&format!("/v1/videos/{video}"));
        (video["state"] == "failed").then_some(video)
    });
    assert_eq!(failed["failure"], "crashed");
    let again = served.request_video(&session, &[]);
    assert_eq!(again, video, "the same video, once more");
    assert_eq!(
        served.video_once(&again, "a new try", |video| video["state"] == "ready")["failure"],
        json!(null)
    );
}
