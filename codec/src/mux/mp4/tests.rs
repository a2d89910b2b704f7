use std::collections::BTreeMap;

use proptest::prelude::*;
use shiguredo_mp4::boxes::{MoovBox, SampleEntry, StszBox, TrakBox};
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
use shiguredo_mp4::{BaseBox, BoxType, Decode, Either, TrackKind};

use super::*;
use crate::geometry::Size;
use crate::mux::temporal_unit::tests::SEQUENCE_HEADER;
use crate::mux::{
    Channels, Chunk, Cue, SequenceHeader, SoundPacket, SoundTrack, TemporalUnit, TextTrack, Texts, Track,
    VideoSample, VideoTrack,
};
use crate::video::Chroma;
use crate::video::screen::{Format, ScreenEncoder};

pub(super) fn video(samples: &[(u32, u32, bool)]) -> VideoTrack {
    let sample =
        |&(size_bytes, duration_ms, is_sync)| VideoSample { size_bytes, duration_ms, is_sync, header: 0 };
    VideoTrack {
        sequence_headers: vec![SequenceHeader::parse(SEQUENCE_HEADER).unwrap()],
        samples: samples.iter().map(sample).collect(),
    }
}

pub(super) fn sound(play_ms: u64, packets: &[(u16, u16)]) -> SoundTrack {
    SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples: 312,
        input_rate_hz: 44_100,
        play_ms,
        packets: packets.iter().map(|&(size_bytes, samples)| SoundPacket { size_bytes, samples }).collect(),
    }
}

/// A file without texts.
fn lay_out<'a>(
    video: &'a VideoTrack,
    sound: Option<&'a SoundTrack>,
    metadata: &Metadata,
) -> Result<Mp4<'a>, MuxError> {
    Mp4::lay_out(Tracks { video, sound, texts: None }, metadata)
}

/// `moov` as another program reads it.
fn moov(head: &[u8]) -> MoovBox {
    let (_, ftyp_bytes) = FtypBox::decode(head).unwrap();
    MoovBox::decode(&head[ftyp_bytes..]).unwrap().0
}

/// Time, duration, offset, length and key of each packet, per track.
pub(super) type Packets = BTreeMap<u32, Vec<(u64, u32, u64, usize, bool)>>;

/// What a demuxer finds.
fn demuxed(head: &[u8]) -> Packets {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: head });
    let mut tracks = Packets::new();
    while let Some(sample) = demuxer.next_sample().unwrap() {
        tracks.entry(sample.track.track_id).or_default().push((
            sample.timestamp,
            sample.duration,
            sample.data_offset,
            sample.data_size,
            sample.keyframe,
        ));
    }
    tracks
}

/// What the caller knows: the same, from the tables and the order in which packets are appended.
fn appended(mp4: &Mp4<'_>, video: &VideoTrack, sound: Option<&SoundTrack>) -> Packets {
    let mut tracks = Packets::new();
    let mut offset = mp4.payload().start;
    for chunk in mp4.chunks() {
        offset = packets_of(&chunk, Tracks { video, sound, ..mp4.tracks }, offset, &mut tracks);
    }
    assert_eq!(offset, mp4.file_bytes(), "the packets end the file");
    tracks
}

/// Adds the packets of a chunk that stands at `offset`; returns where it ends.
pub(super) fn packets_of(chunk: &Chunk, tables: Tracks<'_>, mut offset: u64, tracks: &mut Packets) -> u64 {
    let before = offset;
    for index in chunk.packets.clone() {
        let (id, duration, bytes, is_sync) = match chunk.track {
            Track::Video => {
                let sample = tables.video.samples[index];
                (1, sample.duration_ms, sample.size_bytes, sample.is_sync)
            }
            Track::Sound => {
                let sound = tables.sound.unwrap();
                let packet = sound.packets[index];
                let is_last = index + 1 == sound.packets.len();
                let samples = if is_last { sound.last_packet_samples() } else { packet.samples.into() };
                (2, samples, packet.size_bytes.into(), true)
            }
            Track::Subtitles | Track::Chapters => {
                let texts = tables.texts.unwrap();
                let is_chapter = chunk.track == Track::Chapters;
                let (id, track) = if is_chapter { (4, &texts.chapters) } else { (3, &texts.subtitles) };
                let sample = &track.samples[index];
                (id, sample.duration_ms, sample.data_bytes(), true)
            }
        };
        let track = tracks.entry(id).or_default();
        let time = track.last().map_or(0, |last| last.0 + u64::from(last.1));
        track.push((time, duration, offset, usize::try_from(bytes).unwrap(), is_sync));
        offset += u64::from(bytes);
    }
    assert_eq!(offset - before, chunk.bytes);
    offset
}

fn outline(node: &dyn BaseBox, depth: usize, out: &mut String) {
    out.push_str(&format!("{}{}\n", "  ".repeat(depth), node.box_type()));
    for child in node.children() {
        outline(child, depth + 1, out);
    }
}

const OUTLINE: &str = "\
moov
  mvhd
  trak
    tkhd
    mdia
      mdhd
      hdlr
      minf
        vmhd
        dinf
          dref
            url 
        stbl
          stsd
            av01
              av1C
              colr
          stts
          stsc
          stsz
          stco
          stss
  trak
    tkhd
    edts
      elst
    mdia
      mdhd
      hdlr
      minf
        smhd
        dinf
          dref
            url 
        stbl
          stsd
            Opus
              dOps
          stts
          stsc
          stsz
          stco
          sgpd
          sbgp
  udta
";

#[test]
fn the_index_stands_before_the_packets_in_a_fixed_order() {
    let video = video(&[(10, 40, true), (20, 60, false)]);
    let sound = sound(100, &[(7, 960); 6]);
    let metadata = Metadata { title: Some("db01 – alice".to_owned()), ..Metadata::default() };
    let mp4 = lay_out(&video, Some(&sound), &metadata).unwrap();
    let mut actual = String::new();
    outline(&moov(mp4.head()), 0, &mut actual);
    assert_eq!(actual, OUTLINE);
    assert_eq!(mp4.head()[4..8], *b"ftyp");
    assert!(mp4.head().ends_with(&[0, 0, 0, 8 + 10 + 20 + 6 * 7, b'm', b'd', b'a', b't']));
    let again = lay_out(&video, Some(&sound), &metadata).unwrap();
    assert_eq!(mp4.head(), again.head(), "the same tables give the same bytes");
}

/// Subtitles from 0.1 s, and two chapters.
pub(super) fn texts() -> Texts {
    let cue = |start_ms, end_ms, text: &str| Cue { start_ms, end_ms, text: text.into() };
    Texts {
        subtitles: TextTrack::subtitles(&[cue(100, 900, "ls ⏎"), cue(2_500, 2_600, "exit")]),
        chapters: TextTrack::chapters(&[cue(0, 2_500, "ls"), cue(2_500, 3_000, "exit")]),
    }
}

#[test]
fn texts_are_tracks_of_their_own_and_the_pictures_name_their_chapters() {
    let (video, sound, texts) = (video(&[(10, 3_000, true)]), sound(100, &[(7, 960); 6]), texts());
    let mp4 = Mp4::lay_out(
        Tracks { video: &video, sound: Some(&sound), texts: Some(&texts) },
        &Metadata::default(),
    );
    let mp4 = mp4.unwrap();
    let moov = moov(mp4.head());
    let [pictures, _, subtitles, chapters] = &moov.trak_boxes[..] else { panic!("four tracks") };
    let [reference] = &pictures.unknown_boxes[..] else { panic!("a reference") };
    assert_eq!(
        (reference.box_type.as_bytes(), &reference.payload[..]),
        (&b"tref"[..], &b"\0\0\0\x0cchap\0\0\0\x04"[..])
    );
    let described = |track: &TrakBox| {
        let media = &track.mdia_box;
        let entry = media.minf_box.stbl_box.stsd_box.entries[0].box_type();
        let ids = (track.tkhd_box.track_id, track.tkhd_box.flag_track_enabled);
        (ids, media.hdlr_box.handler_type, entry, track.tkhd_box.duration)
    };
    assert_eq!(described(subtitles), ((3, true), *b"sbtl", BoxType::Normal(*b"tx3g"), 2_600));
    assert_eq!(described(chapters), ((4, false), *b"text", BoxType::Normal(*b"text"), 3_000));
    assert_eq!(chapters.mdia_box.minf_box.unknown_boxes[0].box_type, BoxType::Normal(*b"gmhd"));
    assert_eq!((subtitles.tkhd_box.height.integer, subtitles.tkhd_box.matrix[7]), (30, 150 << 16));
    assert_eq!((moov.mvhd_box.duration, moov.mvhd_box.next_track_id), (3_000, 5));
    let mut expected = appended(&mp4, &video, Some(&sound));
    // This demuxer knows no handler of subtitles: their tables are read without it.
    let lines = expected.remove(&3).unwrap();
    let table = &subtitles.mdia_box.minf_box.stbl_box;
    assert_eq!(table.stsz_box, StszBox::Variable { entry_sizes: vec![2, 8, 2, 6] });
    let Either::A(offsets) = &table.stco_or_co64_box else { panic!("narrow offsets") };
    let chunks = [lines[0].2, lines[3].2].map(|offset| u32::try_from(offset).unwrap());
    assert_eq!(offsets.chunk_offsets, chunks);
    assert_eq!(demuxed(mp4.head()), expected);
    // The chapters stand in front, and what is handed out is as long as the tables say.
    assert_eq!(expected[&4][0].2, mp4.payload().start);
    let read: Vec<u8> = mp4.pieces().skip(1).flat_map(|piece| piece.bytes).collect();
    let expected = b"\0\x02ls\0\0\0\x0cencd\0\0\x01\0\0\x04exit\0\0\0\x0cencd\0\0\x01\0\
        \0\0\0\x06ls \xe2\x8f\x8e\0\0\0\x04exit";
    assert_eq!(read, expected);
}

#[test]
fn durations_and_the_edit_list_are_those_of_the_tables() {
    const HOURS_3_MS: u32 = 3 * 3_600_000;
    let video = video(&[(10, 40, true), (20, HOURS_3_MS, false)]);
    let sound = sound(2_000, &[(7, 960); 101]);
    let metadata = Metadata { started_unix_s: Some(1_700_000_000), ..Metadata::default() };
    let moov = moov(lay_out(&video, Some(&sound), &metadata).unwrap().head());
    assert_eq!(moov.mvhd_box.duration, 10_800_040);
    assert_eq!(moov.mvhd_box.creation_time.as_secs(), 1_700_000_000 + 2_082_844_800);
    let [pictures, tones] = &moov.trak_boxes[..] else { panic!("two tracks") };
    assert_eq!((pictures.tkhd_box.duration, pictures.mdia_box.mdhd_box.duration), (10_800_040, 10_800_040));
    assert_eq!((pictures.tkhd_box.width.integer, pictures.tkhd_box.height.integer), (320, 180));
    assert_eq!((tones.tkhd_box.duration, tones.mdia_box.mdhd_box.duration), (2_000, 96_312));
    let edit = &tones.edts_box.as_ref().unwrap().elst_box.as_ref().unwrap().entries[0];
    assert_eq!((edit.edit_duration, edit.media_time), (2_000, 312));
    let preroll = &tones.mdia_box.minf_box.stbl_box.unknown_boxes[0].payload;
    assert_eq!(preroll[preroll.len() - 2..], (-4_i16).to_be_bytes(), "80 ms are four packets");
    let SampleEntry::Opus(opus) = &tones.mdia_box.minf_box.stbl_box.stsd_box.entries[0] else {
        panic!("an Opus entry")
    };
    assert_eq!((opus.dops_box.pre_skip, opus.dops_box.input_sample_rate), (312, 44_100));
}

#[test]
fn a_file_beyond_4_gib_has_wide_offsets_and_a_wide_box() {
    let video = video(&[(u32::MAX, 1_500, true), (1 << 30, 1_500, true), (9, 1, true)]);
    let mp4 = lay_out(&video, None, &Metadata::default()).unwrap();
    assert_eq!(demuxed(mp4.head()), appended(&mp4, &video, None));
    let table = &moov(mp4.head()).trak_boxes[0].mdia_box.minf_box.stbl_box;
    assert!(matches!(table.stco_or_co64_box, Either::B(_)));
    assert_eq!(table.stss_box, None, "all are sync samples");
    let length = u64::from(u32::MAX) + (1 << 30) + 9 + 16;
    let mdat = [&[0, 0, 0, 1][..], b"mdat", &length.to_be_bytes()].concat();
    assert!(mp4.head().ends_with(&mdat));
}

#[test]
fn offsets_widen_when_only_the_head_passes_4_gib() {
    for (surplus, wide) in [(0, false), (1, true)] {
        let small = video(&[(1, 1, true)]);
        let small = lay_out(&small, None, &Metadata::default()).unwrap();
        let head_bytes = u32::try_from(small.head().len()).unwrap();
        let video = video(&[(u32::MAX - head_bytes + surplus, 1, true)]);
        let mp4 = lay_out(&video, None, &Metadata::default()).unwrap();
        let table = &moov(mp4.head()).trak_boxes[0].mdia_box.minf_box.stbl_box;
        assert_eq!(matches!(table.stco_or_co64_box, Either::B(_)), wide);
        assert_eq!(demuxed(mp4.head()), appended(&mp4, &video, None));
    }
}

#[test]
fn tables_that_no_player_could_use_are_refused() {
    let good = video(&[(1, 1, true)]);
    let refusal = |video: &VideoTrack, sound: Option<&SoundTrack>| {
        lay_out(video, sound, &Metadata::default()).unwrap_err().to_string()
    };
    assert_eq!(refusal(&video(&[]), None), "the Video track is empty, expected at least one packet");
    assert_eq!(refusal(&video(&[(1, 1, false)]), None), "the first picture is no sync sample");
    assert_eq!(refusal(&video(&[(1, 1, true), (0, 1, true)]), None), "packet 1 of the Video track is empty");
    assert_eq!(refusal(&video(&[(1, 0, true)]), None), "packet 0 of the Video track lasts no time");
    assert_eq!(
        refusal(&good, Some(&sound(1, &[(1, 5_761)]))),
        "sound packet 0 has 5761 samples, expected at most 5760"
    );
    assert_eq!(
        refusal(&good, Some(&sound(1, &[(1, 120)]))),
        "the sound of 120 samples is not heard after a pre-skip of 312"
    );
    let texts = Texts { subtitles: TextTrack::subtitles(&[]), ..texts() };
    let refused =
        Mp4::lay_out(Tracks { video: &good, sound: None, texts: Some(&texts) }, &Metadata::default());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the Subtitles track is empty, expected at least one packet"
    );
    let metadata = Metadata { title: Some("x".repeat(1025)), ..Metadata::default() };
    let refused = lay_out(&good, None, &metadata).unwrap_err();
    assert_eq!(refused.to_string(), "the title of the video has 1025 bytes, expected at most 1024");
}

#[test]
fn both_kinds_of_track_are_recognised() {
    let (video, sound) = (video(&[(1, 1, true)]), sound(100, &[(1, 5_760)]));
    let mp4 = lay_out(&video, Some(&sound), &Metadata::default()).unwrap();
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: mp4.head() });
    let kinds: Vec<_> = demuxer.tracks().unwrap().iter().map(|track| track.kind).collect();
    assert_eq!(kinds, [TrackKind::Video, TrackKind::Audio]);
}

#[test]
fn streams_that_follow_one_another_have_a_sample_entry_each() {
    let ours =
        |size| SequenceHeader::parse(&ScreenEncoder::sequence_header(Format { size, chroma: Chroma::Half }));
    let size = Size { width: 320, height: 180 };
    let mut video =
        video(&[(5, 400, true), (6, 100, false), (7, 100, true), (8, 3_000, false), (9, 400, true)]);
    video.sequence_headers.push(ours(size).unwrap());
    video.samples[2].header = 1;
    video.samples[3].header = 1;
    let mp4 = lay_out(&video, None, &Metadata::default()).unwrap();
    assert_eq!(demuxed(mp4.head()), appended(&mp4, &video, None));
    let moov = moov(mp4.head());
    let table = &moov.trak_boxes[0].mdia_box.minf_box.stbl_box;
    let obus = table.stsd_box.entries.iter().map(|entry| {
        let SampleEntry::Av01(entry) = entry else { panic!("{entry:?}") };
        entry.av1c_box.config_obus.clone()
    });
    let expected: Vec<_> = video.sequence_headers.iter().map(|header| header.obu().to_vec()).collect();
    assert_eq!(obus.collect::<Vec<_>>(), expected);
    let runs: Vec<_> = table
        .stsc_box
        .entries
        .iter()
        .map(|run| (run.first_chunk.get(), run.sample_description_index.get()))
        .collect();
    assert_eq!(runs, [(1, 1), (2, 2), (3, 1)]);

    let refused = |video: &VideoTrack| lay_out(video, None, &Metadata::default()).unwrap_err().to_string();
    video.samples[2].is_sync = false;
    assert!(refused(&video).starts_with("picture 2 has no sequence header"), "{}", refused(&video));
    video.samples[2] = VideoSample { is_sync: true, header: 2, ..video.samples[2] };
    assert!(refused(&video).starts_with("picture 2 has no sequence header"), "{}", refused(&video));
    video.sequence_headers.push(ours(Size { width: 320, height: 182 }).unwrap());
    assert_eq!(refused(&video), "sequence header 2 has another size than the first one");
}

/// The packets of a few grey pictures, as the encoder of the product writes them.
fn encoded(chroma: rav1e::prelude::ChromaSampling) -> Vec<rav1e::prelude::Packet<u8>> {
    use rav1e::prelude::*;
    let encoder = EncoderConfig {
        width: 64,
        height: 48,
        chroma_sampling: chroma,
        level_idx: Some(8),
        low_latency: true,
        min_key_frame_interval: 0,
        max_key_frame_interval: 2,
        ..EncoderConfig::with_speed_preset(10)
    };
    let mut context: Context<u8> =
        Config::new().with_encoder_config(encoder).with_threads(1).new_context().unwrap();
    for _ in 0..4 {
        let frame = context.new_frame();
        context.send_frame(frame).unwrap();
    }
    context.flush();
    let mut packets = Vec::new();
    loop {
        match context.receive_packet() {
            Ok(packet) => packets.push(packet),
            Err(EncoderStatus::LimitReached) => return packets,
            Err(status) => assert!(matches!(status, EncoderStatus::Encoded), "{status}"),
        }
    }
}

#[test]
fn what_the_encoder_writes_is_described_by_itself() {
    use rav1e::prelude::{ChromaSampling, FrameType};
    for (chroma, codecs) in
        [(ChromaSampling::Cs420, "av01.0.08M.08"), (ChromaSampling::Cs444, "av01.1.08M.08")]
    {
        let packets = encoded(chroma);
        let units: Vec<_> = packets.iter().map(|packet| TemporalUnit::parse(&packet.data).unwrap()).collect();
        assert_eq!(packets.len(), 4);
        let headers: Vec<_> = units.iter().filter_map(|unit| unit.sequence_header).collect();
        assert!(headers.len() > 1 && headers.iter().all(|header| *header == headers[0]));
        let header = SequenceHeader::parse(headers[0]).unwrap();
        assert_eq!((header.codecs(), header.size()), (codecs, Size { width: 64, height: 48 }));
        for (unit, packet) in units.iter().zip(&packets) {
            assert_eq!(unit.is_sync, packet.frame_type == FrameType::KEY);
            assert_eq!(unit.sample.len() + 2, packet.data.len(), "only the delimiter is gone");
        }
    }
}

proptest! {
    #[test]
    fn a_demuxer_finds_every_packet_where_it_is_appended(
        pictures in prop::collection::vec((1_u32..100_000, 1_u32..5_000, any::<bool>()), 1..120),
        packets in prop::collection::vec((1_u16..1_500, 480_u16..=5_760), 1..120),
        play_ms in 1_u64..20_000,
        with_sound in any::<bool>(),
    ) {
        let mut video = video(&pictures);
        video.samples[0].is_sync = true;
        let sound = sound(play_ms, &packets);
        let sound = with_sound.then_some(&sound);
        let mp4 = lay_out(&video, sound, &Metadata::default()).unwrap();
        prop_assert_eq!(demuxed(mp4.head()), appended(&mp4, &video, sound));
    }
}
