//! `custody frame`: one picture of a recording.

use super::{Exit, print_partial};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::recording::{OpenError, Recording};
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use anyhow::Context;
use clap::Args;
use codec::refusal::Refusal;
use std::io::Write;
use std::path::PathBuf;

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

/// Why the feeding of the worker stops before the recording's end.
enum Stop {
    /// It has answered.
    Answered,
    /// There is no picture.
    Error(anyhow::Error),
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::Error(error.into())
    }
}

impl From<ProcessError> for Stop {
    fn from(error: ProcessError) -> Self {
        Self::Error(error.into())
    }
}

/// The picture, when it came on screen, and what is missing in it.
struct Found {
    at_ms: i64,
    loss: Option<Refusal>,
    png: Vec<u8>,
}

impl FrameAt {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let recording = Recording::open(&self.file, interrupt)?;
        let mut found = None;
        match self.find(&recording, &mut found, interrupt) {
            Ok(()) | Err(Stop::Answered) => {}
            Err(Stop::Error(error)) => return Err(error),
        }
        let Some(Found { at_ms, loss, png }) = found else {
            anyhow::bail!("UNSUPPORTED: the recording shows no picture at that time or before it");
        };
        let unwritten = || format!("cannot write {}", self.output.display());
        let mut output = Output::create(&self.output).with_context(unwritten)?;
        output.write_all(&png).with_context(unwritten)?;
        output.publish().with_context(unwritten)?;
        Ok(loss.map_or(Exit::Done, |refusal| print_partial(at_ms, &refusal.to_string())))
    }

    /// Has a worker process play the recording up to the asked time.
    fn find(
        &self,
        recording: &Recording,
        found: &mut Option<Found>,
        interrupt: &Interrupt,
    ) -> Result<(), Stop> {
        let mut receive = |reply| match reply {
            Reply::Picture { at_ms, loss, png } => {
                *found = Some(Found { at_ms, loss, png });
                Err(Stop::Answered)
            }
            Reply::NoPicture => Err(Stop::Answered),
            Reply::Packet(_)
            | Reply::SoundHead { .. }
            | Reply::Sound { .. }
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Ready => Ok(()),
        };
        let mut worker = WorkerProcess::start(interrupt)?;
        worker.request(&Request::Frame { at_ms: self.at, pointer: !self.no_cursor }, &mut receive)?;
        recording.each_piece(0..recording.length()?, |piece| {
            worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
        })?;
        worker.request(&Request::Finish, &mut receive)
    }
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
