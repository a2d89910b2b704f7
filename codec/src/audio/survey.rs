//! Whether and until when a recording sounds.

use super::report::SoundReport;
use super::schedule::Schedule;
use super::ticks::to_ms_ceil;
use crate::limits::Limits;
use crate::source::guac::Instruction;

/// Places the sound of a recording as [`super::SoundTrack`] does, and keeps none of it.
#[derive(Debug)]
pub struct SoundSurvey {
    schedule: Schedule,
}

impl SoundSurvey {
    /// Starts before the first instruction.
    pub fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits) }
    }

    /// Follows one instruction, in file order; `now_ms` is the media time after it.
    pub fn apply(&mut self, instruction: &Instruction<'_>, now_ms: i64) {
        self.schedule.apply(instruction, now_ms);
        while self.schedule.next_directive().is_some() {}
    }

    /// The end of the recording: all sound is placed.
    pub fn finish(&mut self) {
        self.schedule.finish();
        while self.schedule.next_directive().is_some() {}
    }

    /// Whether any sound was found so far.
    pub fn has_sound(&self) -> bool {
        self.schedule.has_sound()
    }

    /// Where the sound ends that was placed so far, in milliseconds of media time, rounded up.
    pub fn sound_end_ms(&self) -> i64 {
        to_ms_ceil(self.schedule.end())
    }

    /// What was found and left out so far.
    pub fn report(&self) -> &SoundReport {
        self.schedule.report()
    }
}
