//! Sessions that are watched while they run, over HTTP: with the permission Keystrokes and without it.

use super::harness::{Got, Served, wait};
use super::view::{COPIED, TYPED, count, filtered, instruction, recording_with_secrets, secrets};
use base64_simd::STANDARD;
use codec::limits::Limits;
use codec::picture::Picture;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use ureq::Agent;

/// More readers than views are filtered for at one time.
const SLOW: usize = 40;

/// An answer of `…/live` that is still being sent.
pub(super) struct Following {
    pub(super) position: usize,
    pub(super) key_state_bytes: usize,
    body: Box<dyn Read + Send>,
}

pub(super) fn follow(served: &Served, token: &str, session: &str, query: &str) -> Following {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("{}/v1/sessions/{session}/live{query}", served.url());
    let answer = agent.get(&url).header("Authorization", format!("Bearer {token}")).call().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let number = |name| answer.headers().get(name).unwrap().to_str().unwrap().parse().unwrap();
    let (position, key_state_bytes) = (number("custody-position"), number("custody-key-state-bytes"));
    Following { position, key_state_bytes, body: Box::new(answer.into_body().into_reader()) }
}

impl Following {
    pub(super) fn key_state(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.key_state_bytes];
        self.body.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All that comes until the session ends, on a thread.
    pub(super) fn read_out(mut self) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            self.body.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }
}

fn open(served: &Served) -> String {
    open_as(served, "guacamole")
}

/// Opens a session with a recording of this format.
pub(super) fn open_as(served: &Served, format: &str) -> String {
    let body = json!({ "protocol": "ssh", "format": format, "device_address": "db", "start_ms": 1_800_000_000_000_u64 });
    let (status, made) = served.post("/v1/sessions", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

pub(super) fn append(served: &Served, session: &str, offset: usize, bytes: &[u8]) {
    let offset = offset.to_string();
    let headers = [("Upload-Offset", &*offset), ("Content-Type", "application/offset+octet-stream")];
    let (status, answer) =
        served.send("PATCH", &format!("/v1/sessions/{session}/recording"), &headers, bytes);
    assert_eq!(status, 204, "{answer}");
}

pub(super) fn seal(served: &Served, session: &str) {
    let body = json!({ "end": "finished", "end_ms": 1_800_000_060_000_u64 });
    let (status, answer) = served.post(&format!("/v1/sessions/{session}/seal"), &body);
    assert_eq!(status, 200, "{answer}");
}

pub(super) fn last_picture(recording: &[u8]) -> Picture {
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

/// A live session, and two who watch it.
struct Watched<'a> {
    served: &'a Served,
    session: String,
    auditor: String,
    watcher: String,
    hidden: Vec<String>,
}

impl<'a> Watched<'a> {
    fn new(served: &'a Served, hidden: Vec<String>) -> Self {
        let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
        Self { served, session: open(served), auditor, watcher, hidden }
    }

    fn get(&self, token: &str, of: &str, range: Option<&str>) -> Got {
        self.served.get_as(token, &format!("/v1/sessions/{}/{of}", self.session), range)
    }

    fn hides(&self, bytes: &[u8]) {
        let secrets = [TYPED, COPIED, "3.key,", "9.clipboard,"];
        for secret in self.hidden.iter().map(String::as_str).chain(secrets) {
            assert_eq!(count(bytes, secret), 0, "{secret}");
        }
    }

    /// What both get when so much is durable: as received, and what has come behind `polled`, which is added to it.
    fn poll(&self, durable: &[u8], polled: &mut Vec<u8>) {
        let raw = self.get(&self.auditor, "recording", Some("bytes=0-"));
        assert!(raw.body == durable && raw.tag.is_empty(), "{}", durable.len());
        let expected = filtered(durable);
        let further = self.get(&self.watcher, "recording", Some(&format!("bytes={}-", polled.len())));
        match further.status {
            206 => {
                self.hides(&further.body);
                polled.extend(further.body);
            }
            status => assert_eq!((status, polled.len()), (416, expected.len())),
        }
        assert!(*polled == expected, "{}", durable.len());
    }

    /// The timelines of both, and those of all that is durable.
    fn timelines(&self, durable: usize, seen: usize) {
        let timelines = [&self.auditor, &self.watcher].map(|token| self.get(token, "timeline", None));
        let [whole, view] = timelines.each_ref().map(|got| {
            assert!(got.status == 200 && got.tag.is_empty());
            [TYPED, COPIED].iter().for_each(|secret| assert_eq!(count(&got.body, secret), 0));
            serde_json::from_slice::<Value>(&got.body).unwrap()
        });
        self.hides(&timelines[1].body);
        assert_eq!([&whole["bytes"], &view["bytes"]], [&json!(durable), &json!(seen)]);
        assert_eq!((&view["key_presses"], &view["instructions"]["key"]), (&json!(0), &Value::Null));
    }
}

/// Numbers below a limit, the same in each run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_usize;
    move |limit| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    }
}

#[test]
fn a_live_session_shows_what_is_durable_and_nothing_that_was_typed_to_who_may_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let (recording, hidden) = recording_with_secrets();
    let watched = Watched::new(&served, hidden);
    let (auditor, watcher) = (&watched.auditor, &watched.watcher);
    let followers = [auditor, watcher, watcher]
        .map(|token| follow(&served, token, &watched.session, "?from=0").read_out());
    let (mut durable, mut polled, mut below) = (0, Vec::new(), numbers());
    while durable < recording.len() {
        let step = [300, 70_000, 400_000][below(3)];
        let next = (durable + 1 + below(step)).min(recording.len());
        append(&served, &watched.session, durable, &recording[durable..next]);
        durable = next;
        watched.poll(&recording[..durable], &mut polled);
        watched.timelines(durable, polled.len());
        let length = polled.len();
        let first = below(length.max(1));
        let last = (first + below(80_000)).min(length.saturating_sub(1));
        let part = watched.get(watcher, "recording", Some(&format!("bytes={first}-{last}")));
        if part.status == 206 {
            assert_eq!(part.content_range, format!("bytes {first}-{last}/{length}"));
            assert!(part.body == polled[first..=last], "{first}-{last} of {durable}");
        } else {
            assert_eq!((part.status, length), (416, 0));
        }
    }
    let keystrokes = watched.get(auditor, "keystrokes", None);
    assert!([TYPED, COPIED].iter().all(|secret| count(&keystrokes.body, secret) == 2));
    assert_eq!(watched.get(watcher, "keystrokes", None).status, 403);

    watched.hides(&polled);
    let live = [auditor, watcher].map(|token| watched.get(token, "timeline", None).body);
    seal(&served, &watched.session);
    let report = format!("/v1/sessions/{}", watched.session);
    wait("the index", || (served.get_json(&report)["session"]["index_state"] == "ready").then_some(()));
    let sealed = watched.get(watcher, "recording", None);
    assert!(
        sealed.body == polled && !sealed.tag.is_empty(),
        "what was seen live is the view of the sealed one"
    );
    let [raw, view, other] = followers.map(|follower| follower.join().unwrap());
    assert!(raw == recording && view == sealed.body && other == view, "who followed has all of it");
    let stored = [auditor, watcher].map(|token| watched.get(token, "timeline", None).body);
    assert!(stored == live, "the timelines of all that was durable are those that are stored");
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
    let [rest, raw_rest] = [joined, raw].map(|following| following.read_out().join().unwrap());
    assert!(rest == view[joined_at..] && raw_rest == recording[raw_at..]);
    let whole = last_picture(&view);
    assert!(last_picture(&[key_state, rest].concat()) == whole, "the picture of who has seen all of it");
    assert!(last_picture(&[raw_key_state, raw_rest].concat()) == whole);
    assert!(first.read_out().join().unwrap() == view);
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

#[test]
fn who_fetches_slowly_keeps_nobody_else_from_a_view() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let watcher = served.user("System Administrator");
    let session = open(&served);
    // More than what waits in sockets.
    let part = recording_with_secrets().0.repeat(8);
    append(&served, &session, 0, &part);
    let path = format!("/v1/sessions/{session}/recording");
    let address = served.url().strip_prefix("http://").unwrap();
    let slow: Vec<_> = (0..SLOW)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            let head =
                format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {watcher}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).unwrap();
            assert_eq!(&status, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let got = served.get_as(&watcher, &path, Some("bytes=100-199"));
    assert_eq!((got.status, got.body.len(), slow.len()), (206, 100, SLOW));
}
