//! Writes the pictures that a recording shows at given times, for other encoders.
//!
//!     cargo run --release -p codec --example pictures_at -- <recording> < times
//!
//! Reads times in milliseconds of media time from standard input, one a line, in order. Writes for each the picture of
//! the last frame at or before it, with the pointer, as planar 4:2:0 (BT.709, limited range), to standard output.
//! The recording may be compressed; its screen must keep one size from the first picture on.

use anyhow::{Context, Result, ensure};
use codec::geometry::Rect;
use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use codec::screen::{Screen, ScreenChange};
use codec::video::{Chroma, Yuv};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

const PUSH_BYTES: usize = 64 << 10;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("expected a recording")?;
    let recording = read(Path::new(&path))?;
    let mut output = Output {
        times: std::io::read_to_string(std::io::stdin())?
            .lines()
            .map(|line| line.parse().with_context(|| format!("expected milliseconds, found {line}")))
            .collect::<Result<Vec<i64>>>()?,
        written: 0,
        screen: Screen::default(),
        picture: None,
        sink: BufWriter::with_capacity(1 << 20, std::io::stdout().lock()),
    };
    let mut replay = Replay::new(Limits::default());
    for piece in recording.chunks(PUSH_BYTES) {
        replay.push(piece);
        // A damaged recording has the pictures before the damage.
        while let Ok(Some(moment)) = replay.step() {
            let (Moment::Frame { at_ms, .. } | Moment::Pointer { at_ms }) = moment;
            output.write_before(at_ms)?;
            let change = match moment {
                Moment::Frame { .. } => output.screen.show_frame(replay.canvas()),
                Moment::Pointer { .. } => output.screen.show_pointer(replay.canvas()),
            };
            output.show(&change)?;
        }
    }
    output.write_before(i64::MAX)
}

struct Output<W> {
    times: Vec<i64>,
    written: usize,
    screen: Screen,
    picture: Option<Yuv>,
    sink: W,
}

impl<W: Write> Output<W> {
    /// Writes the picture for all times before `at_ms`.
    fn write_before(&mut self, at_ms: i64) -> Result<()> {
        while let (Some(&time), Some(picture)) = (self.times.get(self.written), &self.picture)
            && time < at_ms
        {
            for plane in [&picture.y, &picture.cb, &picture.cr] {
                self.sink.write_all(plane)?;
            }
            self.written += 1;
        }
        Ok(self.sink.flush()?)
    }

    fn show(&mut self, change: &ScreenChange) -> Result<()> {
        let size = self.screen.size();
        if size.area() == 0 {
            return Ok(());
        }
        let is_new = self.picture.is_none();
        let picture = self.picture.get_or_insert_with(|| Yuv::black(size, Chroma::Half));
        ensure!(picture.size == size, "the screen changes its size");
        let whole = [Rect::of_size(size)];
        for area in if is_new { &whole[..] } else { &change.damage } {
            picture.convert(self.screen.picture(), *area);
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "zst") {
        ruzstd::decoding::StreamingDecoder::new(file)?.read_to_end(&mut bytes)?;
    } else {
        std::io::BufReader::new(file).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
