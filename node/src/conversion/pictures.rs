//! The pictures of a conversion: coded by worker processes, each owned by a thread.

use super::convert::ConvertError;
use super::part::PacketFile;
use super::runs::Runs;
use super::work::{Work, joined, no_results, unless_failed};
use crate::fonts;
use crate::interrupt::Interrupt;
use crate::worker::message::{Reply, Request, Summary};
use crate::worker::process::WorkerProcess;
use codec::video::Segment;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Segments that are being coded.
pub(super) struct Pictures<'a> {
    work: &'a Work<'a>,
    segments: &'a [Segment],
    /// The segments that nobody has taken.
    runs: Mutex<Runs<'a>>,
    /// Stops those who code them.
    interrupt: Interrupt,
}

/// A worker, and the byte of the recording up to which it has drawn.
struct Reader {
    worker: WorkerProcess,
    read_bytes: u64,
}

/// A worker that codes pictures, and what has come of it.
struct Coder {
    reader: Reader,
    file: PacketFile,
    summary: Summary,
}

impl<'a> Pictures<'a> {
    /// The segments from `first` on; the plan's own, or what is left of them.
    pub(super) fn new(work: &'a Work<'a>, segments: &'a [Segment], first: usize) -> Self {
        let runs = Mutex::new(Runs::from(segments, first, work.workers));
        Self { work, segments, runs, interrupt: work.interrupt.part() }
    }

    /// Codes all of them.
    pub(super) fn code(&self) -> Result<Summary, ConvertError> {
        let first = self.work.coded.first_missing();
        let ms = |ms: i64| u64::try_from(ms).unwrap_or(0);
        self.work.progress.begin(ms(self.work.plan.cut.duration_ms()));
        self.work.progress.advance(ms(self.segments.get(first).map_or(0, |segment| segment.start_ms)));
        let results: Vec<_> = std::thread::scope(|scope| {
            let coders: Vec<_> =
                (0..self.work.workers).map(|_| scope.spawn(|| self.code_segments())).collect();
            coders.into_iter().map(joined).collect()
        });
        self.work.progress.finish();
        let mut summary = Summary::default();
        let mut failed = Vec::new();
        for result in results {
            match result {
                Ok(coder) => {
                    let mismatches = summary.mismatches + coder.mismatches;
                    if coder.faults > summary.faults {
                        summary = coder;
                    }
                    summary.mismatches = mismatches;
                }
                Err(error) => failed.push(Err(error)),
            }
        }
        unless_failed(Ok(summary), failed)
    }

    /// Owns one worker and takes runs of segments until none is left.
    fn code_segments(&self) -> Result<Summary, ConvertError> {
        let result = self.code_runs();
        if result.is_err() {
            self.interrupt.set();
        }
        result
    }

    fn code_runs(&self) -> Result<Summary, ConvertError> {
        let mut worker = self.work.start_worker(&self.interrupt)?;
        if self.work.recording.is_terminal() {
            fonts::send(&mut worker, no_results)?;
        }
        worker.request(&Request::Video(self.work.plan.clone()), no_results)?;
        let reader = Reader { worker, read_bytes: 0 };
        let file = PacketFile::create(self.work.folder)?;
        let mut coder = Coder { reader, file, summary: Summary::default() };
        while let Some(run) = self.begin_run(&mut coder.reader)? {
            for number in run.clone() {
                if number > run.start {
                    self.begin_segment(&mut coder.reader, number)?;
                }
                self.code_segment(&mut coder, number)?;
            }
        }
        Ok(coder.summary)
    }

    /// Takes the next run and brings a worker to its first frame. Nobody else takes one meanwhile: they would need the key
    /// state that this leaves, or draw the same.
    fn begin_run(&self, reader: &mut Reader) -> Result<Option<Range<usize>>, ConvertError> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = runs.take() else { return Ok(None) };
        if let Some(key_state) = runs.ahead_of(reader.read_bytes) {
            reader.read_bytes = key_state.point.position;
            let mut is_usable = true;
            reader.worker.request(&Request::Resume(key_state.bytes.clone()), |reply| {
                is_usable &= reply != Reply::NoKeyState;
                Ok::<_, ConvertError>(())
            })?;
            if !is_usable {
                reader.read_bytes = 0;
                runs.keep(None);
            }
        }
        self.begin_segment(reader, run.start)?;
        self.send(reader, runs.start_byte(run.start), no_results)?;
        if run.start > 0 && runs.is_to_be_kept() {
            reader.worker.request(&Request::KeyState, |reply| {
                if let Reply::KeyState(key_state) = reply {
                    runs.keep(Some(key_state));
                }
                Ok::<_, ConvertError>(())
            })?;
        }
        Ok(Some(run))
    }

    fn begin_segment(&self, reader: &mut Reader, number: usize) -> Result<(), ConvertError> {
        reader.worker.request(&Request::Segment(self.segments[number]), no_results)
    }

    /// Hands a worker the bytes of the recording up to `end_byte`.
    fn send(
        &self,
        reader: &mut Reader,
        end_byte: u64,
        mut receive: impl FnMut(Reply) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        self.work.recording.each_piece(reader.read_bytes..end_byte, |piece| {
            reader.worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
        })?;
        reader.read_bytes = end_byte;
        Ok(())
    }

    /// Codes a segment that was begun.
    fn code_segment(&self, coder: &mut Coder, number: usize) -> Result<(), ConvertError> {
        let segment = self.segments[number];
        let Coder { reader, file, summary } = coder;
        let mut part = file.begin();
        let mut done_ms = segment.start_ms;
        let mut receive = |reply| -> Result<(), ConvertError> {
            match reply {
                Reply::Packet(packet) => {
                    self.work.progress.advance(u64::try_from(packet.at_ms - done_ms).unwrap_or(0));
                    done_ms = packet.at_ms;
                    file.push_picture(&mut part, &packet)?;
                }
                Reply::Summary(end) => *summary = end,
                Reply::SoundHead { .. }
                | Reply::Sound { .. }
                | Reply::Picture { .. }
                | Reply::NoPicture
                | Reply::NoKeyState
                | Reply::KeyState(_)
                | Reply::Failed(_)
                | Reply::Ready
                | Reply::Wanted { .. }
                | Reply::SoundSurvey(_) => {}
            }
            Ok(())
        };
        self.send(reader, segment.end_byte, &mut receive)?;
        reader.worker.request(&Request::Finish, &mut receive)?;
        self.work.progress.advance(u64::try_from(segment.end_ms - done_ms).unwrap_or(0));
        file.flush()?;
        self.work.coded.put(number, segment, part, file.file());
        Ok(())
    }
}
