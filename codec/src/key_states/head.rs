//! What a replay knows beside its canvas, as it stands in front of the instructions of a key state.
//!
//! Little-endian: version (1 byte), flags (1; 1: zero is known, 2: a `sync` was seen), then 8 bytes each for zero,
//! media time, newest time, jumps, position, skipped and wasted bytes, frames, cost, refused instructions, media time
//! and byte of the first of them; its code (1), the length of its text (2), the text; then the instructions.

use crate::canvas::DrawError;
use crate::cost::Cost;
use crate::refusal::RefusalCode;
use crate::replay::{Fault, Faults};
use crate::source::guac::{MediaTimeState, ParserPlace};

/// The version that is written and read.
const VERSION: u8 = 1;
/// Numbers of 8 bytes.
const NUMBERS: usize = 12;
/// Bytes in front of the text.
const FIXED_BYTES: usize = 2 + NUMBERS * 8 + 3;
/// Most characters of what was wrong.
const REASON_CHARS: usize = 240;
/// The codes by their numbers, which are one higher: 0 is none.
const CODES: [RefusalCode; 7] = [
    RefusalCode::Limit,
    RefusalCode::Malformed,
    RefusalCode::Truncated,
    RefusalCode::Unsupported,
    RefusalCode::TimeBudget,
    RefusalCode::MemoryBudget,
    RefusalCode::Crashed,
];

/// Why bytes are no key state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Another version.
    #[error("a key state has version {found}, expected {VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
    /// It ends too early, or holds what no replay has.
    #[error("the head of a key state is damaged")]
    Damaged,
}

/// The state of a replay beside its canvas.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) time: MediaTimeState,
    pub(crate) place: ParserPlace,
    pub(crate) frames: usize,
    /// Of reading and drawing up to here.
    pub(crate) cost: Cost,
    pub(crate) faults: Faults,
}

impl Head {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { time, place, frames, cost, faults: Faults { count, first } } = self;
        let MediaTimeState { zero, synced, latest_ms, newest_ms, jumps } = *time;
        let ParserPlace { position, skipped_bytes, wasted_bytes } = *place;
        let (fault, code, reason) = match first {
            None => ((0, 0), 0, String::new()),
            Some(Fault { at_ms, end_byte, error }) => {
                let code = CODES.iter().zip(1..).find(|(code, _)| **code == error.code());
                let reason = error.to_string().chars().take(REASON_CHARS).collect();
                ((*at_ms, *end_byte), code.map_or(1, |(_, number)| number), reason)
            }
        };
        let frames = u64::try_from(*frames).expect("a count fits 64 bits");
        let mut bytes = vec![VERSION, u8::from(zero.is_some()) | u8::from(synced) << 1];
        for number in [zero.unwrap_or(0), latest_ms, newest_ms] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [jumps, position, skipped_bytes, wasted_bytes, frames, cost.ns(), *count] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(fault.0.to_le_bytes());
        bytes.extend(fault.1.to_le_bytes());
        bytes.push(code);
        let length = u16::try_from(reason.len()).expect("the characters of a reason are bounded");
        bytes.extend(length.to_le_bytes());
        bytes.extend(reason.into_bytes());
        bytes
    }

    /// Reads a head; answers also the instructions behind it.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), HeadError> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&found) => return Err(HeadError::Version { found }),
            None => return Err(HeadError::Damaged),
        }
        let (fixed, rest) = bytes.split_at_checked(FIXED_BYTES).ok_or(HeadError::Damaged)?;
        let word = |index: usize| -> [u8; 8] { std::array::from_fn(|byte| fixed[2 + index * 8 + byte]) };
        let (signed, unsigned) = (|at| i64::from_le_bytes(word(at)), |at| u64::from_le_bytes(word(at)));
        let length = u16::from_le_bytes([fixed[FIXED_BYTES - 2], fixed[FIXED_BYTES - 1]]);
        let (reason, rest) = rest.split_at_checked(length.into()).ok_or(HeadError::Damaged)?;
        let reason = std::str::from_utf8(reason).map_err(|_| HeadError::Damaged)?.to_owned();
        let first = match usize::from(fixed[FIXED_BYTES - 3]).checked_sub(1) {
            None => None,
            Some(code) => {
                let code = *CODES.get(code).ok_or(HeadError::Damaged)?;
                let error = DrawError::Earlier { code, reason };
                Some(Fault { at_ms: signed(10), end_byte: unsigned(11), error })
            }
        };
        let head = Self {
            time: MediaTimeState {
                zero: (fixed[1] & 1 != 0).then(|| signed(0)),
                synced: fixed[1] & 2 != 0,
                latest_ms: signed(1),
                newest_ms: signed(2),
                jumps: unsigned(3),
            },
            place: ParserPlace {
                position: unsigned(4),
                skipped_bytes: unsigned(5),
                wasted_bytes: unsigned(6),
            },
            frames: usize::try_from(unsigned(7)).map_err(|_| HeadError::Damaged)?,
            cost: Cost::of_ns(unsigned(8)),
            faults: Faults { count: unsigned(9), first },
        };
        Ok((head, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written_and_refused_when_cut() {
        let time = MediaTimeState { zero: Some(-5), synced: true, latest_ms: 77, newest_ms: 76, jumps: 3 };
        let place = ParserPlace { position: 9, skipped_bytes: 4, wasted_bytes: 5 };
        let (frames, cost) = (8, Cost::of_ns(123));
        let error = DrawError::Earlier { code: RefusalCode::Crashed, reason: "größer".to_owned() };
        let first = Some(Fault { at_ms: -6, end_byte: 6, error });
        let whole = Head { time, place, frames, cost, faults: Faults { count: 7, first } };
        let bare = MediaTimeState { zero: None, synced: false, ..time };
        let bare = Head { time: bare, place, frames, cost, faults: Faults::default() };
        for head in [whole, bare] {
            let bytes = head.to_bytes();
            let followed = [bytes.as_slice(), b"4.sync"].concat();
            assert_eq!(Head::read(&followed), Ok((head, b"4.sync".as_slice())));
            for length in 0..bytes.len() {
                assert_eq!(Head::read(&bytes[..length]), Err(HeadError::Damaged));
            }
            assert_eq!(Head::read(&[&[2], &bytes[1..]].concat()), Err(HeadError::Version { found: 2 }));
        }
    }
}
