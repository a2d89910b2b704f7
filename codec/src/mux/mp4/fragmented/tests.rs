use super::*;
use crate::mux::mp4::tests::{Packets, packets_of, sound, texts, video};
use proptest::prelude::*;
use shiguredo_mp4::boxes::{MoofBox, MoovBox, SidxBox};
use shiguredo_mp4::demux::{DemuxError, Fmp4FileDemuxer, Input};
use shiguredo_mp4::{BoxHeader, Decode};

/// The whole file, with each packet full of zeros, and where the packets stand.
fn file(mp4: &FragmentedMp4<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    for piece in mp4.pieces() {
        file.extend(piece.bytes);
        let packets_bytes = piece.packets.map_or(0, |packets| packets.bytes);
        file.resize(file.len() + usize::try_from(packets_bytes).unwrap(), 0);
    }
    file
}

/// The boxes of a file: type, start and bytes.
fn boxes(file: &[u8]) -> Vec<(String, usize, &[u8])> {
    let (mut at, mut boxes) = (0, Vec::new());
    while at < file.len() {
        let (header, _) = BoxHeader::decode(&file[at..]).unwrap();
        let size = usize::try_from(header.box_size.get()).unwrap();
        let kind = String::from_utf8_lossy(header.box_type.as_bytes()).into_owned();
        boxes.push((kind, at, &file[at..at + size]));
        at += size;
    }
    boxes
}

/// What a demuxer finds of as much of a file as there is.
fn demuxed(file: &[u8]) -> Packets {
    let (mut demuxer, mut tracks) = (Fmp4FileDemuxer::new(), Packets::new());
    let feed = |demuxer: &mut Fmp4FileDemuxer| {
        while let Some(required) = demuxer.required_input() {
            let start = usize::try_from(required.position).unwrap().min(file.len());
            let end = required.size.map_or(file.len(), |size| (start + size).min(file.len()));
            demuxer.handle_input(Input { position: required.position, data: &file[start..end] });
        }
    };
    feed(&mut demuxer);
    loop {
        match demuxer.next_sample() {
            Ok(Some(sample)) => tracks.entry(sample.track.track_id).or_default().push((
                sample.timestamp,
                sample.duration,
                sample.data_offset,
                sample.data_size,
                sample.keyframe,
            )),
            Ok(None) => return tracks,
            Err(DemuxError::InputRequired(_)) => feed(&mut demuxer),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn each_fragment_has_its_own_index_and_the_file_has_one_of_them() {
    let video = video(&[(10, 40, true), (20, 4_960, false), (30, 50, true), (7, 9, false)]);
    let (sound, texts) = (sound(5_000, &[(3, 960); 240]), texts());
    let tracks = Tracks { video: &video, sound: Some(&sound), texts: Some(&texts) };
    let mp4 = FragmentedMp4::lay_out(tracks, &Metadata::default()).unwrap();
    let file = file(&mp4);
    let boxes = boxes(&file);
    let kinds: Vec<_> = boxes.iter().map(|(kind, ..)| kind.as_str()).collect();
    let fragments = ["moof", "mdat", "moof", "mdat"];
    assert_eq!(kinds, [&["ftyp", "moov", "mdat", "sidx"][..], &fragments].concat());

    let (moov, _) = MoovBox::decode(boxes[1].2).unwrap();
    let durations = moov.trak_boxes.iter().map(|track| track.tkhd_box.duration);
    assert_eq!(durations.collect::<Vec<_>>(), [0, 0, 2_600, 3_000], "texts alone are whole");
    let extends = moov.mvex_box.unwrap();
    assert_eq!(extends.mehd_box.unwrap().fragment_duration, 5_059);
    assert_eq!(extends.trex_boxes.iter().map(|track| track.track_id).collect::<Vec<_>>(), [1, 2]);

    let (index, _) = SidxBox::decode(boxes[3].2).unwrap();
    let named = index
        .references
        .iter()
        .map(|named| (named.referenced_size, named.subsegment_duration, named.sap_type));
    let lengths: Vec<_> = boxes[4..]
        .chunks(2)
        .map(|fragment| u32::try_from(fragment[0].2.len() + fragment[1].2.len()).unwrap())
        .collect();
    assert_eq!(named.collect::<Vec<_>>(), [(lengths[0], 5_000, 1), (lengths[1], 59, 1)]);

    let (last, _) = MoofBox::decode(boxes[6].2).unwrap();
    assert_eq!(last.mfhd_box.sequence_number, 2);
    let [pictures] = &last.traf_boxes[..] else { panic!("the sound has ended") };
    assert_eq!(pictures.tfdt_box.as_ref().unwrap().base_media_decode_time, 5_000);
    let again = FragmentedMp4::lay_out(tracks, &Metadata::default()).unwrap();
    assert_eq!(self::file(&again), file, "the same tables give the same bytes");
}

#[test]
fn a_fragment_is_bounded_and_the_index_names_only_where_decoding_can_start() {
    let video = video(&[(40 << 20, 100, true), (40 << 20, 100, false), (9, 100, false), (8, 100, true)]);
    let tracks = Tracks { video: &video, sound: None, texts: None };
    let mp4 = FragmentedMp4::lay_out(tracks, &Metadata::default()).unwrap();
    let fragments = mp4.fragments.iter().map(|fragment| (fragment.span.video.clone(), fragment.span.is_sync));
    assert_eq!(fragments.collect::<Vec<_>>(), [(0..2, true), (2..3, false), (3..4, true)]);
    let (index, _) = SidxBox::decode(&mp4.index).unwrap();
    let bytes =
        |fragments: &[Fragment]| u32::try_from(fragments.iter().map(Fragment::bytes).sum::<u64>()).unwrap();
    let named = index.references.iter().map(|named| (named.referenced_size, named.subsegment_duration));
    let expected = [(bytes(&mp4.fragments[..2]), 300), (bytes(&mp4.fragments[2..]), 100)];
    assert_eq!(named.collect::<Vec<_>>(), expected);
}

#[test]
fn whatever_is_there_of_a_file_plays_up_to_its_last_whole_fragment() {
    let pictures: Vec<_> = (0..40).map(|index| (500 + index, 700, index % 7 == 0)).collect();
    let (video, sound) = (video(&pictures), sound(60_000, &[(3, 960); 1_000]));
    let tracks = Tracks { video: &video, sound: Some(&sound), texts: None };
    let file = file(&FragmentedMp4::lay_out(tracks, &Metadata::default()).unwrap());
    let whole = demuxed(&file);
    let boxes = boxes(&file);
    for (_, start, fragment) in boxes.iter().filter(|(kind, ..)| kind == "mdat").take(4) {
        let end = start + fragment.len();
        let before = |packet: &&(u64, u32, u64, usize, bool)| packet.2 < u64::try_from(end).unwrap();
        let expected: Packets = whole
            .iter()
            .map(|(track, packets)| (*track, packets.iter().filter(before).copied().collect()))
            .collect();
        assert_eq!(demuxed(&file[..end]), expected);
    }
}

proptest! {
    #[test]
    fn a_demuxer_finds_every_packet_where_it_is_appended(
        pictures in prop::collection::vec((1_u32..100_000, 1_u32..5_000, any::<bool>()), 1..80),
        packets in prop::collection::vec((1_u16..1_500, 480_u16..=5_760), 1..120),
        play_ms in 1_u64..20_000,
        with_sound in any::<bool>(),
    ) {
        let mut video = video(&pictures);
        video.samples[0].is_sync = true;
        let sound = sound(play_ms, &packets);
        let tracks = Tracks { video: &video, sound: Some(&sound).filter(|_| with_sound), texts: None };
        let mp4 = FragmentedMp4::lay_out(tracks, &Metadata::default()).unwrap();
        let head_bytes = mp4.head.len() + mp4.index.len();
        let mut expected = Packets::new();
        let mut offset = u64::try_from(head_bytes).unwrap();
        for piece in mp4.pieces().skip(2) {
            offset += u64::try_from(piece.bytes.len()).unwrap();
            offset = piece.packets.map_or(offset, |chunk| packets_of(&chunk, tracks, offset, &mut expected));
        }
        expected.retain(|_, packets| !packets.is_empty());
        prop_assert_eq!(demuxed(&file(&mp4)), expected);
    }
}
