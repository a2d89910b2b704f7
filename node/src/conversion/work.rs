//! The middle of a conversion: coded by worker processes, each owned by a thread.

use super::convert::{Conversion, ConvertError};
use super::part::{PacketFile, Stored, VideoPart};
use super::runs::Runs;
use super::side_car::SideCarFile;
use crate::fonts;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::worker::limits;
use crate::worker::message::{Reply, Request, Summary};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::cut::Cut;
use codec::mux::{SoundPacket, SoundTrack};
use codec::source::guac::OnDamage;
use codec::timeline::Timeline;
use codec::video::Plan;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// Sound beyond this is refused: silence takes a packet every 20 ms, and there must be an end to them.
const SOUND_END_MAX_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// Silence behind the last sound is coded up to this time.
const SILENCE_END_MAX_MS: i64 = 24 * 60 * 60 * 1000;
/// After so many bytes the owner of the sound looks whether more of the recording is needed.
const SOUND_STEP_BYTES: u64 = 1 << 20;

impl Conversion<'_> {
    /// Codes all segments and the sound, on as many worker processes as cores and memory allow.
    pub(super) fn make_parts(
        &self,
        timeline: &Timeline,
        plan: &Plan,
        interrupt: &Interrupt,
    ) -> Result<Made, ConvertError> {
        self.progress.begin(u64::try_from(plan.cut.duration_ms()).unwrap_or(0));
        let workers = self.workers.min(limits::workers_max(plan)).clamp(1, plan.segments.len());
        let work = Work {
            recording: self.recording,
            timeline,
            plan,
            on_damage: self.limits.on_damage,
            side_car: self.side_car,
            folder: self.work_dir,
            interrupt: interrupt.part(),
            progress: self.progress,
            runs: Mutex::new(Runs::new(&plan.segments, workers)),
        };
        let (coded, sound) = std::thread::scope(|scope| {
            let coders: Vec<_> = (0..workers).map(|_| scope.spawn(|| work.code_segments())).collect();
            let sound = is_heard(timeline, &plan.cut).then(|| scope.spawn(|| work.code_sound()));
            let coded: Vec<_> = coders.into_iter().map(joined).collect();
            (coded, sound.map(joined))
        });
        work.progress.finish();
        collect(coded, sound, plan.segments.len())
    }
}

/// All coded parts of a video.
pub(super) struct Made {
    /// The segments in order, each with the file that holds it.
    pub(super) video: Vec<(VideoPart, Arc<File>)>,
    pub(super) sound: Option<SoundPart>,
    pub(super) summary: Summary,
}

/// The coded sound.
pub(super) struct SoundPart {
    pub(super) pre_skip_samples: u16,
    pub(super) packets: Vec<SoundPacket>,
    pub(super) stored: Stored,
}

/// The segments that one worker coded, with their numbers, and the file that holds them.
struct Coded {
    parts: Vec<(usize, VideoPart)>,
    file: Arc<File>,
    summary: Summary,
}

/// What the threads that own a worker share.
struct Work<'a> {
    recording: &'a Recording,
    timeline: &'a Timeline,
    plan: &'a Plan,
    on_damage: OnDamage,
    side_car: Option<&'a SideCarFile>,
    folder: &'a Path,
    interrupt: Interrupt,
    progress: &'a dyn Progress,
    /// The segments that nobody has taken.
    runs: Mutex<Runs<'a>>,
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
    parts: Vec<(usize, VideoPart)>,
    summary: Summary,
}

impl Work<'_> {
    /// A worker that reads the recording as the survey did.
    fn start_worker(&self) -> Result<WorkerProcess, ConvertError> {
        let mut worker = WorkerProcess::start(&self.interrupt)?;
        if self.on_damage == OnDamage::Resync {
            worker.request(&Request::Resync, no_results)?;
        }
        Ok(worker)
    }

    /// Owns one worker and takes runs of segments until none is left.
    fn code_segments(&self) -> Result<Coded, ConvertError> {
        self.stopping_others(|| {
            let mut worker = self.start_worker()?;
            if self.recording.is_terminal() {
                fonts::send(&mut worker, no_results)?;
            }
            worker.request(&Request::Video(self.plan.clone()), no_results)?;
            let (file, parts) = (PacketFile::create(self.folder)?, Vec::new());
            let reader = Reader { worker, read_bytes: 0 };
            let mut coder = Coder { reader, file, parts, summary: Summary::default() };
            while let Some(run) = self.begin_run(&mut coder.reader)? {
                for number in run.clone() {
                    if number > run.start {
                        self.begin_segment(&mut coder.reader, number)?;
                    }
                    self.code_segment(&mut coder, number)?;
                }
            }
            let Coder { file, parts, summary, .. } = coder;
            Ok(Coded { parts, file: file.into_file()?, summary })
        })
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
        reader.worker.request(&Request::Segment(self.plan.segments[number]), no_results)
    }

    /// Hands a worker the bytes of the recording up to `end_byte`.
    fn send(
        &self,
        reader: &mut Reader,
        end_byte: u64,
        mut receive: impl FnMut(Reply) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        self.recording.each_piece(reader.read_bytes..end_byte, |piece| {
            reader.worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
        })?;
        reader.read_bytes = end_byte;
        Ok(())
    }

    /// Codes a segment that was begun.
    fn code_segment(&self, coder: &mut Coder, number: usize) -> Result<(), ConvertError> {
        let segment = self.plan.segments[number];
        let Coder { reader, file, parts, summary } = coder;
        let mut part = file.begin();
        let mut done_ms = segment.start_ms;
        let mut receive = |reply| -> Result<(), ConvertError> {
            match reply {
                Reply::Packet(packet) => {
                    self.progress.advance(u64::try_from(packet.at_ms - done_ms).unwrap_or(0));
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
        self.progress.advance(u64::try_from(segment.end_ms - done_ms).unwrap_or(0));
        parts.push((number, part));
        Ok(())
    }

    /// Owns the worker that codes the sound.
    fn code_sound(&self) -> Result<SoundPart, ConvertError> {
        self.stopping_others(|| {
            let sound_end_ms = self.timeline.sound_end_ms;
            let end_ms = self.plan.cut.video_ms(sound_end_ms);
            if end_ms > SOUND_END_MAX_MS {
                return Err(ConvertError::SoundTooLong { end_ms, limit_ms: SOUND_END_MAX_MS });
            }
            // Where nothing is recorded any more, nothing needs to be heard: a track of sound may end before the pictures.
            let silence_end_ms = self.timeline.recorded_end_ms().min(SILENCE_END_MAX_MS);
            let cut = self.plan.cut.clone().until(sound_end_ms.max(silence_end_ms));
            let mut worker = self.start_worker()?;
            let mut sound = SoundReceiver::new(PacketFile::create(self.folder)?, &cut);
            worker.request(&Request::Sound(cut), |reply| sound.receive(reply))?;
            if let Some(side_car) = self.side_car {
                side_car.mix(&mut worker)?;
            }
            // A terminal has no sound of its own, and no instructions that tell of any.
            let mut sent_bytes = if self.recording.is_terminal() { self.timeline.readable_bytes } else { 0 };
            while sent_bytes < self.timeline.readable_bytes && !sound.is_complete() {
                let end_byte = self.timeline.readable_bytes.min(sent_bytes + SOUND_STEP_BYTES);
                self.recording.each_piece(sent_bytes..end_byte, |piece| {
                    worker.request(&Request::Bytes(piece.to_vec()), |reply| sound.receive(reply))
                })?;
                sent_bytes = end_byte;
            }
            worker.request(&Request::Finish, |reply| sound.receive(reply))?;
            sound.into_part()
        })
    }

    /// A failure of one worker makes the work of the others useless.
    fn stopping_others<T>(&self, work: impl FnOnce() -> Result<T, ConvertError>) -> Result<T, ConvertError> {
        let result = work();
        if result.is_err() {
            self.interrupt.set();
        }
        result
    }
}

/// Keeps the packets of the sound.
struct SoundReceiver {
    file: PacketFile,
    pre_skip_samples: u16,
    packets: Vec<SoundPacket>,
    /// Samples of the packets together.
    samples: u64,
    /// Samples that are heard, when all is there.
    heard_samples: u64,
}

impl SoundReceiver {
    fn new(file: PacketFile, cut: &Cut) -> Self {
        let heard_ms = u64::try_from(cut.duration_ms()).unwrap_or(0);
        let heard_samples = heard_ms.saturating_mul(u64::from(SoundTrack::RATE_HZ) / 1_000);
        Self { file, pre_skip_samples: 0, packets: Vec::new(), samples: 0, heard_samples }
    }

    fn receive(&mut self, reply: Reply) -> Result<(), ConvertError> {
        match reply {
            Reply::SoundHead { pre_skip_samples } => self.pre_skip_samples = pre_skip_samples,
            Reply::Sound { samples, data } => {
                self.packets.push(self.file.push_sound(samples, &data)?);
                self.samples += u64::from(samples);
            }
            Reply::Packet(_)
            | Reply::Picture { .. }
            | Reply::NoPicture
            | Reply::NoKeyState
            | Reply::KeyState(_)
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Ready
            | Reply::Wanted { .. }
            | Reply::SoundSurvey(_) => {}
        }
        Ok(())
    }

    /// Whether no packet is missing: then the rest of the recording is not needed.
    fn is_complete(&self) -> bool {
        self.samples >= self.heard_samples + u64::from(self.pre_skip_samples)
    }

    fn into_part(self) -> Result<SoundPart, ConvertError> {
        let Self { file, pre_skip_samples, packets, .. } = self;
        let bytes = packets.iter().map(|packet| u64::from(packet.size_bytes)).sum();
        Ok(SoundPart { pre_skip_samples, packets, stored: (file.into_file()?, 0..bytes) })
    }
}

/// Whether any sound may be in the video.
fn is_heard(timeline: &Timeline, cut: &Cut) -> bool {
    timeline.sound && timeline.sound_end_ms > cut.start_ms() && cut.duration_ms() > 0
}

/// What receives the results of requests that have none.
fn no_results(_: Reply) -> Result<(), ConvertError> {
    Ok(())
}

fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Puts the segments in order; of several errors, the one that made the others stop.
fn collect(
    coded: Vec<Result<Coded, ConvertError>>,
    sound: Option<Result<SoundPart, ConvertError>>,
    segments: usize,
) -> Result<Made, ConvertError> {
    let mut errors = Vec::new();
    let mut numbered = Vec::with_capacity(segments);
    let mut summary = Summary::default();
    for result in coded {
        match result {
            Ok(coded) => {
                let of_file = |(number, part)| (number, part, Arc::clone(&coded.file));
                numbered.extend(coded.parts.into_iter().map(of_file));
                let mismatches = summary.mismatches + coded.summary.mismatches;
                if coded.summary.faults > summary.faults {
                    summary = coded.summary;
                }
                summary.mismatches = mismatches;
            }
            Err(error) => errors.push(error),
        }
    }
    let sound = sound.and_then(|result| result.map_err(|error| errors.push(error)).ok());
    let is_echo = |error: &ConvertError| matches!(error, ConvertError::Worker(ProcessError::Interrupted));
    let first = errors.iter().position(|error| !is_echo(error)).unwrap_or(0);
    if !errors.is_empty() {
        return Err(errors.swap_remove(first));
    }
    numbered.sort_by_key(|(number, ..)| *number);
    let video = numbered.into_iter().map(|(_, part, file)| (part, file)).collect();
    Ok(Made { video, sound, summary })
}
