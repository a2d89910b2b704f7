//! The whole pipeline as one straight function.

use super::part::{PartError, Parts, Picture, VideoPart, number_of};
use super::side_car::{SideCarFile, SideCarLoss};
use super::survey::{Surveyed, survey, survey_until};
use super::work::{Made, SoundPart};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::{OpenError, Recording};
use crate::worker::message::Summary;
use crate::worker::process::ProcessError;
use codec::captions::captions;
use codec::cut::{Cut, CutError, CutSettings};
use codec::limits::Limits;
use codec::mux::{
    Channels, Container, Metadata, MuxError, SequenceHeader, SequenceHeaderError, SoundTrack, Track, Tracks,
    VideoFile, VideoSample, VideoTrack,
};
use codec::refusal::Refusal;
use codec::timeline::{SessionSpan, Timeline};
use codec::video::{Plan, VideoSettings};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What decides the bytes of a video beside the recording.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ConversionSettings {
    /// How it is coded.
    pub(crate) video: VideoSettings,
    /// What is left out.
    pub(crate) cut: CutSettings,
    /// Whether what was typed can be read in it; else it holds no text at all.
    pub(crate) keystrokes: bool,
    /// What kind of file it is.
    pub(crate) container: Container,
}

/// What a conversion needs to know.
pub(crate) struct Conversion<'a> {
    /// The recording.
    pub(crate) recording: &'a Recording,
    /// From when to when its session lasted, if that is known: the last picture stays to its end.
    pub(crate) session: Option<SessionSpan>,
    /// Sound of a file that is mixed into it.
    pub(crate) side_car: Option<&'a SideCarFile>,
    /// Where coded packets wait for their place, in unnamed files.
    pub(crate) work_dir: &'a Path,
    /// Bounds, and whether reading goes on behind damage.
    pub(crate) limits: Limits,
    /// What the video is to be.
    pub(crate) settings: ConversionSettings,
    /// What it says about itself.
    pub(crate) metadata: Metadata,
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
    /// Whether it has a track of sound.
    pub(crate) has_sound: bool,
    /// What the workers tell.
    pub(crate) summary: Summary,
    /// What cannot be heard of the file of sound.
    pub(crate) side_car_loss: Option<SideCarLoss>,
}

impl Report {
    /// From when of the recording on something is missing in the video; none where all of it is there.
    pub(crate) fn missing_from_ms(&self) -> Option<i64> {
        let timeline = &self.timeline;
        let is_cut_short =
            timeline.ending.refusal().is_some() && !self.plan.cut.is_past(timeline.media_duration_ms);
        let is_read = timeline.skipped_bytes == 0 && !is_cut_short && timeline.sound_loss.is_none();
        let unread = (!is_read).then_some(timeline.media_duration_ms);
        let undrawn = self.summary.first_fault.as_ref().map(|fault| fault.at_ms);
        let unheard = self.side_car_loss.as_ref().map(|loss| loss.end_ms);
        [unread, undrawn, unheard].into_iter().flatten().min()
    }
}

/// Why there is no video.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    /// The recording cannot be read at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to be seen in it.
    #[error(
        "UNSUPPORTED: the recording never shows a picture (recorded without output, or cut before its first frame): there is nothing to convert; `custody inspect` tells what it holds"
    )]
    NoPicture,
    /// There is nothing to be seen before its damage.
    #[error(transparent)]
    Refused(Refusal),
    /// Nothing can be cut out like this.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// The file of sound cannot be heard.
    #[error("{}: {} cannot be heard: {}", refusal.code, path.display(), refusal.reason)]
    SideCar {
        /// Which file.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// Timestamps that pull the sound apart beyond all measure.
    #[error("LIMIT: the sound ends {end_ms} ms after the beginning of the video, the limit is {limit_ms} ms")]
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
    /// The encoder's sequence header cannot be read.
    #[error("the encoder wrote a sequence header that cannot be used: {0}")]
    SequenceHeader(#[from] SequenceHeaderError),
    /// The file cannot be laid out.
    #[error("cannot lay out the video: {0}")]
    Mux(#[from] MuxError),
    /// The video cannot be written.
    #[error("cannot write the video: {0}")]
    Write(io::Error),
}

impl Conversion<'_> {
    /// Makes the video and writes it to `output`, from its first byte to its last.
    pub(crate) fn run(&self, output: &mut impl Write, interrupt: &Interrupt) -> Result<Report, ConvertError> {
        let beside = self.side_car.map(|file| file.survey(interrupt)).transpose()?;
        let with_sound = |timeline: Timeline| match &beside {
            Some(beside) => timeline.with_sound(beside),
            None => timeline,
        };
        let (timeline, mut keystrokes) = survey(&self.surveyed(), interrupt)?;
        let mut timeline = with_sound(timeline);
        let (plan, Made { video, sound, summary }) = loop {
            let cut = Cut::new(&self.settings.cut, timeline.media_duration_ms, &timeline.idle)?;
            let plan = Plan::new(&timeline, cut, self.settings.video).ok_or_else(|| no_picture(&timeline))?;
            match self.make_parts(&timeline, &plan, interrupt) {
                // What it costs to draw is counted, so every worker ends at the same byte: the video ends there.
                Err(ConvertError::Worker(ProcessError::Failed(refusal)))
                    if refusal.cut_for_time().is_some_and(|position| position < timeline.readable_bytes) =>
                {
                    let drawn = survey_until(&self.surveyed(), &refusal, interrupt)?;
                    (timeline, keystrokes) = (with_sound(drawn.0), drawn.1);
                }
                made => break (plan, made?),
            }
        };
        let video_track = video_track(&video, &plan)?;
        let pictures = video_track.samples.len();
        let sound_track = sound.as_ref().map(|sound| sound_track(sound, &plan));
        let texts = self.settings.keystrokes.then(|| captions(&timeline, &keystrokes.batches, &plan.cut));
        let texts = texts.flatten();
        let tracks = Tracks { video: &video_track, sound: sound_track.as_ref(), texts: texts.as_ref() };
        let file = VideoFile::lay_out(self.settings.container, tracks, &self.metadata)?;
        write(&file, video, sound, output).map_err(ConvertError::Write)?;
        output.flush().map_err(ConvertError::Write)?;
        let loss = self.side_car.zip(beside.as_ref()).and_then(|(file, survey)| file.loss(survey));
        Ok(Report {
            timeline,
            plan,
            pictures,
            has_sound: sound_track.is_some(),
            summary,
            side_car_loss: loss,
        })
    }

    fn surveyed(&self) -> Surveyed<'_> {
        Surveyed { recording: self.recording, session: self.session, limits: self.limits }
    }
}

fn no_picture(timeline: &Timeline) -> ConvertError {
    timeline.ending.refusal().map_or(ConvertError::NoPicture, ConvertError::Refused)
}

/// The pictures of all segments as one track: each lasts until the next one, the last to the end of the video.
fn video_track(parts: &[(VideoPart, Arc<File>)], plan: &Plan) -> Result<VideoTrack, ConvertError> {
    let mut headers = Vec::new();
    let mut pictures = Vec::new();
    for (part, _) in parts {
        let of_track: Vec<_> =
            part.sequence_headers.iter().map(|header| number_of(header, &mut headers)).collect();
        // Without a header, the picture is refused below.
        let header = |picture: &Picture| of_track.get(picture.header).copied().unwrap_or(usize::MAX);
        pictures.extend(part.pictures.iter().map(|picture| (picture, header(picture))));
    }
    let end_ms = plan.segments.last().map_or(0, |segment| segment.end_ms);
    let ends = pictures.iter().skip(1).map(|(next, _)| next.at_ms).chain([end_ms]);
    let samples = pictures
        .iter()
        .zip(ends)
        .map(|((picture, header), end_ms)| VideoSample {
            size_bytes: picture.size_bytes,
            duration_ms: u32::try_from(end_ms - picture.at_ms).unwrap_or(0).max(1),
            is_sync: picture.is_sync,
            header: *header,
        })
        .collect();
    let sequence_headers =
        headers.iter().map(|header| SequenceHeader::parse(header)).collect::<Result<_, _>>()?;
    Ok(VideoTrack { sequence_headers, samples })
}

fn sound_track(part: &SoundPart, plan: &Plan) -> SoundTrack {
    SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples: part.pre_skip_samples,
        input_rate_hz: SoundTrack::RATE_HZ,
        play_ms: u64::try_from(plan.cut.duration_ms()).unwrap_or(0),
        packets: part.packets.clone(),
    }
}

/// Writes the pieces of a file, and the packets where they belong.
fn write(
    file: &VideoFile<'_>,
    video: Vec<(VideoPart, Arc<File>)>,
    sound: Option<SoundPart>,
    output: &mut impl Write,
) -> io::Result<()> {
    let mut pictures = Parts::new(video.into_iter().map(|(part, file)| (file, part.range)));
    let mut sound = Parts::new(sound.map(|sound| sound.stored));
    for piece in file.pieces() {
        output.write_all(&piece.bytes)?;
        let Some(packets) = piece.packets else { continue };
        match packets.track {
            Track::Video => pictures.copy_next(packets.bytes, output)?,
            Track::Sound => sound.copy_next(packets.bytes, output)?,
            Track::Subtitles | Track::Chapters => {}
        }
    }
    Ok(())
}
