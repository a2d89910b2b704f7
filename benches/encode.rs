//! Pictures to packets: what the encoder alone costs.

use codec::geometry::Rect;
use codec::screen::Screen;
use codec::video::{Chroma, Encode, Encoder, Frame, VideoSettings, Yuv};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Pictures that are coded, spread over the recording.
const PICTURES: usize = 20;

/// Pictures of the recording, with their times.
fn pictures() -> Vec<(i64, Yuv)> {
    let recording = benches::recording();
    let mut frames = 0;
    benches::replay(&recording, |_, _| frames += 1);
    let every = (frames / PICTURES).max(1);
    let mut screen = Screen::default();
    let (mut index, mut pictures) = (0, Vec::new());
    benches::replay(&recording, |replay, at_ms| {
        screen.show_frame(replay.canvas());
        if index % every == 0 && pictures.len() < PICTURES {
            let mut picture = Yuv::black(screen.size(), Chroma::Half);
            picture.convert(screen.picture(), Rect::of_size(screen.size()));
            pictures.push((at_ms, picture));
        }
        index += 1;
    });
    pictures
}

fn encode(criterion: &mut Criterion) {
    let pictures = pictures();
    let size = pictures.first().expect("the recording has pictures").1.size;
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::try_from(pictures.len()).expect("a length fits 64 bits")));
    group.bench_function("pictures", |bencher| {
        bencher.iter_batched(
            || Encoder::new(size, &VideoSettings::default()).expect("the size is an ordinary one"),
            |mut encoder| {
                let damage = [Rect::of_size(size)];
                let mut bytes = 0;
                for (at_ms, picture) in &pictures {
                    let frame = Frame { at_ms: *at_ms, picture, damage: &damage, copies: &[] };
                    let packets = encoder.encode(&frame).expect("the encoder takes every picture");
                    bytes += packets.iter().map(|packet| packet.data.len()).sum::<usize>();
                }
                bytes + Box::new(encoder).finish().expect("the encoder ends").len()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
