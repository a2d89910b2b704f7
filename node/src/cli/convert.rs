//! `custody convert`: a recording becomes an ordinary video.

use super::resync::Resync;
use super::timing::Timing;
use super::video_output::VideoOutput;
use super::{Exit, media_time, print_partial};
use crate::conversion::{Conversion, ConversionSettings, Report, SideCarFile};
use crate::interrupt::Interrupt;
use crate::progress::{TerminalProgress, clock};
use crate::recording::Recording;
use anyhow::Context;
use clap::{Args, ValueEnum};
use codec::cut::CutSettings;
use codec::mux::{Container, Indexed, Metadata};
use codec::refusal::RefusalCode;
use codec::video::{Profile, VideoSettings};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Make an ordinary video (AV1 and Opus in MP4 or WebM) of a recording.
///
/// Exits with 0 when the whole recording is in the video, and with 3 when the video is there but the recording is
/// damaged: then it ends where the recording can no longer be read, and the message says where.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// The recording (.guac, .cast or a typescript; .zst too); - reads standard input.
    file: PathBuf,
    /// Where to write the video; - writes standard output. It stands there when it is complete; in fragments, what there is of it
    /// can be read as OUT.mp4.part before.
    #[arg(short, long, value_name = "OUT.mp4")]
    output: PathBuf,
    /// What kind of file it is; without, OUT.webm becomes WebM, standard output MP4 in fragments, and any other name MP4.
    #[arg(long, value_enum)]
    container: Option<ContainerName>,
    /// What players show as its title.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Where the video begins, from the first frame, such as 90, 12.3, 1m30s or 1:30.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse)]
    from: Option<i64>,
    /// Where the video ends.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse)]
    to: Option<i64>,
    /// A stretch in which nothing changes, is typed or heard lasts this long at most, such as 3s.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse)]
    skip_idle: Option<i64>,
    /// Add what was typed as subtitles and chapters. Keystrokes hold passwords.
    #[arg(long)]
    keystrokes: bool,
    /// A file of sound to mix in (wav, flac, mp3, m4a, ogg, mka), such as a commentary or the sound of the room.
    #[arg(long, value_name = "FILE")]
    sound: Option<PathBuf>,
    /// Where that sound begins, from the first frame, such as 1.5s; with a minus, so much of its beginning is left out.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse_signed, requires = "sound", allow_hyphen_values = true)]
    sound_offset: Option<i64>,
    /// How fine the pictures are, and what that costs.
    #[arg(long, value_enum, default_value_t)]
    profile: ProfileName,
    /// Worker processes; the video is the same with any number. Default: one a core, as far as memory allows.
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    #[command(flatten)]
    resync: Resync,
    #[command(flatten)]
    timing: Timing,
    /// Show no progress.
    #[arg(short, long)]
    quiet: bool,
}

/// The profiles as the command line names them.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ProfileName {
    /// Fewer and coarser pictures, for about three fifths of the CPU time.
    Fast,
    /// What suits most.
    #[default]
    Balanced,
    /// Finer pictures with whole colours, for readable coloured text; some players lack AV1's High profile.
    Legible,
}

/// The containers as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ContainerName {
    /// MP4 with its index in front.
    Mp4,
    /// WebM with its index in front.
    Webm,
    /// MP4 in fragments: it is written as it is coded, and what is there of it plays while the rest is being made, copied or fetched.
    FragmentedMp4,
}

impl ContainerName {
    /// The container that a file's name asks for.
    fn of(path: &Path) -> Self {
        let is_webm = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("webm"));
        if VideoOutput::is_standard(path) {
            Self::FragmentedMp4
        } else if is_webm {
            Self::Webm
        } else {
            Self::Mp4
        }
    }

    fn container(self) -> Container {
        match self {
            Self::Mp4 => Container::Indexed(Indexed::Mp4),
            Self::Webm => Container::Indexed(Indexed::Webm),
            Self::FragmentedMp4 => Container::FragmentedMp4,
        }
    }
}

impl ProfileName {
    fn profile(self) -> Profile {
        match self {
            Self::Fast => Profile::Fast,
            Self::Balanced => Profile::Balanced,
            Self::Legible => Profile::Legible,
        }
    }
}

impl Convert {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let unwritten = || format!("cannot write {}", self.output.display());
        let settings = self.settings();
        let output = VideoOutput::create(&self.output, settings.container, interrupt);
        let mut output = output.with_context(unwritten)?;
        let recording = Recording::open(&self.file, &self.timing.files(), interrupt)?;
        let recording = recording.drawn(interrupt)?;
        let offset_ms = self.sound_offset.unwrap_or(0);
        let side_car = self.sound.as_deref().map(|path| SideCarFile::open(path, offset_ms)).transpose()?;
        let conversion = Conversion {
            recording: &recording,
            side_car: side_car.as_ref(),
            work_dir: &VideoOutput::work_dir(&self.output),
            session: None,
            limits: self.resync.limits(),
            settings,
            metadata: Metadata { title: self.title.clone(), ..Metadata::default() },
            workers: self.workers.map_or(cores, NonZeroUsize::get),
            progress: &TerminalProgress::new(self.quiet),
        };
        let report = conversion.run(&mut output, interrupt)?;
        let bytes = output.publish().with_context(unwritten)?;
        if !self.quiet {
            self.print_result(&report, bytes);
        }
        self.print_slowness(&report);
        print_mismatches(&report);
        Ok(print_losses(&report))
    }

    fn settings(&self) -> ConversionSettings {
        ConversionSettings {
            video: VideoSettings::of(self.profile.profile()),
            cut: CutSettings { from_ms: self.from, to_ms: self.to, idle_max_ms: self.skip_idle },
            keystrokes: self.keystrokes,
            container: self.container.unwrap_or(ContainerName::of(&self.output)).container(),
        }
    }

    /// Says that the pictures are further apart than usual.
    #[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
    fn print_slowness(&self, report: &Report) {
        let (asked, planned) = (self.settings().video.rhythm, report.plan.settings.rhythm);
        if asked != planned {
            eprintln!(
                "custody: the picture changes so often and for so long that it is coded only every {} ms instead of every {} ms",
                planned.large_ms, asked.large_ms
            );
        }
    }

    #[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
    fn print_result(&self, report: &Report, bytes: u64) {
        let duration_ms = u64::try_from(report.plan.cut.duration_ms()).unwrap_or(0);
        eprintln!(
            "{}: {} of {}x{}, {} pictures, {}, {} bytes",
            self.output.display(),
            clock(Duration::from_millis(duration_ms)),
            report.plan.width,
            report.plan.height,
            report.pictures,
            if report.has_sound { "with sound" } else { "no sound" },
            bytes,
        );
    }
}

/// Says that our encoder was wrong somewhere; the video is whole.
#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
fn print_mismatches(report: &Report) {
    let mismatches = report.summary.mismatches;
    if mismatches > 0 {
        eprintln!(
            "custody: {mismatches} of the checked packets did not decode to what our encoder meant: their segments were coded anew from there (please report this)"
        );
    }
}

/// Says what of the recording is not in the video, and up to when all of it is there.
fn print_losses(report: &Report) -> Exit {
    let mut exit = Exit::Done;
    let timeline = &report.timeline;
    if timeline.skipped_bytes > 0 {
        let (code, skipped) = (RefusalCode::Malformed, timeline.skipped_bytes);
        let what = format!("{code}: {skipped} bytes cannot be read: the video goes on behind them");
        exit = print_partial(timeline.media_duration_ms, &what);
    }
    let is_past = report.plan.cut.is_past(timeline.media_duration_ms);
    if let Some(refusal) = timeline.ending.refusal().filter(|_| !is_past) {
        let left = timeline.bytes - timeline.readable_bytes;
        let what = format!("{refusal}: the video ends there, {left} bytes are left out");
        exit = print_partial(timeline.media_duration_ms, &what);
    }
    if let Some(first) = &report.summary.first_fault {
        let (count, refusal) = (report.summary.faults, &first.refusal);
        let position = refusal.position.unwrap_or(0);
        let what = format!("{refusal}: the first of {count} not drawn instructions, before byte {position}");
        exit = print_partial(first.at_ms, &what);
    }
    if let Some(refusal) = &timeline.sound_loss {
        exit = print_partial(timeline.media_duration_ms, &format!("{refusal}: some sound is left out"));
    }
    if let Some(loss) = &report.side_car_loss {
        let what = format!("{}: of {}, what follows is left out", loss.refusal, loss.path.display());
        exit = print_partial(loss.end_ms, &what);
    }
    exit
}
