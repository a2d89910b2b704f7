//! The counted cost of recordings beside the measured time, and the largest share of its budget that each takes.
//!
//! `cargo run --release --package codec --example cost -- RECORDING...`, each .guac or .guac.zst.

#![expect(
    clippy::print_stdout,
    clippy::as_conversions,
    reason = "a measuring program; shares are shown roughly"
)]

use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use std::io::Read;
use std::time::Instant;

/// Bytes handed over at once, as the product does.
const PIECE_BYTES: usize = 32 << 10;

fn main() -> anyhow::Result<()> {
    println!("{:>10} {:>10} {:>8} {:>8}  recording", "counted ms", "took ms", "ratio", "share");
    for path in std::env::args().skip(1) {
        let mut file = std::fs::File::open(&path)?;
        let mut bytes = Vec::new();
        if path.ends_with(".zst") {
            ruzstd::decoding::StreamingDecoder::new(file)?.read_to_end(&mut bytes)?;
        } else {
            file.read_to_end(&mut bytes)?;
        }
        let (mut replay, mut screen) = (Replay::new(Limits::default()), Screen::default());
        let mut share = 0.0_f64;
        let mut end = None;
        let started = Instant::now();
        for piece in bytes.chunks(PIECE_BYTES) {
            replay.push(piece);
            loop {
                let at_ms = match replay.step() {
                    Ok(Some(Moment::Frame { at_ms, .. })) => {
                        screen.show_frame(replay.canvas());
                        at_ms
                    }
                    Ok(Some(Moment::Pointer { at_ms })) => {
                        screen.show_pointer(replay.canvas());
                        at_ms
                    }
                    Ok(None) => break,
                    Err(error) => {
                        end = Some(error);
                        break;
                    }
                };
                share = share.max(replay.cost().ns() as f64 / Limits::default().cost_max(at_ms).ns() as f64);
            }
        }
        let took_ns = started.elapsed().as_nanos() as f64;
        let counted_ns = replay.cost().ns() as f64;
        let (counted, took, ratio) = (counted_ns / 1e6, took_ns / 1e6, counted_ns / took_ns);
        println!("{counted:10.0} {took:10.0} {ratio:8.2} {:7.1}%  {path}", 100.0 * share);
        if let Some(error) = end {
            println!("           ended: {error}");
        }
        if replay.faults().count > 0 {
            println!("           {:?}", replay.faults());
        }
    }
    Ok(())
}
