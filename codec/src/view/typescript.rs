//! The filter of typescripts: all of one that holds no input, and nothing behind the first line of a timing that tells of any.

use super::view::ViewError;
use crate::limits::Limits;
use crate::source::ReadError;
use crate::source::terminal::{TerminalError, head_timing_bytes, is_input};
use serde::{Deserialize, Serialize};

/// Longest line of a timing; what is longer is none.
const LINE_BYTES_MAX: usize = 4_096;

/// Somewhere in a typescript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypescriptPoint {
    /// Bytes of the timing that are still to come.
    timing_left: u64,
}

/// Takes the bytes of a timing and its typescript.
#[derive(Debug)]
pub(super) struct TypescriptView {
    limits: Limits,
    /// Bytes of the timing that are still to come; none before the line in front.
    timing_left: Option<u64>,
    /// The beginning of a line.
    rest: Vec<u8>,
    ended: Option<ViewError>,
}

impl TypescriptView {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, timing_left: None, rest: Vec::new(), ended: None }
    }

    pub(super) fn resume(point: TypescriptPoint, limits: Limits) -> Self {
        Self { timing_left: Some(point.timing_left), ..Self::new(limits) }
    }

    pub(super) fn point(&self) -> Option<TypescriptPoint> {
        self.timing_left.map(|timing_left| TypescriptPoint { timing_left })
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn push(&mut self, bytes: &[u8], seen: &mut Vec<u8>) -> Result<(), ViewError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut at = 0;
        let end = loop {
            let behind = rest.get(at..).unwrap_or_default();
            if behind.is_empty() {
                break Ok(());
            }
            match self.length_seen(behind) {
                Ok(0) => {
                    self.rest = behind.to_vec();
                    break Ok(());
                }
                Ok(length) => {
                    seen.extend_from_slice(behind.get(..length).unwrap_or_default());
                    at += length;
                }
                Err(error) => break Err(error),
            }
        };
        end.inspect_err(|&error| self.ended = Some(error))
    }

    /// How many bytes may be seen as one piece; 0 when more are needed to tell.
    fn length_seen(&mut self, bytes: &[u8]) -> Result<usize, ViewError> {
        if self.timing_left == Some(0) {
            return Ok(bytes.len());
        }
        let left = self.timing_left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let line_end = bytes.iter().take(LINE_BYTES_MAX).position(|&byte| byte == b'\n');
        let expected = "a line of a timing";
        let malformed = TerminalError::Malformed { position: 0, line: 1, expected };
        let length = match line_end {
            Some(end) => (end + 1).min(left),
            // The last line may end without a line feed.
            None if bytes.len() >= left => left,
            None if bytes.len() >= LINE_BYTES_MAX => return Err(ReadError::Terminal(malformed).into()),
            None => return Ok(0),
        };
        let line = bytes.get(..length).unwrap_or_default();
        self.timing_left = Some(match self.timing_left {
            None => head_timing_bytes(line, &self.limits).map_err(ReadError::from)?,
            Some(_) if is_input(line).map_err(ReadError::from)? => return Err(ViewError::Typed),
            Some(left) => left - u64::try_from(length).unwrap_or(left).min(left),
        });
        Ok(length)
    }
}
