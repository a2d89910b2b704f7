//! Frames: what one write to the log adds to a segment.

/// Bytes before the payload: magic, length, segment, sequence, chain and checksum.
pub(super) const HEAD_BYTES: usize = 32;
/// The longest payload of a frame.
pub(super) const PAYLOAD_BYTES_MAX: usize = 4 << 20;

/// Three bytes that no UTF-8 text contains, so that no name in an entry can pass for a frame, and the version.
const MAGIC: [u8; 4] = [0xff, 0xc1, 0xfe, 0x01];

/// Where a frame stands in the log. Little-endian on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The segment, so that a block of an older file is never taken for a frame of this one.
    pub(super) segment: u64,
    /// The frame's number, counted through all segments.
    pub(super) sequence: u64,
    /// The checksum of the frame before it.
    pub(super) chain: u32,
}

/// A frame that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) place: Place,
    pub(super) payload: &'a [u8],
    /// Its own checksum, to which the next frame is chained.
    pub(super) crc: u32,
}

impl Frame<'_> {
    pub(super) fn length(&self) -> usize {
        HEAD_BYTES + self.payload.len()
    }
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a frame's head, or than its length says.
    #[error("the file ends inside a frame")]
    Short,
    /// Something else than the first bytes of a frame.
    #[error("expected the first bytes of a frame")]
    Magic,
    /// A length that no frame has.
    #[error("expected a payload of at most {PAYLOAD_BYTES_MAX} bytes")]
    Length,
    /// The checksum and the bytes differ.
    #[error("the checksum of a frame and its bytes differ")]
    Checksum,
}

/// The bytes of a frame and its checksum; the payload must not exceed [`PAYLOAD_BYTES_MAX`].
pub(super) fn encode(place: Place, payload: &[u8]) -> Result<(Vec<u8>, u32), FrameError> {
    let length = u32::try_from(payload.len()).map_err(|_| FrameError::Length)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(FrameError::Length);
    }
    let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&place.segment.to_le_bytes());
    bytes.extend_from_slice(&place.sequence.to_le_bytes());
    bytes.extend_from_slice(&place.chain.to_le_bytes());
    let crc = checksum(&bytes, payload);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(payload);
    Ok((bytes, crc))
}

/// The frame at the start of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(FrameError::Short)?;
    let mut fields = Fields { bytes: head };
    if fields.take::<4>() != MAGIC {
        return Err(FrameError::Magic);
    }
    let length = usize::try_from(u32::from_le_bytes(fields.take())).map_err(|_| FrameError::Length)?;
    if length > PAYLOAD_BYTES_MAX {
        return Err(FrameError::Length);
    }
    let place = Place {
        segment: u64::from_le_bytes(fields.take()),
        sequence: u64::from_le_bytes(fields.take()),
        chain: u32::from_le_bytes(fields.take()),
    };
    let crc = u32::from_le_bytes(fields.take());
    let payload = rest.get(..length).ok_or(FrameError::Short)?;
    let checked = head.get(..HEAD_BYTES - 4).unwrap_or_default();
    match checksum(checked, payload) == crc {
        true => Ok(Frame { place, payload, crc }),
        false => Err(FrameError::Checksum),
    }
}

/// Where the first whole frame of `segment` in `bytes` begins.
pub(super) fn find(bytes: &[u8], segment: u64) -> Option<usize> {
    let starts = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    starts.map(|(at, _)| at).find(|at| {
        let frame = bytes.get(*at..).map(decode);
        matches!(frame, Some(Ok(frame)) if frame.place.segment == segment)
    })
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), payload)
}

struct Fields<'a> {
    bytes: &'a [u8],
}

impl Fields<'_> {
    /// The next `N` bytes; zeros past the end, which no caller reaches.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.bytes.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.bytes = rest;
                *field
            }
            None => [0; N],
        }
    }
}
