//! The worker process: reads requests from standard input, computes, answers on standard output.

use super::frame::{Found, FrameError, FrameFinder};
use super::limits;
use super::message::{Fault, MessageError, Reply, Request, SoundBeside, Summary};
use super::owner::Owner;
use codec::audio::{SideCar, SoundCoder, SoundCoderError, SoundPacket, SoundSettings};
use codec::cut::Cut;
use codec::key_states::{KeyStateFold, Spacing};
use codec::limits::Limits;
use codec::refusal::{Refusal, RefusalCode};
use codec::source::guac::OnDamage;
use codec::terminal::Fonts;
use codec::video::SegmentCoder;
use std::io::{self, Write};
use std::sync::Arc;

/// Bytes of a recording between two looks at what came of them.
const PART_BYTES: usize = 4 << 10;

/// Why a worker ends before its owner lets it go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The owner is gone or speaks another language.
    #[error("a worker process cannot talk to its owner: {0}")]
    Message(#[from] MessageError),
    /// The limits cannot be set.
    #[error("a worker process cannot limit itself: {0}")]
    Confine(#[from] io::Error),
    /// A request that does not fit the work.
    #[error("a worker process was asked for {0} out of order")]
    OutOfOrder(&'static str),
}

/// What this worker was started for.
enum Work {
    /// No job yet; this is how it will read the recording, and the fonts of terminals.
    Nothing(OnDamage, Vec<(Vec<u8>, u32)>),
    Video(Box<SegmentCoder>),
    Sound(Box<SoundCoder>),
    Frame(Box<FrameFinder>),
    KeyStates(Box<KeyStateFold>),
}

impl Work {
    /// What will be drawn, in one piece: images in it are decoded meanwhile. Who looks for one picture reads ahead by itself.
    fn announce(&mut self, request: &Request) {
        match (self, request) {
            (Self::Video(coder), Request::Bytes(bytes)) => coder.announce(bytes),
            (Self::KeyStates(fold), Request::Bytes(bytes)) => fold.announce(bytes),
            _ => {}
        }
    }
}

/// Serves requests until the owner closes the pipe.
pub(crate) fn run() -> Result<(), WorkerError> {
    let mut owner = Owner::of_this_process();
    let mut work = Work::Nothing(OnDamage::Stop, Vec::new());
    while let Some(request) = Request::read(&mut owner.requests)? {
        let mut end = Ok(());
        work.announce(&request);
        for part in parts(request) {
            limits::allow_part()?;
            end = answer(&mut work, part, &mut owner);
            if end.is_err() {
                break;
            }
        }
        match end {
            Ok(()) => Reply::Ready.write(&mut owner.replies)?,
            Err(Stop::Refused(refusal)) => Reply::Failed(refusal).write(&mut owner.replies)?,
            Err(Stop::Worker(error)) => return Err(error),
        }
        owner.replies.flush().map_err(MessageError::from)?;
    }
    Ok(())
}

/// Bytes come in small parts, so that results are handed over as they are made and none takes long.
fn parts(request: Request) -> Vec<Request> {
    match request {
        Request::Bytes(bytes) => bytes.chunks(PART_BYTES).map(|part| Request::Bytes(part.to_vec())).collect(),
        Request::Resync
        | Request::Font { .. }
        | Request::Video(_)
        | Request::Sound(_)
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyStates
        | Request::KeyState
        | Request::KeyStatesBehind { .. }
        | Request::Segment(_)
        | Request::Finish
        | Request::SurveySound(_)
        | Request::MixSound(_)
        | Request::FileBytes(_) => vec![request],
    }
}

/// Why a request is not carried out.
enum Stop {
    /// The recording is refused.
    Refused(Refusal),
    /// The worker cannot go on.
    Worker(WorkerError),
}

impl<E: Into<WorkerError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Worker(error.into())
    }
}

/// The fonts of a worker. What turns out to be none is left out: the bundled ones are always there.
fn fonts_of(given: &mut Vec<(Vec<u8>, u32)>) -> Arc<Fonts> {
    Fonts::with(std::mem::take(given)).unwrap_or_else(|_| Fonts::bundled())
}

/// Carries out one part of a request and writes its results.
fn answer(work: &mut Work, request: Request, owner: &mut Owner) -> Result<(), Stop> {
    let replies = &mut owner.replies;
    match (request, &mut *work) {
        (Request::Resync, Work::Nothing(on_damage, _)) => {
            *on_damage = OnDamage::Resync;
            Ok(())
        }
        (Request::Font { face, bytes }, Work::Nothing(_, fonts)) => {
            fonts.push((bytes, face));
            Ok(())
        }
        (Request::Video(plan), Work::Nothing(on_damage, fonts)) => {
            let (on_damage, fonts) = (*on_damage, fonts_of(fonts));
            limits::yield_to_others()?;
            let decoders = limits::decoders();
            limits::confine(limits::memory_bytes(&plan))?;
            let limits = Limits { on_damage, ..limits::video_limits(&plan) };
            let mut coder = SegmentCoder::new(plan, limits);
            coder.decode_ahead(decoders);
            coder.set_fonts(fonts);
            *work = Work::Video(Box::new(coder));
            Ok(())
        }
        (Request::Sound(cut), Work::Nothing(on_damage, _)) => {
            *work = Work::Sound(Box::new(begin_sound(cut, *on_damage, replies)?));
            Ok(())
        }
        (Request::Frame { at_ms, pointer }, Work::Nothing(on_damage, fonts)) => {
            let (on_damage, fonts) = (*on_damage, fonts_of(fonts));
            let decoders = limits::decoders_for_picture();
            limits::confine(limits::MEMORY_BYTES)?;
            let limits = Limits { on_damage, ..Limits::default() };
            let mut finder = FrameFinder::new(at_ms, pointer, limits, &decoders);
            finder.set_fonts(fonts);
            *work = Work::Frame(Box::new(finder));
            Ok(())
        }
        (request @ (Request::KeyStates | Request::KeyStatesBehind { .. }), Work::Nothing(on_damage, _)) => {
            let on_damage = *on_damage;
            let decoders = limits::decoders();
            limits::confine(limits::MEMORY_BYTES)?;
            let limits = Limits { on_damage, ..Limits::default() };
            let mut fold = begin_key_states(request, limits)?;
            fold.decode_ahead(decoders);
            *work = Work::KeyStates(Box::new(fold));
            Ok(())
        }
        (Request::SurveySound(beside), Work::Nothing(..)) => survey_sound(beside, owner),
        (Request::MixSound(beside), Work::Sound(coder)) => mix_sound(coder, beside, owner),
        (
            Request::Resync
            | Request::Font { .. }
            | Request::Video(_)
            | Request::Sound(_)
            | Request::Frame { .. }
            | Request::KeyStates
            | Request::KeyStatesBehind { .. }
            | Request::SurveySound(_),
            _,
        ) => Err(WorkerError::OutOfOrder("a second job").into()),
        (request, Work::Frame(finder)) => find_frame(finder, request, replies),
        (request, Work::Video(coder)) => code_video(coder, request, replies),
        (request, Work::KeyStates(fold)) => make_key_states(fold, request, replies),
        (request, Work::Sound(coder)) => code_sound(coder, request, replies),
        (
            Request::Resume(_)
            | Request::KeyState
            | Request::Segment(_)
            | Request::Bytes(_)
            | Request::Finish
            | Request::MixSound(_)
            | Request::FileBytes(_),
            Work::Nothing(..),
        ) => Err(WorkerError::OutOfOrder("work before a job").into()),
    }
}

fn code_video(coder: &mut SegmentCoder, request: Request, replies: &mut impl Write) -> Result<(), Stop> {
    let (packets, is_end) = match request {
        Request::Segment(segment) => {
            coder.begin(segment);
            return Ok(());
        }
        Request::Resume(key_state) => {
            if coder.resume(&key_state).is_err() {
                Reply::NoKeyState.write(replies)?;
            }
            return Ok(());
        }
        Request::KeyState => {
            if let Some(key_state) = coder.key_state() {
                Reply::KeyState(key_state).write(replies)?;
            }
            return Ok(());
        }
        Request::Bytes(bytes) => (coder.push(&bytes), false),
        Request::Finish => (coder.finish(), true),
        Request::Resync
        | Request::Font { .. }
        | Request::Video(_)
        | Request::Sound(_)
        | Request::Frame { .. }
        | Request::KeyStates
        | Request::KeyStatesBehind { .. }
        | Request::SurveySound(_)
        | Request::MixSound(_)
        | Request::FileBytes(_) => return Ok(()),
    };
    for packet in packets.map_err(|error| Stop::Refused(Refusal::from(&error)))? {
        Reply::Packet(packet).write(replies)?;
    }
    if is_end {
        Reply::Summary(summary_of(coder)).write(replies)?;
    }
    Ok(())
}

fn begin_sound(cut: Cut, on_damage: OnDamage, replies: &mut impl Write) -> Result<SoundCoder, Stop> {
    limits::yield_to_others()?;
    limits::confine(limits::SOUND_MEMORY_BYTES)?;
    let limits = Limits { on_damage, ..Limits::default() };
    let coder = SoundCoder::new(limits, SoundSettings::default(), cut)
        .map_err(|error| Stop::Refused(Refusal::new(RefusalCode::Crashed, &error)))?;
    Reply::SoundHead { pre_skip_samples: coder.pre_skip_samples() }.write(replies)?;
    Ok(coder)
}

/// Has the sound of a file mixed into the rest.
fn mix_sound(coder: &mut SoundCoder, beside: SoundBeside, owner: &Owner) -> Result<(), Stop> {
    let side_car = SideCar::open(owner.file(beside.bytes), beside.offset_ms, &Limits::default());
    coder.mix(side_car.map_err(|error| Stop::Refused(Refusal::from(&error)))?);
    Ok(())
}

/// Decodes a file of sound and tells where it is heard.
fn survey_sound(beside: SoundBeside, owner: &mut Owner) -> Result<(), Stop> {
    limits::yield_to_others()?;
    limits::confine(limits::SOUND_MEMORY_BYTES)?;
    let survey = SideCar::survey(owner.file(beside.bytes), beside.offset_ms, &Limits::default())
        .map_err(|error| Stop::Refused(Refusal::from(&error)))?;
    Ok(Reply::SoundSurvey(survey).write(&mut owner.replies)?)
}

fn code_sound(coder: &mut SoundCoder, request: Request, replies: &mut impl Write) -> Result<(), Stop> {
    match request {
        Request::Bytes(bytes) => coder.push(&bytes),
        Request::Finish => coder.finish(),
        Request::Resync
        | Request::Font { .. }
        | Request::Segment(_)
        | Request::Video(_)
        | Request::Sound(_)
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyState
        | Request::KeyStates
        | Request::KeyStatesBehind { .. }
        | Request::SurveySound(_)
        | Request::MixSound(_)
        | Request::FileBytes(_) => {
            return Err(WorkerError::OutOfOrder("pictures of a worker for sound").into());
        }
    }
    let refused = |error: SoundCoderError| Stop::Refused(Refusal::from(&error));
    while let Some(SoundPacket { samples, data }) = coder.next_packet().map_err(refused)? {
        Reply::Sound { samples, data }.write(replies)?;
    }
    Ok(())
}

fn find_frame(finder: &mut FrameFinder, request: Request, replies: &mut impl Write) -> Result<(), Stop> {
    let found = match request {
        Request::Bytes(bytes) => finder.push(&bytes),
        Request::Resume(key_state) => finder.resume(&key_state).map(|()| None),
        Request::Finish => finder.finish(),
        Request::Resync
        | Request::Font { .. }
        | Request::Segment(_)
        | Request::Video(_)
        | Request::Sound(_)
        | Request::Frame { .. }
        | Request::KeyState
        | Request::KeyStates
        | Request::KeyStatesBehind { .. }
        | Request::SurveySound(_)
        | Request::MixSound(_)
        | Request::FileBytes(_) => {
            return Err(WorkerError::OutOfOrder("something else than one picture").into());
        }
    };
    match found {
        Ok(Some(Found { at_ms, loss, png })) => Reply::Picture { at_ms, loss, png }.write(replies)?,
        Ok(None) => {}
        Err(FrameError::NoPicture) => Reply::NoPicture.write(replies)?,
        Err(
            error @ (FrameError::Damaged(_)
            | FrameError::KeyState(_)
            | FrameError::Encode(_)
            | FrameError::TooLarge(_)),
        ) => {
            return Err(Stop::Refused(error.into()));
        }
    }
    Ok(())
}

fn begin_key_states(request: Request, limits: Limits) -> Result<KeyStateFold, Stop> {
    let Request::KeyStatesBehind { written_bytes, key_state } = request else {
        return Ok(KeyStateFold::new(limits, Spacing::default()));
    };
    let fold = KeyStateFold::resume(limits, Spacing::default(), &key_state, written_bytes);
    fold.map_err(|error| Stop::Refused(FrameError::KeyState(error).into()))
}

fn make_key_states(fold: &mut KeyStateFold, request: Request, replies: &mut impl Write) -> Result<(), Stop> {
    match request {
        Request::Bytes(bytes) => {
            for key_state in fold.push(&bytes) {
                Reply::KeyState(key_state).write(replies)?;
            }
            Ok(())
        }
        Request::Finish => Ok(()),
        Request::Resync
        | Request::Font { .. }
        | Request::Segment(_)
        | Request::Video(_)
        | Request::Sound(_)
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyState
        | Request::KeyStates
        | Request::KeyStatesBehind { .. }
        | Request::SurveySound(_)
        | Request::MixSound(_)
        | Request::FileBytes(_) => Err(WorkerError::OutOfOrder("something else than key states").into()),
    }
}

fn summary_of(coder: &SegmentCoder) -> Summary {
    let faults = coder.faults();
    Summary {
        faults: faults.count,
        first_fault: faults.first.as_ref().map(Fault::from),
        mismatches: coder.mismatches(),
    }
}
