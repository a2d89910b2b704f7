//! Which key states there are, and where each is kept.
//!
//! Key states are stored one after another; behind them the index: for each of them its media time, frames,
//! position in the recording, first byte and length (8 bytes each, little-endian); at the end their number (4), the
//! version (1) and `CKS`.

use super::key_state::{KeyPoint, KeyState};

/// The last bytes.
const MARK: [u8; 4] = [1, b'C', b'K', b'S'];
/// Bytes of one entry.
const ENTRY_BYTES: u64 = 5 * 8;

/// Why an index cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The end is that of something else, or of a later version.
    #[error("expected key states of version {}", MARK[0])]
    Mark,
    /// It is shorter than it says, or its entries are out of order.
    #[error("an index of key states is damaged")]
    Damaged,
}

/// A key state, and the bytes that hold it in the place where all are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatePlace {
    /// Where in the recording it stands.
    pub point: KeyPoint,
    /// Its first byte.
    pub start: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// The key states of a recording, which may still grow.
///
/// Who joins a live recording starts at the last one, and goes on with the recording's bytes from its position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyStateIndex {
    places: Vec<KeyStatePlace>,
}

impl KeyStateIndex {
    /// Bytes at the end that tell where the index begins.
    pub const END_BYTES: u64 = 8;

    /// Adds a key state that stands behind all others and is kept behind them.
    pub fn add(&mut self, key_state: &KeyState) {
        let start = self.places.last().map_or(0, |last| last.start + last.length);
        let length = u64::try_from(key_state.bytes.len()).expect("a length fits 64 bits");
        self.places.push(KeyStatePlace { point: key_state.point, start, length });
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All of them in order.
    pub fn places(&self) -> &[KeyStatePlace] {
        &self.places
    }

    /// The newest one that is not later than a media time: from it the picture of that time is drawn soonest.
    pub fn before(&self, at_ms: i64) -> Option<KeyStatePlace> {
        let later = self.places.partition_point(|place| place.point.at_ms <= at_ms);
        self.places.get(later.checked_sub(1)?).copied()
    }

    /// What is kept behind the key states.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for KeyStatePlace { point: KeyPoint { at_ms, frames, position }, start, length } in &self.places {
            let frames = u64::try_from(*frames).expect("a count fits 64 bits");
            bytes.extend(at_ms.to_le_bytes());
            for number in [frames, *position, *start, *length] {
                bytes.extend(number.to_le_bytes());
            }
        }
        let count = u32::try_from(self.places.len()).expect("key states are few");
        bytes.extend(count.to_le_bytes());
        bytes.extend(MARK);
        bytes
    }

    /// Bytes of the index and of the end behind it, as the last [`Self::END_BYTES`] tell.
    pub fn length(end: &[u8]) -> Result<u64, IndexError> {
        let (count, mark) = end.split_first_chunk().ok_or(IndexError::Mark)?;
        if mark != MARK {
            return Err(IndexError::Mark);
        }
        Ok(u64::from(u32::from_le_bytes(*count)) * ENTRY_BYTES + Self::END_BYTES)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let (entries, end) = bytes.split_last_chunk::<8>().ok_or(IndexError::Mark)?;
        let length = usize::try_from(Self::length(end)?).map_err(|_| IndexError::Damaged)?;
        let (words, rest) = entries.as_chunks::<8>();
        let (places, incomplete) = words.as_chunks::<5>();
        if length != bytes.len() || !rest.is_empty() || !incomplete.is_empty() {
            return Err(IndexError::Damaged);
        }
        let places: Option<Vec<_>> = places.iter().map(|words| place_of(*words)).collect();
        let places = places.ok_or(IndexError::Damaged)?;
        let follows = |pair: &[KeyStatePlace]| {
            pair[0].start.checked_add(pair[0].length) == Some(pair[1].start)
                && pair[0].point.at_ms <= pair[1].point.at_ms
                && pair[0].point.position < pair[1].point.position
        };
        match places.first().is_none_or(|first| first.start == 0) && places.windows(2).all(follows) {
            true => Ok(Self { places }),
            false => Err(IndexError::Damaged),
        }
    }
}

fn place_of([at_ms, frames, position, start, length]: [[u8; 8]; 5]) -> Option<KeyStatePlace> {
    let number = u64::from_le_bytes;
    let frames = usize::try_from(number(frames)).ok()?;
    let point = KeyPoint { at_ms: i64::from_le_bytes(at_ms), frames, position: number(position) };
    Some(KeyStatePlace { point, start: number(start), length: number(length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_state(at_ms: i64, position: u64, bytes: usize) -> KeyState {
        KeyState { point: KeyPoint { at_ms, frames: 1, position }, bytes: vec![0; bytes] }
    }

    #[test]
    fn the_newest_key_state_before_a_time_is_found() {
        let mut index = KeyStateIndex::default();
        assert!(index.is_empty());
        assert_eq!(index.before(i64::MAX), None);
        for (at_ms, position, bytes) in [(100, 10, 7), (200, 20, 5), (200, 30, 3)] {
            index.add(&key_state(at_ms, position, bytes));
        }
        let found =
            |at_ms| index.before(at_ms).map(|place| (place.point.position, place.start, place.length));
        assert_eq!(found(99), None);
        assert_eq!(found(100), Some((10, 0, 7)));
        assert_eq!(found(199), Some((10, 0, 7)));
        assert_eq!(found(200), Some((30, 12, 3)));
        let bytes = index.to_bytes();
        let (_, end) = bytes.split_last_chunk::<8>().unwrap();
        assert_eq!(KeyStateIndex::length(end), Ok(u64::try_from(bytes.len()).unwrap()));
        assert_eq!(KeyStateIndex::read(&bytes), Ok(index));
    }

    #[test]
    fn a_damaged_index_is_refused() {
        let mut index = KeyStateIndex::default();
        index.add(&key_state(100, 10, 7));
        index.add(&key_state(200, 20, 5));
        let bytes = index.to_bytes();
        assert_eq!(KeyStateIndex::read(&bytes[1..]), Err(IndexError::Damaged));
        assert_eq!(KeyStateIndex::read(&bytes[40..]), Err(IndexError::Damaged));
        assert_eq!(KeyStateIndex::read(&bytes[..bytes.len() - 1]), Err(IndexError::Mark));
        let swapped = [&bytes[40..80], &bytes[..40], &bytes[80..]].concat();
        assert_eq!(KeyStateIndex::read(&swapped), Err(IndexError::Damaged));
        let version_2 = [&bytes[..84], &[2], &bytes[85..]].concat();
        assert_eq!(KeyStateIndex::read(&version_2), Err(IndexError::Mark));
        assert_eq!(KeyStateIndex::length(&[0; 3]), Err(IndexError::Mark));
    }
}
