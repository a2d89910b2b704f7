use super::*;
use crate::mux::mp4::tests::{Packets, packets_of, sound, texts, video};
use crate::mux::{Chunk, Texts};
use crate::video::Chroma;
use crate::video::screen::{Format, ScreenEncoder};
use proptest::prelude::*;
use shiguredo_mp4::boxes::{MoofBox, MoovBox};
use shiguredo_mp4::demux::{DemuxError, Fmp4FileDemuxer, Input};
use shiguredo_mp4::{BoxHeader, Decode};

fn outline<'a>(video: &VideoTrack, sound: Option<&SoundTrack>, texts: Option<&'a Texts>) -> Outline<'a> {
    Outline {
        sequence_headers: video.sequence_headers.clone(),
        duration_ms: video.duration_ms(),
        sound: sound.map(|sound| SoundOutline {
            channels: sound.channels,
            pre_skip_samples: sound.pre_skip_samples,
            input_rate_hz: sound.input_rate_hz,
            play_ms: sound.play_ms,
            packet_samples: 960,
        }),
        texts,
    }
}

/// The pictures of a track as segments, which begin at every so manieth picture at which decoding can start.
fn segments(video: &VideoTrack, every: usize) -> Vec<VideoSegment> {
    let mut segments: Vec<VideoSegment> = Vec::new();
    let (mut at_ms, mut syncs) = (0, 0);
    for picture in &video.samples {
        if picture.is_sync && syncs % every == 0 || segments.is_empty() {
            segments.push(VideoSegment { at_ms, pictures: Vec::new(), is_last: false });
        }
        syncs += usize::from(picture.is_sync);
        at_ms += u64::from(picture.duration_ms);
        segments.last_mut().unwrap().pictures.push(*picture);
    }
    segments.last_mut().unwrap().is_last = true;
    segments
}

/// A file, each packet of which is full of zeros, and where its chunks stand.
#[derive(Debug, Default, PartialEq, Eq)]
struct Grown {
    bytes: Vec<u8>,
    chunks: Vec<(u64, Chunk)>,
}

impl Grown {
    fn begin(outline: Outline<'_>) -> (FragmentedMp4, Self) {
        let (file, bytes) = FragmentedMp4::begin(outline, &Metadata::default()).unwrap();
        (file, Self { bytes, chunks: Vec::new() })
    }

    /// Takes all fragments that are complete; returns how many.
    fn follow(&mut self, file: &mut FragmentedMp4) -> usize {
        let fragments = std::iter::from_fn(|| file.next_fragment().unwrap()).map(|pieces| {
            for piece in pieces {
                self.bytes.extend(piece.bytes);
                let Some(chunk) = piece.packets else { continue };
                self.chunks.push((length(&self.bytes), chunk.clone()));
                self.bytes.resize(self.bytes.len() + usize::try_from(chunk.bytes).unwrap(), 0);
            }
        });
        fragments.count()
    }

    fn end(mut self, file: FragmentedMp4) -> Self {
        self.bytes.extend(file.finish().unwrap());
        self
    }

    /// All at once.
    fn of(outline: Outline<'_>, segments: &[VideoSegment], sound: Option<&SoundTrack>) -> Self {
        let (mut file, mut grown) = Self::begin(outline);
        for segment in segments {
            file.push_segment(segment.clone()).unwrap();
        }
        if let Some(sound) = sound {
            file.push_sound(&sound.packets).unwrap();
            file.end_sound().unwrap();
        }
        grown.follow(&mut file);
        grown.end(file)
    }
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
fn each_fragment_has_its_own_index_and_the_file_ends_with_one_of_them() {
    let video = video(&[(10, 40, true), (20, 4_960, false), (30, 50, true), (7, 9, false)]);
    let (sound, texts) = (sound(5_000, &[(3, 960); 240]), texts());
    let outline = outline(&video, Some(&sound), Some(&texts));
    let file = Grown::of(outline, &segments(&video, 1), Some(&sound)).bytes;
    let boxes = boxes(&file);
    let kinds: Vec<_> = boxes.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["ftyp", "moov", "mdat", "moof", "mdat", "moof", "mdat", "mfra"]);

    let (moov, _) = MoovBox::decode(boxes[1].2).unwrap();
    let durations = moov.trak_boxes.iter().map(|track| track.tkhd_box.duration);
    assert_eq!(durations.collect::<Vec<_>>(), [0, 0, 2_600, 3_000], "texts alone are whole");
    assert_eq!(moov.mvhd_box.duration, 5_059);
    let extends = moov.mvex_box.unwrap();
    assert_eq!(extends.mehd_box.unwrap().fragment_duration, 5_059);
    assert_eq!(extends.trex_boxes.iter().map(|track| track.track_id).collect::<Vec<_>>(), [1, 2]);
    let preroll = &moov.trak_boxes[1].mdia_box.minf_box.stbl_box.unknown_boxes[0].payload;
    assert_eq!(preroll[preroll.len() - 2..], (-4_i16).to_be_bytes(), "80 ms are four packets");

    let (last, _) = MoofBox::decode(boxes[5].2).unwrap();
    assert_eq!(last.mfhd_box.sequence_number, 2);
    let [pictures] = &last.traf_boxes[..] else { panic!("the sound has ended") };
    assert_eq!(pictures.tfdt_box.as_ref().unwrap().base_media_decode_time, 5_000);

    let point = |at_ms: u64, offset: usize| {
        [&at_ms.to_be_bytes()[..], &u64::try_from(offset).unwrap().to_be_bytes(), &[1, 1, 1]].concat()
    };
    let table = [point(0, boxes[3].1), point(5_000, boxes[5].1)].concat();
    let index = [
        &b"\0\0\0\x56mfra\0\0\0\x3etfra\x01\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"[..],
        &table,
        b"\0\0\0\x10mfro\0\0\0\0\0\0\0\x56",
    ];
    assert_eq!(boxes[7].2, index.concat());
}

#[test]
fn a_fragment_is_there_once_its_pictures_and_their_sound_are() {
    let video = video(&[(10, 500, true), (20, 500, false), (30, 1_000, true)]);
    let sound = sound(2_000, &[(3, 960); 101]);
    let (mut file, mut grown) = Grown::begin(outline(&video, Some(&sound), None));
    let [first, last] = segments(&video, 1).try_into().unwrap();
    file.push_sound(&sound.packets[..30]).unwrap();
    file.push_segment(first).unwrap();
    assert_eq!(grown.follow(&mut file), 0, "sound of 0.6 s");
    file.push_sound(&sound.packets[30..50]).unwrap();
    assert_eq!(grown.follow(&mut file), 0, "the last packet might be the last of all and be cut");
    file.push_sound(&sound.packets[50..51]).unwrap();
    assert_eq!(grown.follow(&mut file), 1);
    file.push_sound(&sound.packets[51..]).unwrap();
    file.push_segment(last).unwrap();
    assert_eq!(grown.follow(&mut file), 0, "more sound might be heard");
    file.end_sound().unwrap();
    assert_eq!(grown.follow(&mut file), 1);
    let packets: Vec<_> =
        grown.chunks.iter().map(|(_, chunk)| (chunk.track, chunk.packets.clone())).collect();
    let expected =
        [(Track::Video, 0..2), (Track::Sound, 0..50), (Track::Video, 2..3), (Track::Sound, 50..101)];
    assert_eq!(packets, expected);
}

#[test]
fn a_fragment_is_bounded_and_the_index_names_only_where_decoding_can_start() {
    let video = video(&[(40 << 20, 100, true), (40 << 20, 100, false), (9, 100, false), (8, 100, true)]);
    let (mut file, _) = FragmentedMp4::begin(outline(&video, None, None), &Metadata::default()).unwrap();
    let [whole] = segments(&video, 2).try_into().unwrap();
    file.push_segment(whole).unwrap();
    let fragments = std::iter::from_fn(|| file.next_fragment().unwrap());
    let pictures: Vec<_> = fragments.flatten().filter_map(|piece| Some(piece.packets?.packets)).collect();
    assert_eq!(pictures, [0..2, 2..3, 3..4]);
    assert_eq!(file.sync_points.iter().map(|point| point.at_ms).collect::<Vec<_>>(), [0, 300]);
}

#[test]
fn sound_behind_the_last_picture_is_left_out() {
    // The outline told of 2 s of both.
    let told = video(&[(10, 500, true), (20, 1_500, true)]);
    let sound = sound(2_000, &[(3, 960); 101]);
    let (mut file, mut grown) = Grown::begin(outline(&told, Some(&sound), None));
    let mut segments = segments(&video(&[(10, 500, true), (20, 110, true)]), 1);
    file.push_sound(&sound.packets).unwrap();
    file.push_segment(segments.remove(0)).unwrap();
    grown.follow(&mut file);
    file.push_segment(segments.remove(0)).unwrap();
    file.end_sound().unwrap();
    grown.follow(&mut file);
    let found = demuxed(&grown.end(file).bytes);
    // 610 ms and the pre-skip are 29592 samples: 30 packets of 960, and 792 of another.
    let heard: Vec<_> = found[&2].iter().map(|packet| packet.1).collect();
    assert_eq!((heard.len(), heard[29], heard[30]), (31, 960, 792));
}

#[test]
fn what_was_not_announced_and_what_cannot_be_decoded_is_refused() {
    let mut video = video(&[(1, 1, true)]);
    let announced = video.sequence_headers[0].obu().to_vec();
    let other = ScreenEncoder::sequence_header(Format { size: video.size(), chroma: Chroma::Half });
    let begin = |video: &VideoTrack| {
        FragmentedMp4::begin(outline(video, None, None), &Metadata::default()).map(|(file, _)| file)
    };
    let mut file = begin(&video).unwrap();
    assert_eq!(file.header_number(&announced).unwrap(), 0);
    assert_eq!(
        file.header_number(&other).unwrap_err().to_string(),
        format!(
            "a picture has a sequence header of {} bytes that is none of the 1 announced ones",
            other.len()
        )
    );
    let segment = |picture: VideoSample| VideoSegment { at_ms: 0, pictures: vec![picture], is_last: true };
    let good = video.samples[0];
    let refused =
        |file: &mut FragmentedMp4, picture| file.push_segment(segment(picture)).unwrap_err().to_string();
    let unknown = VideoSample { header: 1, ..good };
    assert!(refused(&mut file, unknown).starts_with("picture 0 has no sequence header"));
    let unsync = VideoSample { is_sync: false, ..good };
    assert!(refused(&mut file, unsync).starts_with("picture 0 has no sequence header"));
    let empty = VideoSample { size_bytes: 0, ..good };
    assert_eq!(refused(&mut file, empty), "packet 0 of the Video track is empty");
    let nothing = file.finish().unwrap_err().to_string();
    assert_eq!(nothing, "the Video track is empty, expected at least one packet");

    let silent = sound(5, &[(3, 960)]);
    let heard = outline(&video, Some(&SoundTrack { play_ms: 0, ..silent.clone() }), None);
    let (mut file, _) = FragmentedMp4::begin(heard, &Metadata::default()).unwrap();
    assert!(matches!(file.end_sound(), Err(MuxError::NoPackets { track: Track::Sound })));
    file.push_sound(&silent.packets).unwrap();
    assert!(matches!(file.end_sound(), Err(MuxError::SoundNotHeard { .. })));

    let size = crate::geometry::Size { width: 64, height: 48 };
    let other = ScreenEncoder::sequence_header(Format { size, chroma: Chroma::Half });
    video.sequence_headers.push(SequenceHeader::parse(&other).unwrap());
    assert!(matches!(begin(&video), Err(MuxError::OtherSize { index: 1 })));
    video.sequence_headers.clear();
    assert!(matches!(begin(&video), Err(MuxError::NoSequenceHeader { index: 0 })));
}

#[test]
fn whatever_is_there_of_a_file_plays_up_to_its_last_whole_fragment() {
    let pictures: Vec<_> = (0..40).map(|index| (500 + index, 700, index % 7 == 0)).collect();
    let (video, sound) = (video(&pictures), sound(60_000, &[(3, 960); 1_000]));
    let file = Grown::of(outline(&video, Some(&sound), None), &segments(&video, 2), Some(&sound)).bytes;
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
        pictures in prop::collection::vec((1_u32..100_000, 100_u32..5_000, any::<bool>()), 1..80),
        packets in prop::collection::vec((1_u16..1_500, 480_u16..=5_760), 1..120),
        with_sound in any::<bool>(),
        every in 1_usize..4,
        order in prop::collection::vec((any::<bool>(), 1_usize..30), 0..200),
    ) {
        let mut video = video(&pictures);
        video.samples[0].is_sync = true;
        let mut sound = sound(video.duration_ms(), &packets);
        // No more than is heard.
        let heard = sound.packets.iter().scan(0, |end, packet| {
            *end += u64::from(packet.samples);
            Some(*end)
        });
        let heard = 1 + heard.filter(|end| *end < video.duration_ms() * 48 + 312).count();
        sound.packets.truncate(heard);
        let sound = Some(&sound).filter(|_| with_sound);
        let segments = segments(&video, every);
        let at_once = Grown::of(outline(&video, sound, None), &segments, sound);

        let tracks = Tracks { video: &video, sound, texts: None };
        let mut expected = Packets::new();
        for (offset, chunk) in &at_once.chunks {
            packets_of(chunk, tracks, *offset, &mut expected);
        }
        prop_assert_eq!(demuxed(&at_once.bytes), expected);

        // Whatever comes when, the bytes are the same.
        let (mut file, mut grown) = Grown::begin(outline(&video, sound, None));
        let mut segments = segments.iter();
        let mut packets = sound.map_or(&[][..], |sound| &sound.packets);
        for (is_segment, count) in order {
            if is_segment {
                segments.next().map_or(Ok(()), |segment| file.push_segment(segment.clone())).unwrap();
            } else {
                let (now, later) = packets.split_at(count.min(packets.len()));
                file.push_sound(now).unwrap();
                packets = later;
            }
            grown.follow(&mut file);
        }
        file.push_sound(packets).unwrap();
        file.end_sound().unwrap();
        grown.follow(&mut file);
        for segment in segments {
            file.push_segment(segment.clone()).unwrap();
            grown.follow(&mut file);
        }
        prop_assert_eq!(grown.end(file), at_once);
    }
}
