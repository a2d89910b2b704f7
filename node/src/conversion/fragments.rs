//! A video in fragments: written as it is being coded.
//!
//! The head is that of the first plan and is written before anything is coded. Whatever turns out later changes nothing that
//! may have been written: where the recording costs too much to draw, the segments before that byte stay those of the first
//! plan, the next one ends there, and so does the video. So the bytes do not depend on when something turns out.

use super::coded::{Coded, CodedSegment, Failed, News, SoundFile};
use super::convert::{Conversion, ConvertError, Found, Produced, no_picture};
use super::part::{Parts, Picture, VideoPart};
use super::pictures::Pictures;
use super::work::{Work, is_heard, joined, unless_failed};
use crate::interrupt::Interrupt;
use crate::worker::message::Summary;
use crate::worker::process::ProcessError;
use codec::audio::SoundTrack as CodedSound;
use codec::mux::{
    Channels, FragmentedMp4, Metadata, Outline, Piece, SequenceHeader, SoundOutline, SoundTrack, Texts,
    Track, VideoSample, VideoSegment,
};
use codec::video::{Plan, Segment};
use std::io::Write;

/// How the pictures were coded.
struct Drawn {
    summary: Summary,
    /// Up to where the recording could be drawn, if that is not all of it, and what is left of the plan.
    cut_short: Option<(Found, Vec<Segment>)>,
}

impl Conversion<'_> {
    /// Makes the video and writes each fragment once it is coded.
    pub(super) fn make_fragments(
        &self,
        found: Found,
        output: &mut impl Write,
        interrupt: &Interrupt,
    ) -> Result<Produced, ConvertError> {
        let plan = self.plan(&found.timeline)?;
        let texts = self.texts(&found, &plan);
        let has_sound = is_heard(&found.timeline, &plan.cut);
        let coded = Coded::new(plan.segments.len(), has_sound);
        let work = self.work(&found.timeline, &plan, &coded, interrupt);
        let (drawn, sound, written) = std::thread::scope(|scope| {
            let sound = has_sound.then(|| scope.spawn(|| work.stopping_others(|| work.code_sound())));
            let drawn = scope.spawn(|| work.stopping_others(|| self.draw(&work, &found)));
            let written = work.stopping_others(|| {
                let begun = Fragments::begin(&coded, &plan, texts.as_ref(), &self.metadata, output)?;
                begun.write(&coded, output)
            });
            (joined(drawn), sound.map_or(Ok(()), joined), written)
        });
        let mut pictures = 0;
        let written = written.map(|count| pictures = count);
        let Drawn { summary, cut_short } = unless_failed(drawn, [sound, written])?;
        let (found, plan) = match cut_short {
            Some((drawn, segments)) => {
                let cut = plan.cut.clone().until(drawn.timeline.media_duration_ms);
                (drawn, Plan { cut, segments, ..plan })
            }
            None => (found, plan),
        };
        Ok(Produced { found, plan, pictures, has_sound, summary })
    }

    /// Codes the pictures as far as the recording can be drawn.
    fn draw(&self, work: &Work<'_>, found: &Found) -> Result<Drawn, ConvertError> {
        let mut cut_short: Option<(Found, Vec<Segment>)> = None;
        loop {
            let (found, segments) = cut_short
                .as_ref()
                .map_or((found, &work.plan.segments), |(found, segments)| (found, segments));
            let first = work.coded.first_missing();
            match Pictures::new(work, segments, first).code() {
                // What it costs to draw is counted, so every worker ends at the same byte.
                Err(ConvertError::Worker(ProcessError::Failed(refusal)))
                    if found.is_cut_short_by(&refusal) =>
                {
                    let drawn = self.find_until(&refusal, found, &work.interrupt)?;
                    let segments = work.plan.drawn_segments(&drawn.timeline);
                    if segments.is_empty() {
                        return Err(no_picture(&drawn.timeline));
                    }
                    // Whoever ended at another byte was wrong; of what may be written, nothing can be taken back.
                    let is_cut_short = segments.last() != work.plan.segments.get(segments.len() - 1);
                    if !is_cut_short || !work.coded.end_segments_at(segments.len()) {
                        return Err(ConvertError::Refused(refusal));
                    }
                    cut_short = Some((drawn, segments));
                }
                coded => return Ok(Drawn { summary: coded?, cut_short }),
            }
        }
    }
}

/// A file whose head is written.
struct Fragments {
    file: FragmentedMp4,
    /// Coded pictures whose fragments are not complete.
    pictures: Parts,
    sound: Parts,
}

impl Fragments {
    /// Writes the head: all of it is known once the encoder of the sound has begun.
    fn begin(
        coded: &Coded,
        plan: &Plan,
        texts: Option<&Texts>,
        metadata: &Metadata,
        output: &mut impl Write,
    ) -> Result<Self, ConvertError> {
        let sound = coded.sound().map_err(stopped)?;
        let headers = plan.sequence_headers();
        let outline = Outline {
            sequence_headers: headers
                .iter()
                .map(|header| SequenceHeader::parse(header))
                .collect::<Result<_, _>>()?,
            duration_ms: ms(plan.segments.last().map_or(0, |last| last.end_ms)),
            sound: sound.as_ref().map(|sound| sound_outline(sound, plan)),
            texts,
        };
        let (file, head) = FragmentedMp4::begin(outline, metadata)?;
        output.write_all(&head).and_then(|()| output.flush()).map_err(ConvertError::Write)?;
        let sound = Parts::new(sound.map(|sound| (sound.file, 0..u64::MAX)));
        Ok(Self { file, pictures: Parts::new([]), sound })
    }

    /// Writes all that follows; returns the number of pictures.
    fn write(mut self, coded: &Coded, output: &mut impl Write) -> Result<usize, ConvertError> {
        let (mut pictures, mut is_last, mut sound_has_ended) = (0, false, false);
        while !(is_last && sound_has_ended) {
            let news = coded.news(sound_has_ended).map_err(stopped)?;
            let News { segments, packets, sound_has_ended: ends } = news;
            self.file.push_sound(&packets)?;
            if ends && !sound_has_ended {
                self.file.end_sound()?;
                sound_has_ended = true;
            }
            for segment in segments {
                pictures += segment.part.pictures.len();
                is_last = segment.is_last;
                self.push(segment)?;
            }
            while let Some(pieces) = self.file.next_fragment()? {
                self.write_fragment(pieces, output)?;
            }
        }
        let index = self.file.finish()?;
        output.write_all(&index).and_then(|()| output.flush()).map_err(ConvertError::Write)?;
        Ok(pictures)
    }

    fn push(&mut self, coded: CodedSegment) -> Result<(), ConvertError> {
        let CodedSegment { segment, part, file, is_last } = coded;
        let pictures = self.samples(&segment, &part)?;
        self.file.push_segment(VideoSegment { at_ms: ms(segment.start_ms), pictures, is_last })?;
        self.pictures.push((file, part.range));
        Ok(())
    }

    /// The pictures of a segment: each lasts until the next one, the last to the end of the segment.
    fn samples(&self, segment: &Segment, part: &VideoPart) -> Result<Vec<VideoSample>, ConvertError> {
        let headers: Vec<_> = part
            .sequence_headers
            .iter()
            .map(|header| self.file.header_number(header))
            .collect::<Result<_, _>>()?;
        let ends = part.pictures.iter().skip(1).map(|next| next.at_ms).chain([segment.end_ms]);
        let sample = |(picture, end_ms): (&Picture, i64)| VideoSample {
            size_bytes: picture.size_bytes,
            duration_ms: u32::try_from(end_ms - picture.at_ms).unwrap_or(0).max(1),
            is_sync: picture.is_sync,
            // Without a header, the picture is refused.
            header: headers.get(picture.header).copied().unwrap_or(usize::MAX),
        };
        Ok(part.pictures.iter().zip(ends).map(sample).collect())
    }

    /// Writes a fragment, so that others can read all of it.
    fn write_fragment(&mut self, pieces: Vec<Piece>, output: &mut impl Write) -> Result<(), ConvertError> {
        let written = pieces.into_iter().try_for_each(|piece| {
            output.write_all(&piece.bytes)?;
            let Some(packets) = piece.packets else { return Ok(()) };
            match packets.track {
                Track::Video => self.pictures.copy_next(packets.bytes, output),
                Track::Sound => self.sound.copy_next(packets.bytes, output),
                Track::Subtitles | Track::Chapters => Ok(()),
            }
        });
        written.and_then(|()| output.flush()).map_err(ConvertError::Write)
    }
}

fn sound_outline(sound: &SoundFile, plan: &Plan) -> SoundOutline {
    SoundOutline {
        channels: Channels::Stereo,
        pre_skip_samples: sound.pre_skip_samples,
        input_rate_hz: SoundTrack::RATE_HZ,
        play_ms: ms(plan.cut.duration_ms()),
        packet_samples: CodedSound::PACKET_SAMPLES,
    }
}

fn ms(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

/// Others have failed, and say why.
fn stopped(Failed: Failed) -> ConvertError {
    ConvertError::Worker(ProcessError::Interrupted)
}
