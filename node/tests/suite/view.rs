//! Recordings as those see them who lack the permission Keystrokes, over HTTP.

use super::harness::{Got, Served, plain, wait};
use base64_simd::STANDARD;
use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use codec::view::View;
use serde_json::{Value, json};
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

pub(super) const TYPED: &str = "Zx9-Canary";
pub(super) const COPIED: &str = "clipboard of canaries: 4711-0815";
const RANGES: usize = 200;

pub(super) fn instruction(elements: &[&str]) -> String {
    let parts: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.chars().count())).collect();
    format!("{};", parts.join(","))
}

/// What a user types and copies at a time, and the bytes of it that must not be seen.
pub(super) fn secrets(at_ms: &str) -> (String, Vec<String>) {
    let key = |char: char, pressed| instruction(&["key", &u32::from(char).to_string(), pressed, at_ms]);
    let typed: String = TYPED.chars().map(|char| key(char, "1") + &key(char, "0")).collect();
    let text = STANDARD.encode_to_string(COPIED);
    let clipboard = instruction(&["clipboard", "0", "text/plain"])
        + &instruction(&["blob", "0", &text])
        + &instruction(&["end", "0"]);
    let hidden = vec![typed.clone(), text, instruction(&["clipboard", "0", "text/plain"])];
    (typed + &clipboard, hidden)
}

/// A recording of the test data with secrets in its middle, and the bytes of them.
pub(super) fn recording_with_secrets() -> (Vec<u8>, Vec<String>) {
    let mut bytes = plain("ssh-terminal.guac.zst");
    let middle = bytes.len() / 2;
    let sync = middle + bytes[middle..].windows(8).position(|window| window == b";4.sync,").unwrap();
    let end = sync + 1 + bytes[sync + 1..].iter().position(|byte| *byte == b';').unwrap() + 1;
    let sync = String::from_utf8(bytes[sync + 1..end].to_vec()).unwrap();
    let at_ms = sync.split(['.', ',', ';']).nth(3).unwrap();
    let (inserted, hidden) = secrets(at_ms);
    bytes.splice(end..end, inserted.into_bytes());
    (bytes, hidden)
}

pub(super) fn count(bytes: &[u8], of: &str) -> usize {
    bytes.windows(of.len()).filter(|window| *window == of.as_bytes()).count()
}

pub(super) fn filtered(recording: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    // Of a damaged recording, what comes before the damage.
    let _: Result<(), _> = View::new(Limits::default()).push(recording, &mut seen);
    seen
}

/// The times of all frames, and of every hundredth a number that stands for its picture.
fn pictures(recording: &[u8]) -> Vec<(i64, Option<u64>)> {
    let (mut replay, mut screen, mut pictures) =
        (Replay::new(Limits::default()), Screen::default(), Vec::new());
    replay.push(recording);
    while let Ok(Some(moment)) = replay.step() {
        let Moment::Frame { at_ms, index } = moment else { continue };
        screen.show_frame(replay.canvas());
        let number = index.is_multiple_of(100).then(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(screen.picture().pixels.as_flattened());
            hasher.finish()
        });
        pictures.push((at_ms, number));
    }
    pictures
}

/// Imports a file and waits until it is indexed.
fn indexed(served: &Served, folder: &Path, file: &str) -> String {
    let session = served.import(folder, file);
    let path = format!("/v1/sessions/{session}");
    wait("the index", || (served.get_json(&path)["session"]["index_state"] == "ready").then_some(()));
    session
}

fn json_of(got: &Got) -> Value {
    assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.body));
    serde_json::from_slice(&got.body).unwrap()
}

/// The bytes behind the frames of a timeline.
fn ends(timeline: &Value) -> Vec<usize> {
    let after = timeline["syncs"]["after_bytes"].as_array().unwrap().iter();
    after
        .scan(0, |end, bytes| {
            *end += usize::try_from(bytes.as_u64().unwrap()).unwrap();
            Some(*end)
        })
        .collect()
}

#[test]
fn nothing_that_was_typed_or_copied_is_in_the_view_or_in_any_range_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, hidden) = recording_with_secrets();
    let file = folder.path().join("secrets.guac");
    fs::write(&file, &recording).unwrap();
    let served = Served::start(folder.path(), "");
    let session = indexed(&served, folder.path(), file.to_str().unwrap());
    let path = format!("/v1/sessions/{session}/recording");
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let raw = served.get_as(&auditor, &path, None);
    assert!((raw.status, &raw.body) == (200, &recording), "the recording comes as it was received");
    let view = served.get_as(&watcher, &path, None);
    assert_eq!(view.status, 200);
    assert_ne!(view.tag, raw.tag);
    for secret in hidden {
        assert_eq!((count(&raw.body, &secret).min(1), count(&view.body, &secret)), (1, 0), "{secret}");
    }
    for opcode in ["3.key,", "9.clipboard,"] {
        assert_eq!((count(&raw.body, opcode) > 0, count(&view.body, opcode)), (true, 0), "{opcode}");
    }
    assert!(view.body == filtered(&recording), "it is the view, byte for byte");
    assert_eq!(pictures(&view.body), pictures(&recording));

    let length = view.body.len();
    let mut state = 0x9e37_79b9_7f4a_7c15_usize;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    for number in 0..RANGES {
        let first = below(length);
        let last = (first + below([1, 100, 70_000, length][number % 4])).min(length - 1);
        let part = served.get_as(&watcher, &path, Some(&format!("bytes={first}-{last}")));
        assert_eq!(
            (part.status, part.content_range, part.tag),
            (206, format!("bytes {first}-{last}/{length}"), view.tag.clone())
        );
        assert!(part.body == view.body[first..=last], "{first}-{last}");
    }
    let behind = served.get_as(&watcher, &path, Some(&format!("bytes={length}-")));
    assert_eq!((behind.status, behind.content_range), (416, format!("bytes */{length}")));
}

#[test]
fn timeline_and_keystrokes_tell_each_caller_what_they_may_know() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, hidden) = recording_with_secrets();
    let file = folder.path().join("secrets.guac");
    fs::write(&file, &recording).unwrap();
    let served = Served::start(folder.path(), "");
    let session = indexed(&served, folder.path(), file.to_str().unwrap());
    let (auditor, watcher) = (served.user("PAM Auditor"), served.user("System Administrator"));
    let get = |served: &Served, token: &str, of: &str| {
        served.get_as(token, &format!("/v1/sessions/{session}/{of}"), None)
    };
    let keystrokes = get(&served, &auditor, "keystrokes");
    for secret in [TYPED, COPIED] {
        assert_eq!(count(&keystrokes.body, secret), 2, "as text and as the player shows it");
    }
    assert_eq!(json_of(&keystrokes)["keystrokes_version"], 1);
    assert_eq!(get(&served, &watcher, "keystrokes").status, 403);

    let view = get(&served, &watcher, "recording");
    let got = [&auditor, &watcher].map(|token| get(&served, token, "timeline"));
    let timelines = got.each_ref().map(json_of);
    for (got, (timeline, bytes)) in got.iter().zip(timelines.iter().zip([&recording, &view.body])) {
        for secret in [TYPED, COPIED].into_iter().chain(hidden.iter().map(String::as_str)) {
            assert_eq!(count(&got.body, secret), 0, "{secret}");
        }
        assert_eq!((&timeline["version"], &timeline["bytes"]), (&json!(2), &json!(bytes.len())));
        let ends = ends(timeline);
        assert_eq!(timeline["sync_count"], ends.len());
        for end in ends {
            let start = bytes[..end - 1].iter().rposition(|byte| *byte == b';').map_or(0, |at| at + 1);
            assert!(bytes[start..end].starts_with(b"4.sync,"), "{end}");
        }
    }
    let [whole, seen] = timelines;
    assert_eq!(whole["sync_count"], seen["sync_count"]);
    assert!(whole["key_presses"].as_u64() > Some(0));
    // Neither whether nor when: the rhythm of keys helps to guess words.
    assert_eq!((&seen["key_presses"], &seen["instructions"]["key"]), (&json!(0), &Value::Null));
    assert_eq!(seen["heat_map"]["keys"], json!(vec![0; 100]));
    assert_eq!(seen["events"]["keys"]["count"], json!([]));
    assert_eq!(count(&got[1].body, "\"clipboard\""), 0);

    // Keystrokes stand in a stream of text, and a member that was started again reads under both keys.
    let names = chunk_names(&folder.path().join("data/store/bytes/chunks"));
    let is_text = |name: &String| {
        name.split(['-', '.']).filter_map(|part| part.parse::<u64>().ok()).any(|part| part >> 63 == 1)
    };
    assert!(names.iter().any(is_text) && !names.iter().all(is_text), "{names:?}");
    assert!(served.terminate().success());
    let served = Served::start(folder.path(), "");
    assert_eq!(get(&served, &auditor, "keystrokes"), keystrokes);
    assert!(get(&served, &watcher, "recording") == view, "the view is the same after a start");
}

fn chunk_names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => names.extend(chunk_names(&entry.path())),
            false => names.push(entry.file_name().into_string().unwrap()),
        }
    }
    names
}

#[test]
fn the_view_of_a_recording_that_was_cut_ends_with_its_last_whole_instruction() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = indexed(&served, folder.path(), "vnc-truncated.guac.zst");
    let watcher = served.user("System Administrator");
    let view = served.get_as(&watcher, &format!("/v1/sessions/{session}/recording"), None);
    assert!((view.status, &view.body) == (200, &filtered(&plain("vnc-truncated.guac.zst"))));
    let timeline = json_of(&served.get_as(&watcher, &format!("/v1/sessions/{session}/timeline"), None));
    assert_eq!(timeline["ending"], json!({ "kind": "truncated", "position": view.body.len() }));
}
