//! The worker process: reads requests from standard input, computes, answers on standard output.

use super::frame::{FrameError, FrameFinder};
use super::limits;
use super::message::{MessageError, Reply, Request, Summary};
use codec::audio::{SoundCoder, SoundPacket, SoundSettings};
use codec::key_states::{KeyStateFold, Spacing};
use codec::limits::Limits;
use codec::video::{Packet, SegmentCoder, SegmentError};
use std::io::{self, BufReader, BufWriter, Read, Write};

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
    Nothing,
    Video(Box<SegmentCoder>),
    Sound { coder: Box<SoundCoder>, end_ms: i64 },
    Frame(Box<FrameFinder>),
    KeyStates(Box<KeyStateFold>),
}

/// Serves requests until the owner closes the pipe.
pub(crate) fn run() -> Result<(), WorkerError> {
    let mut requests = BufReader::with_capacity(64 << 10, io::stdin().lock());
    let mut replies = BufWriter::with_capacity(256 << 10, io::stdout().lock());
    serve(&mut requests, &mut replies)
}

fn serve(requests: &mut impl Read, replies: &mut impl Write) -> Result<(), WorkerError> {
    let mut work = Work::Nothing;
    while let Some(request) = Request::read(requests)? {
        match answer(&mut work, request)? {
            Ok(results) => {
                for reply in results {
                    reply.write(replies)?;
                }
                Reply::Ready.write(replies)?;
            }
            Err(reason) => Reply::Failed(reason).write(replies)?,
        }
        replies.flush().map_err(MessageError::from)?;
    }
    Ok(())
}

/// The results of one request, or what is wrong with the recording.
type Answer = Result<Vec<Reply>, String>;

/// Carries out one request.
fn answer(work: &mut Work, request: Request) -> Result<Answer, WorkerError> {
    match (request, work) {
        (Request::Video(plan), work @ Work::Nothing) => {
            limits::confine(limits::memory_bytes(&plan))?;
            *work = Work::Video(Box::new(SegmentCoder::new(plan, Limits::default())));
            Ok(Ok(Vec::new()))
        }
        (Request::Sound { end_ms }, work @ Work::Nothing) => {
            limits::confine(limits::SOUND_MEMORY_BYTES)?;
            Ok(SoundCoder::new(Limits::default(), SoundSettings::default())
                .map(|coder| {
                    let pre_skip_samples = coder.pre_skip_samples();
                    *work = Work::Sound { coder: Box::new(coder), end_ms };
                    vec![Reply::SoundHead { pre_skip_samples }]
                })
                .map_err(|error| error.to_string()))
        }
        (Request::Frame { at_ms, pointer }, work @ Work::Nothing) => {
            limits::confine(limits::FRAME_MEMORY_BYTES)?;
            *work = Work::Frame(Box::new(FrameFinder::new(at_ms, pointer)));
            Ok(Ok(Vec::new()))
        }
        (Request::KeyStates, work @ Work::Nothing) => {
            limits::confine(limits::FRAME_MEMORY_BYTES)?;
            *work = Work::KeyStates(Box::new(KeyStateFold::new(Limits::default(), Spacing::default())));
            Ok(Ok(Vec::new()))
        }
        (Request::Video(_) | Request::Sound { .. } | Request::Frame { .. } | Request::KeyStates, _) => {
            Err(WorkerError::OutOfOrder("a second job"))
        }
        (request, Work::Frame(finder)) => find_frame(finder, request),
        (request, Work::KeyStates(fold)) => make_key_states(fold, request),
        (request, Work::Video(coder)) => Ok(code_video(coder, request).map_err(|error| error.to_string())),
        (request, Work::Sound { coder, end_ms }) => code_sound(coder, *end_ms, request),
        (Request::Segment(_) | Request::Resume(_) | Request::Bytes(_) | Request::Finish, Work::Nothing) => {
            Err(WorkerError::OutOfOrder("work before a job"))
        }
    }
}

fn code_video(coder: &mut SegmentCoder, request: Request) -> Result<Vec<Reply>, SegmentError> {
    let replies = |packets: Vec<Packet>| packets.into_iter().map(Reply::Packet);
    Ok(match request {
        Request::Segment(segment) => replies(coder.begin(segment)?).collect(),
        Request::Bytes(bytes) => replies(coder.push(&bytes)?).collect(),
        Request::Finish => {
            let packets = coder.finish()?;
            replies(packets).chain([Reply::Summary(summary_of(coder))]).collect()
        }
        Request::Video(_)
        | Request::Sound { .. }
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyStates => Vec::new(),
    })
}

fn code_sound(coder: &mut SoundCoder, end_ms: i64, request: Request) -> Result<Answer, WorkerError> {
    let packets = match request {
        Request::Bytes(bytes) => coder.push(&bytes),
        Request::Finish => coder.finish(end_ms),
        Request::Segment(_)
        | Request::Video(_)
        | Request::Sound { .. }
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyStates => {
            return Err(WorkerError::OutOfOrder("pictures of a worker for sound"));
        }
    };
    let reply = |SoundPacket { samples, data }| Reply::Sound { samples, data };
    let replies = match packets {
        Ok(packets) => packets.into_iter().map(reply).collect(),
        Err(error) => return Ok(Err(error.to_string())),
    };
    Ok(Ok(replies))
}

fn find_frame(finder: &mut FrameFinder, request: Request) -> Result<Answer, WorkerError> {
    let found = match request {
        Request::Bytes(bytes) => finder.push(&bytes),
        Request::Finish => finder.finish().map(Some),
        Request::Resume(key_state) => finder.resume(&key_state).map(|()| None),
        Request::Segment(_)
        | Request::Video(_)
        | Request::Sound { .. }
        | Request::Frame { .. }
        | Request::KeyStates => {
            return Err(WorkerError::OutOfOrder("something else than one picture"));
        }
    };
    Ok(match found {
        Ok(Some((at_ms, png))) => Ok(vec![Reply::Picture { at_ms, png }]),
        Ok(None) => Ok(Vec::new()),
        Err(FrameError::NoPicture) => Ok(vec![Reply::NoPicture]),
        Err(error @ (FrameError::KeyState(_) | FrameError::Encode(_) | FrameError::TooLarge)) => {
            Err(error.to_string())
        }
    })
}

fn make_key_states(fold: &mut KeyStateFold, request: Request) -> Result<Answer, WorkerError> {
    match request {
        Request::Bytes(bytes) => Ok(Ok(fold.push(&bytes).into_iter().map(Reply::KeyState).collect())),
        Request::Finish => Ok(Ok(Vec::new())),
        Request::Segment(_)
        | Request::Video(_)
        | Request::Sound { .. }
        | Request::Frame { .. }
        | Request::Resume(_)
        | Request::KeyStates => Err(WorkerError::OutOfOrder("something else than key states")),
    }
}

fn summary_of(coder: &SegmentCoder) -> Summary {
    let faults = coder.faults();
    Summary {
        faults: faults.count,
        first_fault: faults.first.as_ref().map(|(position, error)| format!("byte {position}: {error}")),
    }
}
