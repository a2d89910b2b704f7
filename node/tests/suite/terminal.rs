//! Recordings of terminals, from the file or the recorder to the picture, the view and the video.

use super::harness::{Served, custody, sample, wait};
use super::live::{append, follow, last_picture, open_as, seal};
use super::view::{count, filtered};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const PASSWORD: &str = "S3cret!pass#1";

fn cast() -> Vec<u8> {
    fs::read(sample("v2-psql.cast")).unwrap()
}

#[test]
fn an_imported_cast_is_indexed_shown_without_keys_and_made_a_video() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    served.allow_videos();
    let session = served.import(folder.path(), "v2-psql.cast");
    let path = format!("/v1/sessions/{session}");
    let report = wait("the index", || {
        Some(served.get_json(&path)).filter(|it| it["session"]["index_state"] == "ready")
    });
    assert_eq!(report["session"]["format"], "asciicast");

    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let get = |token: &str, of: &str| served.get_as(token, &format!("{path}/{of}"), None);
    let keystrokes = String::from_utf8(get(&auditor, "keystrokes").body).unwrap();
    assert!(keystrokes.contains(PASSWORD), "{keystrokes}");
    assert_eq!(get(&watcher, "keystrokes").status, 403);
    assert!(get(&auditor, "recording").body == cast());
    let view = get(&watcher, "recording");
    assert!(view.status == 200 && view.body == filtered(&cast()));
    assert_eq!((count(&cast(), ", \"i\", ") > 300, count(&view.body, ", \"i\", ")), (true, 0));
    let timeline: Value = serde_json::from_slice(&get(&watcher, "timeline").body).unwrap();
    assert_eq!(
        (&timeline["format"], &timeline["key_presses"]),
        (&"application/x-asciicast".into(), &0.into())
    );
    assert_eq!(timeline["media_duration_ms"], 40_297);

    assert_eq!(get(&watcher, "text?q=password").status, 403);
    let text = |query: &str| -> Value {
        serde_json::from_slice(&get(&auditor, &format!("text?{query}")).body).unwrap()
    };
    let lines = |query: &str| text(query)["lines"].as_array().unwrap().clone();
    let shown = |t_ms: u64, text: &str| json!({ "t_ms": t_ms, "kind": "shown", "text": text });
    let expected =
        [shown(30_934, "alice@db01:~$ read -s -p \"Password: \" P; echo"), shown(31_807, "Password:")];
    assert_eq!(lines("q=PASSWORD:")[1..], expected);
    let typed = lines("q=s3CRET");
    assert_eq!((typed.len(), &typed[0]["kind"]), (1, &json!("typed")), "{typed:?}");
    assert!(typed[0]["text"].as_str().unwrap().contains(PASSWORD), "{typed:?}");
    let (all, behind) = (text("limit=1000"), text("from_ms=20000&limit=2"));
    assert_eq!((all["lines"].as_array().unwrap().len() > 50, &all["left_out"]), (true, &json!(0)), "{all}");
    assert_eq!(behind["lines"].as_array().unwrap().len(), 2);
    assert!(behind["lines"][1]["t_ms"].as_u64() >= Some(20_000) && behind["left_out"] != 0, "{behind}");

    let picture = get(&auditor, "frames/20000.png");
    let file = folder.path().join("frame.png");
    let mut frame = custody();
    frame.arg("frame").arg(sample("v2-psql.cast")).args(["--at", "20", "--output"]).arg(&file);
    assert!(frame.status().unwrap().success());
    assert!(picture.status == 200 && picture.body == fs::read(&file).unwrap());

    let video = served.request_video(&session, &[]);
    let ready = served.video_once(&video, "the video", |video| video["state"] == "ready");
    assert_eq!(ready["duration_ms"], 40_297, "{ready}");
}

#[test]
fn a_file_that_is_uploaded_as_asciinema_does_is_a_session_as_long_as_it_plays() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let token = served.user("PAM Administrator");
    for (path, field) in [("/api/v1/recordings", "file"), ("/api/asciicasts", "asciicast")] {
        let mut client = Command::new("curl");
        client.args(["--silent", "--show-error", "--user", &format!(":{token}"), "--form"]);
        client.arg(format!("{field}=@{}", sample("v2-psql.cast").display()));
        let answer = client.arg(format!("{}{path}", served.url())).output().unwrap();
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let session = answer["url"].as_str().unwrap().strip_prefix(served.url()).unwrap();
        let report = wait("the index", || {
            Some(served.get_json(session)).filter(|it| it["session"]["index_state"] == "ready")
        });
        let info = &report["session_info"];
        let lasted_ms = info["end_ms"].as_u64().unwrap() - info["start_ms"].as_u64().unwrap();
        let told = (&info["state"], &info["protocol"], &report["session"]["duration_ms"], lasted_ms);
        assert_eq!(told, (&"finished".into(), &"terminal".into(), &40_297.into(), 40_297));
        assert!(served.get(&format!("{session}/recording"), None).2 == cast());
    }
}

#[test]
fn a_live_cast_is_followed_from_its_beginning_without_what_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = open_as(&served, "asciicast");
    let cast = cast();
    // In the middle of a line.
    let (first, rest) = cast.split_at(cast.len() / 2 + 3);
    append(&served, &session, 0, first);
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let following = [&auditor, &watcher].map(|token| follow(&served, token, &session, ""));
    assert_eq!(following.each_ref().map(|it| (it.position, it.key_state_bytes)), [(0, 0); 2]);
    let read = following.map(|it| it.read_out());
    append(&served, &session, first.len(), rest);
    seal(&served, &session);
    let [whole, view] = read.map(|thread| thread.join().unwrap());
    assert!(whole == cast, "{} bytes", whole.len());
    assert!(view == filtered(&cast), "{} bytes", view.len());
}

#[test]
fn who_joins_a_long_cast_sees_the_screen_as_it_is_and_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = open_as(&served, "asciicast");
    let mut recording = cast();
    for number in 0..9_000 {
        let line =
            format!("[{}.5, \"o\", \"line {number} of \\u001b[3{}mmany\\r\\n\"]\n", 50 + number, number % 8);
        recording.extend_from_slice(line.as_bytes());
    }
    let (first, rest) = recording.split_at(recording.len() - 10_003);
    append(&served, &session, 0, first);
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let seen = [recording.clone(), filtered(&recording)];
    let following = [&auditor, &watcher].map(|token| follow(&served, token, &session, ""));
    let read = following.map(|mut it| (it.position, it.key_state(), it.read_out()));
    append(&served, &session, first.len(), rest);
    seal(&served, &session);
    for (whole, (position, state, thread)) in seen.iter().zip(read) {
        let behind = thread.join().unwrap();
        assert!(position > whole.len() - 11_000 && state.len() < 10_000, "{position}, {}", state.len());
        assert!(behind == whole[position..], "{} bytes", behind.len());
        assert!(last_picture(&[state, behind].concat()) == last_picture(whole));
    }
}

#[test]
fn what_is_no_cast_is_refused_before_a_byte_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = open_as(&served, "asciicast");
    let headers = [("Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream")];
    let path = format!("/v1/sessions/{session}/recording");
    let (status, problem) =
        served.send("PATCH", &path, &headers, b"{\"version\":2,\"width\":0,\"height\":24}\n");
    assert!((400..500).contains(&status), "{status} {problem}");
    assert!(problem.to_string().contains("line 1: 0x24, expected 1 to 1000 columns and rows"), "{problem}");
    append(&served, &session, 0, &cast());
}

#[test]
fn a_typescript_is_read_with_the_timing_beside_it() {
    let mut inspect = custody();
    inspect.arg("inspect").arg(sample("ssh-terminal.typescript.zst")).args([
        "--terminal-size",
        "85x39",
        "--json",
    ]);
    let output = inspect.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(facts["format"], "application/vnd.custody.typescript");
    assert_eq!((&facts["sizes"][0]["width"], &facts["sizes"][0]["height"]), (&850.into(), &780.into()));
    assert_eq!(facts["ending"]["kind"], "whole");
    let mut alone = custody();
    alone.arg("inspect").arg(sample("v2-psql.typed.json"));
    assert!(!alone.status().unwrap().success());
}
