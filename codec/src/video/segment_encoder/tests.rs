use super::*;
use crate::geometry::CopyVector;
use crate::video::{Chroma, Profile, Yuv};

const SIZE: Size = Size { width: 128, height: 96 };

const START: Start = Start { size: SIZE, settings: VideoSettings::of(Profile::Balanced), is_checked: true };

/// A picture of many colours (a film) or of two (a screen), other than that of another `number`.
fn picture(is_film: bool, number: usize) -> Yuv {
    let mut picture = Yuv::black(SIZE, Chroma::Half);
    for (at, sample) in picture.y.iter_mut().enumerate() {
        let (x, y) = (at % SIZE.width, at / SIZE.width);
        let value =
            if is_film { 16 + (x * 7 + y * 13 + number * 5) % 200 } else { 50 + (x / 4 + number) % 2 * 100 };
        *sample = u8::try_from(value).unwrap();
    }
    picture
}

/// For each frame whether it is a key frame, and whether rav1e coded it: frames that are whole or nearly still.
fn coded(frames: &[(bool, Rect)]) -> Vec<(bool, bool)> {
    coded_by(SegmentEncoder::new(&START), frames, 0)
}

fn coded_by(mut encoder: SegmentEncoder, frames: &[(bool, Rect)], mismatches: u64) -> Vec<(bool, bool)> {
    let mut packets = Vec::new();
    let mut shown = Yuv::black(SIZE, Chroma::Half);
    for (number, (is_film, damage)) in frames.iter().enumerate() {
        let next = picture(*is_film, number);
        for y in damage.top..damage.bottom {
            let row = y * SIZE.width + damage.left..y * SIZE.width + damage.right;
            shown.y[row.clone()].copy_from_slice(&next.y[row]);
        }
        let at_ms = i64::try_from(number).unwrap();
        let frame = Frame { at_ms, picture: &shown, damage: &[*damage], copies: &[] };
        packets.extend(encoder.encode(&frame).unwrap());
    }
    assert_eq!(encoder.mismatches(), mismatches);
    packets.extend(Box::new(encoder).finish().unwrap());
    let times: Vec<_> = packets.iter().map(|packet| packet.at_ms).collect();
    assert_eq!(times, (0..i64::try_from(frames.len()).unwrap()).collect::<Vec<_>>());
    let mut is_rav1e = false;
    let from_rav1e = packets.iter().map(|packet| {
        // Behind the delimiter and the head of the sequence header stand its flags; ours are without order hints.
        is_rav1e = if packet.key { !is_ours(&packet.data) } else { is_rav1e };
        (packet.key, is_rav1e)
    });
    from_rav1e.collect()
}

fn is_ours(packet: &[u8]) -> bool {
    let format = Format { size: SIZE, chroma: Chroma::Half };
    let ours = ScreenEncoder::sequence_header(format);
    packet[2..].starts_with(&ours)
}

const WHOLE: Rect = Rect { left: 0, top: 0, right: 128, bottom: 96 };
const LITTLE: Rect = Rect { left: 8, top: 8, right: 24, bottom: 24 };

/// Frames that rav1e codes.
fn by_rav1e(coded: &[(bool, bool)]) -> Vec<usize> {
    coded.iter().enumerate().filter(|(_, (_, is_rav1e))| *is_rav1e).map(|(at, _)| at).collect()
}

fn keys(coded: &[(bool, bool)]) -> Vec<usize> {
    coded.iter().enumerate().filter(|(_, (is_key, _))| *is_key).map(|(at, _)| at).collect()
}

#[test]
fn a_screen_is_coded_by_our_encoder_however_much_of_it_changes() {
    let coded = coded(&[(false, WHOLE); 20]);
    assert_eq!((keys(&coded), by_rav1e(&coded)), (vec![0], vec![]));
}

#[test]
fn a_film_is_coded_by_rav1e_from_its_first_picture() {
    let coded = coded(&[(true, WHOLE); 5]);
    assert_eq!((keys(&coded), by_rav1e(&coded)), (vec![0], (0..5).collect()));
}

#[test]
fn a_film_that_begins_and_ends_within_a_segment_changes_the_encoder_twice() {
    let frames = [vec![(false, WHOLE)], vec![(true, WHOLE); 6], vec![(true, LITTLE); 20]].concat();
    let coded = coded(&frames);
    assert_eq!((keys(&coded), by_rav1e(&coded)), (vec![0, 4, 24], (4..24).collect()));
}

#[test]
fn a_photograph_is_no_film() {
    for frames in [
        vec![(true, WHOLE)],
        vec![(true, WHOLE), (true, LITTLE), (true, WHOLE), (true, LITTLE)],
        vec![(false, WHOLE), (true, WHOLE), (true, LITTLE), (true, WHOLE), (true, LITTLE)],
    ] {
        let coded = coded(&frames);
        assert_eq!((keys(&coded), by_rav1e(&coded)), (vec![0], vec![]), "{}", frames.len());
    }
}

#[test]
fn a_photograph_that_moves_is_no_film() {
    let mut encoder = SegmentEncoder::new(&START);
    let (before, mut after) = (picture(true, 0), picture(true, 0));
    let to = Rect { left: 0, top: 0, right: 128, bottom: 88 };
    after.y.copy_within(8 * SIZE.width.., 0);
    let copies = [CopyVector { to, dx: 0, dy: -8 }];
    let whole = Frame { at_ms: 0, picture: &before, damage: &[WHOLE], copies: &[] };
    let moved = Frame { at_ms: 1, picture: &after, damage: &[to], copies: &copies };
    let mut packets = encoder.encode(&whole).unwrap();
    packets.extend(encoder.encode(&moved).unwrap());
    let ours: Vec<_> = packets.iter().map(|packet| (packet.key, is_ours(&packet.data))).collect();
    assert_eq!(ours, [(true, true), (false, false)]);
}

/// Agrees with some packets, then with one no more; its heirs by the numbers that follow.
struct FailingCheck {
    agreed: usize,
    heirs: &'static [usize],
}

impl FailingCheck {
    fn boxed(counts: &'static [usize]) -> Box<dyn Check> {
        let (&agreed, heirs) = counts.split_first().unwrap_or((&usize::MAX, &[]));
        Box::new(Self { agreed, heirs })
    }
}

impl Check for FailingCheck {
    fn agrees(&mut self, _: &[u8], _: &ScreenEncoder) -> bool {
        let agrees = self.agreed > 0;
        self.agreed = self.agreed.saturating_sub(1);
        agrees
    }

    fn anew(&self) -> Box<dyn Check> {
        Self::boxed(self.heirs)
    }
}

#[test]
fn where_a_decoder_sees_something_else_rav1e_codes_the_rest_of_the_segment() {
    for (agreed, keys_expected) in [(&[0], vec![0]), (&[3], vec![0, 3])] {
        let mut encoder = SegmentEncoder::new(&START);
        encoder.check = Some(FailingCheck::boxed(agreed));
        let coded = coded_by(encoder, &[(false, LITTLE); 20], 1);
        assert_eq!((keys(&coded), by_rav1e(&coded)), (keys_expected, (agreed[0]..20).collect()));
    }
}

/// A size that rav1e does not get.
const LARGE: Start = Start { size: Size { width: 2048, height: 1100 }, ..START };

/// Codes `frames` of a large picture whose check fails as `counts` say: the numbers of its key frames, and the mismatches.
fn keys_of_large(counts: &'static [usize], frames: i64) -> Result<(Vec<i64>, u64), EncodeError> {
    let mut encoder = SegmentEncoder::new(&LARGE);
    encoder.check = Some(FailingCheck::boxed(counts));
    let mut shown = Yuv::black(LARGE.size, Chroma::Half);
    let mut packets = Vec::new();
    for at_ms in 0..frames {
        shown.y[usize::try_from(at_ms).unwrap()] = 200;
        packets.extend(encoder.encode(&Frame { at_ms, picture: &shown, damage: &[LITTLE], copies: &[] })?);
    }
    let mut decoder = Rav1dCheck::new();
    let Coding::Screen(last) = &encoder.coding else { panic!("rav1e took over") };
    let begin = packets.iter().rposition(|packet| packet.key).unwrap();
    let (newest, before) = packets[begin..].split_last().unwrap();
    for packet in before {
        decoder.agrees(&packet.data, last);
    }
    assert!(decoder.agrees(&newest.data, last), "what is left of the segment is whole");
    let keys = packets.iter().filter(|packet| packet.key).map(|packet| packet.at_ms);
    Ok((keys.collect(), encoder.mismatches()))
}

#[test]
fn where_rav1e_does_not_fit_our_encoder_begins_anew_and_is_checked_again() {
    assert_eq!(keys_of_large(&[], 6).unwrap(), (vec![0], 0));
    assert_eq!(keys_of_large(&[3], 6).unwrap(), (vec![0, 3], 1));
    assert_eq!(keys_of_large(&[3, 1], 6).unwrap(), (vec![0, 3, 4], 2));
}

#[test]
fn a_large_picture_that_is_wrong_twice_is_an_error() {
    for (counts, frames, wrong_ms) in [(&[0, 0], 1, 0), (&[3, 0], 6, 3)] {
        let error = keys_of_large(counts, frames).unwrap_err();
        assert!(matches!(error, EncodeError::Mismatch { at_ms } if at_ms == wrong_ms), "{error}");
    }
}

#[test]
fn large_pictures_are_checked_by_a_decoder() {
    assert!(SegmentEncoder::new(&LARGE).check.is_some());
    assert!(SegmentEncoder::new(&Start { is_checked: false, ..LARGE }).check.is_none());
}
