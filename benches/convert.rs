//! A picture to the colours of the encoder.

use codec::geometry::Rect;
use codec::screen::Screen;
use codec::video::{Chroma, Yuv};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn convert(criterion: &mut Criterion) {
    let mut screen = Screen::default();
    benches::replay(&benches::recording(), |replay, _| {
        screen.show_frame(replay.canvas());
    });
    let size = screen.size();
    let mut converted = Yuv::black(size, Chroma::Half);
    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Elements(u64::try_from(size.area()).expect("an area fits 64 bits")));
    group.bench_function("whole picture", |bencher| {
        bencher.iter(|| converted.convert(screen.picture(), Rect::of_size(size)));
    });
    group.finish();
}

criterion_group!(benches, convert);
criterion_main!(benches);
