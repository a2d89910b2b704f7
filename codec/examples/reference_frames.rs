//! Compares drawn frames with reference pictures, and times the drawing.
//!
//!     cargo run --release -p codec --example reference_frames -- <recordings>
//!
//! `<recordings>` holds `<name>.guac.zst`, and `frames/<name>/frames.json` that lists the frames: their time
//! (`t_ms`) and picture (`file`); beside each picture lies its `.cursor.png`, with the mouse pointer.
//! Prints the PSNR of each frame without and with the pointer; `inf` means that every pixel is equal.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use anyhow::{Context, Result, ensure};
use codec::canvas::{Canvas, Damage};
use codec::geometry::{Rect, Size};
use codec::limits::Limits;
use codec::picture::Picture;
use codec::source::guac::{Instruction, MediaTime, Parser};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PUSH_BYTES: usize = 64 << 10;

fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).context("expected the directory of recordings")?;
    let mut names: Vec<PathBuf> = fs::read_dir(Path::new(&directory).join("frames"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    names.sort();
    for frames in names {
        let name = frames.file_name().and_then(|name| name.to_str()).context("expected a name in UTF-8")?;
        let file = Path::new(&directory).join(format!("{name}.guac.zst"));
        compare(name, &unpack(&file).with_context(|| file.display().to_string())?, &frames)?;
    }
    Ok(())
}

/// Draws a recording up to each reference frame, and compares.
fn compare(name: &str, recording: &[u8], frames: &Path) -> Result<()> {
    let list: serde_json::Value = serde_json::from_slice(&fs::read(frames.join("frames.json"))?)?;
    let mut wanted = Vec::new();
    for frame in list["frames"].as_array().context("expected frames")? {
        let t_ms = frame["t_ms"].as_i64().context("expected t_ms")?;
        wanted.push((t_ms, frame["file"].as_str().context("expected file")?));
    }
    let mut timing = Timing::default();
    let (mut plain, mut pointed) = (Picture::default(), Picture::default());
    let mut next = wanted.iter().peekable();
    let show = |plain: &Picture, pointed: &Picture, file: &str| -> Result<()> {
        let without = psnr(plain, &frames.join(file))?;
        let with = psnr(pointed, &frames.join(file.replace(".png", ".cursor.png")))?;
        println!("{name} {file}: {without:.1} dB, with cursor {with:.1} dB");
        Ok(())
    };
    draw(recording, &mut timing, |at_ms, canvas, picture| {
        while let Some((_, file)) = next.next_if(|(t_ms, _)| *t_ms < at_ms) {
            show(&plain, &pointed, file)?;
        }
        plain.clone_from(picture);
        pointed.clone_from(picture);
        if let Some(cursor) = canvas.cursor() {
            cursor.draw(Rect::of_size(canvas.size()), &mut pointed);
        }
        Ok(())
    })?;
    for (_, file) in next {
        show(&plain, &pointed, file)?;
    }
    println!("{name}: {timing}");
    Ok(())
}

/// Draws a recording; `at_sync` gets the media time, the canvas and its picture at each `sync`. Only what is
/// damaged is flattened: a damage that is too small shows.
fn draw(
    recording: &[u8],
    timing: &mut Timing,
    mut at_sync: impl FnMut(i64, &Canvas, &Picture) -> Result<()>,
) -> Result<()> {
    let limits = Limits::default();
    let (mut parser, mut canvas) = (Parser::new(limits), Canvas::new(limits));
    let mut time = MediaTime::new(limits.gap_ms);
    let mut picture = Picture::default();
    timing.bytes = recording.len();
    for bytes in recording.chunks(PUSH_BYTES) {
        let mut started = Instant::now();
        parser.push(bytes);
        // A recording may end, or be cut, at any byte: what came before counts.
        while let Ok(Some(instruction)) = parser.read() {
            timing.refused += usize::from(canvas.apply(&instruction).is_err());
            if let Instruction::Sync { timestamp } = instruction {
                timing.drawing += started.elapsed();
                timing.flatten(&mut canvas, &mut picture);
                at_sync(time.sync(timestamp), &canvas, &picture)?;
                started = Instant::now();
            }
        }
        timing.drawing += started.elapsed();
    }
    Ok(())
}

/// What a recording costs.
#[derive(Default)]
struct Timing {
    bytes: usize,
    drawing: Duration,
    flattening: Duration,
    frames: usize,
    refused: usize,
    damaged_pixels: usize,
    copies: usize,
}

impl Timing {
    /// Flattens what changed, as a conversion does.
    fn flatten(&mut self, canvas: &mut Canvas, picture: &mut Picture) {
        let started = Instant::now();
        if picture.size != canvas.size() {
            *picture = Picture::black(canvas.size());
        }
        let Damage { rects, copies } = canvas.take_damage();
        for rect in &rects {
            canvas.flatten(*rect, picture);
        }
        self.flattening += started.elapsed();
        self.frames += 1;
        self.damaged_pixels += rects.iter().map(Rect::area).sum::<usize>();
        self.copies += copies.len();
    }
}

impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes_per_us = self.bytes / usize::try_from(self.drawing.as_micros()).unwrap_or(1).max(1);
        write!(
            f,
            "{} frames, drawn in {:.1?} ({bytes_per_us} MB/s), flattened in {:.1?}, {} pixels a frame, \
             {} copies, {} refused",
            self.frames,
            self.drawing,
            self.flattening,
            self.damaged_pixels / self.frames.max(1),
            self.copies,
            self.refused
        )
    }
}

fn unpack(file: &Path) -> Result<Vec<u8>> {
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(fs::File::open(file)?)?;
    let mut recording = Vec::new();
    decoder.read_to_end(&mut recording)?;
    Ok(recording)
}

/// Peak signal to noise ratio of red, green and blue, in decibels.
fn psnr(picture: &Picture, reference: &Path) -> Result<f64> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(reference)?));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("expected a picture")?];
    let info = reader.next_frame(&mut pixels)?;
    let size = Size { width: usize::try_from(info.width)?, height: usize::try_from(info.height)? };
    ensure!(size == picture.size, "expected {size:?}, drew {:?}", picture.size);
    let squares = picture.pixels.as_flattened().iter().zip(&pixels).map(|(&drawn, &wanted)| {
        let difference = f64::from(drawn.abs_diff(wanted));
        difference * difference
    });
    let mean = squares.sum::<f64>() / f64::from(u32::try_from(size.area() * 3)?);
    Ok(10.0 * (255.0 * 255.0 / mean).log10())
}
