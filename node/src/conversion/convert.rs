//! The whole pipeline, and what its kinds of files share.

use super::part::PartError;
use super::side_car::{SideCarFile, SideCarLoss};
use super::survey::{Surveyed, survey, survey_until};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::{OpenError, Recording};
use crate::worker::message::Summary;
use crate::worker::process::ProcessError;
use codec::audio::SideCarSurvey;
use codec::captions::captions;
use codec::cut::{Cut, CutError, CutSettings};
use codec::limits::Limits;
use codec::mux::{Container, Metadata, MuxError, SequenceHeaderError, Texts};
use codec::refusal::Refusal;
use codec::timeline::{Keystrokes, SessionSpan, Timeline};
use codec::video::{Plan, VideoSettings};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// What is known of a recording that was read and not drawn.
pub(super) struct Found {
    /// With the sound of the file beside it.
    pub(super) timeline: Timeline,
    pub(super) keystrokes: Keystrokes,
    beside: Option<SideCarSurvey>,
}

impl Found {
    fn new((timeline, keystrokes): (Timeline, Keystrokes), beside: Option<SideCarSurvey>) -> Self {
        let timeline = match &beside {
            Some(beside) => timeline.with_sound(beside),
            None => timeline,
        };
        Self { timeline, keystrokes, beside }
    }

    /// Whether a worker drew only a part of what can be read, since more costs too much.
    pub(super) fn is_cut_short_by(&self, refusal: &Refusal) -> bool {
        refusal.cut_for_time().is_some_and(|position| position < self.timeline.readable_bytes)
    }
}

/// What a conversion wrote.
pub(super) struct Produced {
    /// Up to where the recording could be drawn.
    pub(super) found: Found,
    pub(super) plan: Plan,
    pub(super) pictures: usize,
    pub(super) has_sound: bool,
    pub(super) summary: Summary,
}

impl Conversion<'_> {
    /// Makes the video and writes it to `output`, from its first byte to its last: once all of it is coded, or, where it is in
    /// fragments, as it is being coded.
    pub(crate) fn run(&self, output: &mut impl Write, interrupt: &Interrupt) -> Result<Report, ConvertError> {
        let beside = self.side_car.map(|file| file.survey(interrupt)).transpose()?;
        let found = Found::new(survey(&self.surveyed(), interrupt)?, beside);
        let Produced { found, plan, pictures, has_sound, summary } = match self.settings.container {
            Container::Indexed(container) => self.make_indexed(container, found, output, interrupt)?,
            Container::FragmentedMp4 => self.make_fragments(found, output, interrupt)?,
        };
        let side_car_loss =
            self.side_car.zip(found.beside.as_ref()).and_then(|(file, beside)| file.loss(beside));
        Ok(Report { timeline: found.timeline, plan, pictures, has_sound, summary, side_car_loss })
    }

    /// How the recording becomes a video.
    pub(super) fn plan(&self, timeline: &Timeline) -> Result<Plan, ConvertError> {
        let cut = Cut::new(&self.settings.cut, timeline.media_duration_ms, &timeline.idle)?;
        Plan::new(timeline, cut, self.settings.video).ok_or_else(|| no_picture(timeline))
    }

    /// What can be read in the video.
    pub(super) fn texts(&self, found: &Found, plan: &Plan) -> Option<Texts> {
        let Found { timeline, keystrokes, .. } = found;
        self.settings.keystrokes.then(|| captions(timeline, &keystrokes.batches, &plan.cut)).flatten()
    }

    /// What is known of the recording up to where it was refused.
    pub(super) fn find_until(
        &self,
        refusal: &Refusal,
        found: &Found,
        interrupt: &Interrupt,
    ) -> Result<Found, ConvertError> {
        let drawn = survey_until(&self.surveyed(), refusal, interrupt)?;
        Ok(Found::new(drawn, found.beside.clone()))
    }

    fn surveyed(&self) -> Surveyed<'_> {
        Surveyed { recording: self.recording, session: self.session, limits: self.limits }
    }
}

/// Nothing is shown of what can be drawn.
pub(super) fn no_picture(timeline: &Timeline) -> ConvertError {
    timeline.ending.refusal().map_or(ConvertError::NoPicture, ConvertError::Refused)
}
