//! The packets of one track of a file.

use super::edits::Edit;
use super::error::SideCarError;
use super::ogg::OggEnds;
use super::source::BoundedSource;
use std::io::{ErrorKind, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::FORMAT_ID_WAVE;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

/// Takes a file apart.
pub(super) struct Packets {
    reader: Box<dyn FormatReader>,
    track: u32,
    /// Whether only the end of the file says where the sound ends: so is WAVE that was written to a pipe.
    is_endless: bool,
    /// Where a file of Ogg begins and ends.
    ogg: Option<OggEnds>,
}

/// What a track is.
pub(super) struct TrackFacts {
    pub(super) parameters: AudioCodecParameters,
    /// What its times count.
    pub(super) time_base: Option<TimeBase>,
    /// How many samples it says it has, its encoder's delay left out.
    pub(super) told_samples: Option<u64>,
    /// What of it is played.
    pub(super) edit: Edit,
}

/// What comes next of a file.
pub(super) enum Next {
    Packet(Packet),
    /// Another stream begins.
    Stream,
    End,
}

impl Packets {
    /// Finds out what the file is, by its bytes alone, and takes its first track of sound.
    pub(super) fn open(mut source: BoundedSource) -> Result<(Self, TrackFacts), SideCarError> {
        let edits = Edit::of_tracks(&mut source)?;
        let ogg = OggEnds::of(&mut source)?;
        source.rewind()?;
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let probe = symphonia::default::get_probe();
        let options = (FormatOptions::default(), MetadataOptions::default());
        let opened = guarded(|| probe.probe(&Hint::new(), stream, options.0, options.1));
        // Symphonia says so when no format fits.
        if matches!(&opened, Err(SideCarError::Unsupported { reason }) if reason.starts_with("core (probe)"))
        {
            return Err(SideCarError::NotSound);
        }
        let reader = opened?;
        let mut packets = Self { reader, track: 0, is_endless: false, ogg };
        let mut facts = packets.take_track()?;
        packets.is_endless =
            facts.told_samples.is_none() && packets.reader.format_info().format == FORMAT_ID_WAVE;
        if let Some((_, edit)) = edits.into_iter().find(|(track, _)| *track == packets.track) {
            facts.edit = edit;
        }
        Ok((packets, facts))
    }

    /// Takes the first track of sound: after [`Next::Stream`], anew.
    pub(super) fn take_track(&mut self) -> Result<TrackFacts, SideCarError> {
        let track = self.reader.default_track(TrackType::Audio).ok_or(SideCarError::NoTrack)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(SideCarError::NoTrack);
        };
        self.track = track.id;
        Ok(TrackFacts {
            parameters: parameters.clone(),
            time_base: track.time_base,
            told_samples: track.num_frames,
            edit: Edit::default(),
        })
    }

    /// The next packet of the track.
    pub(super) fn next(&mut self) -> Result<Next, SideCarError> {
        loop {
            let next = guarded(|| match self.reader.next_packet() {
                Ok(packet) => Ok(packet.map_or(Next::End, Next::Packet)),
                Err(Error::ResetRequired) => Ok(Next::Stream),
                Err(Error::IoError(error)) if self.is_endless && error.kind() == ErrorKind::UnexpectedEof => {
                    Ok(Next::End)
                }
                Err(error) => Err(error),
            })?;
            match next {
                Next::Packet(packet) if packet.track_id != self.track => {}
                Next::End if self.is_left_out() => return Err(SideCarError::UnknownStream),
                next @ (Next::Packet(_) | Next::Stream | Next::End) => return Ok(next),
            }
        }
    }

    /// Whether streams follow of which nothing is known.
    fn is_left_out(&self) -> bool {
        let read = || self.reader.tracks().iter().map(|track| track.id);
        self.ogg.as_ref().is_some_and(|ends| ends.are_left_out(read()))
    }
}

/// Symphonia panics on some hostile bytes. What it was working on is not used any more behind an error.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, SideCarError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(_) => Err(SideCarError::malformed("its decoder cannot cope with it")),
    }
}
