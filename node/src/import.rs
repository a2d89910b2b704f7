//! Files of recordings become sessions of a cluster.

use crate::client::{Client, ClientError, NewSession};
use crate::conversion::{Surveyed, survey};
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use crate::typescript::TypescriptFiles;
use cluster::catalog::Protocol;
use codec::limits::Limits;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What is said of imported sessions beside what their files tell.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// What was spoken with the device; without, what the file's name begins with.
    pub(crate) protocol: Option<Protocol>,
    /// The device.
    pub(crate) device_address: String,
    /// The name of the credential on the device.
    pub(crate) credential_user: String,
    /// The user.
    pub(crate) user_name: String,
    /// What typescripts need beside.
    pub(crate) typescript: TypescriptFiles,
}

/// A session whose recording is still to come.
pub(crate) struct Begun {
    /// Its identifier.
    pub(crate) session: String,
    /// What is to be appended.
    pub(crate) recording: Recording,
    /// When the session ended, in milliseconds since 1970.
    pub(crate) end_ms: u64,
}

/// A session that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Its identifier.
    pub(crate) session: String,
    /// Bytes of its recording.
    pub(crate) bytes: u64,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// Neither flag nor name tells the protocol.
    #[error(
        "the name does not begin with a protocol (ssh, telnet, rdp, vnc, postgresql …): expected --protocol"
    )]
    Protocol,
    /// The file cannot be read, or the server does not take it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl From<crate::recording::OpenError> for ImportError {
    fn from(error: crate::recording::OpenError) -> Self {
        Self::Client(error.into())
    }
}

impl Import {
    /// Imports one file.
    pub(crate) fn run(
        &self,
        client: &Client,
        file: &Path,
        interrupt: &Interrupt,
    ) -> Result<Imported, ImportError> {
        let Begun { session, recording, end_ms } = self.begin(client, file, interrupt)?;
        let bytes = client.append(&session, &recording, 0, interrupt)?;
        client.seal(&session, end_ms, bytes)?;
        Ok(Imported { session, bytes })
    }

    /// Opens the session of one file: what is refused at its beginning leaves no session behind.
    pub(crate) fn begin(
        &self,
        client: &Client,
        file: &Path,
        interrupt: &Interrupt,
    ) -> Result<Begun, ImportError> {
        let protocol = self.protocol.or_else(|| protocol_of(file)).ok_or(ImportError::Protocol)?;
        let recording = Recording::open(file, &self.typescript, interrupt)?;
        let surveyed = Surveyed { recording: &recording, session: None, limits: Limits::default() };
        let (timeline, _) = survey(&surveyed, interrupt)?;
        let duration_ms = u64::try_from(timeline.media_duration_ms).unwrap_or(0);
        let recorded_ms = timeline.recorded_s.and_then(|seconds| seconds.checked_mul(1_000));
        let told_end_ms = recorded_ms.and_then(|start_ms| start_ms.checked_add(duration_ms));
        // A recording that says when it began may have been copied since; nothing ends later than it was written.
        let changed_ms = changed_ms(file);
        let end_ms = told_end_ms.map_or(changed_ms, |told_ms| told_ms.min(changed_ms));
        let session = client.open_session(&NewSession {
            protocol,
            format: recording.catalog_format(),
            device_address: self.device_address.clone(),
            credential_user: self.credential_user.clone(),
            user_name: self.user_name.clone(),
            user_address: String::new(),
            start_ms: end_ms.saturating_sub(duration_ms),
        })?;
        Ok(Begun { session, recording, end_ms })
    }
}

/// The protocol that a name such as `rdp-sound.guac` begins with.
pub(crate) fn protocol_of(file: &Path) -> Option<Protocol> {
    let name = file.file_name()?.to_str()?;
    let word = name.split(|char: char| !char.is_ascii_alphanumeric()).next()?;
    Protocol::from_name(word)
}

/// When a file was last written: its recorder closed it when the session ended.
fn changed_ms(file: &Path) -> u64 {
    let changed = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let since = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(crate::serve::wall_ms, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_tell_the_protocol() {
        assert_eq!(protocol_of(Path::new("data/rdp-audio.guac.zst")), Some(Protocol::Rdp));
        assert_eq!(protocol_of(Path::new("ssh.guac")), Some(Protocol::Ssh));
        assert_eq!(protocol_of(Path::new("postgresql-x.jsonl")), Some(Protocol::Postgresql));
        assert_eq!(protocol_of(Path::new("holiday.guac")), None);
    }
}
