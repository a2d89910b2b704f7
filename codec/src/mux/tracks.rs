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

impl Tracks<'_> {
    /// Most packets of a track: more than a week of sound at 50 packets a second.
    pub const MAX_PACKETS: usize = 32 << 20;

    /// When the last track ends, in milliseconds.
    pub(super) fn duration_ms(&self) -> u64 {
        let sound_ms = self.sound.map_or(0, SoundTrack::heard_ms);
        let ends_of = |texts: &Texts| texts.subtitles.duration_ms().max(texts.chapters.duration_ms());
        self.video.duration_ms().max(sound_ms).max(self.texts.map_or(0, ends_of))
    }
}
