//! What a replay knows beside its canvas, as it stands in front of the instructions of a key state.
//!
//! Little-endian: version (1 byte), flags (1: zero is known, 2: a `sync` was seen), zero (8), media time (8),
//! position (8), frames (8), refused instructions (8), the byte behind the first of them (8), the length of what was
//! wrong with it (2), that text; then the instructions.

/// The version that is written and read.
const VERSION: u8 = 1;
/// Bytes in front of the text.
const FIXED_BYTES: usize = 2 + 6 * 8 + 2;
/// Most characters of what was wrong.
const REASON_CHARS: usize = 200;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Of [`MediaTime`](crate::source::guac::MediaTime).
    pub(crate) time: (Option<i64>, bool, i64),
    pub(crate) position: u64,
    pub(crate) frames: u64,
    pub(crate) faults: u64,
    pub(crate) first_fault: Option<(u64, String)>,
}

impl Head {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { time: (zero, is_synced, latest_ms), position, frames, faults, first_fault } = self;
        let (fault_position, reason) = match first_fault {
            Some((position, reason)) => (*position, reason.chars().take(REASON_CHARS).collect::<String>()),
            None => (0, String::new()),
        };
        let flags = u8::from(zero.is_some()) | u8::from(*is_synced) << 1;
        let mut bytes = vec![VERSION, flags];
        bytes.extend(zero.unwrap_or(0).to_le_bytes());
        bytes.extend(latest_ms.to_le_bytes());
        for number in [*position, *frames, *faults, fault_position] {
            bytes.extend(number.to_le_bytes());
        }
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
        let reason = std::str::from_utf8(reason).map_err(|_| HeadError::Damaged)?;
        let head = Self {
            time: ((fixed[1] & 1 != 0).then(|| signed(0)), fixed[1] & 2 != 0, signed(1)),
            position: unsigned(2),
            frames: unsigned(3),
            faults: unsigned(4),
            first_fault: (!reason.is_empty()).then(|| (unsigned(5), reason.to_owned())),
        };
        Ok((head, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written_and_refused_when_cut() {
        let whole = Head {
            time: (Some(-5), true, 77),
            position: 9,
            frames: 8,
            faults: 7,
            first_fault: Some((6, "größer".to_owned())),
        };
        let bare = Head { time: (None, false, 0), first_fault: None, ..whole.clone() };
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
