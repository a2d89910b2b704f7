//! Sessions that end later than what was recorded of them.

use super::harness::{Served, plain, sample, wait};
use super::live::{append, open_as, seal};
use serde_json::{Value, json};
use std::fs;

#[test]
fn timeline_report_and_video_last_as_long_as_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    served.allow_videos();
    let recorded = |format, bytes: Vec<u8>| {
        let session = open_as(&served, format);
        append(&served, &session, 0, &bytes);
        seal(&served, &session);
        session
    };
    let sessions = [
        (recorded("guacamole", plain("rdp-audio.guac.zst")), 48_843),
        (recorded("asciicast", fs::read(sample("v2-psql.cast")).unwrap()), 40_297),
    ];
    let auditor = served.user("PAM Auditor");
    for (session, recorded_ms) in sessions {
        let path = format!("/v1/sessions/{session}");
        let report = wait("the index", || {
            Some(served.get_json(&path)).filter(|it| it["session"]["index_state"] == "ready")
        });
        assert_eq!(report["session"]["duration_ms"], 60_000);
        let get = |of: &str| served.get_as(&auditor, &format!("{path}/{of}"), None).body;
        let timeline: Value = serde_json::from_slice(&get("timeline")).unwrap();
        assert_eq!(
            (&timeline["media_duration_ms"], &timeline["recorded_ms"], &timeline["heat_map"]["bucket_ms"]),
            (&json!(60_000), &json!(recorded_ms), &json!(600.0))
        );
        assert_eq!(timeline["idle"].as_array().unwrap().last().unwrap()["end_ms"], 60_000);
        let last = get(&format!("frames/{recorded_ms}.png"));
        assert!(last.len() > 100 && get("frames/59000.png") == last);
        let video = served.request_video(&session, &[]);
        let ready = served.video_once(&video, "the video", |video| video["state"] == "ready");
        assert_eq!(ready["duration_ms"], 60_000, "{ready}");
    }
}
