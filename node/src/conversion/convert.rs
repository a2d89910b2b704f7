//! The whole pipeline as one straight function, and the sharing of its middle among worker processes.

use super::part::{PacketFile, PartError, Parts, Stored, VideoPart};
use super::survey::survey;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::{OpenError, Recording};
use crate::worker::limits;
use crate::worker::message::{Reply, Request, Summary};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::mux::{
    Channels, Metadata, Mp4, Mp4Error, SequenceHeader, SequenceHeaderError, SoundPacket, SoundTrack, Track,
    VideoSample, VideoTrack,
};
use codec::timeline::Timeline;
use codec::video::{Plan, Segment, VideoSettings};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

/// Sound beyond this is refused: silence takes a packet every 20 ms, and there must be an end to them.
const SOUND_END_MAX_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// Silence behind the last sound is coded up to this time.
const SILENCE_END_MAX_MS: i64 = 24 * 60 * 60 * 1000;

/// What a conversion needs to know.
pub(crate) struct Conversion<'a> {
    /// The recording.
    pub(crate) recording: &'a Recording,
    /// Where coded packets wait for their place, in unnamed files.
    pub(crate) work_dir: &'a Path,
    /// Settings of the encoder.
    pub(crate) video: VideoSettings,
    /// Worker processes at most; memory may allow fewer.
    pub(crate) workers: usize,
    /// Who is told how far it is.
    pub(crate) progress: &'a dyn Progress,
}

/// How a conversion went.
pub(crate) struct Report {
    /// What the recording is.
    pub(crate) timeline: Timeline,
    /// Size of the video.
    pub(crate) plan: Plan,
    /// Coded pictures.
    pub(crate) pictures: usize,
    /// What the workers tell.
    pub(crate) summary: Summary,
}

/// Why there is no video.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    /// The recording cannot be read at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to be seen in it.
    #[error(
        "the recording never shows a picture (recorded without output, or cut before its first frame): there is nothing to convert; `custody inspect` tells what it holds"
    )]
    NoPicture,
    /// Timestamps that pull the sound apart beyond all measure.
    #[error("the sound ends {end_ms} ms after the first frame, the limit is {limit_ms} ms")]
    SoundTooLong {
        /// Where it ends.
        end_ms: i64,
        /// The limit.
        limit_ms: i64,
    },
    /// A worker failed.
    #[error(transparent)]
    Worker(#[from] ProcessError),
    /// A packet cannot be kept.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The encoder left out its sequence header.
    #[error("the encoder wrote no sequence header")]
    NoSequenceHeader,
    /// The encoder's sequence header cannot be read.
    #[error("the encoder wrote a sequence header that cannot be used: {0}")]
    SequenceHeader(#[from] SequenceHeaderError),
    /// Two segments that do not fit one track.
    #[error("segment {segment} has another sequence header than the first one")]
    Mismatch {
        /// Which segment.
        segment: usize,
    },
    /// The file cannot be laid out.
    #[error("cannot lay out the video: {0}")]
    Mux(#[from] Mp4Error),
    /// The video cannot be written.
    #[error("cannot write the video: {0}")]
    Write(io::Error),
}

impl Conversion<'_> {
    /// Makes the video and writes it to `output`, from its first byte to its last.
    pub(crate) fn run(&self, output: &mut impl Write, interrupt: &Interrupt) -> Result<Report, ConvertError> {
        let timeline = survey(self.recording, interrupt)?;
        let plan = Plan::new(&timeline, self.video).ok_or(ConvertError::NoPicture)?;

        let Made { video, sound, summary } = self.make_parts(&timeline, &plan, interrupt)?;
        let video_track = video_track(&video, &plan)?;
        let pictures = video_track.samples.len();
        let sound_track = sound.as_ref().map(|sound| sound_track(sound, &timeline));
        let file = Mp4::lay_out(&video_track, sound_track.as_ref(), &Metadata::default())?;
        output.write_all(file.head()).map_err(ConvertError::Write)?;
        copy_packets(&file, video, sound, output)?;
        output.flush().map_err(ConvertError::Write)?;
        Ok(Report { timeline, plan, pictures, summary })
    }

    /// Codes all segments and the sound, on as many worker processes as cores and memory allow.
    fn make_parts(
        &self,
        timeline: &Timeline,
        plan: &Plan,
        interrupt: &Interrupt,
    ) -> Result<Made, ConvertError> {
        let total_ms = u64::try_from(timeline.media_duration_ms).unwrap_or(0);
        self.progress.begin(total_ms);
        let work = Work {
            recording: self.recording,
            timeline,
            plan,
            folder: self.work_dir,
            interrupt: interrupt.part(),
            progress: self.progress,
            next: AtomicUsize::new(0),
        };
        let workers = self.workers.min(limits::workers_max(plan)).clamp(1, plan.segments.len());
        let (coded, sound) = std::thread::scope(|scope| {
            let coders: Vec<_> = (0..workers).map(|_| scope.spawn(|| work.code_segments())).collect();
            let sound = timeline.sound.then(|| scope.spawn(|| work.code_sound()));
            let coded: Vec<_> = coders.into_iter().map(joined).collect();
            (coded, sound.map(joined))
        });
        work.progress.finish();
        collect(coded, sound, plan.segments.len())
    }
}

/// All coded parts of a video.
struct Made {
    /// The segments in order, each with the file that holds it.
    video: Vec<(VideoPart, Arc<File>)>,
    sound: Option<SoundPart>,
    summary: Summary,
}

/// The coded sound.
struct SoundPart {
    pre_skip_samples: u16,
    packets: Vec<SoundPacket>,
    stored: Stored,
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
    folder: &'a Path,
    interrupt: Interrupt,
    progress: &'a dyn Progress,
    /// The first segment that nobody has taken.
    next: AtomicUsize,
}

impl Work<'_> {
    /// Owns one worker and takes segments until none is left. Segments are taken in order, so a worker draws the
    /// recording only once.
    fn code_segments(&self) -> Result<Coded, ConvertError> {
        self.stopping_others(|| {
            let mut worker = WorkerProcess::start(&self.interrupt)?;
            worker.request(&Request::Video(self.plan.clone()), no_results)?;
            let mut file = PacketFile::create(self.folder)?;
            let mut parts = Vec::new();
            let mut summary = Summary::default();
            let mut sent_bytes = 0;
            loop {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let Some(segment) = self.plan.segments.get(number) else { break };
                let (part, end) = self.code_segment(&mut worker, segment, sent_bytes, &mut file)?;
                parts.push((number, part));
                summary = end;
                sent_bytes = segment.end_byte;
            }
            Ok(Coded { parts, file: file.into_file()?, summary })
        })
    }

    fn code_segment(
        &self,
        worker: &mut WorkerProcess,
        segment: &Segment,
        sent_bytes: u64,
        file: &mut PacketFile,
    ) -> Result<(VideoPart, Summary), ConvertError> {
        let mut part = file.begin();
        let mut summary = Summary::default();
        let mut done_ms = segment.start_ms;
        let mut receive = |reply| -> Result<(), ConvertError> {
            match reply {
                Reply::Packet(packet) => {
                    self.progress.advance(u64::try_from(packet.at_ms - done_ms).unwrap_or(0));
                    done_ms = packet.at_ms;
                    file.push_picture(&mut part, &packet)?;
                }
                Reply::Summary(end) => summary = end,
                Reply::SoundHead { .. }
                | Reply::Sound { .. }
                | Reply::Picture { .. }
                | Reply::NoPicture
                | Reply::KeyState(_)
                | Reply::Failed(_)
                | Reply::Ready => {}
            }
            Ok(())
        };
        worker.request(&Request::Segment(*segment), &mut receive)?;
        self.recording.each_piece(sent_bytes..segment.end_byte, |piece| {
            worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
        })?;
        worker.request(&Request::Finish, &mut receive)?;
        self.progress.advance(u64::try_from(segment.end_ms - done_ms).unwrap_or(0));
        Ok((part, summary))
    }

    /// Owns the worker that codes the sound.
    fn code_sound(&self) -> Result<SoundPart, ConvertError> {
        self.stopping_others(|| {
            let end_ms = self.timeline.sound_end_ms;
            if end_ms > SOUND_END_MAX_MS {
                return Err(ConvertError::SoundTooLong { end_ms, limit_ms: SOUND_END_MAX_MS });
            }
            let mut worker = WorkerProcess::start(&self.interrupt)?;
            let mut file = PacketFile::create(self.folder)?;
            let mut packets = Vec::new();
            let mut pre_skip_samples = 0;
            let mut receive = |reply| -> Result<(), ConvertError> {
                match reply {
                    Reply::SoundHead { pre_skip_samples: samples } => pre_skip_samples = samples,
                    Reply::Sound { samples, data } => packets.push(file.push_sound(samples, &data)?),
                    Reply::Packet(_)
                    | Reply::Picture { .. }
                    | Reply::NoPicture
                    | Reply::KeyState(_)
                    | Reply::Summary(_)
                    | Reply::Failed(_)
                    | Reply::Ready => {}
                }
                Ok(())
            };
            let end_ms = self.timeline.media_duration_ms.min(end_ms.max(SILENCE_END_MAX_MS));
            worker.request(&Request::Sound { end_ms }, &mut receive)?;
            self.recording.each_piece(0..self.timeline.readable_bytes, |piece| {
                worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
            })?;
            worker.request(&Request::Finish, &mut receive)?;
            let bytes = packets.iter().map(|packet| u64::from(packet.size_bytes)).sum();
            Ok(SoundPart { pre_skip_samples, packets, stored: (file.into_file()?, 0..bytes) })
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
                if coded.summary.faults > summary.faults {
                    summary = coded.summary;
                }
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

/// The pictures of all segments as one track: each lasts until the next one, the last to the media duration.
fn video_track(parts: &[(VideoPart, Arc<File>)], plan: &Plan) -> Result<VideoTrack, ConvertError> {
    let mut headers = parts.iter().map(|(part, _)| part.sequence_header.as_deref());
    let first = headers.next().flatten().ok_or(ConvertError::NoSequenceHeader)?;
    if let Some(other) = headers.position(|header| header != Some(first)) {
        return Err(ConvertError::Mismatch { segment: other + 1 });
    }
    let end_ms = plan.segments.last().map_or(0, |segment| segment.end_ms);
    let pictures: Vec<_> = parts.iter().flat_map(|(part, _)| &part.pictures).collect();
    let ends = pictures.iter().skip(1).map(|next| next.at_ms).chain([end_ms]);
    let samples = pictures
        .iter()
        .zip(ends)
        .map(|(picture, end_ms)| VideoSample {
            size_bytes: picture.size_bytes,
            duration_ms: u32::try_from(end_ms - picture.at_ms).unwrap_or(0).max(1),
            is_sync: picture.is_sync,
        })
        .collect();
    Ok(VideoTrack { sequence_header: SequenceHeader::parse(first)?, samples })
}

fn sound_track(part: &SoundPart, timeline: &Timeline) -> SoundTrack {
    SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples: part.pre_skip_samples,
        input_rate_hz: SoundTrack::RATE_HZ,
        play_ms: u64::try_from(timeline.media_duration_ms).unwrap_or(0),
        packets: part.packets.clone(),
    }
}

/// Writes all packets behind the head, in the order that it promises.
fn copy_packets(
    file: &Mp4<'_>,
    video: Vec<(VideoPart, Arc<File>)>,
    sound: Option<SoundPart>,
    output: &mut impl Write,
) -> Result<(), ConvertError> {
    let mut pictures = Parts::new(video.into_iter().map(|(part, file)| (file, part.range)));
    let mut sound = Parts::new(sound.map(|sound| sound.stored));
    for chunk in file.chunks() {
        let parts = match chunk.track {
            Track::Video => &mut pictures,
            Track::Sound => &mut sound,
        };
        parts.copy_next(chunk.bytes, output).map_err(ConvertError::Write)?;
    }
    Ok(())
}
