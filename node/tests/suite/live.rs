//! Sessions that are watched while they run, over HTTP: with the permission Keystrokes and without it.

use super::harness::{Served, wait};
use super::view::{COPIED, TYPED, count, filtered, instruction, recording_with_secrets, secrets};
use base64_simd::STANDARD;
use codec::limits::Limits;
use codec::picture::Picture;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::Read;
use std::thread;
use ureq::Agent;

/// An answer of `…/live` that is still being sent.
struct Following {
    position: usize,
    key_state_bytes: usize,
    body: Box<dyn Read + Send>,
}

fn follow(served: &Served, token: &str, session: &str, query: &str) -> Following {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("{}/v1/sessions/{session}/live{query}", served.url());
    let answer = agent.get(&url).header("Authorization", format!("Bearer {token}")).call().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let number = |name| answer.headers().get(name).unwrap().to_str().unwrap().parse().unwrap();
    let (position, key_state_bytes) = (number("custody-position"), number("custody-key-state-bytes"));
    Following { position, key_state_bytes, body: Box::new(answer.into_body().into_reader()) }
}

impl Following {
    fn key_state(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.key_state_bytes];
        self.body.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All that comes until the session ends, on a thread.
    fn to_the_end(mut self) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            self.body.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }
}

fn open(served: &Served) -> String {
    let body = json!({ "protocol": "ssh", "format": "guacamole", "device_address": "db", "start_ms": 1_800_000_000_000_u64 });
    let (status, made) = served.post("/v1/sessions", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn append(served: &Served, session: &str, offset: usize, bytes: &[u8]) {
    let offset = offset.to_string();
    let headers = [("Upload-Offset", &*offset), ("Content-Type", "application/offset+octet-stream")];
    let (status, answer) =
        served.send("PATCH", &format!("/v1/sessions/{session}/recording"), &headers, bytes);
    assert_eq!(status, 204, "{answer}");
}

fn seal(served: &Served, session: &str) {
    let body = json!({ "end": "finished", "end_ms": 1_800_000_060_000_u64 });
    let (status, answer) = served.post(&format!("/v1/sessions/{session}/seal"), &body);
    assert_eq!(status, 200, "{answer}");
}

fn last_picture(recording: &[u8]) -> Picture {
    let (mut replay, mut screen) = (Replay::new(Limits::default()), Screen::default());
    replay.push(recording);
    while let Ok(Some(moment)) = replay.step() {
        if matches!(moment, Moment::Frame { .. }) {
            screen.show_frame(replay.canvas());
        }
    }
    screen.picture_without_pointer().clone()
}

/// A secret that was copied while an image of the same stream is open, and so stands in the image for who cannot tell.
fn clipboard_beneath_an_image(secret: &str) -> (String, String) {
    let text = STANDARD.encode_to_string(secret);
    let parts = [
        instruction(&["img", "61", "14", "0", "image/png", "0", "0"]),
        instruction(&["clipboard", "61", "text/plain"]),
        instruction(&["end", "61"]),
        instruction(&["blob", "61", &text]),
    ];
    (parts.concat(), text)
}

fn json_of(what: &impl Display, body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{what}: {error}"))
}

#[test]
fn a_live_session_shows_what_is_durable_and_nothing_that_was_typed_to_who_may_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let (recording, hidden) = recording_with_secrets();
    let whole_view = filtered(&recording);
    let session = open(&served);
    let path = |of: &str| format!("/v1/sessions/{session}/{of}");
    let followers =
        [&auditor, &watcher, &watcher].map(|token| follow(&served, token, &session, "?from=0").to_the_end());

    let mut state = 0x2545_f491_4f6c_dd1d_usize;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let (mut durable, mut polled) = (0, Vec::new());
    while durable < recording.len() {
        let step = [300, 70_000, 400_000][below(3)];
        let next = (durable + 1 + below(step)).min(recording.len());
        append(&served, &session, durable, &recording[durable..next]);
        durable = next;
        let raw = served.get_as(&auditor, &path("recording"), Some("bytes=0-"));
        assert!(raw.body == recording[..durable] && raw.tag.is_empty(), "{durable}");
        let expected = filtered(&recording[..durable]);
        let further = served.get_as(&watcher, &path("recording"), Some(&format!("bytes={}-", polled.len())));
        match further.status {
            206 => polled.extend(further.body),
            status => assert_eq!((status, polled.len()), (416, expected.len())),
        }
        assert!(polled == expected && whole_view.starts_with(&polled), "{durable}");
        if expected.is_empty() {
            continue;
        }
        let first = below(expected.len());
        let last = (first + below(80_000)).min(expected.len() - 1);
        let part = served.get_as(&watcher, &path("recording"), Some(&format!("bytes={first}-{last}")));
        assert_eq!(part.content_range, format!("bytes {first}-{last}/{}", expected.len()));
        assert!(part.body == expected[first..=last], "{first}-{last} of {durable}");

        let timelines = [&auditor, &watcher].map(|token| served.get_as(token, &path("timeline"), None));
        let bytes = timelines.each_ref().map(|got| json_of(&durable, &got.body)["bytes"].clone());
        assert_eq!(bytes, [json!(durable), json!(expected.len())]);
        assert!(timelines.iter().all(|got| got.status == 200 && got.tag.is_empty()));
        let seen = json_of(&durable, &timelines[1].body);
        assert_eq!((&seen["key_presses"], &seen["instructions"]["key"]), (&json!(0), &Value::Null));
        for secret in [TYPED, COPIED].into_iter().chain(hidden.iter().map(String::as_str)) {
            let of = timelines.iter().map(|got| &got.body).chain([&part.body, &polled]);
            assert!(of.map(|bytes| count(bytes, secret)).all(|count| count == 0), "{secret}");
        }
        assert_eq!((count(&polled, "3.key,"), count(&polled, "9.clipboard,")), (0, 0));
    }
    let keystrokes = served.get_as(&auditor, &path("keystrokes"), None);
    assert!([TYPED, COPIED].iter().all(|secret| count(&keystrokes.body, secret) == 2));
    assert_eq!(served.get_as(&watcher, &path("keystrokes"), None).status, 403);

    let last_timelines = [&auditor, &watcher].map(|token| served.get_as(token, &path("timeline"), None).body);
    seal(&served, &session);
    wait("the index", || {
        (served.get_json(&path("").trim_end_matches('/').to_owned())["session"]["index_state"] == "ready")
            .then_some(())
    });
    let sealed = served.get_as(&watcher, &path("recording"), None);
    assert!(
        sealed.body == polled && polled == whole_view,
        "what was seen live is the view of the sealed one"
    );
    let [raw, view, other] = followers.map(|follower| follower.join().unwrap());
    assert!(raw == recording && view == sealed.body && other == view, "who followed has all of it");
    for (token, live) in [&auditor, &watcher].into_iter().zip(last_timelines) {
        let stored = served.get_as(token, &path("timeline"), None);
        assert!(
            stored.body == live && !stored.tag.is_empty(),
            "the timeline of all is the one that is stored"
        );
    }
}

#[test]
fn who_joins_a_long_session_begins_at_a_key_state_without_keys_and_clipboards() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let (part, mut hidden) = recording_with_secrets();
    let (beneath, text) = clipboard_beneath_an_image("canary beneath an image");
    hidden.push(text.clone());
    hidden.extend(secrets("0").1);
    let recording = [part.as_slice(), beneath.as_bytes(), &part, &part].concat();
    let session = open(&served);
    let early = recording.len() / 8;
    append(&served, &session, 0, &recording[..early]);
    let mut first = follow(&served, &watcher, &session, "");
    assert_eq!((first.position, first.key_state().len()), (0, 0), "there is little to draw");

    append(&served, &session, early, &recording[early..]);
    let view = filtered(&recording);
    let mut joined = follow(&served, &watcher, &session, "");
    let key_state = joined.key_state();
    assert!(joined.position > view.len() / 2 && !key_state.is_empty(), "{}", joined.position);
    let mut again = follow(&served, &watcher, &session, "");
    assert!(again.position >= joined.position);
    let mut raw = follow(&served, &auditor, &session, "");
    let raw_key_state = raw.key_state();
    assert!(raw.position > recording.len() / 2);
    // This is why the one without keys is drawn from the view.
    assert_eq!((count(&raw_key_state, &text), count(&key_state, &text)), (1, 0));
    for state in [&key_state, &again.key_state()] {
        for secret in hidden.iter().map(String::as_str).chain([TYPED, COPIED, "3.key,", "9.clipboard,"]) {
            assert_eq!(count(state, secret), 0, "{secret}");
        }
    }
    seal(&served, &session);
    let (joined_at, raw_at) = (joined.position, raw.position);
    let [rest, raw_rest] = [joined, raw].map(|following| following.to_the_end().join().unwrap());
    assert!(rest == view[joined_at..] && raw_rest == recording[raw_at..]);
    let whole = last_picture(&view);
    assert!(last_picture(&[key_state, rest].concat()) == whole, "the picture of who has seen all of it");
    assert!(last_picture(&[raw_key_state, raw_rest].concat()) == whole);
    assert!(first.to_the_end().join().unwrap() == view);
}

#[test]
fn a_member_that_stops_ends_what_is_followed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let watcher = served.user("System Administrator");
    let session = open(&served);
    append(&served, &session, 0, b"4.sync,1.1;");
    let mut following = follow(&served, &watcher, &session, "?from=0");
    let mut seen = [0; 11];
    following.body.read_exact(&mut seen).unwrap();
    assert!(served.terminate().success());
    assert_eq!(&seen, b"4.sync,1.1;");
    assert!(
        following.body.read_to_end(&mut Vec::new()).is_err(),
        "it is not whole, and who follows can tell"
    );
}
