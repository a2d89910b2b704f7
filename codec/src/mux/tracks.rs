//! What a file is made of.

use super::{SoundTrack, Texts, VideoTrack};

/// The tracks of a file.
#[derive(Debug, Clone, Copy)]
pub struct Tracks<'a> {
    /// The pictures.
    pub video: &'a VideoTrack,
    /// The sound, if there is any.
    pub sound: Option<&'a SoundTrack>,
    /// What can be read, if that is asked for.
    pub texts: Option<&'a Texts>,
}
