use super::super::{ViewIndexFold, ViewRange};
use super::*;
use crate::timeline::{Timeline, TimelineFold};

const V2: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";
const V3: &str = "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n";

/// The view of a recording, which must be the same in any pieces, in ranges and when it is read on after a rewind.
fn view(recording: &str) -> (String, bool) {
    let mut fold = ViewIndexFold::new(Limits::default());
    let whole = fold.push(recording.as_bytes()).to_vec();
    let (index, is_over) = (fold.index().clone(), fold.is_over());
    let mut single = ViewIndexFold::new(Limits::default());
    let pieces: Vec<u8> =
        recording.as_bytes().chunks(1).flat_map(|piece| single.push(piece).to_vec()).collect();
    assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole));
    let (mut growing, mut grown) = (ViewIndexFold::new(Limits::default()), Vec::new());
    for end in (0..=recording.len()).step_by(11).chain([recording.len()]) {
        let from = usize::try_from(growing.rewind()).unwrap();
        if from < end {
            grown.extend_from_slice(growing.push(&recording.as_bytes()[from..end]));
        }
    }
    assert_eq!(String::from_utf8_lossy(&grown), String::from_utf8_lossy(&whole));
    let bytes = u64::try_from(whole.len()).unwrap();
    for start in (0..bytes).step_by(7) {
        let mut range = ViewRange::new(&index, start..bytes, Limits::default());
        let from = usize::try_from(range.start_byte()).unwrap();
        let read = range.push(&recording.as_bytes()[from..]).unwrap_or_default();
        assert_eq!(read, &whole[usize::try_from(start).unwrap()..]);
    }
    (String::from_utf8(whole).unwrap(), is_over)
}

fn timeline(recording: &str) -> Timeline {
    let mut fold = TimelineFold::new(Limits::default());
    fold.push(recording.as_bytes());
    fold.finish().0
}

#[test]
fn input_and_what_is_not_understood_are_left_out() {
    let recording = format!(
        "{V2}[1,\"o\",\"$ \"]\n[2,\"i\",\"S3cret\"]\n[2.5,\"q\",\"S3cret\"]\n[3,\"o\",\"\\\"i\\\"\"]\n[4,\"m\",\"x\"]\n[5,\"r\",\"9x9\"]\n[6,\"x\",\"0\"]\n"
    );
    let expected = format!(
        "{V2}[1,\"o\",\"$ \"]\n[3,\"o\",\"\\\"i\\\"\"]\n[4,\"m\",\"x\"]\n[5,\"r\",\"9x9\"]\n[6,\"x\",\"0\"]\n"
    );
    assert_eq!(view(&recording), (expected, false));
}

#[test]
fn in_version_3_the_next_event_takes_over_their_time() {
    let recording = format!(
        "{V3}# S3cret\n[1.5,\"o\",\"$ \"]\n[0.25,\"i\",\"S\"]\n[0.125,\"i\",\"3\"]\n[ 0.5 , \"o\",\"a\"]\n[1,\"o\",\"b\"]\n"
    );
    let expected = format!("{V3}[1.5,\"o\",\"$ \"]\n[0.875000 , \"o\",\"a\"]\n[1,\"o\",\"b\"]\n");
    let (seen, _) = view(&recording);
    assert_eq!(seen, expected);
    let (whole, seen) = (timeline(&recording), timeline(&seen));
    assert_eq!(whole.media_duration_ms, seen.media_duration_ms);
    let times = |timeline: &Timeline| timeline.syncs.iter().map(|sync| sync.at_ms).collect::<Vec<_>>();
    assert_eq!(times(&whole), times(&seen));
    assert_eq!((whole.key_presses, seen.key_presses), (2, 0));
}

#[test]
fn version_1_has_no_input_and_what_is_behind_its_events_is_left_out() {
    let recording = "{\"version\":1,\"width\":9,\"height\":9,\"stdout\":[\n[0.1,\"a\"],\n[0.2,\"b\"]\n],\"stdin\":[\"S3cret\"]}";
    let expected = "{\"version\":1,\"width\":9,\"height\":9,\"stdout\":[[0.1,\"a\"],[0.2,\"b\"]]}\n";
    assert_eq!(view(recording), (expected.to_owned(), false));
}

#[test]
fn the_view_ends_where_the_recording_cannot_be_read() {
    let recording = format!("{V2}[1,\"o\",\"a\"]\n[2,\"o\",\"b\"] S3cret\n[3,\"o\",\"c\"]\n");
    assert_eq!(view(&recording), (format!("{V2}[1,\"o\",\"a\"]\n[2,\"o\",\"b\"]\n"), true));
}

#[test]
fn a_long_recording_is_read_from_points_of_its_index() {
    let lines: String =
        (0..20_000).map(|n| format!("[0.1,\"o\",\"{n}\"]\n[0.1,\"i\",\"S3cret\"]\n")).collect();
    let recording = format!("{V3}{lines}");
    let mut fold = ViewIndexFold::new(Limits::default());
    let mut whole = Vec::new();
    for piece in recording.as_bytes().chunks(10_000) {
        whole.extend_from_slice(fold.push(piece));
    }
    let index = fold.finish();
    assert!(index.points.len() > 5);
    let json = serde_json::to_string(&index).unwrap();
    let index = serde_json::from_str(&json).unwrap();
    let bytes = u64::try_from(whole.len()).unwrap();
    let start = bytes / 2;
    let mut range = ViewRange::new(&index, start..bytes, Limits::default());
    assert!(range.start_byte() > 100_000);
    let read = range.push(&recording.as_bytes()[usize::try_from(range.start_byte()).unwrap()..]).unwrap();
    assert!(read == &whole[usize::try_from(start).unwrap()..]);
    assert!(!String::from_utf8_lossy(&whole).contains("S3cret"));
}

#[test]
fn a_typescript_is_shown_as_long_as_its_timing_tells_of_no_input() {
    let head = |timing: &str| format!("#custody-typescript 1 timing={} size=80x24\n{timing}", timing.len());
    let plain = format!("{}title\nabc", head("0.1 2\n0.2 1"));
    assert_eq!(view(&plain), (plain.clone(), false));
    let typed = format!("{}title\nabc", head("O 0.1 2\nI 0.2 1\n"));
    let (seen, is_over) = view(&typed);
    assert!(is_over && seen.ends_with("O 0.1 2\n"));
}
