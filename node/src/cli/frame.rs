//! `custody frame`: one picture of a recording.

use super::resync::Resync;
use super::{Exit, media_time};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::recording::{OpenError, Recording};
use crate::worker::frame::png_of;
use anyhow::Context;
use clap::Args;
use codec::picture::Picture;
use codec::replay::{Moment, Replay};
use codec::screen::Screen;
use codec::source::guac::ParseError;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Write the picture that was on screen at a time, as PNG.
///
/// It is the picture after the last frame that is not later than that time, counted from the first frame.
#[derive(Debug, Args)]
pub(super) struct FrameAt {
    /// The recording (.guac or .guac.zst); - reads standard input.
    file: PathBuf,
    /// Time from the first frame, such as 12.3 or 1m30s.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse)]
    at: i64,
    /// Leave the pointer out.
    #[arg(long)]
    no_cursor: bool,
    #[command(flatten)]
    resync: Resync,
    /// Where to write the picture.
    #[arg(short, long, value_name = "P.png")]
    output: PathBuf,
}

/// Why the reading of a recording stops before its end.
enum Stop {
    /// The next frame is later than the asked time.
    Reached,
    /// The recording cannot be opened or read.
    Open(OpenError),
    /// It is damaged from here on.
    Damaged(ParseError),
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl FrameAt {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let recording = Recording::open(&self.file, interrupt)?;
        let mut replay = Replay::new(self.resync.limits());
        let mut screen = Screen::default();
        let exit = match self.replay(&recording, &mut replay, &mut screen, interrupt) {
            Ok(()) | Err(Stop::Reached) if replay.skipped_bytes() > 0 => {
                report_skipped(replay.skipped_bytes());
                Exit::Partial
            }
            Ok(()) | Err(Stop::Reached) => Exit::Done,
            Err(Stop::Open(error)) => return Err(error.into()),
            Err(Stop::Damaged(error)) => {
                report_damage(&error);
                Exit::Partial
            }
        };
        if screen.size().area() == 0 {
            anyhow::bail!("the recording shows no picture at that time or before it");
        }
        let picture = if self.no_cursor { screen.picture_without_pointer() } else { screen.picture() };
        write_png(picture, &self.output)
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        Ok(exit)
    }

    /// Plays the recording up to the asked time.
    fn replay(
        &self,
        recording: &Recording,
        replay: &mut Replay,
        screen: &mut Screen,
        interrupt: &Interrupt,
    ) -> Result<(), Stop> {
        recording.each_piece(0..recording.length()?, |piece| {
            if interrupt.is_set() {
                return Err(OpenError::Interrupted.into());
            }
            replay.push(piece);
            while let Some(moment) = replay.step().map_err(Stop::Damaged)? {
                match moment {
                    Moment::Frame { at_ms, .. } if at_ms > self.at => return Err(Stop::Reached),
                    Moment::Frame { .. } => {
                        screen.show_frame(replay.canvas());
                    }
                    Moment::Pointer { .. } => {}
                }
            }
            Ok(())
        })
    }
}

#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
fn report_damage(error: &ParseError) {
    eprintln!(
        "custody: the recording is damaged ({error}): this is its last readable picture before that time"
    );
}

#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
fn report_skipped(bytes: u64) {
    eprintln!("custody: {bytes} bytes before that time cannot be read: the picture lacks what they drew");
}

fn write_png(picture: &Picture, path: &Path) -> anyhow::Result<()> {
    let mut output = Output::create(path)?;
    output.write_all(&png_of(picture)?)?;
    output.publish()?;
    Ok(())
}
