//! What goes through a worker's pipes: one byte of kind, four of length, the body.
//!
//! The owner speaks first, the worker answers each request with any number of results and then
//! [`Reply::Ready`]: so neither ever waits for the other to read, and nothing is buffered without bound. Only for bytes of a
//! file ([`Reply::Wanted`]) does it wait for the owner, who reads replies then.

use codec::audio::SideCarSurvey;
use codec::cut::Cut;
use codec::key_states::{KeyPoint, KeyState};
use codec::refusal::Refusal;
use codec::video::{Packet, Plan, Segment};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// A longer body is refused: no packet of a picture that fits the limits is near it.
const BODY_BYTES_MAX: u32 = 64 << 20;

/// Why a message cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    /// The pipe is broken or closed.
    #[error(transparent)]
    Pipe(#[from] io::Error),
    /// A body above the limit.
    #[error("a message of {bytes} bytes is above the limit of {BODY_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// A kind that this version does not know.
    #[error("a message of unknown kind {0}")]
    Kind(u8),
    /// A body that does not fit its kind.
    #[error("a message of kind {kind} with a body that cannot be read")]
    Body {
        /// Its kind.
        kind: u8,
    },
}

/// What the owner asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    /// The worker reads on behind damage; said before its job.
    Resync,
    /// A font for terminals, of which this face is used; said before its job.
    Font { face: u32, bytes: Vec<u8> },
    /// The worker codes segments of this plan.
    Video(Plan),
    /// The worker codes the sound of a recording, of which this is kept.
    Sound(Cut),
    /// The worker draws the picture that was on screen at this media time, in milliseconds.
    Frame { at_ms: i64, pointer: bool },
    /// The picture, or the next segment, is drawn from this key state on, and what follows are the recording's bytes
    /// behind it.
    Resume(Vec<u8>),
    /// A key state of where the worker stands, if it is worth its time: at the first frame of a segment.
    KeyState,
    /// The worker makes the key states of a recording.
    KeyStates,
    /// The worker makes those behind one, when all up to it have so many bytes; what follows are the recording's bytes
    /// behind it.
    KeyStatesBehind { written_bytes: u64, key_state: Vec<u8> },
    /// Begin this segment.
    Segment(Segment),
    /// The next bytes of the recording.
    Bytes(Vec<u8>),
    /// All bytes up to the end of the segment, or of the recording, were sent.
    Finish,
    /// The worker tells where the sound of a file is heard.
    SurveySound(SoundBeside),
    /// The worker that codes sound mixes a file into it; said before the first bytes.
    MixSound(SoundBeside),
    /// The bytes that were wanted of a file; fewer at its end.
    FileBytes(Vec<u8>),
}

/// A file of sound that the owner reads for the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundBeside {
    /// Where it begins, in milliseconds of media time.
    pub(crate) offset_ms: i64,
    /// Its length.
    pub(crate) bytes: u64,
}

/// What the worker answers.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// A coded picture.
    Packet(Packet),
    /// What is not heard at the start of the sound, in samples of 48 kHz.
    SoundHead { pre_skip_samples: u16 },
    /// A piece of coded sound.
    Sound { samples: u32, data: Vec<u8> },
    /// The picture that was asked for, as PNG, when it came on screen, and what is missing in it; what follows in the
    /// recording is not looked at.
    Picture { at_ms: i64, loss: Option<Refusal>, png: Vec<u8> },
    /// No picture was on screen at that time.
    NoPicture,
    /// A key state.
    KeyState(KeyState),
    /// The key state cannot be drawn: the next segment is drawn from byte 0 on.
    NoKeyState,
    /// How a finished segment went.
    Summary(Summary),
    /// The work cannot be done.
    Failed(Refusal),
    /// The request was carried out.
    Ready,
    /// The worker waits for [`Request::FileBytes`] and goes on with its request then.
    Wanted { at: u64, bytes: u32 },
    /// Where the sound of a file is heard.
    SoundSurvey(SideCarSurvey),
}

/// How a finished piece of work went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Instructions that could not be drawn, since the recording's start.
    pub(crate) faults: u64,
    /// The first of them.
    pub(crate) first_fault: Option<Fault>,
    /// Packets of our encoder that a decoder did not see as it meant them; those pictures were coded anew.
    pub(crate) mismatches: u64,
}

/// An instruction that could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// Media time before it, in milliseconds: up to here all is there.
    pub(crate) at_ms: i64,
    /// Why, and the byte of the recording behind it.
    pub(crate) refusal: Refusal,
}

impl From<&codec::replay::Fault> for Fault {
    fn from(fault: &codec::replay::Fault) -> Self {
        Self { at_ms: fault.at_ms, refusal: Refusal::from(&fault.error).at(fault.end_byte) }
    }
}

impl Request {
    /// Writes the request and sends it off.
    pub(crate) fn write(&self, pipe: &mut impl Write) -> Result<(), MessageError> {
        match self {
            Self::Video(plan) => write_body(pipe, 1, &[&to_json(plan)]),
            Self::Sound(cut) => write_body(pipe, 2, &[&to_json(cut)]),
            Self::Segment(segment) => write_body(pipe, 3, &[&to_json(segment)]),
            Self::Bytes(bytes) => write_body(pipe, 4, &[bytes]),
            Self::Finish => write_body(pipe, 5, &[]),
            Self::Resync => write_body(pipe, 16, &[]),
            Self::Font { face, bytes } => write_body(pipe, 17, &[&face.to_le_bytes(), bytes]),
            Self::Resume(key_state) => write_body(pipe, 7, &[key_state]),
            Self::KeyStates => write_body(pipe, 8, &[]),
            Self::KeyState => write_body(pipe, 10, &[]),
            Self::SurveySound(beside) => write_body(pipe, 18, &[&to_json(beside)]),
            Self::MixSound(beside) => write_body(pipe, 19, &[&to_json(beside)]),
            Self::FileBytes(bytes) => write_body(pipe, 20, &[bytes]),
            Self::KeyStatesBehind { written_bytes, key_state } => {
                write_body(pipe, 9, &[&written_bytes.to_le_bytes(), key_state])
            }
            Self::Frame { at_ms, pointer } => {
                write_body(pipe, 6, &[&at_ms.to_le_bytes(), &[u8::from(*pointer)]])
            }
        }
    }

    /// Reads the next request; `None` when the owner closed the pipe.
    pub(crate) fn read(pipe: &mut impl Read) -> Result<Option<Self>, MessageError> {
        let Some((kind, body)) = read_body(pipe)? else { return Ok(None) };
        Ok(Some(match kind {
            1 => Self::Video(from_json(kind, &body)?),
            2 => Self::Sound(from_json(kind, &body)?),
            3 => Self::Segment(from_json(kind, &body)?),
            4 => Self::Bytes(body),
            5 => Self::Finish,
            16 => Self::Resync,
            17 => {
                let (face, bytes) = split(kind, &body, 4)?;
                Self::Font { face: u32::from_le_bytes(array(kind, face)?), bytes: bytes.to_vec() }
            }
            18 => Self::SurveySound(from_json(kind, &body)?),
            19 => Self::MixSound(from_json(kind, &body)?),
            20 => Self::FileBytes(body),
            7 => Self::Resume(body),
            8 => Self::KeyStates,
            10 => Self::KeyState,
            9 => {
                let (written_bytes, key_state) = split(kind, &body, 8)?;
                let written_bytes = u64::from_le_bytes(array(kind, written_bytes)?);
                Self::KeyStatesBehind { written_bytes, key_state: key_state.to_vec() }
            }
            6 => {
                let (at_ms, pointer) = split(kind, &body, 8)?;
                let [pointer] = array(kind, pointer)?;
                Self::Frame { at_ms: i64::from_le_bytes(array(kind, at_ms)?), pointer: pointer != 0 }
            }
            unknown => return Err(MessageError::Kind(unknown)),
        }))
    }
}

impl Reply {
    /// Writes the reply; [`Reply::Ready`] and [`Reply::Failed`] also send off what waits.
    pub(crate) fn write(&self, pipe: &mut impl Write) -> Result<(), MessageError> {
        match self {
            Self::Packet(packet) => {
                let head = packet.at_ms.to_le_bytes();
                write_body(pipe, 1, &[&head, &[u8::from(packet.key)], &packet.data])
            }
            Self::Sound { samples, data } => write_body(pipe, 2, &[&samples.to_le_bytes(), data]),
            Self::Summary(summary) => write_body(pipe, 3, &[&to_json(summary)]),
            Self::Failed(refusal) => write_body(pipe, 4, &[&to_json(refusal)]),
            Self::Ready => write_body(pipe, 5, &[]),
            Self::SoundHead { pre_skip_samples } => write_body(pipe, 6, &[&pre_skip_samples.to_le_bytes()]),
            Self::NoPicture => write_body(pipe, 8, &[]),
            Self::NoKeyState => write_body(pipe, 10, &[]),
            Self::Wanted { at, bytes } => write_body(pipe, 11, &[&at.to_le_bytes(), &bytes.to_le_bytes()]),
            Self::SoundSurvey(survey) => write_body(pipe, 12, &[&to_json(survey)]),
            Self::KeyState(KeyState { point, bytes }) => {
                let frames = u64::try_from(point.frames).expect("a count fits 64 bits");
                let point = [point.at_ms.to_le_bytes(), frames.to_le_bytes(), point.position.to_le_bytes()];
                write_body(pipe, 9, &[point.as_flattened(), bytes])
            }
            Self::Picture { at_ms, loss, png } => {
                let loss = to_json(loss);
                let length = u32::try_from(loss.len()).unwrap_or(u32::MAX).to_le_bytes();
                write_body(pipe, 7, &[&at_ms.to_le_bytes(), &length, &loss, png])
            }
        }
    }

    /// Reads the next reply; `None` when the worker is gone.
    pub(crate) fn read(pipe: &mut impl Read) -> Result<Option<Self>, MessageError> {
        let Some((kind, body)) = read_body(pipe)? else { return Ok(None) };
        Ok(Some(match kind {
            1 => {
                let (head, data) = split(kind, &body, 9)?;
                let at_ms = i64::from_le_bytes(array(kind, &head[..8])?);
                Self::Packet(Packet { at_ms, key: head[8] != 0, data: data.to_vec() })
            }
            2 => {
                let (head, data) = split(kind, &body, 4)?;
                Self::Sound { samples: u32::from_le_bytes(array(kind, head)?), data: data.to_vec() }
            }
            3 => Self::Summary(from_json(kind, &body)?),
            4 => Self::Failed(from_json(kind, &body)?),
            5 => Self::Ready,
            6 => Self::SoundHead { pre_skip_samples: u16::from_le_bytes(array(kind, &body)?) },
            7 => {
                let (at_ms, rest) = split(kind, &body, 8)?;
                let (length, rest) = split(kind, rest, 4)?;
                let length = usize::try_from(u32::from_le_bytes(array(kind, length)?)).unwrap_or(usize::MAX);
                let (loss, png) = split(kind, rest, length)?;
                let (at_ms, loss) = (i64::from_le_bytes(array(kind, at_ms)?), from_json(kind, loss)?);
                Self::Picture { at_ms, loss, png: png.to_vec() }
            }
            8 => Self::NoPicture,
            9 => {
                let (point, bytes) = split(kind, &body, 3 * 8)?;
                let ([at_ms, frames, position], []) = point.as_chunks::<8>() else {
                    return Err(MessageError::Body { kind });
                };
                let frames = usize::try_from(u64::from_le_bytes(*frames));
                let point = KeyPoint {
                    at_ms: i64::from_le_bytes(*at_ms),
                    frames: frames.map_err(|_| MessageError::Body { kind })?,
                    position: u64::from_le_bytes(*position),
                };
                Self::KeyState(KeyState { point, bytes: bytes.to_vec() })
            }
            10 => Self::NoKeyState,
            11 => {
                let (at, bytes) = split(kind, &body, 8)?;
                let at = u64::from_le_bytes(array(kind, at)?);
                Self::Wanted { at, bytes: u32::from_le_bytes(array(kind, bytes)?) }
            }
            12 => Self::SoundSurvey(from_json(kind, &body)?),
            unknown => return Err(MessageError::Kind(unknown)),
        }))
    }
}

fn write_body(pipe: &mut impl Write, kind: u8, parts: &[&[u8]]) -> Result<(), MessageError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = u64::try_from(length).unwrap_or(u64::MAX);
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length <= BODY_BYTES_MAX)
        .ok_or(MessageError::TooLong { bytes })?;
    pipe.write_all(&[kind])?;
    pipe.write_all(&length.to_le_bytes())?;
    for part in parts {
        pipe.write_all(part)?;
    }
    Ok(())
}

fn read_body(pipe: &mut impl Read) -> Result<Option<(u8, Vec<u8>)>, MessageError> {
    let mut head = [0; 5];
    let mut length = 0;
    while length < head.len() {
        match pipe.read(&mut head[length..]) {
            Ok(0) if length == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [kind, length @ ..] = head;
    let bytes = u32::from_le_bytes(length);
    if bytes > BODY_BYTES_MAX {
        return Err(MessageError::TooLong { bytes: u64::from(bytes) });
    }
    let mut body = Vec::new();
    pipe.by_ref().take(u64::from(bytes)).read_to_end(&mut body)?;
    if u32::try_from(body.len()) != Ok(bytes) {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some((kind, body)))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plans and summaries are plain data")
}

fn from_json<T: DeserializeOwned>(kind: u8, body: &[u8]) -> Result<T, MessageError> {
    serde_json::from_slice(body).map_err(|_| MessageError::Body { kind })
}

fn split(kind: u8, body: &[u8], at: usize) -> Result<(&[u8], &[u8]), MessageError> {
    body.split_at_checked(at).ok_or(MessageError::Body { kind })
}

fn array<const N: usize>(kind: u8, body: &[u8]) -> Result<[u8; N], MessageError> {
    body.try_into().map_err(|_| MessageError::Body { kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::refusal::RefusalCode;

    #[test]
    fn messages_survive_the_pipe_and_garbage_is_refused() {
        let refusal = Refusal::new(RefusalCode::Limit, "why").at(7);
        let replies = [
            Reply::Packet(Packet { at_ms: -5, key: true, data: vec![1, 2, 3] }),
            Reply::SoundHead { pre_skip_samples: 312 },
            Reply::Sound { samples: 960, data: vec![9] },
            Reply::Picture { at_ms: 40, loss: None, png: vec![7; 3] },
            Reply::Picture { at_ms: -1, loss: Some(refusal.clone()), png: Vec::new() },
            Reply::NoPicture,
            Reply::NoKeyState,
            Reply::KeyState(KeyState {
                point: KeyPoint { at_ms: -1, frames: 2, position: 3 },
                bytes: vec![4, 5],
            }),
            Reply::Summary(Summary {
                faults: 3,
                first_fault: Some(Fault { at_ms: 5, refusal: refusal.clone() }),
                mismatches: 2,
            }),
            Reply::Failed(refusal.clone()),
            Reply::Ready,
            Reply::Wanted { at: 1 << 40, bytes: 9 },
            Reply::SoundSurvey(SideCarSurvey { end_ms: 7, audible_ms: vec![(1, 3)], loss: Some(refusal) }),
        ];
        let mut pipe = Vec::new();
        for reply in &replies {
            reply.write(&mut pipe).unwrap();
        }
        let mut read = pipe.as_slice();
        for reply in replies {
            assert_eq!(Reply::read(&mut read).unwrap(), Some(reply));
        }
        assert_eq!(Reply::read(&mut read).unwrap(), None);

        let requests = [
            Request::Sound(Cut::whole(12)),
            Request::Frame { at_ms: -1, pointer: true },
            Request::Resume(vec![1, 2]),
            Request::KeyStates,
            Request::KeyStatesBehind { written_bytes: 7, key_state: vec![3, 4] },
            Request::KeyState,
            Request::Bytes(vec![0; 9]),
            Request::Finish,
            Request::Resync,
            Request::SurveySound(SoundBeside { offset_ms: -5, bytes: 9 }),
            Request::MixSound(SoundBeside { offset_ms: 5, bytes: 0 }),
            Request::FileBytes(vec![4; 3]),
        ];
        let mut pipe = Vec::new();
        for request in &requests {
            request.write(&mut pipe).unwrap();
        }
        let mut read = pipe.as_slice();
        for request in requests {
            assert_eq!(Request::read(&mut read).unwrap(), Some(request));
        }
        assert!(matches!(Reply::read(&mut &[99, 0, 0, 0, 0][..]), Err(MessageError::Kind(99))));
        assert!(matches!(Reply::read(&mut &[1, 255, 255, 255, 255][..]), Err(MessageError::TooLong { .. })));
        assert!(matches!(Reply::read(&mut &[1, 3, 0, 0, 0, 1][..]), Err(MessageError::Pipe(_))));
        assert!(matches!(Reply::read(&mut &[1, 1, 0, 0, 0, 1][..]), Err(MessageError::Body { kind: 1 })));
    }
}
