//! What a file says about itself.

use super::MuxError;

/// What a file says about itself, all of it known before the conversion: nothing comes from a clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Shown by players as the title.
    pub title: Option<String>,
    /// When the session began, in seconds since 1970-01-01 UTC. Players call it the time of creation.
    pub started_unix_s: Option<u64>,
    /// Which session it shows.
    pub session: Option<String>,
    /// The Merkle root of the recording it was made of, as hexadecimal digits.
    pub root: Option<String>,
}

impl Metadata {
    /// Longest text, in bytes of UTF-8.
    pub const MAX_TEXT_BYTES: usize = 1024;

    /// Which software has made the file.
    pub const SOFTWARE: &'static str = "Custody";

    /// What no container has a place of its own for: names and texts.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let tags = [("CUSTODY_SESSION", &self.session), ("CUSTODY_ROOT", &self.root)];
        tags.into_iter().filter_map(|(name, text)| text.as_deref().map(|text| (name, text)))
    }

    /// Refuses texts that are too long.
    pub(super) fn check(&self) -> Result<(), MuxError> {
        let texts = [("title", &self.title), ("session", &self.session), ("root", &self.root)];
        for (name, text) in texts {
            let actual_bytes = text.as_ref().map_or(0, String::len);
            if actual_bytes > Self::MAX_TEXT_BYTES {
                let limit_bytes = Self::MAX_TEXT_BYTES;
                return Err(MuxError::MetadataTooLong { name, actual_bytes, limit_bytes });
            }
        }
        Ok(())
    }
}
