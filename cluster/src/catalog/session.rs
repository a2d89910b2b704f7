//! Sessions: what a user did on a device.

use super::engine::Tree;
use super::index::{self, StateName};
use super::outbox::{self, WebhookEvent};
use super::outcome::{Outcome, Refusal};
use super::purge::{self, Tombstone};
use super::recording::{self, ObjectRow, WrappedKeys};
use super::row::Row;
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::token::TokenId;
use crate::id::{MemberId, ObjectId, RecordingId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Makes an enum with a text form for each variant.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its text form.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// The one with this text form.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use named;

named!(
    /// What was spoken with the device. Variants are only ever added at the end.
    #[expect(missing_docs, reason = "each is the protocol it is named after")]
    Protocol {
        Ssh = "ssh",
        Telnet = "telnet",
        Rdp = "rdp",
        Vnc = "vnc",
        Kubernetes = "kubernetes",
        Http = "http",
        Postgresql = "postgresql",
        Mysql = "mysql",
        Sqlserver = "sqlserver",
        Oracle = "oracle",
        Mongodb = "mongodb",
        Redis = "redis",
        Terminal = "terminal",
    }
);

impl Protocol {
    /// Whether it is a database's, whose sessions never hold result rows.
    pub fn is_database(self) -> bool {
        match self {
            Self::Ssh
            | Self::Telnet
            | Self::Rdp
            | Self::Vnc
            | Self::Kubernetes
            | Self::Http
            | Self::Terminal => false,
            Self::Postgresql | Self::Mysql | Self::Sqlserver | Self::Oracle | Self::Mongodb | Self::Redis => {
                true
            }
        }
    }
}

named!(
    /// What a recording's bytes are; fixed when its session is opened.
    Format {
        /// A dump of the Guacamole protocol.
        Guacamole = "guacamole",
        /// asciinema's file.
        Asciicast = "asciicast",
        /// script's file and its timing.
        Typescript = "typescript",
        /// Statements of a database session, without result rows.
        DbLines = "db-lines",
    }
);

impl Format {
    /// Whether its bytes may hold what a user typed that the picture does not show, so that they have a view without it.
    pub fn has_keys(self) -> bool {
        match self {
            Self::Guacamole | Self::Asciicast | Self::Typescript => true,
            Self::DbLines => false,
        }
    }

    /// Whether a file of sound may stand beside it. A session of a database never holds rows of results, and the bytes of such
    /// a file are kept as they came.
    pub fn may_have_sound(self) -> bool {
        match self {
            Self::Guacamole | Self::Asciicast | Self::Typescript => true,
            Self::DbLines => false,
        }
    }
}

named!(
    /// How a session ended.
    End {
        /// As its user wanted.
        Finished = "finished",
        /// Somebody dropped it.
        Dropped = "dropped",
        /// Its recorder went away and did not come back.
        Interrupted = "interrupted",
        /// With an error.
        Failed = "failed",
    }
);

/// What the report says about a session from its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// What was spoken with the device.
    pub protocol: Protocol,
    /// What the recording's bytes are.
    pub format: Format,
    /// The device.
    pub device_address: String,
    /// The name of the credential on the device.
    pub credential_user: String,
    /// The user.
    pub user_name: String,
    /// From where the user came.
    pub user_address: String,
    /// The start, as the recorder says, in milliseconds since 1970.
    pub start_ms: u64,
    /// The token of the recorder.
    pub recorder_token: Option<TokenId>,
}

impl SessionInfo {
    /// Whether a session of it may be opened, as far as it says itself.
    pub fn check(&self) -> Result<(), Refusal> {
        text::needed("device address", &self.device_address)?;
        text::name("credential user", &self.credential_user)?;
        text::name("user name", &self.user_name)?;
        text::name("user address", &self.user_address)?;
        match self.protocol.is_database() && self.format != Format::DbLines {
            true => Err(Refusal::DatabaseFormat { protocol: self.protocol, format: self.format }),
            false => Ok(()),
        }
    }
}

/// A session begins, and with it its recording in epoch 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The recording, and so the session.
    pub recording: RecordingId,
    /// What is known at the start.
    pub info: SessionInfo,
    /// The recording's keys.
    pub keys: WrappedKeys,
    /// The member that takes its bytes.
    pub owner: MemberId,
}

/// A session is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndSession {
    /// Which.
    pub recording: RecordingId,
    /// How.
    pub end: End,
    /// When, as the recorder says, in milliseconds since 1970.
    pub end_ms: u64,
    /// The error, when there was one.
    pub error_message: String,
    /// Why it was dropped, say.
    pub reason: String,
}

/// Whether a session still runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionState {
    /// It runs.
    Live,
    /// It is over.
    Ended {
        /// How.
        end: End,
        /// When, in milliseconds since 1970.
        end_ms: u64,
        /// The error, when there was one.
        error_message: String,
        /// Why it was dropped, say.
        reason: String,
    },
    /// It is gone, and nothing of it can be read; members may still hold bytes of it or of its keys.
    Purging(Tombstone),
    /// It is gone, and nothing of its keys, nor of what could open them, is left on any member.
    Purged {
        /// What stays.
        tombstone: Tombstone,
        /// Since when, in the cluster's time.
        complete_ms: u64,
    },
}

impl SessionState {
    /// The text by which sessions are filtered.
    pub fn name(&self) -> &'static str {
        StateName::from(self).as_str()
    }

    /// What a purge has left.
    pub fn tombstone(&self) -> Option<&Tombstone> {
        match self {
            Self::Purging(tombstone) | Self::Purged { tombstone, .. } => Some(tombstone),
            Self::Live | Self::Ended { .. } => None,
        }
    }

    /// When it ended, as its recorder says.
    pub fn end_ms(&self) -> Option<u64> {
        match self {
            Self::Live => None,
            Self::Ended { end_ms, .. } => Some(*end_ms),
            Self::Purging(tombstone) | Self::Purged { tombstone, .. } => Some(tombstone.end_ms),
        }
    }
}

/// What the index of a recording says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFacts {
    /// Media duration.
    pub duration_ms: u64,
    /// The largest picture, in pixels; 0 without pictures.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Pictures, or outputs of a terminal.
    pub frames: u64,
    /// Keys that were pressed.
    pub keystrokes: u64,
    /// Statements of a database session, or command lines.
    pub statements: u64,
    /// Where the index itself is stored.
    pub artefact: ObjectId,
}

/// The index of a session. Variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexState {
    /// Not made yet.
    Absent,
    /// Made, before keystrokes were kept.
    Ready(IndexFacts),
    /// It cannot be made.
    Failed {
        /// Why.
        failure: super::job::FailureKind,
    },
    /// Made.
    Complete {
        /// What it says.
        facts: IndexFacts,
        /// Where the keystrokes are stored. They hold passwords: only to be read with the permission Keystrokes.
        keystrokes: ObjectId,
    },
}

impl IndexState {
    /// What the index says, if it is made.
    pub fn facts(&self) -> Option<&IndexFacts> {
        match self {
            Self::Ready(facts) | Self::Complete { facts, .. } => Some(facts),
            Self::Absent | Self::Failed { .. } => None,
        }
    }
}

/// A session in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// From its start.
    pub info: SessionInfo,
    /// Whether it runs.
    pub state: SessionState,
    /// What its index says.
    pub index: IndexState,
    /// The cluster's time when it was opened.
    pub opened_ms: u64,
}

impl SessionRow {
    /// How long it plays, once its index is made; before, from start to end; none while it is live, and once it is gone.
    pub fn duration_ms(&self) -> Option<u64> {
        match (self.index.facts(), &self.state) {
            (Some(facts), _) => Some(facts.duration_ms),
            (None, SessionState::Ended { end_ms, .. }) => Some(end_ms.saturating_sub(self.info.start_ms)),
            (None, SessionState::Live | SessionState::Purging(_) | SessionState::Purged { .. }) => None,
        }
    }
}

impl Row for SessionRow {
    const TREE: Tree = Tree::Sessions;
}

pub(crate) fn open(step: &mut Step<'_, '_>, command: OpenSession) -> Effect {
    let OpenSession { recording, info, keys, owner } = command;
    info.check()?;
    if step.rows.has_key(Tree::Sessions, &recording.0)? {
        return Err(Refusal::RecordingExists { recording }.into());
    }
    let row =
        SessionRow { info, state: SessionState::Live, index: IndexState::Absent, opened_ms: step.now_ms };
    recording::create(step, recording, keys, owner)?;
    step.count(Counter::Session)?;
    store(step, recording, None, &row)?;
    Ok(Outcome::Done)
}

pub(crate) fn end(step: &mut Step<'_, '_>, command: EndSession) -> Effect {
    let EndSession { recording, end, end_ms, error_message, reason } = command;
    text::message("error message", &error_message)?;
    text::message("reason", &reason)?;
    let older = kept(step, recording)?;
    match older.state {
        SessionState::Live => {}
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {
            return Err(Refusal::SessionEnded { recording }.into());
        }
    }
    let start_ms = older.info.start_ms;
    if end_ms < start_ms {
        return Err(Refusal::EndBeforeStart { start_ms, end_ms }.into());
    }
    let state = SessionState::Ended { end, end_ms, error_message, reason };
    let row = SessionRow { state, ..older.clone() };
    store(step, recording, Some(&older), &row)?;
    purge::note_end(step, recording, end_ms)?;
    outbox::tell(step, recording, WebhookEvent::SessionEnded { end })?;
    Ok(Outcome::Done)
}

pub(crate) fn get(step: &Step<'_, '_>, recording: RecordingId) -> Result<SessionRow, Halt> {
    step.need(&recording.0, || Refusal::RecordingUnknown { recording })
}

/// Whether a session was purged.
pub(crate) fn is_purged(step: &Step<'_, '_>, recording: RecordingId) -> Result<bool, Halt> {
    Ok(get(step, recording)?.state.tombstone().is_some())
}

/// A session that was not purged.
pub(crate) fn kept(step: &Step<'_, '_>, recording: RecordingId) -> Result<SessionRow, Halt> {
    let row = get(step, recording)?;
    match row.state {
        SessionState::Live | SessionState::Ended { .. } => Ok(row),
        SessionState::Purging(_) | SessionState::Purged { .. } => {
            Err(Refusal::SessionPurged { recording }.into())
        }
    }
}

/// Sets what the index says.
pub(crate) fn set_index(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    index: IndexState,
) -> Result<(), Halt> {
    let older = kept(step, recording)?;
    store(step, recording, Some(&older), &SessionRow { index, ..older.clone() })
}

/// Stores a row and moves its keys in the indexes.
pub(crate) fn store(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    older: Option<&SessionRow>,
    row: &SessionRow,
) -> Result<(), Halt> {
    let object: Option<ObjectRow> = step.rows.get(&recording::key(recording.into()))?;
    let size_bytes = object.and_then(|object| object.final_length());
    if let Some(older) = older {
        for (tree, key) in index::keys(recording, older, size_bytes) {
            step.rows.remove(tree, &key);
        }
    }
    for (tree, (key, indexed)) in index::rows(recording, row, size_bytes)? {
        step.rows.put_bytes(tree, key, indexed);
    }
    Ok(step.rows.put(&recording.0, row)?)
}

/// Moves a session in the indexes to the size of its recording, which is final.
pub(crate) fn sealed(step: &mut Step<'_, '_>, recording: RecordingId, size_bytes: u64) -> Result<(), Halt> {
    let row = get(step, recording)?;
    for (tree, key) in index::keys(recording, &row, None) {
        step.rows.remove(tree, &key);
    }
    for (tree, (key, indexed)) in index::rows(recording, &row, Some(size_bytes))? {
        step.rows.put_bytes(tree, key, indexed);
    }
    Ok(())
}
