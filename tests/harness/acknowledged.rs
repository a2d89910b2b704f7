//! What a member has promised to keep, as the program `appender` prints it, and the bytes that it appends.

use serde::{Deserialize, Serialize};

/// One line of the program, printed after the member has acknowledged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Acknowledged {
    /// The member serves.
    Ready,
    /// A session was opened.
    Session {
        /// Its recording.
        recording: String,
    },
    /// Bytes were appended.
    Bytes {
        /// To which recording.
        recording: String,
        /// Where they begin.
        offset: u64,
        /// How many.
        length: u64,
        /// Their SHA-256.
        hash: String,
    },
    /// A recording was sealed.
    Sealed {
        /// Which.
        recording: String,
        /// Its bytes.
        length: u64,
        /// Its Merkle root.
        root: String,
    },
    /// A session has ended.
    Ended {
        /// Its recording.
        recording: String,
    },
    /// A rule of retention was set.
    Rule {
        /// The device that it is about, named once.
        device: String,
        /// Who set it.
        by: String,
    },
}

/// What a second look at a member's folder found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Acknowledgements that were looked for.
    pub lines: u64,
    /// Bytes that were read and compared, acknowledged or not.
    pub bytes: u64,
    /// Acknowledgements that the member does not keep, with what it says instead.
    pub missing: Vec<String>,
    /// Bytes that the member gives out and that nobody appended. Worse than missing ones.
    pub wrong: Vec<String>,
    /// Open chunks of the run before, taken up again.
    pub recovered: usize,
    /// Open chunks of the run before that are damaged.
    pub damaged: usize,
    /// Whether the log of the facts ended in a torn write.
    pub torn_tail: bool,
    /// Why the catalog was rebuilt, when it was.
    pub rebuilt: Option<String>,
}

impl Verdict {
    /// Whether all that was acknowledged is there, as it was.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.wrong.is_empty()
    }
}

/// The bytes of a recording from `offset` on. They follow from seed, recording and place alone, so that whoever
/// knows these three needs no copy to compare with.
pub fn content(seed: u64, recording: &str, offset: u64, length: usize) -> Vec<u8> {
    let key = recording.bytes().fold(seed, |key, byte| mix(key ^ u64::from(byte)));
    let mut bytes = Vec::with_capacity(length + 16);
    let mut block = offset / 8;
    let skipped = usize::try_from(offset % 8).expect("less than 8");
    while bytes.len() < skipped + length {
        bytes.extend_from_slice(&mix(key ^ mix(block)).to_le_bytes());
        block += 1;
    }
    bytes.truncate(skipped + length);
    bytes.drain(..skipped);
    bytes
}

/// The mixing function of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_content_is_the_content_of_the_part() {
        let whole = content(7, "ab", 0, 100);
        for (offset, length) in [(0, 100), (1, 8), (8, 8), (13, 50), (99, 1), (100, 0)] {
            let end = offset + length;
            assert_eq!(content(7, "ab", u64::try_from(offset).unwrap(), length), whole[offset..end]);
        }
        assert_ne!(whole, content(8, "ab", 0, 100));
        assert_ne!(whole, content(7, "ac", 0, 100));
    }
}
