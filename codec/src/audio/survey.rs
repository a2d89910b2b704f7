//! Whether and until when a recording sounds.

use super::audible::Audible;
use super::report::SoundReport;
use super::schedule::Schedule;
use super::ticks::to_ms_ceil;
use crate::limits::Limits;
use crate::source::guac::Instruction;

/// Places the sound of a recording as [`super::SoundTrack`] does, and keeps none of it.
#[derive(Debug)]
pub struct SoundSurvey {
    schedule: Schedule,
    audible: Audible,
}

impl SoundSurvey {
    /// Starts before the first instruction.
    pub fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits), audible: Audible::default() }
    }

    /// Follows one instruction, in file order; `now_ms` is the media time after it.
    pub fn apply(&mut self, instruction: &Instruction<'_>, now_ms: i64) {
        if let Some(piece) = self.schedule.apply(instruction, now_ms) {
            self.audible.piece(piece.index, self.schedule.samples());
        }
        self.follow_directives();
    }

    /// The end of the recording: all sound is placed.
    pub fn finish(&mut self) {
        self.schedule.finish();
        self.follow_directives();
    }

    /// What can be heard, and was placed since the last call: from and to, in milliseconds of media time.
    pub fn take_audible(&mut self) -> Vec<(i64, i64)> {
        self.audible.take()
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

    fn follow_directives(&mut self) {
        while let Some((index, directive)) = self.schedule.next_directive() {
            self.audible.follow(index, directive);
        }
    }
}
