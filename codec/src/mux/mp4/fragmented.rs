//! MP4 in fragments, laid out while its packets are being made.

use std::collections::VecDeque;

use super::super::checks::{check_count, check_pictures, check_sequence_headers, check_texts};
use super::super::{
    Channels, Chunks, Metadata, MuxError, Piece, SequenceHeader, SoundPacket, SoundTrack, Texts, Track,
    Tracks, VideoSample, VideoTrack,
};
use super::boxes::{Ahead, Form, Movie};
use super::chunk_table::Tables;
use super::fragment::Fragment;
use super::fragment_boxes::SyncPoint;
use super::waiting_sound::WaitingSound;
use super::{fragment_boxes, head, text_boxes};

/// What is known of a file before the first of its packets is coded.
#[derive(Debug, Clone)]
pub struct Outline<'a> {
    /// Every sequence header that a picture may be decoded with, whether one will be or not; all have one size.
    pub sequence_headers: Vec<SequenceHeader>,
    /// How long the pictures last, in milliseconds.
    pub duration_ms: u64,
    /// The sound, if there is any.
    pub sound: Option<SoundOutline>,
    /// What can be read, if that is asked for.
    pub texts: Option<&'a Texts>,
}

/// What is known of sound before the first packet of it is coded: see [`SoundTrack`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundOutline {
    /// Mono or stereo.
    pub channels: Channels,
    /// What the decoder must throw away at the start, in samples at 48 kHz.
    pub pre_skip_samples: u16,
    /// Sampling rate before encoding, in hertz; for information only.
    pub input_rate_hz: u32,
    /// How long the sound plays, in milliseconds.
    pub play_ms: u64,
    /// What each packet decodes to, in samples at 48 kHz.
    pub packet_samples: u16,
}

/// Pictures that follow one another. The first one is a sync sample, and so is the one that follows the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoSegment {
    /// When the first one is shown, in milliseconds; a time before the end of the segment before means there.
    pub at_ms: u64,
    /// The pictures.
    pub pictures: Vec<VideoSample>,
    /// Whether no other segment follows.
    pub is_last: bool,
}

/// A file that grows (ISO/IEC 14496-12 8.8): `ftyp` and `moov`, all texts in an `mdat`, then the fragments, each a `moof` and an
/// `mdat`, and at last an index of the fragments (`mfra`).
///
/// A fragment reaches from a picture at which decoding can start to the next such one: ffmpeg, and so Chromium, takes every
/// fragment for a place to seek to. It needs nothing behind it: whatever there is of the file plays up to the last whole
/// fragment.
///
/// The bytes follow from the outline, the segments and the packets of sound alone, not from when each of them is pushed: a fragment
/// is complete when its pictures are here and all the sound that begins before the end of its segment.
#[derive(Debug)]
pub struct FragmentedMp4 {
    sequence_headers: Vec<SequenceHeader>,
    segments: VecDeque<WaitingSegment>,
    sound: Option<WaitingSound>,
    /// When the last segment that came ends.
    end_ms: u64,
    /// Pictures that came.
    pictures: usize,
    /// Pictures that were taken.
    taken: usize,
    /// Fragments that were laid out.
    fragments: u32,
    /// Length of the file up to here.
    file_bytes: u64,
    sync_points: Vec<SyncPoint>,
}

/// A segment that is not wholly laid out.
#[derive(Debug)]
struct WaitingSegment {
    pictures: VecDeque<VideoSample>,
    /// When the next picture is shown.
    at_ms: u64,
    end_ms: u64,
    is_last: bool,
}

impl FragmentedMp4 {
    /// Decides what the head says; returns it, with all texts.
    pub fn begin(outline: Outline<'_>, metadata: &Metadata) -> Result<(Self, Vec<u8>), MuxError> {
        let Outline { sequence_headers, duration_ms, sound, texts } = outline;
        check_sequence_headers(&sequence_headers)?;
        if sequence_headers.is_empty() {
            return Err(MuxError::NoSequenceHeader { index: 0 });
        }
        texts.map_or(Ok(()), check_texts)?;
        metadata.check()?;
        let video = VideoTrack { sequence_headers, samples: Vec::new() };
        let track = sound.as_ref().map(SoundOutline::track);
        let tracks = Tracks { video: &video, sound: track.as_ref(), texts };
        let ahead = Ahead {
            duration_ms: tracks.duration_ms().max(duration_ms),
            sound_packet_samples: sound.map_or(0, |sound| sound.packet_samples),
        };
        let (tables, texts_bytes) = Tables::of(Chunks::texts(tracks));
        let movie = Movie { tracks, metadata, tables: &tables, form: Form::Fragmented(ahead) };
        let mut bytes = head(&movie, texts_bytes).map_err(refused)?;
        for chunk in Chunks::texts(tracks) {
            bytes.extend(text_boxes::samples_of(texts, &chunk).unwrap_or_default());
        }
        let file = Self {
            segments: VecDeque::new(),
            sound: track.as_ref().map(WaitingSound::new),
            end_ms: 0,
            pictures: 0,
            taken: 0,
            fragments: 0,
            file_bytes: length(&bytes),
            sync_points: Vec::new(),
            sequence_headers: video.sequence_headers,
        };
        Ok((file, bytes))
    }

    /// Which of the announced sequence headers some bytes are.
    pub fn header_number(&self, obu: &[u8]) -> Result<usize, MuxError> {
        let number = self.sequence_headers.iter().position(|header| header.obu() == obu);
        let announced = self.sequence_headers.len();
        number.ok_or(MuxError::UnannouncedSequenceHeader { bytes: obu.len(), announced })
    }

    /// The next segment is coded.
    pub fn push_segment(&mut self, segment: VideoSegment) -> Result<(), MuxError> {
        let VideoSegment { at_ms, pictures, is_last } = segment;
        check_pictures(&pictures, self.sequence_headers.len(), self.pictures)?;
        if pictures.first().is_some_and(|first| !first.is_sync) {
            return Err(MuxError::FirstNotSync);
        }
        self.pictures += pictures.len();
        check_count(Track::Video, self.pictures.max(1))?;
        let at_ms = self.end_ms.max(at_ms);
        self.end_ms = at_ms + pictures.iter().map(|picture| u64::from(picture.duration_ms)).sum::<u64>();
        self.segments.push_back(WaitingSegment {
            pictures: pictures.into(),
            at_ms,
            end_ms: self.end_ms,
            is_last,
        });
        Ok(())
    }

    /// The next packets of sound are coded.
    pub fn push_sound(&mut self, packets: &[SoundPacket]) -> Result<(), MuxError> {
        self.sound.as_mut().map_or(Ok(()), |sound| sound.push(packets))
    }

    /// All sound is coded.
    pub fn end_sound(&mut self) -> Result<(), MuxError> {
        self.sound.as_mut().map_or(Ok(()), WaitingSound::end)
    }

    /// The next fragment, if it is complete: what follows the bytes before.
    pub fn next_fragment(&mut self) -> Result<Option<Vec<Piece>>, MuxError> {
        while let Some(segment) = self.segments.front_mut() {
            let sound = &mut self.sound;
            let until = segment.sound_until(sound.as_ref());
            if sound.as_ref().is_some_and(|sound| !sound.is_known_to(until)) {
                return Ok(None);
            }
            let first = (self.taken, sound.as_ref().map_or(0, WaitingSound::taken));
            let mut fragment = Fragment::new(self.fragments.saturating_add(1), first);
            if segment.fill(&mut fragment, sound.as_mut(), until) {
                self.segments.pop_front();
            }
            if !fragment.is_empty() {
                return self.lay_out(&fragment).map(Some);
            }
        }
        Ok(None)
    }

    fn lay_out(&mut self, fragment: &Fragment) -> Result<Vec<Piece>, MuxError> {
        let head = fragment_boxes::fragment_head(fragment).map_err(refused)?;
        if fragment.is_sync {
            self.sync_points.push(SyncPoint { at_ms: fragment.video_at_ms, moof_offset: self.file_bytes });
        }
        self.fragments = fragment.number;
        self.taken += fragment.pictures.len();
        self.file_bytes += length(&head) + fragment.packets_bytes();
        Ok(fragment.pieces(head))
    }

    /// The end of the file: where its fragments stand at which decoding can start.
    pub fn finish(self) -> Result<Vec<u8>, MuxError> {
        check_count(Track::Video, self.taken)?;
        fragment_boxes::index(&self.sync_points).map_err(refused)
    }
}

impl SoundOutline {
    fn track(&self) -> SoundTrack {
        let Self { channels, pre_skip_samples, input_rate_hz, play_ms, .. } = *self;
        SoundTrack { channels, pre_skip_samples, input_rate_hz, play_ms, packets: Vec::new() }
    }
}

impl WaitingSegment {
    /// The sound that begins before this belongs to it, in samples. With the last segment goes all that is heard.
    fn sound_until(&self, sound: Option<&WaitingSound>) -> u64 {
        match sound.filter(|_| self.is_last) {
            Some(sound) => sound.end_samples_at(self.end_ms),
            None => self.end_ms * 48,
        }
    }

    /// Moves packets into a fragment, by time, pictures before sound; returns whether none is left.
    fn fill(&mut self, fragment: &mut Fragment, mut sound: Option<&mut WaitingSound>, until: u64) -> bool {
        let (end, play_ms) = if self.is_last { (until, self.end_ms) } else { (u64::MAX, u64::MAX) };
        loop {
            let sound_at = sound.as_ref().and_then(|sound| sound.next_at()).filter(|at| *at < until);
            let picture =
                self.pictures.front().copied().filter(|_| sound_at.is_none_or(|at| self.at_ms * 48 <= at));
            if picture.is_none() && sound_at.is_none() {
                return true;
            }
            if !fragment.takes(picture.is_some_and(|picture| picture.is_sync)) {
                return false;
            }
            if let Some(picture) = picture {
                fragment.push_picture(picture, self.at_ms);
                self.at_ms += u64::from(picture.duration_ms);
                self.pictures.pop_front();
            } else if let Some((packet, at_samples)) =
                sound.as_mut().and_then(|sound| sound.take(end, play_ms))
            {
                fragment.push_sound(packet, at_samples);
            }
        }
    }
}

fn refused(error: shiguredo_mp4::Error) -> MuxError {
    MuxError::Boxes { reason: error.reason }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
