//! Bytes to facts and keystrokes: the pass without pixels, over every recording of a folder.

use codec::limits::Limits;
use codec::timeline::TimelineFold;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn timeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timeline");
    for (name, recording) in benches::recordings() {
        group.throughput(Throughput::BytesDecimal(
            u64::try_from(recording.len()).expect("a length fits 64 bits"),
        ));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut fold = TimelineFold::new(Limits::default());
                for piece in recording.chunks(benches::PIECE_BYTES) {
                    fold.push(piece);
                }
                fold.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, timeline);
criterion_main!(benches);
