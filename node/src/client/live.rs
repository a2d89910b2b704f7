//! A session that is recorded while it runs: its bytes go to the server as they come, and its orders come back.

use super::pieces::{PIECES, TUS_VERSION};
use super::{Client, ClientError, json_of};
use serde::Serialize;
use std::time::Duration;

/// How long a server may take for a few lines: another one is asked sooner than a user notices.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What a recorder is to do with its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// All is well.
    GoOn,
    /// Hold the user's input back, and go on recording.
    Block,
    /// End the session; it is over already.
    Drop,
}

/// How a session ended, as its recorder says.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LiveEnd<'a> {
    /// `finished` or `failed`.
    pub(crate) end: &'a str,
    /// When, in milliseconds since 1970.
    pub(crate) end_ms: u64,
    /// What went wrong.
    pub(crate) error_message: &'a str,
    /// Bytes of the recording.
    pub(crate) length: u64,
}

impl Client {
    /// Sends the next bytes of a recording, or none to ask; gives up to where it is durable, and the order.
    pub(crate) fn record(
        &self,
        session: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(u64, Order), ClientError> {
        let url = self.recording_url(session);
        let answer = if bytes.is_empty() {
            let request = self.agent.head(&url).header("Authorization", self.bearer());
            let request = request.header("Tus-Resumable", TUS_VERSION);
            request.config().timeout_global(Some(ANSWER_LIMIT)).build().call()
        } else {
            let request = self.agent.patch(&url).header("Authorization", self.bearer());
            let request = request.header("Tus-Resumable", TUS_VERSION).header("Upload-Offset", offset);
            let request = request.header("Content-Type", PIECES);
            request.config().timeout_global(Some(ANSWER_LIMIT)).build().send(bytes)
        };
        let told = answer.as_ref().ok().and_then(|answer| answer.headers().get("Custody-Session"));
        let order = match told.map(|told| told.as_bytes()) {
            Some(b"dropped") => return Ok((offset, Order::Drop)),
            Some(b"blocked") => Order::Block,
            Some(_) | None => Order::GoOn,
        };
        let answer = match (order, answer) {
            (Order::Block, Ok(answer)) => answer,
            (_, answer) => self.checked(&url, answer)?,
        };
        Ok((self.offset_of(session, &answer)?, order))
    }

    /// Ends a session; its recording is final.
    pub(crate) fn end(&self, session: &str, end: &LiveEnd<'_>) -> Result<(), ClientError> {
        let url = format!("{}/v1/sessions/{session}/seal", self.server);
        let body = serde_json::to_vec(end).expect("requests are plain data");
        let request = self.agent.post(&url).header("Authorization", self.bearer());
        let request = request.header("Content-Type", "application/json");
        let request = request.config().timeout_global(Some(ANSWER_LIMIT)).build();
        let answer = self.checked(&url, request.send(body.as_slice()))?;
        json_of::<serde_json::Value>(url, answer).map(drop)
    }
}
