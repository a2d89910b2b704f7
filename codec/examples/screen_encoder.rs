//! Measures encoders alone, on the frames that a conversion of a recording codes.
//!
//!     cargo run --release -p codec --features asm --example screen_encoder -- [--ours] <base_q_idx> <recording.guac.zst>...
//!
//! Prints a line of JSON for each encoder, ours and (unless only `--ours` is asked for) rav1e: frames and key frames,
//! processor time in the encoder alone, in all and per frame (mean, median, 90 of 100, most), bytes of the packets, PSNR of
//! luma over all frames, and the share of luma samples that are exact. Needs ffmpeg with libdav1d to see what decoders show.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use anyhow::{Context, Result, ensure};
use codec::cut::Cut;
use codec::geometry::Size;
use codec::limits::Limits;
use codec::timeline::TimelineFold;
use codec::video::screen::{Format, ScreenEncoder};
use codec::video::{
    Chroma, Encode, EncodeError, Encoder, Frame, Packet, Plan, SegmentCoder, Start, StartEncoder,
    VideoSettings,
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
    let mut arguments = std::env::args().skip(1).peekable();
    let only_ours = arguments.next_if_eq("--ours").is_some();
    let base_q_idx = arguments.next().context("expected a quantizer index")?.parse()?;
    for recording in arguments {
        let bytes = unpack(Path::new(&recording))?;
        let screen = move |start: &Start| -> Result<Box<dyn Encode>, EncodeError> {
            let format = Format { size: start.size, chroma: Chroma::Half };
            Ok(Box::new(ScreenEncoder::new(format, base_q_idx)))
        };
        println!("{}", measure(&bytes, screen)?.json("ours", &recording));
        if !only_ours {
            let rav1e = |start: &Start| -> Result<Box<dyn Encode>, EncodeError> {
                Ok(Box::new(Encoder::new(start.size, &start.settings)?))
            };
            println!("{}", measure(&bytes, rav1e)?.json("rav1e", &recording));
        }
    }
    Ok(())
}

/// What one encoder made of a recording.
struct Report {
    size: Size,
    frames: usize,
    key_frames: usize,
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

fn measure(
    recording: &[u8],
    encoder: impl Fn(&Start) -> Result<Box<dyn Encode>, EncodeError> + Send + 'static,
) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let (luma, video) = (folder.path().join("luma"), folder.path().join("video.ivf"));
    let log = Log { luma: BufWriter::new(File::create(&luma)?), encoder_ms: Vec::new() };
    let log = Arc::new(Mutex::new(log));
    let kept = Arc::clone(&log);
    let start: StartEncoder = Box::new(move |start| {
        Ok(Box::new(Measured { encoder: encoder(start)?, shown: Vec::new(), log: Arc::clone(&kept) }))
    });
    let (plan, packets) = convert(recording, start)?;
    let mut log = log.lock().expect("no thread panics");
    log.luma.flush()?;
    write_ivf(&video, plan.size(), &packets)?;
    let mut report = Report {
        size: plan.size(),
        frames: log.encoder_ms.len(),
        key_frames: packets.iter().filter(|packet| packet.key).count(),
        encoder_ms: std::mem::take(&mut log.encoder_ms),
        bytes: packets.iter().map(|packet| packet.data.len()).sum(),
        squared_error: 0.0,
        exact: 0,
        samples: 0,
    };
    compare(&luma, &video, &mut report)?;
    Ok(report)
}

/// All packets of a recording.
fn convert(recording: &[u8], start: StartEncoder) -> Result<(Plan, Vec<Packet>)> {
    let limits = Limits::default();
    let mut fold = TimelineFold::new(limits);
    recording.chunks(PUSH_BYTES).for_each(|bytes| fold.push(bytes));
    let (timeline, _) = fold.finish();
    let whole = Cut::whole(timeline.media_duration_ms);
    let plan = Plan::new(&timeline, whole, VideoSettings::default()).context("expected a picture")?;
    let mut coder = SegmentCoder::with_encoder(plan.clone(), limits, start);
    let mut packets = Vec::new();
    let mut pushed = 0;
    for segment in &plan.segments {
        coder.begin(*segment);
        let end = usize::try_from(segment.end_byte)?.min(recording.len());
        while pushed < end {
            let next = (pushed + PUSH_BYTES).min(end);
            packets.extend(coder.push(&recording[pushed..next])?);
            pushed = next;
        }
        packets.extend(coder.finish()?);
    }
    Ok((plan, packets))
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
