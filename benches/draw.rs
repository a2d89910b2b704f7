//! A whole recording to the pictures of its frames, images decoded.

use codec::screen::Screen;
use criterion::{Criterion, criterion_group, criterion_main};

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
    group.finish();
}

criterion_group!(benches, draw);
criterion_main!(benches);
