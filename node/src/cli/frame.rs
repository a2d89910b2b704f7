//! `custody frame`: one picture of a recording.

use super::Exit;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::recording::{OpenError, Recording};
use crate::worker::frame::png_of;
use anyhow::Context;
use clap::Args;
use codec::limits::Limits;
use codec::picture::Picture;
use codec::seek::Seek;
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
    /// Seconds from the first frame, such as 12.3.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    at: i64,
    /// Leave the pointer out.
    #[arg(long)]
    no_cursor: bool,
    /// Where to write the picture.
    #[arg(short, long, value_name = "P.png")]
    output: PathBuf,
}

/// Why the reading of a recording stops before its end.
enum Stop {
    /// The picture is found.
    Found,
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
        let mut seek = Seek::new(self.at, Limits::default());
        let exit = match read(&recording, &mut seek, interrupt) {
            Ok(()) | Err(Stop::Found) => Exit::Done,
            Err(Stop::Open(error)) => return Err(error.into()),
            Err(Stop::Damaged(error)) => {
                report_damage(&error);
                Exit::Partial
            }
        };
        let screen = seek.screen();
        if screen.size().area() == 0 {
            anyhow::bail!("the recording shows no picture at that time or before it");
        }
        let picture = if self.no_cursor { screen.picture_without_pointer() } else { screen.picture() };
        write_png(picture, &self.output)
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        Ok(exit)
    }
}

/// Reads the recording as far as the picture needs it.
fn read(recording: &Recording, seek: &mut Seek, interrupt: &Interrupt) -> Result<(), Stop> {
    recording.each_piece(0..recording.length()?, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted.into());
        }
        match seek.push(piece) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Stop::Found),
            Err(error) => Err(Stop::Damaged(error)),
        }
    })?;
    seek.finish().map_err(Stop::Damaged)
}

#[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
fn report_damage(error: &ParseError) {
    eprintln!(
        "custody: the recording is damaged ({error}): this is its last readable picture before that time"
    );
}

/// Milliseconds of a number of seconds such as `12`, `12.3` or `0.515`.
fn parse_seconds(text: &str) -> Result<i64, String> {
    let wanted = || format!("expected seconds from the first frame, such as 12.3, found {text:?}");
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || seconds.len() > 10 || !is_number(seconds) || !is_number(fraction) {
        return Err(wanted());
    }
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    let seconds: i64 = seconds.parse().map_err(|_| wanted())?;
    let milliseconds: i64 = milliseconds.parse().map_err(|_| wanted())?;
    Ok(seconds * 1000 + milliseconds)
}

fn write_png(picture: &Picture, path: &Path) -> anyhow::Result<()> {
    let mut output = Output::create(path)?;
    output.write_all(&png_of(picture)?)?;
    output.publish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_to_the_millisecond() {
        for (text, expected) in [("12.3", 12_300), ("0.515", 515), ("7", 7_000), ("1.23456", 1_234)] {
            assert_eq!(parse_seconds(text), Ok(expected));
        }
        for text in ["", "-1", "1e3", ".5", "1.2.3", "NaN", "99999999999"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
