//! `custody frame`: one picture of a recording.

use super::resync::Resync;
use super::{Exit, media_time, print_partial};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::recording::{OpenError, Recording};
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use anyhow::Context;
use clap::Args;
use codec::refusal::Refusal;
use codec::source::guac::OnDamage;
use std::io::Write;
use std::path::PathBuf;

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
            | Reply::KeyState(_)
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Ready => Ok(()),
        };
        let mut worker = WorkerProcess::start(interrupt)?;
        if self.resync.limits().on_damage == OnDamage::Resync {
            worker.request(&Request::Resync, &mut receive)?;
        }
        worker.request(&Request::Frame { at_ms: self.at, pointer: !self.no_cursor }, &mut receive)?;
        recording.each_piece(0..recording.length()?, |piece| {
            worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
        })?;
        worker.request(&Request::Finish, &mut receive)
    }
}
