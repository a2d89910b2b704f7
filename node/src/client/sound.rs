//! A file of sound on its way to its session, all of it in one request.

use super::tries::Tries;
use super::{Client, ClientError, is_passing};
use crate::recording::OpenError;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How long all of a file may take: it is decoded before the answer.
const SOUND_LIMIT: Duration = Duration::from_secs(2 * 3600);
/// The media type of a file, whatever is in it.
const SOUND: &str = "application/octet-stream";

impl Client {
    /// Brings the file of sound of a session, which begins at a media time. The same again is harmless, so that it is tried as a
    /// piece is.
    pub(crate) fn put_sound(&self, session: &str, path: &Path, offset_ms: i64) -> Result<(), ClientError> {
        let url = format!("{}/v1/sessions/{session}/sound?offset_ms={offset_ms}", self.server);
        let mut tries = Tries::default();
        while let Err(error) = self.put_file(&url, path) {
            std::thread::sleep(tries.wait_after(error, is_passing_for_sound)?);
        }
        Ok(())
    }

    fn put_file(&self, url: &str, path: &Path) -> Result<(), ClientError> {
        let unread = |source| ClientError::Recording(OpenError::Read { path: path.to_owned(), source });
        let file = File::open(path).map_err(unread)?;
        let request = self.agent.put(url).config().timeout_per_call(Some(SOUND_LIMIT)).build();
        let request = request.header("Authorization", self.bearer()).header("Content-Type", SOUND);
        self.checked(url, request.send(file)).map(drop)
    }
}

/// Whether it may go better the next time: a file of sound is in conflict only with another one, which stays.
fn is_passing_for_sound(error: &ClientError) -> bool {
    is_passing(error) && !matches!(error, ClientError::Refused { status: 409, .. })
}
