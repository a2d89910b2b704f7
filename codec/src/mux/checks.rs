//! What every container needs of its tracks.

use super::text_track::TextTrack;
use super::{Metadata, MuxError, SoundTrack, Track, Tracks, VideoTrack};

/// Refuses tracks and texts that no player could use.
pub(super) fn check(tracks: Tracks<'_>, metadata: &Metadata) -> Result<(), MuxError> {
    check_video(tracks.video)?;
    tracks.sound.map_or(Ok(()), check_sound)?;
    if let Some(texts) = tracks.texts {
        check_texts(Track::Subtitles, &texts.subtitles)?;
        check_texts(Track::Chapters, &texts.chapters)?;
    }
    metadata.check()
}

fn check_video(video: &VideoTrack) -> Result<(), MuxError> {
    let track = Track::Video;
    check_count(track, video.samples.len())?;
    if !video.samples.first().is_some_and(|first| first.is_sync) {
        return Err(MuxError::FirstNotSync);
    }
    if let Some(index) = video.samples.iter().position(|sample| sample.size_bytes == 0) {
        return Err(MuxError::EmptyPacket { track, index });
    }
    if let Some(index) = video.samples.iter().position(|sample| sample.duration_ms == 0) {
        return Err(MuxError::NoDuration { track, index });
    }
    check_headers(video)
}

fn check_headers(video: &VideoTrack) -> Result<(), MuxError> {
    let size = video.size();
    if let Some(index) = video.sequence_headers.iter().position(|header| header.size() != size) {
        return Err(MuxError::OtherSize { index });
    }
    let mut before = None;
    for (index, sample) in video.samples.iter().enumerate() {
        let is_known = sample.header < video.sequence_headers.len();
        if !is_known || before != Some(sample.header) && !sample.is_sync {
            return Err(MuxError::NoSequenceHeader { index });
        }
        before = Some(sample.header);
    }
    Ok(())
}

fn check_sound(sound: &SoundTrack) -> Result<(), MuxError> {
    let track = Track::Sound;
    check_count(track, sound.packets.len())?;
    for (index, packet) in sound.packets.iter().enumerate() {
        if packet.size_bytes == 0 {
            return Err(MuxError::EmptyPacket { track, index });
        }
        if packet.samples == 0 {
            return Err(MuxError::NoDuration { track, index });
        }
        if packet.samples > SoundTrack::MAX_PACKET_SAMPLES {
            let limit = SoundTrack::MAX_PACKET_SAMPLES;
            return Err(MuxError::SoundPacketTooLong { index, actual: packet.samples, limit });
        }
    }
    if sound.heard_ms() == 0 {
        let (decoded_samples, pre_skip_samples) = (sound.decoded_samples(), sound.pre_skip_samples);
        return Err(MuxError::SoundNotHeard { decoded_samples, pre_skip_samples });
    }
    Ok(())
}

/// No text is empty or lasts no time: [`TextTrack`] sees to it.
fn check_texts(track: Track, texts: &TextTrack) -> Result<(), MuxError> {
    check_count(track, texts.samples.len())
}

fn check_count(track: Track, actual: usize) -> Result<(), MuxError> {
    match actual {
        0 => Err(MuxError::NoPackets { track }),
        1..=Tracks::MAX_PACKETS => Ok(()),
        _ => Err(MuxError::TooManyPackets { track, actual, limit: Tracks::MAX_PACKETS }),
    }
}
