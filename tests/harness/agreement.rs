//! What a script that knows nothing of us but names and hashes says of all copies.

use crate::measure::PYTHON;
use crate::paths::repository;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// What `tests/measure/copies.py` says: files that it hashed, beside what the API says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Chunks of the recordings and videos, on all members that are to hold them.
    pub copies: u64,
    /// How many of them are what, by hash.
    pub states: BTreeMap<String, u64>,
    /// Copies of which the API says something else.
    pub disagreements: Vec<String>,
    /// Recordings that are whole on enough members.
    pub synced: u64,
    /// Videos that are ready, and those of them that are whole on enough members.
    pub videos: u64,
    /// See above.
    pub videos_synced: u64,
}

impl Agreement {
    /// Asks a member at a URL, and looks into the members' folders of chunks.
    pub(crate) fn of(url: &str, token: &str, chunks: &BTreeMap<u64, PathBuf>) -> anyhow::Result<Self> {
        let mut command = Command::new(PYTHON);
        command.arg(repository().join("tests/measure/copies.py")).arg(url);
        for (member, folder) in chunks {
            command.arg("--chunks").arg(format!("{member}={}", folder.display()));
        }
        let output = command.env("CUSTODY_TOKEN", token).output()?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
