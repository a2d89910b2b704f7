//! A whole recording to the pictures of its frames, images decoded.

use codec::canvas::Decoders;
use codec::limits::Limits;
use codec::screen::Screen;
use codec::seek::Seek;
use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::Arc;

fn draw(criterion: &mut Criterion) {
    let recording = benches::recording();
    let mut group = criterion.benchmark_group("draw");
    group.sample_size(10);
    group.bench_function(benches::RECORDING, |bencher| {
        bencher.iter(|| {
            let mut screen = Screen::default();
            benches::replay(&recording, |replay, _| {
                screen.show_frame(replay.canvas());
            });
            screen.size()
        });
    });
    for threads in [0, 1, 3] {
        // Other threads only help where cores are free.
        let decoders = Arc::new(Decoders::start(threads, 64 << 20));
        let name = format!("{}, last picture, images on {threads} other threads", benches::RECORDING);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut seek = Seek::new(i64::MAX, Limits::default());
                seek.decode_ahead(&decoders);
                seek.push(&recording).and_then(|_| seek.finish()).expect("the recording is not damaged");
                seek.into_screen().size()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, draw);
criterion_main!(benches);
