//! What a mail is about, and what its templates may say of it.

use crate::outbox::shown;
use crate::utc;
use cluster::catalog::SessionInfo;
use cluster::id::{RecordingId, VideoId};
use minijinja::Value;
use std::collections::BTreeMap;

/// The most characters of a name in a mail.
const NAME_CHARS: usize = 256;

/// What a mail is about. Nothing of what was recorded stands in it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Letter<'a> {
    /// A video can be downloaded.
    VideoReady {
        /// Of which session.
        session: RecordingId,
        /// Which.
        video: VideoId,
        /// What the head of the session's report says.
        info: &'a SessionInfo,
    },
    /// An operator wants to see whether mails arrive.
    Test,
}

impl Letter<'_> {
    /// What the names of its templates begin with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VideoReady { .. } => "video-ready",
            Self::Test => "test",
        }
    }

    /// What its templates may use. `public_url` is what links begin with.
    pub(super) fn facts(self, public_url: &str) -> BTreeMap<&'static str, Value> {
        match self {
            Self::VideoReady { session, video, info } => BTreeMap::from([
                ("url", Value::from(format!("{public_url}/#/sessions/{session}/videos/{video}"))),
                ("session", Value::from(session.to_string())),
                ("video", Value::from(video.to_string())),
                ("device", Value::from(shown(&info.device_address, NAME_CHARS))),
                ("user", Value::from(shown(&info.user_name, NAME_CHARS))),
                ("start", Value::from(start(info.start_ms))),
            ]),
            Self::Test => BTreeMap::from([("url", Value::from(public_url.to_owned()))]),
        }
    }
}

/// In UTC, to the second.
fn start(start_ms: u64) -> String {
    utc::rfc3339(start_ms).replace('T', " ").replace('Z', " UTC")
}
