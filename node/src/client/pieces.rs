//! A recording on its way to its session, piece by piece (tus 1.0).

use super::tries::Tries;
use super::{Client, ClientError, is_passing};
use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use ureq::http::Response;
use ureq::{AsSendBody, Body};

/// Bytes of a recording that go in one request: what a broken connection costs at most.
const PIECE_BYTES: usize = 4 << 20;
/// The version of tus that is spoken.
pub(super) const TUS_VERSION: &str = "1.0.0";
/// The media type of a piece.
pub(super) const PIECES: &str = "application/offset+octet-stream";

impl Client {
    /// Appends a recording to its session from an offset on, piece by piece; gives its length. A piece that fails is
    /// sent again from where the server is.
    pub(crate) fn append(
        &self,
        session: &str,
        recording: &Recording,
        offset: u64,
        interrupt: &Interrupt,
    ) -> Result<u64, ClientError> {
        let length = recording.length()?;
        let (mut offset, mut tries) = (offset, Tries::default());
        while offset < length {
            if interrupt.is_set() {
                return Err(OpenError::Interrupted.into());
            }
            match self.append_piece(session, recording, offset) {
                Ok(reached) if reached > offset => (offset, tries) = (reached, Tries::default()),
                Ok(_) => return Err(self.misunderstood(session, "a greater Upload-Offset")),
                Err(error) => {
                    std::thread::sleep(tries.wait_after(error, is_passing)?);
                    // Without an answer the next try begins at the same place, which is harmless.
                    offset = self.offset(session).unwrap_or(offset);
                }
            }
        }
        Ok(length)
    }

    /// Up to where a recording is durable.
    pub(crate) fn offset(&self, session: &str) -> Result<u64, ClientError> {
        let url = self.recording_url(session);
        let head = self.agent.head(&url).header("Authorization", self.bearer());
        let answer = self.checked(&url, head.header("Tus-Resumable", TUS_VERSION).call())?;
        self.offset_of(session, &answer)
    }

    /// Sends one piece; gives the offset behind it.
    fn append_piece(&self, session: &str, recording: &Recording, offset: u64) -> Result<u64, ClientError> {
        let end = offset.saturating_add(u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX));
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        recording.each_piece(offset..end, |bytes| -> Result<(), OpenError> {
            piece.extend_from_slice(bytes);
            Ok(())
        })?;
        self.put_piece(session, offset, piece.as_slice())
    }

    /// Sends bytes that begin at an offset; gives the offset behind them.
    pub(crate) fn put_piece(
        &self,
        session: &str,
        offset: u64,
        piece: impl AsSendBody,
    ) -> Result<u64, ClientError> {
        let url = self.recording_url(session);
        let request = self
            .agent
            .patch(&url)
            .header("Authorization", self.bearer())
            .header("Tus-Resumable", TUS_VERSION)
            .header("Upload-Offset", offset)
            .header("Content-Type", PIECES);
        let answer = self.checked(&url, request.send(piece))?;
        self.offset_of(session, &answer)
    }

    pub(super) fn offset_of(&self, session: &str, answer: &Response<Body>) -> Result<u64, ClientError> {
        let header = answer.headers().get("Upload-Offset").and_then(|value| value.to_str().ok());
        let offset = header.and_then(|value| value.parse().ok());
        offset.ok_or_else(|| self.misunderstood(session, "a header Upload-Offset"))
    }

    fn misunderstood(&self, session: &str, expected: &'static str) -> ClientError {
        ClientError::Answer { url: self.recording_url(session), expected }
    }

    pub(super) fn recording_url(&self, session: &str) -> String {
        format!("{}/v1/sessions/{session}/recording", self.server)
    }
}
