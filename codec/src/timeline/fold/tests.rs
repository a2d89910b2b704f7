use super::super::{
    EventCounts, Events, GapCause, HeatMap, IdleSpan, KeyBatch, Marker, MarkerEvent, SizeChange, SkippedBytes,
};
use super::*;
use crate::source::guac::OnDamage;
use crate::timeline::Ending;
use proptest::prelude::*;

/// An instruction of these elements.
fn instruction(elements: &[&str]) -> String {
    let elements: Vec<_> = elements.iter().map(|text| format!("{}.{text}", text.chars().count())).collect();
    elements.join(",") + ";"
}

/// Instructions of words: one a line, elements apart by blanks.
fn recording(lines: &str) -> String {
    lines.lines().map(|line| instruction(&line.split_whitespace().collect::<Vec<_>>())).collect()
}

fn fold(bytes: &[u8], limits: Limits) -> (Timeline, Keystrokes) {
    let mut fold = TimelineFold::new(limits);
    fold.push(bytes);
    fold.finish()
}

fn counted(counts: &EventCounts) -> Vec<(i64, u32)> {
    counts.iter().collect()
}

fn marker(at_ms: i64, event: MarkerEvent) -> Marker {
    Marker { at_ms, event }
}

/// A session with everything that leaves a trace.
const SESSION: &str = "key 97 1 900
size 0 1024 768
rect 0 0 0 9 9
sync 1000
key 97 0 1010
size 0 1280 720
sync 2000
sync 3000
sync 4000
pipe 3 application/zip out.zip
clipboard 5 text/plain
blob 5 SGk=
end 5
key 98 1 9000
sync 9000
error Aborted. 769
mouse 4 4 0 9500
sync 12000";

#[test]
fn a_session_is_told_with_all_that_happened() {
    let (timeline, keystrokes) = fold(recording(SESSION).as_bytes(), Limits::default());
    let sizes =
        [(0, 1024, 768), (10, 1280, 720)].map(|(at_ms, width, height)| SizeChange { at_ms, width, height });
    assert_eq!(timeline.sizes, sizes);
    let idle = [(1_000, 8_000), (8_500, 11_000)].map(|(start_ms, end_ms)| IdleSpan { start_ms, end_ms });
    assert_eq!((timeline.idle, timeline.idle_min_ms), (idle.to_vec(), 1_000));
    let pipe = MarkerEvent::Pipe { name: "out.zip".into(), mimetype: "application/zip".into() };
    let clipboard = MarkerEvent::Clipboard { mimetype: "text/plain".into(), bytes: 2 };
    let markers = [
        marker(10, MarkerEvent::Resize { width: 1280, height: 720 }),
        marker(3_000, pipe),
        marker(3_000, clipboard),
        marker(8_000, MarkerEvent::Error { text: "Aborted.".into(), status: 769 }),
    ];
    assert_eq!((timeline.markers, timeline.markers_left_out), (markers.to_vec(), 0));
    assert_eq!(timeline.events.duration_ms, 11_000);
    let frames = [(0, 1), (1_000, 1), (2_000, 1), (3_000, 1), (8_000, 1), (11_000, 1)];
    assert_eq!(counted(&timeline.events.frames), frames);
    assert_eq!(counted(&timeline.events.keys), [(0, 1), (10, 1), (8_000, 1)]);
    assert_eq!((timeline.heat_map.frames[0], timeline.heat_map.frames[99]), (1, 1));
    assert_eq!(timeline.heat_map.frames.iter().sum::<u32>(), 6);
    assert_eq!((timeline.media_duration_ms, timeline.key_presses, timeline.mouse_events), (11_000, 2, 1));
    assert_eq!((timeline.ending, timeline.skipped_bytes), (Ending::Whole, 0));
    let batches = [(0, 3_000, "a[Clipboard: Hi]"), (8_000, 8_000, "b")].map(|(at_ms, end_ms, text)| {
        let (text, display) = (text.to_owned(), text.to_owned());
        KeyBatch { at_ms, end_ms, text, display }
    });
    assert_eq!(keystrokes.batches, batches);
}

#[test]
fn a_session_that_goes_on_behind_its_recording_is_told_to_its_end() {
    let lasted = |end_ms| {
        let mut fold = TimelineFold::new(Limits::default());
        fold.lasted(SessionSpan { start_ms: 5_000, end_ms });
        fold.push(recording(SESSION).as_bytes());
        fold.finish().0
    };
    let recorded = fold(recording(SESSION).as_bytes(), Limits::default()).0;
    for end_ms in [5_000, 15_999, 16_000] {
        assert_eq!(lasted(end_ms), recorded, "{end_ms}");
    }
    let timeline = lasted(605_000);
    let idle =
        [(1_000, 8_000), (8_500, 600_000)].map(|(start_ms, end_ms)| IdleSpan { start_ms, end_ms }).to_vec();
    let events = Events { duration_ms: 600_000, ..recorded.events.clone() };
    let heat_map = HeatMap::new(&events, HeatMap::BUCKETS);
    assert_eq!((heat_map.bucket_ms, &heat_map.frames[..3]), (6_000.0, &[4, 2, 0][..]));
    let (media_duration_ms, recorded_ms) = (600_000, Some(11_000));
    assert_eq!(timeline, Timeline { media_duration_ms, recorded_ms, idle, events, heat_map, ..recorded });
    assert_eq!((timeline.recorded_end_ms(), lasted(9_000).recorded_end_ms()), (11_000, 11_000));
}

#[test]
fn no_typed_or_copied_text_is_in_the_timeline() {
    let (timeline, keystrokes) = fold(recording(SESSION).as_bytes(), Limits::default());
    let json = serde_json::to_string(&timeline).unwrap();
    assert!(!json.contains("Hi") && !json.contains("SGk"), "{json}");
    assert!(serde_json::to_string(&keystrokes).unwrap().contains("Hi"));
    assert_eq!(serde_json::from_str::<Timeline>(&json).unwrap(), timeline);
}

#[test]
fn times_count_from_the_first_timestamp_where_there_is_no_sync() {
    let (timeline, keystrokes) =
        fold(recording("key 97 1 5000\nmouse 1 1 0 9000\nkey 98 1 17000").as_bytes(), Limits::default());
    assert_eq!(
        (timeline.media_duration_ms, timeline.events.duration_ms, timeline.sync_count),
        (12_000, 12_000, 0)
    );
    assert_eq!(
        timeline.idle,
        [(0, 4_000), (4_000, 12_000)].map(|(start_ms, end_ms)| IdleSpan { start_ms, end_ms })
    );
    assert_eq!((timeline.heat_map.keys[0], timeline.heat_map.keys[99]), (1, 1));
    let times: Vec<_> = keystrokes.batches.iter().map(|batch| (batch.at_ms, &*batch.text)).collect();
    assert_eq!(times, [(0, "a"), (12_000, "b")]);
}

#[test]
fn frames_without_size_count_up_to_the_first_picture() {
    let empty = |text: &str| fold(recording(text).as_bytes(), Limits::default()).0.empty_syncs;
    assert_eq!(empty("size 0 9 9\nsync 5\nsize 0 0 0\nsync 6"), 0);
    assert_eq!(
        empty("sync 5\nsize 0 0 9\nsync 6\nsize 1 9 9\nsync 7\nsize 0 9 9\nsync 8\nsize 0 0 0\nsync 9"),
        3
    );
    assert_eq!(empty("sync 5\nsync 6\nsize 0 9 9"), 2);
}

#[test]
fn silent_sound_is_idle_and_loud_sound_is_not() {
    let samples = |value: i16| {
        let bytes: Vec<u8> = std::iter::repeat_n(value.to_le_bytes(), 2 * 1_470).flatten().collect();
        base64_simd::STANDARD.encode_to_string(bytes)
    };
    let seconds = |from: usize, value: i16| {
        let blob = instruction(&["blob", "1", &samples(value)]);
        let piece = |tenth: usize| {
            blob.repeat(3) + &instruction(&["sync", &(from * 1_000 + (tenth + 1) * 100).to_string()])
        };
        (0..40).map(piece).collect::<String>()
    };
    let head = recording("size 0 9 9\nsync 0\naudio 1 audio/L16;rate=44100,channels=2");
    let bytes = head + &seconds(0, 0) + &seconds(4, 9_000) + &seconds(8, 0);
    let (timeline, _) = fold(bytes.as_bytes(), Limits::default());
    let [before, after] = timeline.idle[..] else { panic!("two pauses, {:?}", timeline.idle) };
    assert_eq!((before.start_ms, after.end_ms), (0, timeline.media_duration_ms));
    assert!(
        (3_900..=4_100).contains(&before.end_ms) && (7_900..=8_200).contains(&after.start_ms),
        "{before:?} {after:?}"
    );
}

#[test]
fn a_clock_that_jumps_leaves_a_marker_with_the_true_times() {
    let day_ms = Limits::default().gap_ms;
    let late = 2_000 + day_ms + 1;
    let bytes = recording(&format!("sync 1000\nsync 2000\nsync {late}\nsync 50\nsync 150"));
    let (timeline, _) = fold(bytes.as_bytes(), Limits::default());
    let gap = |cause, from, to| MarkerEvent::Gap {
        cause,
        from_timestamp_ms: Some(from),
        to_timestamp_ms: Some(to),
        skipped: None,
    };
    let silence = marker(1_000, gap(GapCause::Silence, 2_000, late));
    assert_eq!(timeline.markers, [silence, marker(1_000, gap(GapCause::Backward, late, 50))]);
    assert_eq!(timeline.media_duration_ms, 1_100);
}

#[test]
fn damage_is_skipped_when_asked_and_leaves_a_marker() {
    let first = recording("size 0 9 9\nsync 71000\nkey 65507 1 71500\nsync 72000");
    let rest = recording("key 99 1 400\nsync 500\nsync 900");
    let bytes = format!("{first}garbage 7.x{rest}");
    let (stopped, _) = fold(bytes.as_bytes(), Limits::default());
    assert_eq!((stopped.sync_count, stopped.is_complete()), (2, false));

    let limits = Limits { on_damage: OnDamage::Resync, ..Limits::default() };
    let (timeline, keystrokes) = fold(bytes.as_bytes(), limits);
    let position = u64::try_from(first.len()).unwrap();
    let reason = format!("byte {position}: expected the length of an element, found byte 0x67");
    let skipped = Some(SkippedBytes { position, bytes: 11, reason });
    let (from_timestamp_ms, to_timestamp_ms) = (Some(72_000), Some(400));
    let gap = MarkerEvent::Gap { cause: GapCause::Damage, from_timestamp_ms, to_timestamp_ms, skipped };
    assert_eq!(timeline.markers, [marker(1_000, gap)]);
    assert_eq!((timeline.sync_count, timeline.skipped_bytes), (4, 11));
    assert_eq!((timeline.media_duration_ms, &timeline.ending), (1_500, &Ending::Whole));
    assert!(!timeline.is_complete());
    assert_eq!(keystrokes.batches[0].text, "c", "no key of before the damage is held");
}

#[test]
fn lists_are_bounded() {
    let limits = Limits {
        timeline_markers: 2,
        timeline_syncs: 4,
        timeline_counts: 4,
        timeline_spans: 2,
        ..Limits::default()
    };
    let times: String =
        (0..9).map(|n| format!("mouse 1 1 0 {0}\nerror x 1\nsync {0}\n", n * 3_000)).collect();
    let (timeline, _) = fold(recording(times.trim_end()).as_bytes(), limits);
    assert_eq!((timeline.markers.len(), timeline.markers_left_out), (2, 7));
    assert!(timeline.syncs.len() <= 4 && timeline.sync_count == 9);
    assert_eq!(counted(&timeline.events.frames).iter().map(|(_, count)| count).sum::<u32>(), 9);
    assert!(timeline.idle_min_ms > 3_000 && timeline.idle.is_empty());
}

proptest! {
    #[test]
    fn pieces_and_questions_in_between_change_nothing(
        flips in prop::collection::vec((0_usize..400, any::<u8>()), 0..4),
        piece in 1_usize..40,
        resync in any::<bool>(),
    ) {
        let mut bytes = recording(SESSION).into_bytes();
        for (at, byte) in flips {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let on_damage = if resync { OnDamage::Resync } else { OnDamage::Stop };
        let limits = Limits { on_damage, ..Limits::default() };
        let mut pushed = TimelineFold::new(limits);
        for piece in bytes.chunks(piece) {
            pushed.push(piece);
            pushed.timeline();
            pushed.keystrokes();
        }
        let so_far = (pushed.timeline(), pushed.keystrokes());
        prop_assert_eq!(&so_far, &pushed.finish());
        prop_assert_eq!(so_far, fold(&bytes, limits));
    }
}
