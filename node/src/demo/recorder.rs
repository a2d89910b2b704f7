//! A recorder that goes on at another member when its own is gone.

use super::error::DemoError;
use super::members::Members;
use crate::client::Client;
use crate::config::Secret;
use crate::import::{Begun, Import, protocol_of};
use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use crate::typescript::TypescriptFiles;
use cluster::catalog::Protocol;
use ring::digest::{Context, SHA256};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};
use ureq::SendBody;

/// Whose sessions are recorded.
pub(super) const ADDRESS: &str = "ada@example.org";
/// How long the recorder asks for a member that takes the rest.
const RESUME_LIMIT: Duration = Duration::from_secs(60);

/// What records, and its token.
pub(super) struct Recorder<'a> {
    pub(super) token: Secret,
    pub(super) interrupt: &'a Interrupt,
}

/// A sealed recording.
pub(super) struct Recorded {
    pub(super) session: String,
    pub(super) bytes: u64,
    /// SHA-256 of the plain file.
    pub(super) hash: String,
}

/// A member that was killed while it took a recording.
pub(super) struct Resumed {
    /// What it had acknowledged.
    pub(super) acknowledged: u64,
    /// What was on its way to it.
    pub(super) on_its_way: u64,
    /// Who takes the rest.
    pub(super) by: u64,
    /// What that one has.
    pub(super) durable: u64,
    /// From the kill until it said so.
    pub(super) after: Duration,
}

impl Recorder<'_> {
    /// Records a file at a member.
    pub(super) fn record(&self, members: &Members, file: &Path, at: u64) -> Result<Recorded, DemoError> {
        let client = self.client(members, at)?;
        let Begun { session, recording, end_ms } = self.begin(&client, file)?;
        self.finish(&client, (&session, end_ms), &recording, 0)
    }

    /// Records a file at a member that is killed when half of the file's second half is sent, and goes on at another
    /// one.
    pub(super) fn record_and_kill(
        &self,
        members: &mut Members,
        file: &Path,
        at: u64,
    ) -> Result<(Recorded, Resumed), DemoError> {
        let client = self.client(members, at)?;
        let Begun { session, recording, end_ms } = self.begin(&client, file)?;
        let (first, rest) = halves(&recording)?;
        let acknowledged = client.put_piece(&session, 0, first.as_slice())?;
        let (mut killed, mut died) = (Ok(()), Instant::now());
        let strike = || {
            died = Instant::now();
            killed = members.kill(at);
        };
        let mut rest_until_the_kill = Struck { left: &rest, until: rest.len() / 2, strike: Some(strike) };
        let sent = client.put_piece(&session, acknowledged, SendBody::from_reader(&mut rest_until_the_kill));
        killed?;
        if sent.is_ok() {
            return Err(DemoError::Outlived { member: at });
        }

        let others: Vec<_> = members
            .running()
            .into_iter()
            .map(|member| Ok((member, self.client(members, member)?)))
            .collect::<Result<_, DemoError>>()?;
        let asked =
            || others.iter().find_map(|(by, client)| Some((*by, client, client.offset(&session).ok()?)));
        let (by, client, durable) =
            members.wait("a member that takes the rest of the recording", RESUME_LIMIT, asked)?;
        let on_its_way = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        let resumed = Resumed { acknowledged, on_its_way, by, durable, after: died.elapsed() };
        let recorded = self.finish(client, (&session, end_ms), &recording, durable)?;
        Ok((recorded, resumed))
    }

    fn client(&self, members: &Members, at: u64) -> Result<Client, DemoError> {
        Ok(Client::new(&members.url(at), self.token.clone(), None)?)
    }

    fn begin(&self, client: &Client, file: &Path) -> Result<Begun, DemoError> {
        let import = Import {
            protocol: Some(protocol_of(file).unwrap_or(Protocol::Ssh)),
            device_address: "10.0.0.7:3389".to_owned(),
            credential_user: "root".to_owned(),
            user_name: ADDRESS.to_owned(),
            typescript: TypescriptFiles::default(),
        };
        Ok(import.begin(client, file, self.interrupt)?)
    }

    /// Appends what is left of a session's recording, and seals it.
    fn finish(
        &self,
        client: &Client,
        (session, end_ms): (&str, u64),
        recording: &Recording,
        from: u64,
    ) -> Result<Recorded, DemoError> {
        let bytes = client.append(session, recording, from, self.interrupt)?;
        client.seal(session, end_ms, bytes)?;
        let mut hash = Context::new(&SHA256);
        recording.each_piece(0..bytes, |piece| -> Result<(), OpenError> {
            hash.update(piece);
            Ok(())
        })?;
        Ok(Recorded { session: session.to_owned(), bytes, hash: hex(hash) })
    }
}

/// The digits of a hash.
pub(super) fn hex(hash: Context) -> String {
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A recording's two halves, as far as one request of each goes.
fn halves(recording: &Recording) -> Result<(Vec<u8>, Vec<u8>), DemoError> {
    /// The most that goes in one request.
    const HALF_BYTES_MAX: u64 = 4 << 20;
    let half = (recording.length()? / 2).min(HALF_BYTES_MAX);
    let read = |range| {
        let mut bytes = Vec::new();
        recording.each_piece(range, |piece| -> Result<(), OpenError> {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok::<_, DemoError>(bytes)
    };
    Ok((read(0..half)?, read(half..2 * half)?))
}

/// Bytes that are sent, and what happens in the middle of them.
struct Struck<'a, F> {
    left: &'a [u8],
    /// So many come before it.
    until: usize,
    strike: Option<F>,
}

impl<F: FnOnce()> Read for Struck<'_, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.until == 0
            && let Some(strike) = self.strike.take()
        {
            strike();
        }
        let most = if self.strike.is_some() { self.until } else { self.left.len() };
        let length = self.left.take(u64::try_from(most).unwrap_or(u64::MAX)).read(into)?;
        self.left = self.left.get(length..).unwrap_or_default();
        self.until = self.until.saturating_sub(length);
        Ok(length)
    }
}
