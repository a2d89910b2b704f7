use super::ebml::tests::elements;
use super::*;
use crate::mux::temporal_unit::tests::SEQUENCE_HEADER;
use crate::mux::{
    Channels, Cue, SequenceHeader, SoundPacket, SoundTrack, TextTrack, Texts, VideoSample, VideoTrack,
};
use proptest::prelude::*;

fn video(samples: &[(u32, u32, bool)]) -> VideoTrack {
    let sample =
        |&(size_bytes, duration_ms, is_sync)| VideoSample { size_bytes, duration_ms, is_sync, header: 0 };
    VideoTrack {
        sequence_headers: vec![SequenceHeader::parse(SEQUENCE_HEADER).unwrap()],
        samples: samples.iter().map(sample).collect(),
    }
}

fn sound(play_ms: u64, packets: &[(u16, u16)]) -> SoundTrack {
    SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples: 312,
        input_rate_hz: 44_100,
        play_ms,
        packets: packets.iter().map(|&(size_bytes, samples)| SoundPacket { size_bytes, samples }).collect(),
    }
}

/// Subtitles from 0.1 s, and two chapters.
fn texts() -> Texts {
    let cue = |start_ms, end_ms, text: &str| Cue { start_ms, end_ms, text: text.into() };
    Texts {
        subtitles: TextTrack::subtitles(&[cue(100, 900, "ls ⏎")]),
        chapters: TextTrack::chapters(&[cue(0, 2_500, "ls"), cue(2_500, 3_000, "exit")]),
    }
}

/// The whole file; the packets of each track are filled with a letter.
fn file(webm: &Webm<'_>) -> Vec<u8> {
    webm.pieces()
        .flat_map(|piece| {
            let packets = piece.packets.iter().flat_map(|packets| {
                let letter = if packets.track == Track::Video { b'v' } else { b's' };
                std::iter::repeat_n(letter, usize::try_from(packets.bytes).unwrap())
            });
            piece.bytes.iter().copied().chain(packets).collect::<Vec<_>>()
        })
        .collect()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The first element with an identifier within another one's payload.
fn child(parent: &[u8], id: ebml::Id) -> &[u8] {
    elements(parent).iter().find(|(found, ..)| *found == id.0).expect("the element is there").2
}

/// One block: when, whose, flags, length of its packet, and what its group says of it.
type Block = (u64, u8, u8, usize, Vec<(u32, u64)>);

/// All blocks of a segment.
fn blocks(segment: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (_, _, cluster) in elements(segment).into_iter().filter(|(id, ..)| *id == ids::CLUSTER.0) {
        let at_ms = number(child(cluster, ids::TIMESTAMP));
        for (id, _, payload) in elements(cluster) {
            let (block, about) = match ebml::Id(id) {
                ids::SIMPLE_BLOCK => (payload, Vec::new()),
                ids::BLOCK_GROUP => {
                    let children = elements(payload).into_iter().filter(|(id, ..)| *id != ids::BLOCK.0);
                    (child(payload, ids::BLOCK), children.map(|(id, _, value)| (id, number(value))).collect())
                }
                _ => continue,
            };
            let delta_ms = number(&block[1..3]);
            blocks.push((at_ms + delta_ms, block[0] & 0x7f, block[3], block.len() - 4, about));
        }
    }
    blocks
}

/// Where the clusters begin that the cues name, with the times of both.
fn cued(segment: &[u8]) -> Vec<(u64, u64)> {
    let clusters: Vec<_> = elements(segment).into_iter().filter(|(id, ..)| *id == ids::CLUSTER.0).collect();
    elements(child(segment, ids::CUES))
        .iter()
        .map(|(_, _, point)| {
            let position = number(child(child(point, ids::CUE_TRACK_POSITIONS), ids::CUE_CLUSTER_POSITION));
            let found = clusters.iter().find(|(_, start, payload)| {
                let head = ids::CLUSTER.head(u64::try_from(payload.len()).unwrap()).len();
                u64::try_from(start - head).unwrap() == position
            });
            let (_, _, cluster) = found.expect("a cluster begins there");
            (number(child(point, ids::CUE_TIME)), number(child(cluster, ids::TIMESTAMP)))
        })
        .collect()
}

#[test]
fn packets_are_blocks_in_the_order_of_their_times() {
    let video = video(&[(10, 40, true), (20, 2_960, false), (30, 50, true), (7, 9, false)]);
    let (sound, texts) = (sound(55, &[(3, 960); 4]), texts());
    let tracks = Tracks { video: &video, sound: Some(&sound), texts: Some(&texts) };
    let webm = Webm::lay_out(tracks, &Metadata::default()).unwrap();
    let file = file(&webm);
    let [(ebml, _, header), (segment, start, payload)] = elements(&file)[..] else { panic!("two elements") };
    assert_eq!((ebml, child(header, ids::DOC_TYPE)), (ids::EBML.0, &b"webm"[..]));
    assert_eq!((segment, start + payload.len()), (ids::SEGMENT.0, file.len()), "the clusters end the file");
    // 55 ms and the pre-skip of 6.5 ms are 2952 of 3840 samples: 18.5 ms of the last packet are cut.
    let padding = vec![(ids::DISCARD_PADDING.0, 18_500_000)];
    let lasting = |duration_ms| vec![(ids::BLOCK_DURATION.0, duration_ms)];
    let behind = |duration_ms, before_ms: i8| {
        let before = u64::from((-before_ms).to_be_bytes()[0]);
        vec![(ids::BLOCK_DURATION.0, duration_ms), (ids::REFERENCE_BLOCK.0, before)]
    };
    assert_eq!(
        blocks(payload),
        [
            (0, 1, 0, 10, lasting(40)),
            (0, 2, 0x80, 3, vec![]),
            (20, 2, 0x80, 3, vec![]),
            (40, 1, 0, 20, behind(2_960, 40)),
            (40, 2, 0x80, 3, vec![]),
            (60, 2, 0, 3, padding),
            (100, 3, 0, 8, lasting(800)),
            (3_000, 1, 0, 30, lasting(50)),
            (3_050, 1, 0, 7, behind(9, 50)),
        ]
    );
    assert_eq!(cued(payload), [(0, 0), (3_000, 3_000)]);
    assert!(file.windows(8).any(|window| window == "\n\nls ⏎".as_bytes()));
    let again = Webm::lay_out(tracks, &Metadata::default()).unwrap();
    assert_eq!(self::file(&again), file, "the same tables give the same bytes");
}

#[test]
fn the_head_names_its_parts_and_says_what_the_file_is() {
    let (video, sound, texts) = (video(&[(10, 3_000, true)]), sound(100, &[(7, 960); 6]), texts());
    let metadata = Metadata {
        title: Some("db01 – alice".into()),
        started_unix_s: Some(978_307_201),
        session: Some("s".into()),
        root: Some("r".into()),
    };
    let webm =
        Webm::lay_out(Tracks { video: &video, sound: Some(&sound), texts: Some(&texts) }, &metadata).unwrap();
    let file = file(&webm);
    let segment = child(&file, ids::SEGMENT);
    let parts = elements(segment);
    let named: Vec<_> = elements(child(segment, ids::SEEK_HEAD))
        .iter()
        .map(|(_, _, seek)| {
            let position = usize::try_from(number(child(seek, ids::SEEK_POSITION))).unwrap();
            let id = child(seek, ids::SEEK_ID);
            assert_eq!(&segment[position..position + id.len()], id);
            u32::try_from(number(id)).unwrap()
        })
        .collect();
    let expected = [ids::INFO, ids::TRACKS, ids::CHAPTERS, ids::TAGS, ids::CUES].map(|id| id.0);
    assert_eq!(named, expected);
    assert_eq!(parts[1..6].iter().map(|(id, ..)| *id).collect::<Vec<_>>(), expected);

    let info = child(segment, ids::INFO);
    assert_eq!(child(info, ids::DURATION), 3_000_f64.to_be_bytes());
    assert_eq!(child(info, ids::DATE_UTC), 1_000_000_000_i64.to_be_bytes());
    assert_eq!(child(info, ids::TITLE), "db01 – alice".as_bytes());
    assert_eq!(child(info, ids::WRITING_APP), b"Custody");
    let tags = elements(child(child(segment, ids::TAGS), ids::TAG)).split_off(1);
    let tags = tags.iter().map(|(_, _, tag)| (child(tag, ids::TAG_NAME), child(tag, ids::TAG_STRING)));
    let expected: [(&[u8], &[u8]); 2] = [(b"CUSTODY_SESSION", b"s"), (b"CUSTODY_ROOT", b"r")];
    assert_eq!(tags.collect::<Vec<_>>(), expected);
    let tracks = elements(child(segment, ids::TRACKS));
    let codecs = tracks.iter().map(|(_, _, track)| child(track, ids::CODEC_ID));
    assert_eq!(codecs.collect::<Vec<_>>(), [&b"V_AV1"[..], b"A_OPUS", b"D_WEBVTT/SUBTITLES"]);
    assert_eq!(child(tracks[0].2, ids::CODEC_PRIVATE), [&[0x81, 8, 0x0c, 0], SEQUENCE_HEADER].concat());
    assert_eq!(child(tracks[1].2, ids::CODEC_PRIVATE), b"OpusHead\x01\x02\x38\x01\x44\xac\0\0\0\0\0");
    assert_eq!(number(child(tracks[1].2, ids::CODEC_DELAY)), 6_500_000);
    let atoms = elements(child(child(segment, ids::CHAPTERS), ids::EDITION_ENTRY));
    let last = atoms.last().unwrap().2;
    assert_eq!(number(child(last, ids::CHAPTER_TIME_START)), 2_500_000_000);
    assert_eq!(child(child(last, ids::CHAPTER_DISPLAY), ids::CHAP_STRING), b"exit");
}

#[test]
fn a_cluster_is_bounded_in_time_and_in_bytes() {
    let million = 1 << 20;
    let pictures: Vec<_> = (0..12).map(|index| (million, 100, index == 0)).collect();
    let (video, sound) = (video(&pictures), sound(60_000, &[(1, 960); 500]));
    let webm =
        Webm::lay_out(Tracks { video: &video, sound: Some(&sound), texts: None }, &Metadata::default());
    let clusters: Vec<_> =
        webm.unwrap().clusters.iter().map(|cluster| (cluster.at_ms, cluster.blocks)).collect();
    // The pictures end after 1.2 s, the sound after 10 s.
    assert_eq!(clusters, [(0, 19), (300, 24), (700, 24), (1_100, 200), (5_100, 200), (9_100, 45)]);
}

proptest! {
    #[test]
    fn every_packet_is_found_at_its_time_and_every_cue_at_its_cluster(
        pictures in prop::collection::vec((1_u32..3_000, 1_u32..9_000, any::<bool>()), 1..80),
        packets in prop::collection::vec((1_u16..300, 480_u16..=5_760), 1..200),
        with_sound in any::<bool>(),
    ) {
        let mut video = video(&pictures);
        video.samples[0].is_sync = true;
        let sound = sound(u64::MAX, &packets);
        let tracks = Tracks { video: &video, sound: Some(&sound).filter(|_| with_sound), texts: None };
        let file = file(&Webm::lay_out(tracks, &Metadata::default()).unwrap());
        let segment = child(&file, ids::SEGMENT);
        let (mut at_ms, mut expected, mut cues) = (0, Vec::new(), Vec::new());
        for picture in &video.samples {
            expected.push((at_ms, 1, usize::try_from(picture.size_bytes).unwrap()));
            cues.extend(picture.is_sync.then_some((at_ms, at_ms)));
            at_ms += u64::from(picture.duration_ms);
        }
        let mut samples = 0;
        for packet in sound.packets.iter().filter(|_| with_sound) {
            expected.push((samples / 48, 2, usize::from(packet.size_bytes)));
            samples += u64::from(packet.samples);
        }
        let mut found: Vec<_> = blocks(segment).into_iter().map(|block| (block.0, block.1, block.3)).collect();
        prop_assert!(found.is_sorted_by_key(|block| block.0));
        found.sort_by_key(|block| block.1);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(cued(segment), cues);
    }
}
