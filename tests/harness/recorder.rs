//! Recorders and readers of `custody serve`, over HTTP.

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::Read;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body, ResponseExt};

/// Who waits longer for an answer tries elsewhere.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// More than any recording or video of a test has.
const WHOLE_BYTES_MAX: u64 = 1 << 30;

/// A member's API and a token.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    agent: Agent,
    url: String,
    bearer: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    /// Its headers, in any form.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Opened {
    id: String,
}

impl Door {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        let (url, bearer) = (format!("http://{address}"), format!("Bearer {token}"));
        Self { agent: agent(ANSWER_LIMIT), url, bearer }
    }

    /// The same for who waits no longer than that.
    pub(crate) fn within(&self, limit: Duration) -> Self {
        Self { agent: agent(limit), url: self.url.clone(), bearer: self.bearer.clone() }
    }

    pub(crate) fn is_ready(&self) -> bool {
        let answer = self.agent.get(format!("{}/readyz", self.url)).call();
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.url);
        let mut answer = checked(self.agent.get(&url).header("Authorization", &self.bearer).call()?)?;
        Ok(serde_json::from_slice(&answer.body_mut().read_to_vec()?)?)
    }

    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let mut answer = checked(self.send(path, body)?)?;
        Ok(serde_json::from_slice(&answer.body_mut().read_to_vec()?)?)
    }

    /// Tells something; gives the answer.
    pub(crate) fn tell<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.url);
        let request = self.agent.put(&url).header("Authorization", &self.bearer);
        let request = request.header("Content-Type", "application/json");
        let mut answer = checked(request.send(body.to_string().as_bytes())?)?;
        Ok(serde_json::from_slice(&answer.body_mut().read_to_vec()?)?)
    }

    /// Sets something, whatever it was.
    pub(crate) fn put(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.agent.put(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        let request = request.header("Content-Type", "application/json").header("If-Match", "*");
        checked(request.send(body.to_string().as_bytes())?)?;
        Ok(())
    }

    /// Makes what is not there.
    pub(crate) fn make(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.agent.put(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        let request = request.header("Content-Type", "application/json").header("If-None-Match", "*");
        checked(request.send(body.to_string().as_bytes())?)?;
        Ok(())
    }

    /// Brings bytes, whatever they are.
    pub(crate) fn bring(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let request = self.agent.put(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        checked(request.header("Content-Type", "application/octet-stream").send(bytes)?)?;
        Ok(())
    }

    /// Takes something away.
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<()> {
        let request = self.agent.delete(format!("{}{path}", self.url));
        checked(request.header("Authorization", &self.bearer).call()?)?;
        Ok(())
    }

    /// Whatever a GET is answered with, to its end.
    pub(crate) fn fetch(&self, path: &str, range: Option<Range<usize>>) -> anyhow::Result<Fetched> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let mut answer =
            range.iter().fold(request, |request, range| request.header("Range", range)).call()?;
        let (status, head) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        Ok(Fetched { status, head, body: whole(&mut answer)? })
    }

    /// The body of a GET, to be read as it comes.
    pub(crate) fn stream(&self, path: &str) -> anyhow::Result<impl Read + use<>> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        Ok(checked(request.call()?)?.into_body().into_reader())
    }

    /// With which status a POST is answered.
    pub(crate) fn status(&self, path: &str, body: &Value) -> anyhow::Result<u16> {
        Ok(self.send(path, body)?.status().as_u16())
    }

    fn send(&self, path: &str, body: &Value) -> anyhow::Result<Response<Body>> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("Authorization", &self.bearer);
        Ok(request.header("Content-Type", "application/json").send(body.to_string().as_bytes())?)
    }

    /// Opens a session; gives its name.
    pub(crate) fn open(&self) -> anyhow::Result<String> {
        let body = json!({
            "protocol": "ssh", "format": "guacamole", "device_address": "192.0.2.1", "start_ms": 1_760_000_000_000_u64
        });
        let opened: Opened = self.post("/v1/sessions", &body)?;
        Ok(opened.id)
    }

    /// Appends at an offset; gives how far the recording is.
    pub(crate) fn append(&self, session: &str, offset: u64, bytes: &[u8]) -> anyhow::Result<u64> {
        let request = self
            .agent
            .patch(self.recording(session))
            .header("Authorization", &self.bearer)
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream");
        offset_of(&checked(request.send(bytes)?)?)
    }

    /// How far a recording is.
    pub(crate) fn offset(&self, session: &str) -> anyhow::Result<u64> {
        let request = self.agent.head(self.recording(session)).header("Authorization", &self.bearer);
        offset_of(&checked(request.header("Tus-Resumable", "1.0.0").call()?)?)
    }

    /// Ends a session of so many bytes.
    pub(crate) fn seal(&self, session: &str, length: u64) -> anyhow::Result<()> {
        let body = json!({ "end": "finished", "end_ms": 1_760_000_100_000_u64, "length": length });
        let _: Value = self.post(&format!("/v1/sessions/{session}/seal"), &body)?;
        Ok(())
    }

    /// Status and bytes of a range of a recording, or of all of it.
    pub(crate) fn read(&self, session: &str, range: Option<Range<u64>>) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut request = self.agent.get(self.recording(session)).header("Authorization", &self.bearer);
        if let Some(range) = range {
            request = request.header("Range", format!("bytes={}-{}", range.start, range.end - 1));
        }
        let mut answer = request.call()?;
        Ok((answer.status().as_u16(), whole(&mut answer)?))
    }

    fn recording(&self, session: &str) -> String {
        format!("{}/v1/sessions/{session}/recording", self.url)
    }
}

fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_per_call(Some(limit)).build().into()
}

/// All bytes of a recording or a video.
fn whole(answer: &mut Response<Body>) -> anyhow::Result<Vec<u8>> {
    Ok(answer.body_mut().with_config().limit(WHOLE_BYTES_MAX).read_to_vec()?)
}

/// An answer that says that it is done.
fn checked(mut answer: Response<Body>) -> anyhow::Result<Response<Body>> {
    let status = answer.status();
    if !status.is_success() {
        let path = answer.get_uri().path().to_owned();
        bail!("{status} of {path}: {}", answer.body_mut().read_to_string().unwrap_or_default());
    }
    Ok(answer)
}

fn offset_of(answer: &Response<Body>) -> anyhow::Result<u64> {
    let header = answer.headers().get("Upload-Offset").context("an answer has an Upload-Offset")?;
    Ok(header.to_str()?.parse()?)
}
