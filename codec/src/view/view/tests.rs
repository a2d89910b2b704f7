use super::super::index::ViewIndexFold;
use super::super::range::ViewRange;
use super::*;
use crate::source::guac::OnDamage;
use base64_simd::STANDARD;

/// An instruction of these elements.
fn instruction(elements: &[&str]) -> String {
    let parts: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.chars().count())).collect();
    format!("{};", parts.join(","))
}

fn blob(stream: &str, bytes: &[u8]) -> String {
    instruction(&["blob", stream, &STANDARD.encode_to_string(bytes)])
}

fn seen(recording: &str) -> String {
    let mut seen = Vec::new();
    View::new(Limits::default()).push(recording.as_bytes(), &mut seen).unwrap();
    String::from_utf8(seen).unwrap()
}

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[test]
fn keys_clipboards_and_the_unknown_leave_nothing_and_the_rest_stays_byte_for_byte() {
    let shown = [
        instruction(&["size", "0", "640", "480"]),
        instruction(&["mouse", "10", "20", "1", "990"]),
        instruction(&["img", "3", "14", "0", "image/png", "0", "0"]),
        blob("3", PICTURE),
        instruction(&["end", "3"]),
        instruction(&["audio", "1", "audio/L16;rate=44100,channels=2"]),
        blob("1", &[0, 1, 0, 2]),
        instruction(&["sync", "1000", "1"]),
    ];
    let hidden = [
        instruction(&["key", "115", "1", "1001"]),
        instruction(&["key", "not a keysym", "1", "1001"]),
        instruction(&["clipboard", "5", "text/plain"])
            + &blob("5", b"S3cret!pass#1")
            + &instruction(&["end", "5"]),
        instruction(&["a new opcode", "S3cret!pass#1"]),
        instruction(&["clipboard"]),
    ];
    let recording: String =
        shown.iter().zip(hidden.iter().cycle()).map(|(a, b)| format!("{b}{a}{b}")).collect();
    assert_eq!(seen(&recording), shown.concat());
}

#[test]
fn a_clipboard_never_shows_through_a_stream_of_its_index() {
    let clipboard = instruction(&["clipboard", "1", "text/plain"]);
    let secret = blob("1", "geheim-Ü-S3cret!pass#1".as_bytes());
    let image = instruction(&["img", "1", "14", "0", "image/png", "0", "0"]);
    let audio = instruction(&["audio", "1", "audio/L16;rate=44100"]);
    let end = instruction(&["end", "1"]);
    let picture = blob("1", PICTURE);
    for recording in [
        // The picture ends first, so that its end looks like the clipboard's.
        [&clipboard, &image, &picture, &end, &secret, &secret, &end],
        [&image, &clipboard, &secret, &end, &picture, &secret, &end],
        [&audio, &clipboard, &secret, &end, &secret, &picture, &end],
        [&clipboard, &secret, &clipboard, &secret, &end, &secret, &end],
    ] {
        let recording: String = recording.into_iter().map(String::as_str).collect();
        assert!(!seen(&recording).contains(&secret), "{recording}");
    }
    // Sound that goes on behind a clipboard of the same index is heard again.
    let recording =
        [&audio, &picture, &clipboard, &secret, &picture, &end, &picture].map(String::as_str).concat();
    assert_eq!(seen(&recording), [audio, picture.clone(), picture].concat());
}

#[test]
fn the_view_ends_where_the_recording_cannot_be_read() {
    let sync = instruction(&["sync", "1"]);
    let key = instruction(&["key", "115", "1", "1001"]);
    let mut view = View::new(Limits { on_damage: OnDamage::Resync, ..Limits::default() });
    let mut seen = Vec::new();
    let damaged = format!("{sync}5.key,{key}{sync}");
    assert!(matches!(view.push(damaged.as_bytes(), &mut seen), Err(ViewError::Recording(_))));
    assert!(view.push(sync.as_bytes(), &mut seen).is_err());
    assert_eq!(seen, sync.as_bytes());
}

#[test]
fn too_many_clipboard_indexes_end_the_view() {
    let limits = Limits { streams: 2, ..Limits::default() };
    let clipboard = |stream: &str| instruction(&["clipboard", stream, "text/plain"]);
    let mut view = View::new(limits);
    let mut seen = Vec::new();
    let first: String = ["1", "2", "1"].map(clipboard).concat();
    assert_eq!(view.push(first.as_bytes(), &mut seen), Ok(()));
    let refused = Err(ViewError::Clipboards { limit: 2 });
    assert_eq!(view.push(clipboard("3").as_bytes(), &mut seen), refused);
    assert_eq!(view.push(instruction(&["sync", "1"]).as_bytes(), &mut seen), refused);
    assert!(seen.is_empty());
}

/// Pictures, keys and clipboards, whose blobs share an index with others.
fn mixed() -> String {
    let mut recording = String::new();
    for round in 0..4_000 {
        recording += &instruction(&["rect", "0", &round.to_string(), "0", "10", "10"]);
        recording += &instruction(&["key", "65293", "1", &round.to_string()]);
        if round % 100 == 0 {
            recording += &instruction(&["clipboard", "1", "text/plain"]);
        }
        recording += &blob("1", "geheim".repeat(round % 7).as_bytes());
        recording += &blob("1", &[0; 64]);
        if round % 130 == 0 {
            recording += &instruction(&["end", "1"]);
        }
        recording += &instruction(&["sync", &round.to_string()]);
    }
    recording
}

#[test]
fn what_grows_has_the_view_that_the_whole_has_wherever_it_is_looked_at() {
    let recording = mixed();
    let (recording, whole) = (recording.as_bytes(), seen(&recording).into_bytes());
    for step in [1_000, 77_777, recording.len()] {
        let mut fold = ViewIndexFold::new(Limits::default());
        let (mut follows, mut durable) = (Vec::new(), 0);
        while durable < recording.len() {
            durable = (durable + step).min(recording.len());
            let from = usize::try_from(fold.rewind()).unwrap();
            assert!(durable - from < step + 4_096, "little is read again");
            for piece in recording[from..durable].chunks(4_096) {
                fold.push(piece);
            }
            // What has come since the last look, as a range of the view.
            let seen_bytes = u64::try_from(follows.len()).unwrap();
            let mut range = ViewRange::new(fold.index(), seen_bytes..fold.index().bytes, Limits::default());
            let from = usize::try_from(range.start_byte()).unwrap();
            for piece in recording[from..durable].chunks(4_096) {
                follows.extend_from_slice(range.push(piece).unwrap());
            }
            assert!(range.is_complete() && whole.starts_with(&follows), "{durable}");
            assert!(range.held_bytes() < 64 << 10 && fold.index().held_bytes() < 64 << 10);
        }
        assert!(follows == whole && !fold.is_over());
    }
}

#[test]
fn what_grows_behind_damage_adds_nothing() {
    let sync = instruction(&["sync", "1"]);
    let mut fold = ViewIndexFold::new(Limits::default());
    for piece in [&sync, "4.sync,x;", &sync] {
        fold.rewind();
        fold.push(piece.as_bytes());
    }
    assert!(fold.is_over());
    assert_eq!(fold.finish().bytes, u64::try_from(sync.len()).unwrap());
}

#[test]
fn every_range_of_the_view_is_the_same_from_the_index_as_live() {
    let recording = mixed();
    let whole = seen(&recording);
    let mut fold = ViewIndexFold::new(Limits::default());
    let folded: Vec<u8> =
        recording.as_bytes().chunks(1_000).flat_map(|piece| fold.push(piece).to_vec()).collect();
    assert_eq!(folded, whole.as_bytes());
    let index = fold.finish();
    assert_eq!(index.bytes, u64::try_from(whole.len()).unwrap());
    assert!(index.points.len() >= 4, "{}", index.points.len());
    assert_eq!(index.before(0), None);
    for at in (0..index.bytes).step_by(4_999) {
        let Some(point) = index.before(at) else { continue };
        let from = usize::try_from(point.byte).unwrap();
        let mut live = Vec::new();
        View::resume(point, Limits::default()).push(&recording.as_bytes()[from..], &mut live).unwrap();
        assert_eq!(live, whole.as_bytes()[usize::try_from(point.view_byte).unwrap()..], "{at}");
    }
    for (start, bytes) in (0..index.bytes).step_by(9_973).zip([0, 1, 70_000, 300, u64::MAX].iter().cycle()) {
        let end = start.saturating_add(*bytes).min(index.bytes);
        let mut range = ViewRange::new(&index, start..end, Limits::default());
        let from = usize::try_from(range.start_byte()).unwrap();
        let mut read = Vec::new();
        for piece in recording.as_bytes()[from..].chunks(4_096) {
            read.extend_from_slice(range.push(piece).unwrap());
        }
        let asked = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        assert_eq!((read, range.is_complete()), (whole.as_bytes()[asked].to_vec(), true), "{start}..{end}");
    }
}

#[test]
fn a_range_reaches_damage_and_not_beyond() {
    let whole = instruction(&["sync", "1"]) + &instruction(&["sync", "2"]);
    let recording = whole.clone() + "4.sync,x;" + &whole;
    let mut fold = ViewIndexFold::new(Limits::default());
    fold.push(recording.as_bytes());
    let index = fold.finish();
    let end = index.bytes;
    assert_eq!(end, u64::try_from(whole.len()).unwrap());
    let read = |range| {
        let mut range = ViewRange::new(&index, range, Limits::default());
        range.push(recording.as_bytes()).map(<[u8]>::to_vec)
    };
    assert_eq!(read(12..end), Ok(whole.as_bytes()[12..].to_vec()));
    assert!(matches!(read(12..end + 1), Err(ViewError::Recording(_))));
}
