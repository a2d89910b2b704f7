use super::*;
use crate::cut::{Cut, CutSettings};
use crate::timeline::{IdleSpan, Timeline, TimelineFold};
use crate::video::VideoSettings;
use std::sync::{Arc, Mutex};

/// A recording in the making.
#[derive(Default)]
struct Recording(String);

impl Recording {
    fn instruction(&mut self, elements: &[&str]) {
        let elements: Vec<_> =
            elements.iter().map(|text| format!("{}.{text}", text.chars().count())).collect();
        self.0.push_str(&format!("{};", elements.join(",")));
    }

    /// A screen with a pointer of 4x4 white pixels.
    fn begin(&mut self) {
        self.instruction(&["size", "0", "64", "48"]);
        self.instruction(&["size", "-1", "4", "4"]);
        self.instruction(&["rect", "-1", "0", "0", "4", "4"]);
        self.instruction(&["cfill", "14", "-1", "255", "255", "255", "255"]);
        self.instruction(&["cursor", "0", "0", "-1", "0", "0", "4", "4"]);
    }

    fn frame(&mut self, at_ms: i64, grey: u8) {
        let grey = grey.to_string();
        self.instruction(&["rect", "0", "0", "0", "64", "48"]);
        self.instruction(&["cfill", "14", "0", &grey, &grey, &grey, "255"]);
        self.instruction(&["sync", &(1_000 + at_ms).to_string()]);
    }

    fn pointer(&mut self, at_ms: i64, x: u8) {
        self.instruction(&["mouse", &x.to_string(), "9", "0", &(1_000 + at_ms).to_string()]);
    }

    fn plan(&self, settings: &CutSettings, idle: &[IdleSpan]) -> Plan {
        let timeline = self.timeline();
        let cut = Cut::new(settings, timeline.media_duration_ms, idle).unwrap();
        Plan::new(&timeline, cut, VideoSettings::default()).unwrap()
    }

    fn timeline(&self) -> Timeline {
        let mut fold = TimelineFold::new(Limits::default());
        fold.push(self.0.as_bytes());
        fold.finish().0
    }

    /// The packets of all segments, from one coder for each or from one for all.
    fn packets(&self, plan: &Plan, one_for_all: bool) -> Vec<Packet> {
        let mut coder = SegmentCoder::new(plan.clone(), Limits::default());
        let (mut packets, mut sent) = (Vec::new(), 0);
        for segment in &plan.segments {
            if !one_for_all {
                coder = SegmentCoder::new(plan.clone(), Limits::default());
                sent = 0;
            }
            let end = usize::try_from(segment.end_byte).unwrap();
            coder.begin(*segment);
            packets.extend(coder.push(&self.0.as_bytes()[sent..end]).unwrap());
            packets.extend(coder.finish().unwrap());
            sent = end;
        }
        packets
    }
}

fn cut(from_ms: i64, to_ms: i64) -> CutSettings {
    CutSettings { from_ms: Some(from_ms), to_ms: Some(to_ms), idle_max_ms: None }
}

/// Damage of each frame that comes.
#[derive(Default, Clone)]
struct DamageLog(Arc<Mutex<Vec<Vec<Rect>>>>);

impl Encode for DamageLog {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        self.0.lock().unwrap().push(frame.damage.to_vec());
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_pointer_that_moves_is_damage_where_it_was_and_where_it_is() {
    let mut recording = Recording::default();
    recording.begin();
    recording.frame(0, 10);
    recording.pointer(500, 2);
    recording.pointer(1_000, 50);
    recording.pointer(1_500, 20);
    let log = DamageLog::default();
    let kept = log.clone();
    let plan = recording.plan(&CutSettings::default(), &[]);
    let start: StartEncoder = Box::new(move |_| Ok(Box::new(kept.clone())));
    let mut coder = SegmentCoder::with_encoder(plan.clone(), Limits::default(), start);
    coder.begin(plan.segments[0]);
    coder.push(recording.0.as_bytes()).unwrap();
    coder.finish().unwrap();
    let at = |left| Rect { left, top: 9, right: left + 4, bottom: 13 };
    assert_eq!(*log.0.lock().unwrap(), [vec![], vec![at(2)], vec![at(2), at(50)], vec![at(50), at(20)]]);
}

/// Refines each frame that stays for a second.
#[derive(Default)]
struct Refining(Option<i64>);

impl Refining {
    fn packet(at_ms: i64, key: bool) -> Vec<Packet> {
        vec![Packet { at_ms, key, data: Vec::new() }]
    }
}

impl Encode for Refining {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        self.0 = Some(frame.at_ms + 1_000);
        Ok(Self::packet(frame.at_ms, true))
    }

    fn refine(&mut self, end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        let due_ms = self.0.take_if(|due_ms| *due_ms < end_ms);
        Ok(due_ms.map_or_else(Vec::new, |due_ms| Self::packet(due_ms, false)))
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        Ok(Vec::new())
    }
}

#[test]
fn what_stays_is_refined_before_what_follows_and_before_the_end() {
    let mut recording = Recording::default();
    recording.begin();
    for (at_ms, grey) in [(0, 10), (3_000, 50), (3_020, 90), (3_400, 130), (4_400, 170), (6_000, 20)] {
        recording.frame(at_ms, grey);
    }
    recording.pointer(8_000, 30);
    let plan = recording.plan(&CutSettings::default(), &[]);
    let start: StartEncoder = Box::new(|_| Ok(Box::new(Refining::default())));
    let mut coder = SegmentCoder::with_encoder(plan.clone(), Limits::default(), start);
    coder.begin(plan.segments[0]);
    let mut packets = coder.push(recording.0.as_bytes()).unwrap();
    packets.extend(coder.finish().unwrap());
    let times: Vec<_> = packets.iter().map(|packet| (packet.at_ms, !packet.key)).collect();
    let expected = [
        (0, false),
        (1_000, true),
        (3_000, false),
        (3_020, false),
        (3_400, false),
        (4_400, false),
        (5_400, true),
        (6_000, false),
        (7_000, true),
        (8_000, false),
    ];
    assert_eq!(times, expected);
}

#[test]
fn a_cut_is_the_video_of_a_recording_that_begins_and_ends_there() {
    let mut whole = Recording::default();
    whole.begin();
    whole.frame(0, 10);
    whole.frame(500, 200);
    whole.pointer(800, 30);
    whole.frame(1_500, 90);
    whole.pointer(1_900, 5);
    whole.pointer(2_100, 50);
    whole.frame(3_000, 20);
    let mut part = Recording::default();
    part.begin();
    part.pointer(0, 30);
    part.frame(0, 200);
    part.frame(500, 90);
    part.pointer(900, 5);
    let plan = whole.plan(&cut(1_000, 2_000), &[]);
    let expected = part.packets(&part.plan(&CutSettings::default(), &[]), true);
    let times: Vec<_> = expected.iter().map(|packet| (packet.at_ms, packet.key)).collect();
    assert_eq!(times, [(0, true), (500, false), (900, false)]);
    assert_eq!(whole.packets(&plan, true), expected);
}

#[test]
fn skipped_time_moves_what_follows_and_makes_no_key_frame() {
    let mut recording = Recording::default();
    recording.begin();
    for (at_ms, grey) in [(0, 10), (1_000, 50), (30_000, 90), (31_000, 130)] {
        recording.frame(at_ms, grey);
    }
    let idle = [IdleSpan { start_ms: 1_000, end_ms: 30_000 }];
    let settings = CutSettings { idle_max_ms: Some(3_000), ..CutSettings::default() };
    let skipped = recording.packets(&recording.plan(&settings, &idle), true);
    let whole = recording.packets(&recording.plan(&CutSettings::default(), &[]), true);
    let times: Vec<_> = skipped.iter().map(|packet| (packet.at_ms, packet.key)).collect();
    assert_eq!(times, [(0, true), (1_000, false), (4_000, false), (5_000, false)]);
    let data = |packets: Vec<Packet>| packets.into_iter().map(|packet| packet.data).collect::<Vec<_>>();
    assert_eq!(data(skipped), data(whole), "only the times differ");
}

#[test]
fn the_packets_are_the_same_whoever_codes_a_segment() {
    let mut recording = Recording::default();
    recording.begin();
    for index in 0..300_u16 {
        // Some frames and moves of the pointer share a time with what is next to them.
        let at_ms = i64::from(index / 3) * 200;
        recording.frame(at_ms, u8::try_from(index % 250).unwrap());
        recording.pointer(at_ms, u8::try_from(index % 60).unwrap());
    }
    let plan = recording.plan(&cut(1_100, 19_000), &[IdleSpan { start_ms: 5_000, end_ms: 6_000 }]);
    assert!(plan.segments.len() > 1, "{:?}", plan.segments);
    let packets = recording.packets(&plan, true);
    assert_eq!(packets, recording.packets(&plan, false));
    assert!(packets.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
    let keys: Vec<_> = packets.iter().filter(|packet| packet.key).map(|packet| packet.at_ms).collect();
    let starts: Vec<_> = plan.segments.iter().map(|segment| segment.start_ms).collect();
    assert_eq!(keys, starts);
}

/// A recording of one segment in its middle, its plan, and the packets of the segment.
fn segment_in_the_middle() -> (Recording, Plan, Vec<Packet>) {
    let mut recording = Recording::default();
    recording.begin();
    for frame in 0..60_u8 {
        let at_ms = i64::from(frame) * 50;
        recording.frame(at_ms, frame.wrapping_mul(37));
        recording.pointer(at_ms + 20, frame);
    }
    let mut plan = recording.plan(&cut(0, 3_000), &[]);
    let whole = plan.segments[0];
    plan.segments = vec![Segment { first_sync: 30, end_sync: 50, start_ms: 1_500, end_ms: 2_500, ..whole }];
    let mut coder = SegmentCoder::new(plan.clone(), Limits::default());
    let packets = coded(&mut coder, plan.segments[0], recording.0.as_bytes());
    assert!(packets.len() > 5, "{}", packets.len());
    (recording, plan, packets)
}

fn coded(coder: &mut SegmentCoder, segment: Segment, bytes: &[u8]) -> Vec<Packet> {
    coder.begin(segment);
    let mut packets = coder.push(bytes).unwrap();
    packets.extend(coder.finish().unwrap());
    packets
}

#[test]
fn a_segment_from_a_key_state_has_the_packets_of_one_from_the_beginning() {
    let (recording, plan, expected) = segment_in_the_middle();
    let bytes = recording.0.as_bytes();
    let mut replay = Replay::new(Limits::default());
    replay.push(bytes);
    let mut resumed = 0;
    while let Some(moment) = replay.step().unwrap() {
        // The last one stands at the first frame itself.
        if !matches!(moment, Moment::Frame { index: 10 | 29 | 30, .. }) {
            continue;
        }
        let key_state = replay.key_state(Packing::Quick, usize::MAX).unwrap();
        let mut coder = SegmentCoder::new(plan.clone(), Limits::default());
        // What it has drawn before does not matter.
        let before = Segment { first_sync: 2, end_sync: 5, start_ms: 100, end_ms: 250, ..plan.segments[0] };
        coder.begin(before);
        coder.push(&bytes[..bytes.len() / 4]).unwrap();
        coder.finish().unwrap();
        coder.resume(&key_state.bytes).unwrap();
        let position = usize::try_from(key_state.point.position).unwrap();
        assert!(coded(&mut coder, plan.segments[0], &bytes[position..]) == expected, "{moment:?}");
        resumed += 1;
    }
    assert_eq!(resumed, 3);
}

#[test]
fn a_coder_leaves_the_key_state_of_the_first_frame_to_another_one() {
    let (recording, plan, expected) = segment_in_the_middle();
    let (bytes, segment) = (recording.0.as_bytes(), plan.segments[0]);
    let timeline = recording.timeline();
    let start = usize::try_from(timeline.syncs[segment.first_sync].end_byte).unwrap();
    let mut first = SegmentCoder::new(plan.clone(), Limits::default());
    assert_eq!(first.key_state(), None, "nothing is begun");
    first.begin(segment);
    assert_eq!(first.push(&bytes[..start]).unwrap(), []);
    let key_state = first.key_state().unwrap();
    assert_eq!(key_state.point.position, u64::try_from(start).unwrap());
    assert_eq!(key_state.point.frames, segment.first_sync + 1);
    assert_eq!(first.key_state(), None, "nothing was drawn since");
    let mut packets = first.push(&bytes[start..]).unwrap();
    packets.extend(first.finish().unwrap());
    assert!(packets == expected, "writing a key state changes nothing");
    let mut second = SegmentCoder::new(plan.clone(), Limits::default());
    second.resume(&key_state.bytes).unwrap();
    assert!(coded(&mut second, segment, &bytes[start..]) == expected);
    // One that cannot be drawn costs nothing but a start at byte 0.
    let mut third = SegmentCoder::new(plan, Limits::default());
    third.resume(&key_state.bytes).unwrap();
    third.resume(&key_state.bytes[..key_state.bytes.len() - 1]).unwrap_err();
    assert!(coded(&mut third, segment, bytes) == expected);
}
