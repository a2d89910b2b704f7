use super::*;
use crate::canvas::{Canvas, Damage, Packing};
use crate::cost::Cost;
use crate::geometry::Rect;
use crate::key_states::{KeyPoint, KeyStateIndex};
use crate::picture::Picture;
use crate::seek::Seek;
use crate::source::ReadError;
use crate::source::guac::{ParseError, Parser};
use std::io::Read;
use std::path::Path;

fn recording(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/data/{name}.guac.zst"));
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap();
    bytes
}

/// What a replay shows at one moment.
#[derive(Debug, PartialEq)]
struct Shown {
    moment: Moment,
    damage: Damage,
    corner: Option<(i64, i64)>,
    pointer: Vec<[u8; 4]>,
}

fn shown(replay: &mut Replay, moment: Moment) -> Shown {
    let canvas = replay.canvas();
    let damage = canvas.take_damage();
    let pointer = canvas.cursor();
    Shown {
        moment,
        damage,
        corner: pointer.map(|pointer| pointer.corner()),
        pointer: pointer.map_or_else(Vec::new, |pointer| pointer.pixels().to_vec()),
    }
}

/// Draws on the picture what changed.
fn flatten(replay: &mut Replay, damage: &Damage, picture: &mut Picture) {
    let canvas = replay.canvas();
    if picture.size != canvas.size() {
        *picture = Picture::black(canvas.size());
        canvas.flatten(Rect::of_size(canvas.size()), picture);
    }
    for area in &damage.rects {
        canvas.flatten(*area, picture);
    }
}

fn step(replay: &mut Replay) -> Option<Moment> {
    replay.step().ok().flatten()
}

/// Replays a recording, and beside it one that is written down and restored behind every `every`th frame: each time
/// from the one that was restored before.
fn restored_again_and_again(name: &str, every: usize) {
    let recording = recording(name);
    let mut straight = Replay::new(Limits::default());
    straight.push(&recording);
    let mut restored = Replay::new(Limits::default());
    restored.push(&recording);
    let (mut picture, mut restored_picture) = (Picture::default(), Picture::default());
    let mut key_states = 0;
    while let Some(moment) = step(&mut straight) {
        assert_eq!(step(&mut restored), Some(moment));
        let expected = shown(&mut straight, moment);
        let actual = shown(&mut restored, moment);
        assert_eq!(actual, expected, "{name}");
        let Moment::Frame { at_ms, index } = moment else { continue };
        flatten(&mut straight, &expected.damage, &mut picture);
        flatten(&mut restored, &expected.damage, &mut restored_picture);
        assert!(picture == restored_picture, "{name}: frame {index}");
        if index % every == 0 {
            let key_state = restored.key_state(Packing::Tight, usize::MAX).unwrap();
            let position = straight.position();
            assert_eq!(key_state.point, KeyPoint { at_ms, frames: index + 1, position });
            restored = Replay::restore(&key_state.bytes, Limits::default()).unwrap();
            restored.push(&recording[usize::try_from(position).unwrap()..]);
            let screen = Rect::of_size(straight.canvas().size());
            assert_eq!(restored.canvas().take_damage().rects, [screen]);
            restored_picture = Picture::default();
            flatten(&mut restored, &Damage::default(), &mut restored_picture);
            assert!(picture == restored_picture, "{name}: frame {index}, restored");
            key_states += 1;
        }
    }
    assert_eq!(step(&mut restored), None);
    assert_eq!(restored.step(), straight.step());
    assert_eq!((restored.faults(), restored.cost()), (straight.faults(), straight.cost()));
    assert!(key_states > 0, "{name}");
}

macro_rules! every_frame_can_be_restored {
    ($($test:ident: $name:literal, $every:literal;)*) => {
        mod every_frame_can_be_restored {
            $(
                #[test]
                fn $test() {
                    super::restored_again_and_again($name, $every);
                }
            )*
        }
    };
}

every_frame_can_be_restored! {
    rdp_audio: "rdp-audio", 9;
    ssh_terminal: "ssh-terminal", 7;
    telnet: "telnet-1.0.0", 5;
    vnc_of_an_older_guacd: "vnc-1.5.5", 5;
    vnc: "vnc-audio-avsync", 11;
    cut: "vnc-truncated", 1;
    overwritten: "write-existing", 1;
    whole: "write-existing.before-overwrite", 1;
}

#[test]
fn what_could_not_be_drawn_and_what_it_cost_is_remembered() {
    let mut replay = Replay::new(Limits::default());
    replay.push(b"4.size,1.0,5.99999,1.1;4.size,2.-1,1.1,5.77777;4.sync,1.5;");
    assert!(step(&mut replay).is_some());
    let key_state = replay.key_state(Packing::Tight, usize::MAX).unwrap();
    let mut restored = Replay::restore(&key_state.bytes, Limits::default()).unwrap();
    let told = |replay: &Replay| {
        let fault = replay.faults().first.clone().unwrap();
        (replay.faults().count, fault.at_ms, fault.end_byte, fault.error.code(), fault.error.to_string())
    };
    assert_eq!(told(&restored), told(&replay));
    assert_eq!((replay.faults().count, told(&replay).2), (2, 23));
    for replay in [&mut replay, &mut restored] {
        replay.push(b"4.size,1.0,2.99,1.1;4.rect,1.0,1.1,1.1,2.10,2.10;5.cfill,2.14,1.0,1.9,1.9,1.9,3.128;4.sync,1.9;");
        assert!(step(replay).is_some());
    }
    assert_eq!(restored.cost(), replay.cost());
    assert!(Replay::restore(&key_state.bytes[1..], Limits::default()).is_err());
}

/// Often enough for a short recording.
fn close() -> Spacing {
    Spacing { cost: Cost::of_ms(10), share_percent: 1_000 }
}

fn key_states(recording: &[u8], spacing: Spacing, piece_bytes: usize) -> Vec<KeyState> {
    let mut fold = KeyStateFold::new(Limits::default(), spacing);
    recording.chunks(piece_bytes).flat_map(|piece| fold.push(piece)).collect()
}

#[test]
fn key_states_follow_from_the_bytes_and_not_from_how_they_come() {
    let recording = recording("vnc-1.5.5");
    let whole = key_states(&recording, close(), recording.len());
    assert!(whole.len() > 5, "{}", whole.len());
    assert!(key_states(&recording, close(), 777) == whole);
}

#[test]
fn who_goes_on_at_a_key_state_makes_the_same_ones_from_there() {
    let recording = recording("vnc-1.5.5");
    for spacing in [close(), Spacing { share_percent: 60, ..close() }] {
        let (whole, mut written_bytes) = (key_states(&recording, spacing, 32 << 10), 0);
        assert!(whole.len() > 1, "{}", whole.len());
        for (number, last) in whole.iter().enumerate() {
            written_bytes += u64::try_from(last.bytes.len()).unwrap();
            let limits = Limits::default();
            let mut fold = KeyStateFold::resume(limits, spacing, &last.bytes, written_bytes).unwrap();
            let rest = &recording[usize::try_from(last.point.position).unwrap()..];
            let made: Vec<_> = rest.chunks(777).flat_map(|piece| fold.push(piece)).collect();
            assert!(made == whole[number + 1..], "{number}");
        }
    }
}

#[test]
fn the_instructions_of_a_key_state_draw_its_canvas_for_any_client() {
    let recording = recording("vnc-1.5.5");
    for key_state in key_states(&recording, close(), 32 << 10) {
        let mut client = Canvas::new(Limits::default());
        let mut parser = Parser::new(Limits::default());
        parser.push(key_state.instructions().unwrap());
        while let Some(instruction) = parser.read().unwrap() {
            client.apply(&instruction).unwrap();
        }
        let mut replay = Replay::restore(&key_state.bytes, Limits::default()).unwrap();
        let picture = |canvas: &mut Canvas| {
            let mut picture = Picture::black(canvas.size());
            canvas.flatten(Rect::of_size(canvas.size()), &mut picture);
            picture
        };
        assert!(picture(&mut client) == picture(replay.canvas()));
    }
    assert!(
        KeyState { point: KeyPoint { at_ms: 0, frames: 0, position: 0 }, bytes: vec![9] }
            .instructions()
            .is_err()
    );
}

#[test]
fn all_key_states_have_no_more_than_their_share_of_the_recording() {
    let recording = recording("vnc-1.5.5");
    let spacing = Spacing { share_percent: 60, ..close() };
    let made = key_states(&recording, spacing, 32 << 10);
    assert!(!made.is_empty());
    let mut bytes = 0;
    for key_state in made {
        bytes += key_state.bytes.len();
        assert!(bytes * 100 <= usize::try_from(key_state.point.position).unwrap() * 60);
    }
}

#[test]
fn a_picture_from_a_key_state_is_the_one_from_the_beginning() {
    let recording = recording("ssh-terminal");
    let mut index = KeyStateIndex::default();
    let made = key_states(&recording, close(), 32 << 10);
    made.iter().for_each(|key_state| index.add(key_state));
    let limits = Limits::default();
    let found = |mut seek: Seek, from: usize| {
        recording[from..].chunks(32 << 10).find(|piece| seek.push(piece).unwrap());
        seek.finish().unwrap();
        let screen = seek.screen();
        (seek.shown_ms(), screen.picture().clone(), screen.picture_without_pointer().clone())
    };
    let mut resumed = 0;
    for at_ms in (0..200_000).step_by(19_973).chain(made.iter().step_by(3).map(|made| made.point.at_ms)) {
        let whole = found(Seek::new(at_ms, limits), 0);
        let Some(place) = index.before(at_ms) else { continue };
        let key_state = made.iter().find(|made| made.point == place.point).unwrap();
        let position = usize::try_from(place.point.position).unwrap();
        let mut resumed_seek = Seek::new(at_ms, limits);
        resumed_seek.resume(&key_state.bytes).unwrap();
        let part = found(resumed_seek, position);
        assert!(whole == part, "{at_ms} ms: {} and {} ms", whole.0, part.0);
        resumed += 1;
    }
    assert!(resumed > 8, "{resumed}");
}

#[test]
fn the_picture_of_a_time_is_the_last_frame_that_is_not_later() {
    let frame = |red: u8, timestamp: u64| {
        format!(
            "5.cfill,2.14,1.0,{}.{red},1.0,1.0,3.255;4.sync,{}.{timestamp};",
            red.to_string().len(),
            timestamp.to_string().len()
        )
    };
    let head = "5.mouse,1.1,1.1,1.0,5.90000;4.size,1.0,1.2,1.2;4.rect,1.0,1.0,1.0,1.2,1.2;";
    let recording = [
        head,
        &frame(1, 1000),
        &frame(2, 2000),
        &frame(3, 2000),
        "3.key,2.65,1.1,4.2500;",
        &frame(4, 2600),
        "7.garbage",
    ]
    .concat();
    for (at_ms, red, shown_ms, is_found) in [
        (0, 1, 0, true),
        (999, 1, 0, true),
        (1000, 3, 1000, true),
        (1599, 3, 1000, true),
        (1600, 4, 1600, false),
    ] {
        for piece_bytes in [1, 7, 10_000] {
            let mut seek = Seek::new(at_ms, Limits::default());
            let found = recording.as_bytes().chunks(piece_bytes).any(|piece| seek.push(piece).unwrap());
            assert_eq!(found, is_found, "{at_ms} ms");
            let cut = matches!(seek.finish(), Err(ReadError::Guacamole(ParseError::Truncated { .. })));
            assert_eq!(cut, !is_found, "{at_ms} ms");
            let shown = (seek.screen().picture().pixels[0][0], seek.shown_ms());
            assert_eq!(shown, (red, shown_ms), "{at_ms} ms");
        }
    }
    let damaged = recording.replace("7.garbage", "7:garbage");
    let mut seek = Seek::new(9_999, Limits::default());
    assert!(matches!(seek.push(damaged.as_bytes()), Err(ReadError::Guacamole(ParseError::Length { .. }))));
    assert_eq!((seek.screen().picture().pixels[0][0], seek.shown_ms()), (4, 1600));
}
