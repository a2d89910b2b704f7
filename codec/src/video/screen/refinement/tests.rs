use super::*;
use crate::video::encode::Encode;
use crate::video::screen::{Format, ScreenEncoder};
use crate::video::{Chroma, Frame, Packet, Yuv};

const SIZE: Size = Size { width: 200, height: 120 };
const BASE_Q_IDX: u8 = 120;

/// A picture with an area of noise, which is no palette's.
fn noisy(area: Rect, mut seed: u32) -> Yuv {
    let mut picture = Yuv::black(SIZE, Chroma::Half);
    for y in area.top..area.bottom {
        for x in area.left..area.right {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            picture.y[y * SIZE.width + x] = 60 + seed.to_be_bytes()[0] / 2;
        }
    }
    picture
}

/// The largest error of luma in what is shown.
fn worst(encoder: &ScreenEncoder, picture: &Yuv) -> u8 {
    let [(_, rows), _, _] = encoder.shown();
    let errors = rows
        .zip(picture.y.chunks(SIZE.width))
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)));
    errors.max().unwrap()
}

fn encode(encoder: &mut ScreenEncoder, at_ms: i64, picture: &Yuv, damage: &[Rect]) {
    encoder.encode(&Frame { at_ms, picture, damage, copies: &[] }).unwrap();
}

fn refine(encoder: &mut ScreenEncoder, end_ms: i64) -> Vec<Packet> {
    Encode::refine(encoder, end_ms).unwrap()
}

fn encoder() -> ScreenEncoder {
    ScreenEncoder::new(Format { size: SIZE, chroma: Chroma::Half }, BASE_Q_IDX)
}

#[test]
fn what_is_rough_is_refined_once_when_it_stays() {
    let mut encoder = encoder();
    let picture = noisy(Rect { left: 10, top: 10, right: 190, bottom: 30 }, 1);
    encode(&mut encoder, 500, &picture, &[]);
    let rough = worst(&encoder, &picture);
    assert_eq!(refine(&mut encoder, 1_500), []);
    let packets = refine(&mut encoder, 1_501);
    assert_eq!(packets.iter().map(|packet| (packet.at_ms, packet.key)).collect::<Vec<_>>(), [(1_500, false)]);
    let fine = worst(&encoder, &picture);
    assert!(rough > 10 && fine <= 4, "{rough} {fine}");
    assert_eq!(refine(&mut encoder, 100_000), []);
}

#[test]
fn only_what_stays_is_refined() {
    let mut encoder = encoder();
    let (still, moving) = (
        Rect { left: 0, top: 0, right: 64, bottom: 60 },
        Rect { left: 128, top: 64, right: 190, bottom: 90 },
    );
    encode(&mut encoder, 0, &noisy(still, 1), &[]);
    let mut last = noisy(still, 1);
    for at_ms in (100..1_000).step_by(100) {
        last = noisy(still, 1);
        let other = noisy(moving, u32::try_from(at_ms).unwrap());
        for y in moving.top..moving.bottom {
            let row = y * SIZE.width + moving.left..y * SIZE.width + moving.right;
            last.y[row.clone()].copy_from_slice(&other.y[row]);
        }
        encode(&mut encoder, at_ms, &last, &[moving]);
    }
    let error = |encoder: &ScreenEncoder, area: Rect| {
        let [(_, rows), _, _] = encoder.shown();
        let rows: Vec<_> = rows.map(<[u8]>::to_vec).collect();
        let at = |y: usize, x: usize| rows[y][x].abs_diff(last.y[y * SIZE.width + x]);
        (area.top..area.bottom)
            .flat_map(|y| (area.left..area.right).map(move |x| (y, x)))
            .map(|(y, x)| at(y, x))
            .max()
    };
    assert_eq!(refine(&mut encoder, 1_001).len(), 1);
    assert!(error(&encoder, still) <= Some(4) && error(&encoder, moving) > Some(10));
    assert_eq!(refine(&mut encoder, 2_001).len(), 1);
    assert!(error(&encoder, moving) <= Some(4));
}

#[test]
fn refinements_stay_a_part_of_the_bytes() {
    let mut encoder = encoder();
    let whole = Rect::of_size(SIZE);
    let (mut refined, mut count) = (0, 0);
    let mut other = 0;
    for index in 0..40_u32 {
        let picture = noisy(whole, index);
        let at_ms = 2_000 * i64::from(index);
        let packets =
            encoder.encode(&Frame { at_ms, picture: &picture, damage: &[whole], copies: &[] }).unwrap();
        other += packets.iter().map(|packet| packet.data.len()).sum::<usize>();
        let packets = refine(&mut encoder, at_ms + 2_000);
        count += packets.len();
        refined += packets.iter().map(|packet| packet.data.len()).sum::<usize>();
    }
    assert!(count > 5 && refined < other * 6 / 10, "{count} refinements of {refined} bytes beside {other}");
}

#[test]
fn a_lossless_segment_has_nothing_to_refine() {
    let mut encoder = ScreenEncoder::new(Format { size: SIZE, chroma: Chroma::Full }, 0);
    let picture = Yuv::black(SIZE, Chroma::Full);
    encode(&mut encoder, 0, &picture, &[]);
    assert_eq!(refine(&mut encoder, 100_000), []);
}
