//! The sound of a conversion: coded by one worker process, which a thread owns.

use super::coded::{Coded, SoundFile};
use super::convert::ConvertError;
use super::part::PacketFile;
use super::work::Work;
use crate::worker::message::{Reply, Request};
use codec::cut::Cut;
use codec::mux::{SoundPacket, SoundTrack};

/// Sound beyond this is refused: silence takes a packet every 20 ms, and there must be an end to them.
const SOUND_END_MAX_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// Silence behind the last sound is coded up to this time.
const SILENCE_END_MAX_MS: i64 = 24 * 60 * 60 * 1000;
/// After so many bytes the owner of the sound looks whether more of the recording is needed.
const SOUND_STEP_BYTES: u64 = 1 << 20;

impl Work<'_> {
    /// Owns the worker that codes the sound.
    pub(super) fn code_sound(&self) -> Result<(), ConvertError> {
        let sound_end_ms = self.timeline.sound_end_ms;
        let end_ms = self.plan.cut.video_ms(sound_end_ms);
        if end_ms > SOUND_END_MAX_MS {
            return Err(ConvertError::SoundTooLong { end_ms, limit_ms: SOUND_END_MAX_MS });
        }
        // Where nothing is recorded any more, nothing needs to be heard: a track of sound may end before the pictures.
        let silence_end_ms = self.timeline.recorded_end_ms().min(SILENCE_END_MAX_MS);
        let cut = self.plan.cut.clone().until(sound_end_ms.max(silence_end_ms));
        let mut worker = self.start_worker(&self.interrupt)?;
        let mut sound = SoundReceiver::new(PacketFile::create(self.folder)?, self.coded, &cut);
        worker.request(&Request::Sound(cut), |reply| sound.receive(reply))?;
        if let Some(side_car) = self.side_car {
            side_car.mix(&mut worker)?;
        }
        // A terminal has no sound of its own, and no instructions that tell of any.
        let mut sent_bytes = if self.recording.is_terminal() { self.timeline.readable_bytes } else { 0 };
        while sent_bytes < self.timeline.readable_bytes && !sound.is_complete() {
            let end_byte = self.timeline.readable_bytes.min(sent_bytes + SOUND_STEP_BYTES);
            self.recording.each_piece(sent_bytes..end_byte, |piece| {
                worker.request(&Request::Bytes(piece.to_vec()), |reply| sound.receive(reply))
            })?;
            sent_bytes = end_byte;
            sound.hand_on()?;
        }
        worker.request(&Request::Finish, |reply| sound.receive(reply))?;
        sound.hand_on()?;
        self.coded.end_sound();
        Ok(())
    }
}

/// Keeps the packets of the sound.
struct SoundReceiver<'a> {
    file: PacketFile,
    coded: &'a Coded,
    /// Packets that were not handed on.
    packets: Vec<SoundPacket>,
    pre_skip_samples: u16,
    /// Samples of the packets together.
    samples: u64,
    /// Samples that are heard, when all is there.
    heard_samples: u64,
}

impl<'a> SoundReceiver<'a> {
    fn new(file: PacketFile, coded: &'a Coded, cut: &Cut) -> Self {
        let heard_ms = u64::try_from(cut.duration_ms()).unwrap_or(0);
        let heard_samples = heard_ms.saturating_mul(u64::from(SoundTrack::RATE_HZ) / 1_000);
        Self { file, coded, packets: Vec::new(), pre_skip_samples: 0, samples: 0, heard_samples }
    }

    fn receive(&mut self, reply: Reply) -> Result<(), ConvertError> {
        match reply {
            Reply::SoundHead { pre_skip_samples } => {
                self.pre_skip_samples = pre_skip_samples;
                self.coded.begin_sound(SoundFile { pre_skip_samples, file: self.file.file() });
            }
            Reply::Sound { samples, data } => {
                self.packets.push(self.file.push_sound(samples, &data)?);
                self.samples += u64::from(samples);
            }
            Reply::Packet(_)
            | Reply::Picture { .. }
            | Reply::NoPicture
            | Reply::NoKeyState
            | Reply::KeyState(_)
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Ready
            | Reply::Wanted { .. }
            | Reply::SoundSurvey(_) => {}
        }
        Ok(())
    }

    /// Whether no packet is missing: then the rest of the recording is not needed.
    fn is_complete(&self) -> bool {
        self.samples >= self.heard_samples + u64::from(self.pre_skip_samples)
    }

    /// Lets what was received be written.
    fn hand_on(&mut self) -> Result<(), ConvertError> {
        self.file.flush()?;
        self.coded.push_sound(&mut self.packets);
        Ok(())
    }
}
