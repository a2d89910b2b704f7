//! Bytes to instructions.

use codec::limits::Limits;
use codec::source::guac::Parser;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn parse(criterion: &mut Criterion) {
    let recording = benches::recording();
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(u64::try_from(recording.len()).expect("a length fits 64 bits")));
    group.bench_function(benches::RECORDING, |bencher| {
        bencher.iter(|| {
            let mut parser = Parser::new(Limits::default());
            let mut instructions = 0_u64;
            for piece in recording.chunks(benches::PIECE_BYTES) {
                parser.push(piece);
                while parser.read().expect("the recording is not damaged").is_some() {
                    instructions += 1;
                }
            }
            instructions
        });
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
