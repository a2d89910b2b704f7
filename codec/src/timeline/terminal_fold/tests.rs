use super::*;
use crate::timeline::{KeyBatch, Marker, SizeChange, TextKind, TextLine, TimelineFold};

const HEAD: &str = "{\"version\":2,\"width\":10,\"height\":4,\"timestamp\":1700000000}\n";

fn fold(recording: &str, piece_bytes: usize, limits: Limits) -> (Timeline, Keystrokes) {
    let mut fold = TimelineFold::new(limits);
    for piece in recording.as_bytes().chunks(piece_bytes) {
        fold.push(piece);
    }
    fold.finish()
}

fn of(lines: &str) -> (Timeline, Keystrokes) {
    let recording = format!("{HEAD}{lines}");
    let whole = fold(&recording, 1 << 20, Limits::default());
    assert_eq!(fold(&recording, 1, Limits::default()), whole, "pieces give another timeline");
    whole
}

#[test]
fn the_timeline_is_that_of_what_was_seen_and_typed() {
    let (timeline, keystrokes) = of(
        "[0.5,\"i\",\"l\"]\n[0.501,\"o\",\"l\"]\n[0.6,\"i\",\"s\\r\"]\n[0.61,\"o\",\"s\\r\\n\"]\n[3,\"m\",\"here\"]\n[4,\"r\",\"20x5\"]\n[9,\"i\",\"\\u0003\"]\n[12,\"x\",\"130\"]\n",
    );
    assert_eq!(timeline.format, "application/x-asciicast");
    assert_eq!((timeline.media_duration_ms, timeline.ending), (12_000, Ending::Whole));
    assert_eq!((timeline.recorded_s, timeline.first_timestamp_ms), (Some(1_700_000_000), None));
    let size = |at_ms, width, height| SizeChange { at_ms, width, height };
    assert_eq!(timeline.sizes, [size(0, 100, 80), size(4_000, 200, 100)]);
    let syncs: Vec<_> = timeline.syncs.iter().map(|sync| (sync.at_ms, sync.dirty_pixels)).collect();
    // A new screen, all of it drawn, with a cursor; a row and two places of the cursor; a row and two places; and all of it again.
    let (row, cell) = (100 * 20, 200);
    assert_eq!(
        syncs,
        [(0, 2 * 4 * row + cell), (501, row + 2 * cell), (610, row + 2 * cell), (4_000, 2 * 200 * 100)]
    );
    let marker = |at_ms, event| Marker { at_ms, event };
    assert_eq!(
        timeline.markers,
        [
            marker(3_000, MarkerEvent::Mark { label: "here".into() }),
            marker(4_000, MarkerEvent::Resize { width: 200, height: 100 }),
            marker(12_000, MarkerEvent::Exit { status: "130".into() }),
        ]
    );
    assert_eq!(timeline.key_presses, 5);
    let counts: Vec<_> = timeline.instructions.iter().map(|(name, count)| (name.as_ref(), *count)).collect();
    assert_eq!(
        counts,
        [("begin", 1), ("exit", 1), ("input", 3), ("marker", 1), ("output", 2), ("resize", 1)]
    );
    let idle: Vec<_> = timeline.idle.iter().map(|span| (span.start_ms, span.end_ms)).collect();
    assert_eq!(idle, [(610, 4_000), (4_000, 9_000), (9_000, 12_000)]);
    let texts: Vec<_> =
        keystrokes.batches.iter().map(|KeyBatch { at_ms, text, .. }| (*at_ms, text.as_str())).collect();
    assert_eq!(texts, [(500, "ls\n"), (9_000, "<Ctrl+c>")]);
}

#[test]
fn output_that_shows_nothing_is_no_activity() {
    let (timeline, _) = of("[1,\"o\",\"\\u001b]0;title\\u0007\"]\n[2,\"o\",\"\"]\n[3,\"z\",\"\"]\n");
    assert_eq!(timeline.syncs.iter().map(|sync| sync.dirty_pixels).collect::<Vec<_>>()[1..], [0, 0]);
    assert_eq!(timeline.idle.len(), 1);
    assert_eq!(timeline.media_duration_ms, 3_000);
}

#[test]
fn a_session_ends_by_the_clock_of_its_recording() {
    let recording = format!("{HEAD}[1,\"o\",\"a\"]\n[7,\"z\",\"\"]\n");
    let lasted = |end_ms| {
        let mut fold = TimelineFold::new(Limits::default());
        fold.lasted(SessionSpan { start_ms: 1_699_999_998_500, end_ms });
        fold.push(recording.as_bytes());
        fold.finish().0
    };
    let of = |timeline: Timeline| (timeline.media_duration_ms, timeline.recorded_ms);
    assert_eq!(of(lasted(1_700_000_007_000)), (7_000, None));
    let timeline = lasted(1_700_000_020_250);
    assert_eq!(timeline.idle.last().map(|span| (span.start_ms, span.end_ms)), Some((1_000, 20_250)));
    assert_eq!((timeline.events.duration_ms, of(timeline)), (20_250, (20_250, Some(7_000))));
    // A recording that began behind the end of its session has another clock.
    assert_eq!(of(lasted(1_699_999_999_500)), (7_000, None));
    assert_eq!(of(lasted(1_699_999_999_999)), (7_000, None));
}

fn found(recording: &str, text: &str, from_ms: i64, lines_max: usize) -> (Vec<(i64, bool, String)>, u64) {
    let query = TextQuery { text: text.into(), from_ms, lines_max };
    let mut fold = TimelineFold::looking_for(query, Limits::default());
    recording.as_bytes().chunks(7).for_each(|piece| fold.push(piece));
    let FoundText { lines, left_out } = fold.into_found();
    let told = |line: TextLine| (line.at_ms, line.kind == TextKind::Typed, line.text);
    (lines.into_iter().map(told).collect(), left_out)
}

#[test]
fn text_is_found_where_it_was_shown_and_typed() {
    let lines = [
        "[0.5,\"o\",\"$ \"]",
        "[1,\"i\",\"l\"]",
        "[1.01,\"o\",\"l\"]",
        "[1.1,\"i\",\"s\\r\"]",
        "[1.12,\"o\",\"s\"]",
        // Seven lines at once on a screen of four: three are never seen.
        "[2,\"o\",\"\\r\\nAls\\r\\nb\\r\\nbls\\r\\nc\\r\\nd\\r\\ne\\r\\n$ \"]",
        // Wrapped, behind what has scrolled.
        "[3,\"o\",\"\\r\\n0123456false\"]",
        "[9,\"o\",\"\\u001b[H\\u001b[2Jpulse\"]",
    ];
    let recording = format!("{HEAD}{}\n", lines.join("\n"));
    let line = |at_ms, is_typed, text: &str| (at_ms, is_typed, text.to_owned());
    let expected = [
        line(1_000, true, "ls\n"),
        line(1_120, false, "$ ls"),
        line(2_000, false, "Als"),
        line(2_000, false, "bls"),
        line(3_000, false, "0123456false"),
        line(9_000, false, "pulse"),
    ];
    assert_eq!(found(&recording, "LS", 0, 10), (expected.to_vec(), 0));
    assert_eq!(found(&recording, "ls", 2_500, 1), (expected[4..5].to_vec(), 1));
    assert_eq!(found(&recording, "$", 0, 10).0, [line(500, false, "$ ls"), line(2_000, false, "$")]);
    let all: Vec<_> = found(&recording, "", 0, 100).0.into_iter().map(|(_, _, text)| text).collect();
    let expected = ["$ ls", "ls\n", "Als", "b", "bls", "c", "d", "e", "$", "0123456false", "pulse"];
    assert_eq!(all, expected);
}

#[test]
fn damage_and_truncation_are_told() {
    let (timeline, _) = of("[1,\"o\",\"a\"]\n[2,\"o\",\"b");
    let position = u64::try_from(HEAD.len()).unwrap() + 12;
    assert_eq!((timeline.ending, timeline.readable_bytes), (Ending::Truncated { position }, position));
    let (timeline, _) = of("[1,\"o\",\"a\"]\nhello\n[2,\"o\",\"b\"]\n");
    let Ending::Damaged { code, position: at, reason } = timeline.ending else { unreachable!() };
    assert_eq!((code.to_string().as_str(), at), ("MALFORMED", position));
    assert_eq!(reason, "line 3: expected an event in square brackets");
    assert_eq!((timeline.sync_count, timeline.readable_bytes), (2, position));
}

#[test]
fn hostile_times_do_not_lead_astray() {
    let (timeline, _) = of("[-1e308,\"o\",\"a\"]\n[1e308,\"o\",\"b\"]\n[-5,\"o\",\"c\"]\n[-4,\"o\",\"d\"]\n");
    assert!(timeline.media_duration_ms < 10_000, "{}", timeline.media_duration_ms);
    let gaps = timeline.markers.iter().filter(|marker| matches!(marker.event, MarkerEvent::Gap { .. }));
    assert_eq!(gaps.count(), 3);
}

#[test]
fn what_costs_more_than_its_duration_allows_ends_before_that_event() {
    let clears = "\\u001b[2J".repeat(2_000);
    let line = |at_s: usize| format!("[{at_s},\"o\",\"{clears}\"]\n");
    let recording = format!(
        "{{\"version\":2,\"width\":1000,\"height\":1000}}\n{}",
        (0..100).map(|_| line(0)).collect::<String>()
    );
    let (timeline, _) = fold(&recording, 1 << 16, Limits::default());
    let Ending::Damaged { code, position, .. } = timeline.ending else { unreachable!() };
    assert_eq!(code.to_string(), "TIMEBUDGET");
    assert_eq!(timeline.readable_bytes, position);
    assert!(
        recording.as_bytes()[usize::try_from(position).unwrap()..].starts_with(b"\n[0")
            || recording.as_bytes()[usize::try_from(position).unwrap()..].starts_with(b"[0")
    );
    let few = format!("{HEAD}{}", (0..100).map(line).collect::<String>());
    assert_eq!(fold(&few, 1 << 16, Limits::default()).0.ending, Ending::Whole);
}

#[test]
fn many_empty_events_are_bounded() {
    let recording = format!("{HEAD}{}", "[1,\"o\",\"\"]\n".repeat(200_000));
    let limits = Limits { timeline_syncs: 100, ..Limits::default() };
    let (timeline, _) = fold(&recording, 1 << 16, limits);
    assert!(timeline.syncs.len() <= 100);
    assert_eq!(timeline.instructions["output"], 200_000);
}
