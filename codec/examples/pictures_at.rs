//! Writes the pictures that a recording shows at given times, for other encoders.
//!
//!     cargo run --release -p codec --example pictures_at -- <recording> [<width>x<height>] < times
//!
//! Reads times in milliseconds of media time from standard input, one a line, in order. Writes for each the picture of
//! the last frame at or before it, with the pointer, as planar 4:2:0 (BT.709, limited range), to standard output.
//! The recording may be compressed. A screen that is smaller than the size given (the first one's, where none is) stands in
//! the middle of a black picture, as in a video.

use anyhow::{Context, Result, ensure};
use codec::geometry::{Rect, Size};
use codec::limits::Limits;
use codec::picture::Picture;
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
    let size = std::env::args().nth(2).map(|size| parse_size(&size)).transpose()?;
    let mut output = Output {
        times: std::io::read_to_string(std::io::stdin())?
            .lines()
            .map(|line| line.parse().with_context(|| format!("expected milliseconds, found {line}")))
            .collect::<Result<Vec<i64>>>()?,
        written: 0,
        screen: Screen::default(),
        size,
        fitted: Picture::default(),
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
    /// Of what is written.
    size: Option<Size>,
    fitted: Picture,
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
        let screen = self.screen.size();
        if screen.area() == 0 {
            return Ok(());
        }
        let size = *self.size.get_or_insert(screen);
        ensure!(screen.width <= size.width && screen.height <= size.height, "expected a screen that fits");
        let is_new = self.picture.is_none() || change.resized;
        let picture = self.picture.get_or_insert_with(|| Yuv::black(size, Chroma::Half));
        if is_new {
            self.fitted = Picture::black(size);
        }
        let (left, top) = ((size.width - screen.width) / 2, (size.height - screen.height) / 2);
        let whole = [Rect::of_size(screen)];
        for area in if is_new { &whole[..] } else { &change.damage } {
            let placed = Rect {
                left: area.left + left,
                top: area.top + top,
                right: area.right + left,
                bottom: area.bottom + top,
            };
            for y in area.top..area.bottom {
                let row = self.screen.picture().row(y, area.left, area.right);
                self.fitted.row_mut(y + top, placed.left, placed.right).copy_from_slice(row);
            }
            picture.convert(&self.fitted, placed);
        }
        if is_new {
            picture.convert(&self.fitted, Rect::of_size(size));
        }
        Ok(())
    }
}

/// Width and height with an x between them.
fn parse_size(text: &str) -> Result<Size> {
    let (width, height) = text.split_once('x').with_context(|| format!("expected a size, found {text}"))?;
    Ok(Size { width: width.parse()?, height: height.parse()? })
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
