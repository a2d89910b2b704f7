//! A video with its index in front: laid out when all of it is coded.

use super::coded::{Coded, CodedSegment, News};
use super::convert::{Conversion, ConvertError, Found, Produced};
use super::part::{Parts, Picture, number_of};
use super::pictures::Pictures;
use super::work::{is_heard, joined, unless_failed};
use crate::interrupt::Interrupt;
use crate::worker::message::Summary;
use crate::worker::process::ProcessError;
use codec::mux::{
    Channels, Indexed, SequenceHeader, SoundPacket, SoundTrack, Track, Tracks, VideoFile, VideoSample,
    VideoTrack,
};
use codec::timeline::Timeline;
use codec::video::Plan;
use std::io::{self, Write};

/// All coded parts of a video.
struct Made {
    segments: Vec<CodedSegment>,
    sound: Option<(SoundTrack, Parts)>,
    summary: Summary,
}

impl Conversion<'_> {
    /// Makes the video and writes it.
    pub(super) fn make_indexed(
        &self,
        container: Indexed,
        mut found: Found,
        output: &mut impl Write,
        interrupt: &Interrupt,
    ) -> Result<Produced, ConvertError> {
        let (plan, made) = loop {
            let plan = self.plan(&found.timeline)?;
            match self.make_parts(&found.timeline, &plan, interrupt) {
                // What it costs to draw is counted, so every worker ends at the same byte: the video ends there.
                Err(ConvertError::Worker(ProcessError::Failed(refusal)))
                    if found.is_cut_short_by(&refusal) =>
                {
                    found = self.find_until(&refusal, &found, interrupt)?;
                }
                made => break (plan, made?),
            }
        };
        let Made { segments, sound, summary } = made;
        let (sound, packets) = sound.unzip();
        let video = video_track(&segments, &plan)?;
        let texts = self.texts(&found, &plan);
        let tracks = Tracks { video: &video, sound: sound.as_ref(), texts: texts.as_ref() };
        let file = VideoFile::lay_out(container, tracks, &self.metadata)?;
        let pictures = Parts::new(segments.into_iter().map(|coded| (coded.file, coded.part.range)));
        write(&file, pictures, packets, output).map_err(ConvertError::Write)?;
        output.flush().map_err(ConvertError::Write)?;
        let pictures = video.samples.len();
        Ok(Produced { found, plan, pictures, has_sound: sound.is_some(), summary })
    }

    /// Codes all segments and the sound.
    fn make_parts(
        &self,
        timeline: &Timeline,
        plan: &Plan,
        interrupt: &Interrupt,
    ) -> Result<Made, ConvertError> {
        let has_sound = is_heard(timeline, &plan.cut);
        let coded = Coded::new(plan.segments.len(), has_sound);
        let work = self.work(timeline, plan, &coded, interrupt);
        let (pictures, sound) = std::thread::scope(|scope| {
            let sound = has_sound.then(|| scope.spawn(|| work.stopping_others(|| work.code_sound())));
            let pictures = work.stopping_others(|| Pictures::new(&work, &plan.segments, 0).code());
            (pictures, sound.map_or(Ok(()), joined))
        });
        let summary = unless_failed(pictures, [sound])?;
        let interrupted = |_| ConvertError::Worker(ProcessError::Interrupted);
        let News { segments, packets, .. } = coded.news(false).map_err(interrupted)?;
        let sound = coded.sound().map_err(interrupted)?.map(|sound| {
            let bytes = packets.iter().map(|packet| u64::from(packet.size_bytes)).sum();
            let track = sound_track(sound.pre_skip_samples, packets, plan);
            (track, Parts::new([(sound.file, 0..bytes)]))
        });
        Ok(Made { segments, sound, summary })
    }
}

/// The pictures of all segments as one track: each lasts until the next one, the last to the end of the video.
fn video_track(segments: &[CodedSegment], plan: &Plan) -> Result<VideoTrack, ConvertError> {
    let mut headers = Vec::new();
    let mut pictures = Vec::new();
    for CodedSegment { part, .. } in segments {
        let of_track: Vec<_> =
            part.sequence_headers.iter().map(|header| number_of(header, &mut headers)).collect();
        // Without a header, the picture is refused below.
        let header = |picture: &Picture| of_track.get(picture.header).copied().unwrap_or(usize::MAX);
        pictures.extend(part.pictures.iter().map(|picture| (picture, header(picture))));
    }
    let end_ms = plan.segments.last().map_or(0, |segment| segment.end_ms);
    let ends = pictures.iter().skip(1).map(|(next, _)| next.at_ms).chain([end_ms]);
    let samples = pictures
        .iter()
        .zip(ends)
        .map(|((picture, header), end_ms)| VideoSample {
            size_bytes: picture.size_bytes,
            duration_ms: u32::try_from(end_ms - picture.at_ms).unwrap_or(0).max(1),
            is_sync: picture.is_sync,
            header: *header,
        })
        .collect();
    let sequence_headers =
        headers.iter().map(|header| SequenceHeader::parse(header)).collect::<Result<_, _>>()?;
    Ok(VideoTrack { sequence_headers, samples })
}

fn sound_track(pre_skip_samples: u16, packets: Vec<SoundPacket>, plan: &Plan) -> SoundTrack {
    SoundTrack {
        channels: Channels::Stereo,
        pre_skip_samples,
        input_rate_hz: SoundTrack::RATE_HZ,
        play_ms: u64::try_from(plan.cut.duration_ms()).unwrap_or(0),
        packets,
    }
}

/// Writes the pieces of a file, and the packets where they belong.
fn write(
    file: &VideoFile<'_>,
    mut pictures: Parts,
    mut sound: Option<Parts>,
    output: &mut impl Write,
) -> io::Result<()> {
    for piece in file.pieces() {
        output.write_all(&piece.bytes)?;
        let Some(packets) = piece.packets else { continue };
        match (packets.track, &mut sound) {
            (Track::Video, _) => pictures.copy_next(packets.bytes, output)?,
            (Track::Sound, Some(sound)) => sound.copy_next(packets.bytes, output)?,
            (Track::Sound, None) | (Track::Subtitles | Track::Chapters, _) => {}
        }
    }
    Ok(())
}
