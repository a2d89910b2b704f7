//! From bytes to messages, of which little is kept.

use super::error::FollowError;

/// The byte of kind, and four of length.
const HEAD_BYTES: usize = 5;
/// What the length counts of itself.
const LENGTH_BYTES: u32 = 4;

/// One side of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: Vec<u8>,
    body: Vec<u8>,
    /// Bytes of the body that are still to come.
    left: u32,
    /// How many of those that come first are kept.
    keep: usize,
}

/// A message whose end has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    /// The beginning of its body.
    pub(super) body: &'a [u8],
    /// Bytes behind that which were passed over.
    pub(super) cut_bytes: u64,
}

impl Frames {
    /// Whether the next byte begins a message.
    pub(super) fn is_between(&self) -> bool {
        self.head.is_empty()
    }

    /// Takes from the front of `bytes` up to the end of a message; `None` when more are needed. `keep` says how much of a
    /// message of a kind is wanted.
    pub(super) fn next<'a>(
        &'a mut self,
        bytes: &mut &[u8],
        keep: impl Fn(u8) -> usize,
    ) -> Result<Option<Message<'a>>, FollowError> {
        if self.head.len() == HEAD_BYTES && self.left == 0 {
            self.head.clear();
        }
        if self.head.len() < HEAD_BYTES {
            let (head, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head.len()));
            self.head.extend_from_slice(head);
            *bytes = rest;
            let &[kind, a, b, c, d] = self.head.as_slice() else { return Ok(None) };
            let length = u32::from_be_bytes([a, b, c, d]);
            self.left = length.checked_sub(LENGTH_BYTES).ok_or(FollowError::Length { length })?;
            self.keep = keep(kind);
            self.body.clear();
            self.body.shrink_to(HEAD_BYTES);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (body, rest) = bytes.split_at(bytes.len().min(left));
        *bytes = rest;
        let kept = body.len().min(self.keep - self.body.len());
        self.body.extend_from_slice(body.get(..kept).unwrap_or_default());
        self.left -= u32::try_from(body.len()).unwrap_or(self.left);
        let &[kind, a, b, c, d] = self.head.as_slice() else { return Ok(None) };
        if self.left > 0 {
            return Ok(None);
        }
        let body_bytes = u64::from(u32::from_be_bytes([a, b, c, d]).saturating_sub(LENGTH_BYTES));
        let kept_bytes = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        Ok(Some(Message { kind, body: &self.body, cut_bytes: body_bytes.saturating_sub(kept_bytes) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages in bytes, in pieces, with four bytes kept of all but `D`.
    fn read(bytes: &[u8], piece: usize) -> Result<Vec<(u8, Vec<u8>, u64)>, FollowError> {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        for mut piece in bytes.chunks(piece) {
            while let Some(Message { kind, body, cut_bytes }) =
                frames.next(&mut piece, |kind| if kind == b'D' { 0 } else { 4 })?
            {
                messages.push((kind, body.to_vec(), cut_bytes));
            }
        }
        assert_eq!(frames.is_between() || frames.left == 0, bytes != b"Q\0\0\0\x05");
        Ok(messages)
    }

    #[test]
    fn messages_are_read_from_any_pieces_and_little_of_them_is_kept() {
        let bytes = b"Q\0\0\0\x0aselectZ\0\0\0\x04D\0\0\0\x07rowX\0\0\0\x04";
        let expected =
            vec![(b'Q', b"sele".to_vec(), 2), (b'Z', vec![], 0), (b'D', vec![], 3), (b'X', vec![], 0)];
        for piece in [1, 2, 3, 7, bytes.len()] {
            assert_eq!(read(bytes, piece), Ok(expected.clone()));
        }
        assert_eq!(read(b"Q\0\0\0\x05", 9), Ok(vec![]));
        assert_eq!(read(b"Q\0\0\0\x03", 1), Err(FollowError::Length { length: 3 }));
    }
}
