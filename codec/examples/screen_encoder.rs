//! Measures encoders alone, on the frames that a conversion of a recording codes.
//!
//!     cargo run --release -p codec --features asm --example screen_encoder -- <encoder>[,<encoder>...] <base_q_idx> <recording.guac.zst>...
//!
//! Encoders are `ours`, `rav1e`, and `chosen`, which is what a conversion takes of both. Prints a line of JSON for each:
//! frames and key frames, processor time in the encoder alone, in all and per frame (mean, median, 90 of 100, most), bytes of
//! the packets, PSNR of luma over all frames, the share of luma samples that are exact, and how many frames of each segment
//! are ours and rav1e's. Needs ffmpeg with libdav1d to see what decoders show.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use anyhow::{Context, Result, bail, ensure};
use codec::cut::Cut;
use codec::geometry::Size;
use codec::limits::Limits;
use codec::timeline::TimelineFold;
use codec::video::screen::{Format, ScreenEncoder};
use codec::video::{
    Chroma, Encode, EncodeError, Encoder, Frame, Packet, Plan, SegmentCoder, SegmentEncoder, Start,
    StartEncoder, VideoSettings,
};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PUSH_BYTES: usize = 64 << 10;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let encoders = arguments.next().context("expected names of encoders")?;
    let base_q_idx = arguments.next().context("expected a quantizer index")?.parse()?;
    for recording in arguments {
        let bytes = unpack(Path::new(&recording))?;
        for encoder in encoders.split(',') {
            println!("{}", measure(&bytes, start_of(encoder, base_q_idx)?)?.json(encoder, &recording));
        }
    }
    Ok(())
}

/// Starts the encoder of a name.
fn start_of(encoder: &str, base_q_idx: u8) -> Result<StartEncoder> {
    Ok(match encoder {
        "ours" => Box::new(move |start| {
            let format = Format { size: start.size, chroma: Chroma::Half };
            let still_q_idx = VideoSettings::default().still_quantizer;
            Ok(Box::new(ScreenEncoder::new(format, base_q_idx, still_q_idx)))
        }),
        "rav1e" => Box::new(|start| Ok(Box::new(Encoder::new(start.size, &start.settings)?))),
        "chosen" => Box::new(move |start| {
            let settings = VideoSettings { screen_quantizer: base_q_idx, ..start.settings };
            // Checking is no part of encoding.
            Ok(Box::new(SegmentEncoder::new(&Start { settings, is_checked: false, ..*start })))
        }),
        other => bail!("expected ours, rav1e or chosen, found {other}"),
    })
}

/// Whose the frames of a segment are.
struct Segment {
    start_ms: i64,
    ours: usize,
    rav1e: usize,
}

impl Segment {
    fn of(start_ms: i64, packets: &[Packet], size: Size) -> Self {
        let header = ScreenEncoder::sequence_header(Format { size, chroma: Chroma::Half });
        let (mut ours, mut is_ours) = (0, false);
        for packet in packets {
            // A key frame stands behind a delimiter of two bytes and a sequence header.
            is_ours = if packet.key { packet.data[2..].starts_with(&header) } else { is_ours };
            ours += usize::from(is_ours);
        }
        Self { start_ms, ours, rav1e: packets.len() - ours }
    }
}

/// What one encoder made of a recording.
struct Report {
    size: Size,
    frames: usize,
    key_frames: usize,
    segments: Vec<Segment>,
    encoder_ms: Vec<f64>,
    bytes: usize,
    squared_error: f64,
    exact: usize,
    samples: usize,
}

impl Report {
    fn json(&self, encoder: &str, recording: &str) -> serde_json::Value {
        let mut sorted = self.encoder_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let total: f64 = sorted.iter().sum();
        serde_json::json!({
            "encoder": encoder,
            "recording": recording,
            "width": self.size.width,
            "height": self.size.height,
            "frames": self.frames,
            "key_frames": self.key_frames,
            "segments": self.segments.iter().map(|segment| serde_json::json!({
                "start_ms": segment.start_ms,
                "ours": segment.ours,
                "rav1e": segment.rav1e,
            })).collect::<Vec<_>>(),
            "cpu_s": total / 1e3,
            "mean_ms": total / to_f64(self.frames),
            "p50_ms": sorted[sorted.len() / 2],
            "p90_ms": sorted[sorted.len() * 9 / 10],
            "most_ms": sorted[sorted.len() - 1],
            "bytes": self.bytes,
            "psnr": 10.0 * (255.0 * 255.0 * to_f64(self.samples) / self.squared_error).log10(),
            "exact": to_f64(self.exact) / to_f64(self.samples),
        })
    }
}

#[expect(clippy::as_conversions, reason = "counts are far below what a double holds exactly")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

/// An encoder whose input is kept and whose time is taken.
struct Measured {
    encoder: Box<dyn Encode>,
    shown: Vec<u8>,
    log: Arc<Mutex<Log>>,
}

struct Log {
    luma: BufWriter<File>,
    encoder_ms: Vec<f64>,
}

impl Encode for Measured {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        let before = processor_ns();
        let packets = self.encoder.encode(frame);
        let after = processor_ns();
        let mut log = self.log.lock().expect("no thread panics");
        log.encoder_ms.push((after - before) / 1e6);
        log.luma.write_all(&frame.picture.y).expect("the temporary folder has room");
        drop(log);
        self.shown.clone_from(&frame.picture.y);
        packets
    }

    fn refine(&mut self, end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        let before = processor_ns();
        let packets = self.encoder.refine(end_ms)?;
        let after = processor_ns();
        let mut log = self.log.lock().expect("no thread panics");
        for _ in &packets {
            log.encoder_ms.push((after - before) / 1e6);
            log.luma.write_all(&self.shown).expect("the temporary folder has room");
        }
        Ok(packets)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        let before = processor_ns();
        let packets = self.encoder.finish();
        let mut log = self.log.lock().expect("no thread panics");
        if let Some(last) = log.encoder_ms.last_mut() {
            *last += (processor_ns() - before) / 1e6;
        }
        packets
    }
}

/// Processor time of this thread, in nanoseconds.
fn processor_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).map_or(0.0, |time| 1e9 * time.as_secs_f64())
}

fn measure(recording: &[u8], encoder: StartEncoder) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let (luma, video) = (folder.path().join("luma"), folder.path().join("video.ivf"));
    let log = Log { luma: BufWriter::new(File::create(&luma)?), encoder_ms: Vec::new() };
    let log = Arc::new(Mutex::new(log));
    let kept = Arc::clone(&log);
    let start: StartEncoder = Box::new(move |start| {
        Ok(Box::new(Measured { encoder: encoder(start)?, shown: Vec::new(), log: Arc::clone(&kept) }))
    });
    let (plan, segments) = convert(recording, start)?;
    let coded = plan.segments.iter().zip(&segments);
    let owners =
        coded.map(|(segment, packets)| Segment::of(segment.start_ms, packets, plan.size())).collect();
    let packets = segments.concat();
    let mut log = log.lock().expect("no thread panics");
    log.luma.flush()?;
    write_ivf(&video, plan.size(), &packets)?;
    let mut report = Report {
        size: plan.size(),
        frames: log.encoder_ms.len(),
        key_frames: packets.iter().filter(|packet| packet.key).count(),
        segments: owners,
        encoder_ms: std::mem::take(&mut log.encoder_ms),
        bytes: packets.iter().map(|packet| packet.data.len()).sum(),
        squared_error: 0.0,
        exact: 0,
        samples: 0,
    };
    compare(&luma, &video, &mut report)?;
    Ok(report)
}

/// The packets of each segment of a recording.
fn convert(recording: &[u8], start: StartEncoder) -> Result<(Plan, Vec<Vec<Packet>>)> {
    let limits = Limits::default();
    let mut fold = TimelineFold::new(limits);
    recording.chunks(PUSH_BYTES).for_each(|bytes| fold.push(bytes));
    let (timeline, _) = fold.finish();
    let whole = Cut::whole(timeline.media_duration_ms);
    let plan = Plan::new(&timeline, whole, VideoSettings::default()).context("expected a picture")?;
    let mut coder = SegmentCoder::with_encoder(plan.clone(), limits, start);
    let mut segments = Vec::new();
    let mut pushed = 0;
    for segment in &plan.segments {
        coder.begin(*segment);
        let mut packets = Vec::new();
        let end = usize::try_from(segment.end_byte)?.min(recording.len());
        while pushed < end {
            let next = (pushed + PUSH_BYTES).min(end);
            packets.extend(coder.push(&recording[pushed..next])?);
            pushed = next;
        }
        packets.extend(coder.finish()?);
        segments.push(packets);
    }
    Ok((plan, segments))
}

/// Compares the luma of what ffmpeg decodes with what was given.
fn compare(luma: &Path, video: &Path, report: &mut Report) -> Result<()> {
    let mut process = Command::new("ffmpeg")
        .args(["-v", "error", "-c:v", "libdav1d", "-i"])
        .arg(video)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut decoded = BufReader::new(process.stdout.take().context("expected a pipe")?);
    let mut given = BufReader::new(File::open(luma)?);
    let chroma = report.size.width.div_ceil(2) * report.size.height.div_ceil(2);
    let mut picture = vec![0; report.size.area() + 2 * chroma];
    let mut source = vec![0; report.size.area()];
    for frame in 0..report.frames {
        given.read_exact(&mut source)?;
        decoded.read_exact(&mut picture).with_context(|| format!("expected frame {frame}"))?;
        for (a, b) in source.iter().zip(&picture) {
            report.exact += usize::from(a == b);
            let difference = f64::from(a.abs_diff(*b));
            report.squared_error += difference * difference;
        }
        report.samples += source.len();
    }
    ensure!(process.wait()?.success(), "expected a video that ffmpeg decodes");
    Ok(())
}

fn write_ivf(path: &Path, size: Size, packets: &[Packet]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"DKIF\0\0\x20\0AV01")?;
    file.write_all(&u16::try_from(size.width)?.to_le_bytes())?;
    file.write_all(&u16::try_from(size.height)?.to_le_bytes())?;
    for value in [1000, 1, packets.len(), 0] {
        file.write_all(&u32::try_from(value)?.to_le_bytes())?;
    }
    for (index, packet) in packets.iter().enumerate() {
        file.write_all(&u32::try_from(packet.data.len())?.to_le_bytes())?;
        file.write_all(&u64::try_from(index)?.to_le_bytes())?;
        file.write_all(&packet.data)?;
    }
    Ok(())
}

fn unpack(file: &Path) -> Result<Vec<u8>> {
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(File::open(file)?)?;
    let mut recording = Vec::new();
    decoder.read_to_end(&mut recording)?;
    Ok(recording)
}
