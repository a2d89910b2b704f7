//! Tables of packets to the head of a file and the order of its chunks; no packet is copied.

use codec::geometry::{Rect, Size};
use codec::mux::{
    Channels, Metadata, Mp4, SequenceHeader, SoundPacket, SoundTrack, TemporalUnit, Tracks, VideoSample,
    VideoTrack,
};
use codec::video::{Chroma, Encode, Encoder, Frame, VideoSettings, Yuv};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Four hours with four pictures a second and sound.
const PICTURES: usize = 4 * 3_600 * 4;
const SOUND_PACKETS: usize = 4 * 3_600 * 50;

/// The sequence header that the encoder writes.
fn sequence_header() -> SequenceHeader {
    let size = Size { width: 1280, height: 720 };
    let picture = Yuv::black(size, Chroma::Half);
    let mut encoder = Encoder::new(size, &VideoSettings::default()).expect("the size is an ordinary one");
    let frame = Frame { at_ms: 0, picture: &picture, damage: &[Rect::of_size(size)], copies: &[] };
    let mut packets = encoder.encode(&frame).expect("the encoder takes every picture");
    packets.extend(Box::new(encoder).finish().expect("the encoder ends"));
    let unit =
        TemporalUnit::parse(&packets.first().expect("a picture was coded").data).expect("a temporal unit");
    SequenceHeader::parse(unit.sequence_header.expect("a key frame has one")).expect("a sequence header")
}

fn mux(criterion: &mut Criterion) {
    let video = VideoTrack {
        sequence_headers: vec![sequence_header()],
        samples: (0..PICTURES)
            .map(|index| VideoSample {
                size_bytes: 1_000,
                duration_ms: 250,
                is_sync: index % 250 == 0,
                header: 0,
            })
            .collect(),
    };
    let sound = SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples: 312,
        input_rate_hz: 44_100,
        play_ms: video.duration_ms(),
        packets: vec![SoundPacket { size_bytes: 160, samples: 960 }; SOUND_PACKETS],
    };
    let mut group = criterion.benchmark_group("mux");
    group.throughput(Throughput::Elements(
        u64::try_from(PICTURES + SOUND_PACKETS).expect("a length fits 64 bits"),
    ));
    group.bench_function("four hours", |bencher| {
        bencher.iter(|| {
            let tracks = Tracks { video: &video, sound: Some(&sound), texts: None };
            let file = Mp4::lay_out(tracks, &Metadata::default()).expect("the tracks fit a file");
            (file.head().len(), file.chunks().count())
        });
    });
    group.finish();
}

criterion_group!(benches, mux);
criterion_main!(benches);
