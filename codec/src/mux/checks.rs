//! What every container needs of its tracks.

use super::sound_track::SoundEnd;
use super::{
    Metadata, MuxError, SequenceHeader, SoundPacket, SoundTrack, Texts, Track, Tracks, VideoSample,
    VideoTrack,
};

/// Refuses tracks and texts that no player could use.
pub(super) fn check(tracks: Tracks<'_>, metadata: &Metadata) -> Result<(), MuxError> {
    check_video(tracks.video)?;
    tracks.sound.map_or(Ok(()), check_sound)?;
    tracks.texts.map_or(Ok(()), check_texts)?;
    metadata.check()
}

fn check_video(video: &VideoTrack) -> Result<(), MuxError> {
    let track = Track::Video;
    check_count(track, video.samples.len())?;
    if !video.samples.first().is_some_and(|first| first.is_sync) {
        return Err(MuxError::FirstNotSync);
    }
    check_sequence_headers(&video.sequence_headers)?;
    check_pictures(&video.samples, video.sequence_headers.len(), 0)
}

/// Streams that follow one another in one track.
pub(super) fn check_sequence_headers(headers: &[SequenceHeader]) -> Result<(), MuxError> {
    let size = headers.first().map(SequenceHeader::size);
    let other = headers.iter().position(|header| Some(header.size()) != size);
    other.map_or(Ok(()), |index| Err(MuxError::OtherSize { index }))
}

/// Pictures that follow one another, the first of which is picture `first_index` of its track.
pub(super) fn check_pictures(
    pictures: &[VideoSample],
    headers: usize,
    first_index: usize,
) -> Result<(), MuxError> {
    let track = Track::Video;
    let mut before = None;
    for (index, picture) in (first_index..).zip(pictures) {
        if picture.size_bytes == 0 {
            return Err(MuxError::EmptyPacket { track, index });
        }
        if picture.duration_ms == 0 {
            return Err(MuxError::NoDuration { track, index });
        }
        if picture.header >= headers || before != Some(picture.header) && !picture.is_sync {
            return Err(MuxError::NoSequenceHeader { index });
        }
        before = Some(picture.header);
    }
    Ok(())
}

fn check_sound(sound: &SoundTrack) -> Result<(), MuxError> {
    check_count(Track::Sound, sound.packets.len())?;
    check_packets(&sound.packets, 0)?;
    check_heard(sound.end(sound.decoded_samples()))
}

/// Packets that follow one another, the first of which is packet `first_index` of its track.
pub(super) fn check_packets(packets: &[SoundPacket], first_index: usize) -> Result<(), MuxError> {
    let track = Track::Sound;
    for (index, packet) in (first_index..).zip(packets) {
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
    Ok(())
}

pub(super) fn check_heard(end: SoundEnd) -> Result<(), MuxError> {
    let SoundEnd { decoded_samples, pre_skip_samples, .. } = end;
    match end.heard_ms() {
        0 => Err(MuxError::SoundNotHeard { decoded_samples, pre_skip_samples }),
        _ => Ok(()),
    }
}

/// No text is empty or lasts no time: [`TextTrack`](super::TextTrack) sees to it.
pub(super) fn check_texts(texts: &Texts) -> Result<(), MuxError> {
    check_count(Track::Subtitles, texts.subtitles.samples.len())?;
    check_count(Track::Chapters, texts.chapters.samples.len())
}

pub(super) fn check_count(track: Track, actual: usize) -> Result<(), MuxError> {
    match actual {
        0 => Err(MuxError::NoPackets { track }),
        1..=Tracks::MAX_PACKETS => Ok(()),
        _ => Err(MuxError::TooManyPackets { track, actual, limit: Tracks::MAX_PACKETS }),
    }
}
