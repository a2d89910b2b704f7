//! `custody frame`: one picture of a recording.

use super::resync::Resync;
use super::timing::Timing;
use super::{Exit, media_time, print_partial};
use crate::fonts;
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
    /// The recording (.guac, .cast or a typescript; .zst too); - reads standard input.
    file: PathBuf,
    /// Time from the first frame, such as 12.3 or 1m30s.
    #[arg(long, value_name = "TIME", value_parser = media_time::parse)]
    at: i64,
    /// Leave the pointer out.
    #[arg(long)]
    no_cursor: bool,
    #[command(flatten)]
    resync: Resync,
    #[command(flatten)]
    timing: Timing,
    /// Where to write the picture.
    #[arg(short, long, value_name = "P.png")]
    output: PathBuf,
}

/// Why the feeding of the worker stops before the recording's end.
enum Stop {
    /// It has answered.
    Answered,
    /// The recording cannot be read.
    Open(OpenError),
    /// The worker failed.
    Worker(ProcessError),
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ProcessError> for Stop {
    fn from(error: ProcessError) -> Self {
        Self::Worker(error)
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
        let recording = Recording::open(&self.file, &self.timing.files(), interrupt)?;
        let recording = recording.drawn(interrupt)?;
        let (mut found, mut cut) = (None, None);
        let mut end = self.find(&recording, recording.length()?, &mut found, interrupt);
        if let Err(Stop::Worker(ProcessError::Failed(refusal))) = &end
            && let Some(position) = refusal.cut_for_time()
        {
            cut = Some(refusal.clone());
            end = self.find(&recording, position, &mut found, interrupt);
        }
        match end {
            Ok(()) | Err(Stop::Answered) => {}
            Err(Stop::Open(error)) => return Err(error.into()),
            Err(Stop::Worker(error)) => return Err(error.into()),
        }
        let Some(Found { at_ms, loss, png }) = found else {
            let reason = "UNSUPPORTED: the recording shows no picture at that time or before it";
            return Err(cut.map_or_else(|| anyhow::anyhow!(reason), Into::into));
        };
        let loss = loss.or(cut);
        let unwritten = || format!("cannot write {}", self.output.display());
        let mut output = Output::create(&self.output).with_context(unwritten)?;
        output.write_all(&png).with_context(unwritten)?;
        output.publish().with_context(unwritten)?;
        Ok(loss.map_or(Exit::Done, |refusal| print_partial(at_ms, &refusal.to_string())))
    }

    /// Has a worker process play the recording up to the asked time, or up to a byte.
    fn find(
        &self,
        recording: &Recording,
        end_byte: u64,
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
            | Reply::NoKeyState
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Wanted { .. }
            | Reply::SoundSurvey(_)
            | Reply::Ready => Ok(()),
        };
        let mut worker = WorkerProcess::start(interrupt)?;
        if self.resync.limits().on_damage == OnDamage::Resync {
            worker.request(&Request::Resync, &mut receive)?;
        }
        if recording.is_terminal() {
            fonts::send(&mut worker, &mut receive)?;
        }
        worker.request(&Request::Frame { at_ms: self.at, pointer: !self.no_cursor }, &mut receive)?;
        recording
            .each_piece(0..end_byte, |piece| worker.request(&Request::Bytes(piece.to_vec()), &mut receive))?;
        worker.request(&Request::Finish, &mut receive)
    }
}
