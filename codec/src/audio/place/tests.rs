//! Synthetic recordings: when blobs and timestamps come is made up as guacd would write them, and what is placed
//! is compared with when it was heard.

use super::*;
use proptest::prelude::*;

const RATE_HZ: u32 = 44_100;
const SECOND: i64 = from_ms(1_000);

/// Something in the file, in milliseconds of media time.
#[derive(Debug, Clone, Copy)]
enum Event {
    Timestamp,
    /// Sound of this many milliseconds.
    Blob(i64),
}

/// A piece of sound as it is heard: tick and length.
type Heard = (i64, i64);

fn samples(ms: i64) -> u64 {
    to_samples(from_ms(ms), RATE_HZ)
}

/// What is heard of a stream. Pieces that touch are one.
fn listen(placement: &mut Placement, heard: &mut Vec<Heard>, dropped: &mut u64) {
    while let Some(directive) = placement.next_directive() {
        match directive {
            Directive::Start { at, .. } => match heard.last() {
                Some(&(start, length)) if (start + length - at).abs() <= 1 => {}
                _ => heard.push((at, 0)),
            },
            Directive::Play(count) => {
                heard.last_mut().expect("sound starts before it plays").1 += from_samples(count, RATE_HZ);
            }
            Directive::Drop(count) => *dropped += count,
        }
    }
}

/// Places the events, which are put into the order of the file first.
fn place(events: &[(i64, Event)]) -> Vec<Heard> {
    let mut events = events.to_vec();
    events.sort_by_key(|(at_ms, _)| *at_ms);
    let mut placement = Placement::default();
    let (mut heard, mut dropped, mut now, mut frontier) = (Vec::new(), 0, 0, 0);
    for (at_ms, event) in events {
        match event {
            Event::Blob(ms) => placement.piece(samples(ms), RATE_HZ, now, frontier),
            Event::Timestamp => {
                placement.timestamp(now, from_ms(at_ms), frontier);
                now = from_ms(at_ms);
                frontier = advance(&placement, now, frontier);
            }
        }
        listen(&mut placement, &mut heard, &mut dropped);
    }
    placement.flush(now, frontier, true);
    listen(&mut placement, &mut heard, &mut dropped);
    heard
}

/// How far the placement is final.
fn advance(placement: &Placement, now: i64, frontier: i64) -> i64 {
    frontier.max((now - REACH_BACK).min(placement.floor().unwrap_or(i64::MAX)))
}

fn timestamps(range_ms: std::ops::Range<i64>, step_ms: usize) -> Vec<(i64, Event)> {
    range_ms.step_by(step_ms).map(|at_ms| (at_ms, Event::Timestamp)).collect()
}

/// A burst as the VNC encoder writes it: 250 ms at a time, and the rest when the source falls silent.
fn vnc_burst(start_ms: i64, length_ms: i64, delay_ms: i64) -> Vec<(i64, Event)> {
    let (mut blobs, mut done_ms) = (Vec::new(), 0);
    while done_ms < length_ms {
        let group_ms = (length_ms - done_ms).min(250);
        done_ms += group_ms;
        for part_ms in [group_ms / 2, group_ms - group_ms / 2] {
            blobs.push((start_ms + done_ms + delay_ms, Event::Blob(part_ms)));
        }
    }
    blobs
}

#[test]
fn a_burst_ends_at_the_timestamp_after_its_last_blob() {
    let mut events = timestamps(0..3_000, 50);
    events.push((1_160, Event::Blob(170)));
    assert_eq!(place(&events), [(from_ms(1_200 - 170), from_ms(170))]);
}

#[test]
fn a_burst_that_a_mouse_move_cuts_is_placed_by_its_end() {
    let mut events = timestamps(0..3_000, 50);
    events.extend([(1_149, Event::Blob(100)), (1_151, Event::Blob(70))]);
    assert_eq!(place(&events), [(from_ms(1_200 - 170), from_ms(170))]);
}

#[test]
fn bursts_of_one_second_apart_are_placed_one_by_one() {
    let mut events = timestamps(0..6_000, 50);
    for start_ms in [1_000, 2_000, 3_000, 4_000] {
        events.extend(vnc_burst(start_ms, 150, 20));
    }
    // What was cut at the end of a millisecond is a sample short of it.
    let starts_ms: Vec<i64> = place(&events).iter().map(|(start, _)| (start + 24) / from_ms(1)).collect();
    assert_eq!(starts_ms, [1_050, 2_050, 3_050, 4_050]);
}

#[test]
fn long_sound_over_a_still_picture_stays_within_its_bounds() {
    // The window and the sound of a real recording: little room is left.
    let events = [
        (0, Event::Timestamp),
        (171_477, Event::Timestamp),
        (180_000, Event::Blob(19_980)),
        (191_748, Event::Timestamp),
    ];
    let heard = place(&events);
    let [(start, length)] = heard[..] else { panic!("expected one run: {heard:?}") };
    assert!(start >= from_ms(171_477 - 250) && start + length <= from_ms(191_748), "{heard:?}");
    // Much room: soon after the picture changed.
    let events = [
        (0, Event::Timestamp),
        (5_000, Event::Timestamp),
        (6_000, Event::Blob(1_000)),
        (9_000, Event::Timestamp),
    ];
    let [(start, _)] = place(&events)[..] else { panic!("expected one run") };
    assert_eq!(start, from_ms(5_500));
}

#[test]
fn sound_after_the_last_timestamp_is_kept() {
    let mut events = timestamps(0..1_000, 50);
    events.push((1_000, Event::Blob(15_000)));
    assert_eq!(place(&events), [(from_ms(950), from_ms(15_000))]);
    // A stream that sounded before goes on without a seam.
    let mut events = timestamps(0..10_000, 50);
    events.extend((0..30_000).step_by(50).map(|at_ms| (at_ms.min(10_000) + 1, Event::Blob(50))));
    let heard = place(&events);
    let [(_, length)] = heard[..] else { panic!("expected one run: {heard:?}") };
    assert_eq!(length / from_ms(1), 30_000);
}

#[test]
fn a_backlog_at_connect_does_not_delay_what_follows() {
    let mut events = timestamps(0..20_000, 50);
    events.push((1_010, Event::Blob(3_000)));
    events.extend((0..15_000).step_by(50).map(|at_ms| (1_060 + at_ms, Event::Blob(50))));
    let heard = place(&events);
    let end = heard.last().map(|(start, length)| start + length).expect("sound");
    assert!((end - from_ms(16_060)).abs() <= from_ms(60), "{heard:?}");
}

#[test]
fn a_network_stall_leaves_no_gap_in_a_steady_stream() {
    let mut events = timestamps(0..30_000, 50);
    for at_ms in (1_000..28_000).step_by(50) {
        // Between 10 s and 12 s nothing comes, and all of it right after.
        let arrives_ms = if (10_000..12_000).contains(&at_ms) { 12_000 } else { at_ms };
        events.push((arrives_ms + 60, Event::Blob(50)));
    }
    let heard = place(&events);
    let [(start, length)] = heard[..] else { panic!("expected one run: {heard:?}") };
    assert_eq!(length / from_ms(1), 27_000);
    assert!((start - from_ms(1_050)).abs() <= from_ms(60), "{start}");
}

#[test]
fn the_drift_of_another_clock_is_set_right() {
    // The source runs 0.1 % slow: after 300 s it is 300 ms behind.
    let mut events = timestamps(0..300_000, 50);
    events.extend((0..299_000).step_by(50).map(|at_ms| (at_ms + at_ms / 1_000 + 60, Event::Blob(50))));
    let heard = place(&events);
    let (start, length) = *heard.last().expect("sound");
    assert!((start + length - from_ms(299_000 + 299 + 60)).abs() <= from_ms(100), "{heard:?}");
    // And 0.1 % fast.
    let mut events = timestamps(0..300_000, 50);
    events.extend((0..299_000).step_by(50).map(|at_ms| (at_ms - at_ms / 1_000 + 60, Event::Blob(50))));
    let heard = place(&events);
    let (start, length) = *heard.last().expect("sound");
    assert!((start + length - from_ms(299_000 - 299 + 60)).abs() <= from_ms(100), "{heard:?}");
}

#[test]
fn a_stream_that_is_opened_again_at_another_rate_follows_the_first() {
    let mut placement = Placement::default();
    placement.timestamp(0, SECOND, 0);
    placement.piece(22_050, 22_050, SECOND, 0);
    placement.close();
    placement.piece(44_100, 44_100, SECOND, 0);
    placement.timestamp(SECOND, 4 * SECOND, 0);
    placement.flush(4 * SECOND, 0, true);
    let directives: Vec<Directive> = std::iter::from_fn(|| placement.next_directive()).collect();
    let [
        Directive::Start { at: first, rate_hz: 22_050 },
        Directive::Play(22_050),
        Directive::Start { at: second, rate_hz: 44_100 },
        Directive::Play(44_100),
    ] = directives[..]
    else {
        panic!("{directives:?}")
    };
    assert!(first >= SECOND && second >= first + SECOND && second <= 3 * SECOND, "{directives:?}");
}

#[test]
fn streams_of_one_sample_each_wait_in_bounded_memory() {
    let mut placement = Placement::default();
    let mut held_bytes = 0;
    for index in 0..1_000 {
        placement.piece(1, if index % 2 == 0 { 8_000 } else { 48_000 }, 0, 0);
        placement.close();
        assert!(placement.runs.len() <= WAITING_RUNS);
        held_bytes = placement.held_bytes(0);
    }
    assert!(held_bytes > 900 * START_BYTES, "{held_bytes} bytes are told");
    placement.flush(0, 0, false);
    assert!(placement.held_bytes(placement.end()) < 1_000);
}

/// Bursts of a VNC session: pause before, length, delay from the last sample to the file.
fn bursts() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    prop::collection::vec((400..6_000_i64, 60..1_500_i64, 5..45_i64), 1..12)
}

/// Anything that a hostile recording could hold.
fn hostile() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let event = prop_oneof![
        Just(Event::Timestamp),
        (0..400_000_i64).prop_map(Event::Blob),
        (0..60_i64).prop_map(Event::Blob)
    ];
    prop::collection::vec((0..100_000_i64, event), 0..200)
}

proptest! {
    #[test]
    fn every_burst_is_heard_close_to_when_it_sounded(bursts in bursts(), step_ms in 30..60_usize) {
        let (mut events, mut truth, mut now_ms) = (Vec::new(), Vec::new(), 1_000);
        for (pause_ms, length_ms, delay_ms) in bursts {
            now_ms += pause_ms;
            truth.push(now_ms);
            events.extend(vnc_burst(now_ms, length_ms, delay_ms));
            now_ms += length_ms;
        }
        events.extend(timestamps(0..now_ms + 3_000, step_ms));
        let heard = place(&events);
        prop_assert_eq!(heard.len(), truth.len(), "{:?} of {:?}", heard, truth);
        for ((start, _), truth_ms) in heard.iter().zip(truth) {
            // A timestamp's distance and the delay are what is not known.
            prop_assert!((0..=from_ms(110)).contains(&(start - from_ms(truth_ms))), "{:?} {}", heard, truth_ms);
        }
    }

    #[test]
    fn a_jittery_steady_stream_stays_together(
        jitter in prop::collection::vec(0..50_i64, 600),
        step_ms in 20..60_usize,
        delay_ms in 0..300_i64,
    ) {
        let mut arrived_ms = 0;
        let mut events = timestamps(0..32_000, step_ms);
        for (index, jitter_ms) in (0_i64..).zip(&jitter) {
            arrived_ms = (1_000 + (index + 1) * 46 + delay_ms + jitter_ms).max(arrived_ms);
            events.push((arrived_ms, Event::Blob(46)));
        }
        let heard = place(&events);
        // A new setting of the delay is rare, and small when it happens.
        prop_assert!(heard.len() <= 3, "{:?}", heard);
        let mut played = 0;
        for (start, length) in &heard {
            let late = start - played - from_ms(1_000 + delay_ms);
            prop_assert!((from_ms(0)..=from_ms(110)).contains(&late), "late by {} ticks: {:?}", late, heard);
            played += length;
        }
        // A little is left out when timestamps and blobs beat at the same rate.
        prop_assert!((27_500..27_650).contains(&(played / from_ms(1))), "{} ticks", played);
    }

    #[test]
    fn nothing_overlaps_nothing_is_lost_and_memory_is_told(events in hostile()) {
        let mut events = events;
        events.sort_by_key(|(at_ms, _)| *at_ms);
        let mut placement = Placement::default();
        let (mut heard, mut dropped, mut now, mut frontier, mut given) = (Vec::new(), 0, 0, 0, 0);
        for (index, (at_ms, event)) in events.into_iter().enumerate() {
            match event {
                Event::Blob(ms) => {
                    placement.piece(samples(ms), RATE_HZ, now, frontier);
                    given += samples(ms);
                }
                Event::Timestamp => {
                    placement.timestamp(now, from_ms(at_ms), frontier);
                    now = from_ms(at_ms);
                    frontier = advance(&placement, now, frontier);
                }
            }
            if index % 17 == 16 {
                placement.flush(now, frontier, false);
                frontier = frontier.max(placement.end());
                prop_assert_eq!(placement.floor(), None);
            }
            if index % 29 == 28 {
                placement.close();
            }
            let before = heard.len();
            listen(&mut placement, &mut heard, &mut dropped);
            for (start, _) in &heard[before..] {
                prop_assert!(*start >= 0, "{:?}", heard);
            }
        }
        placement.flush(now, frontier, true);
        listen(&mut placement, &mut heard, &mut dropped);
        for pair in heard.windows(2) {
            prop_assert!(pair[0].0 + pair[0].1 <= pair[1].0 + 40, "{:?}", heard);
        }
        let played: i64 = heard.iter().map(|(_, length)| length).sum();
        let expected = from_samples(given - dropped, RATE_HZ);
        prop_assert!((played - expected).abs() <= 1_000, "{} of {}", played, expected);
        prop_assert!(placement.runs.is_empty());
    }
}
