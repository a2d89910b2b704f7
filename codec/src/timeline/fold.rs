//! Folds the instructions of a Guacamole recording into its timeline.

use super::activity::Activity;
use super::timeline::{Ending, SessionError, SizeChange, SyncPoint, Timeline};
use crate::audio::SoundSurvey;
use crate::cost::Cost;
use crate::limits::Limits;
use crate::source::guac::{Instruction, MediaTime, ParseError, Parser};

/// Most `error` instructions that are kept.
const ERRORS_MAX: usize = 100;
/// Most size changes that are kept; the later ones widen the last.
const SIZES_MAX: usize = 10_000;

/// Takes the bytes of a recording as they come; gives its [`Timeline`] at the end.
pub struct TimelineFold {
    parser: Parser,
    limits: Limits,
    /// What was read; nothing is drawn here.
    cost: Cost,
    /// The byte behind the last instruction.
    end_byte: u64,
    damage: Option<ParseError>,
    facts: Facts,
}

/// What was seen up to here.
struct Facts {
    time: MediaTime,
    activity: Activity,
    sound: SoundSurvey,
    last_sync_ms: i64,
    timeline: Timeline,
}

impl TimelineFold {
    /// Starts at byte 0.
    pub fn new(limits: Limits) -> Self {
        let timeline = Timeline { version: 1, format: Timeline::GUACAMOLE, ..Timeline::default() };
        let facts = Facts {
            time: MediaTime::new(limits.gap_ms),
            activity: Activity::new(limits),
            sound: SoundSurvey::new(limits),
            last_sync_ms: 0,
            timeline,
        };
        Self { parser: Parser::new(limits), limits, cost: Cost::default(), end_byte: 0, damage: None, facts }
    }

    /// Adds the next bytes. After damage they are only counted.
    pub fn push(&mut self, bytes: &[u8]) {
        self.facts.timeline.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.damage.is_some() {
            return;
        }
        self.parser.push(bytes);
        loop {
            match self.parser.read_with_end() {
                Ok(Some((instruction, end_byte))) => {
                    self.cost.read(end_byte - self.end_byte);
                    let cost_max = self.limits.cost_max(self.facts.time.now_ms());
                    if self.cost > cost_max {
                        let (position, limit_ms) = (self.end_byte, cost_max.ms());
                        self.damage = Some(ParseError::TimeBudget { position, limit_ms });
                        return;
                    }
                    self.end_byte = end_byte;
                    self.facts.fold(&instruction, end_byte);
                }
                Ok(None) => return,
                Err(error) => {
                    self.damage = Some(error);
                    return;
                }
            }
        }
    }

    /// The recording ends here.
    pub fn finish(self) -> Timeline {
        let ending = match self.damage.map_or_else(|| self.parser.finish(), Err) {
            Ok(()) => Ending::Whole,
            Err(ParseError::Truncated { position }) => Ending::Truncated { position },
            Err(error) => {
                let (code, position) = (error.code(), error.position());
                Ending::Damaged { code, position, reason: error.to_string() }
            }
        };
        let Facts { mut sound, mut timeline, time, .. } = self.facts;
        sound.finish();
        timeline.ending = ending;
        timeline.readable_bytes = self.end_byte;
        timeline.sound = sound.has_sound();
        timeline.sound_loss = sound.report().loss();
        timeline.sound_end_ms = sound.sound_end_ms();
        timeline.media_duration_ms = time.now_ms().max(timeline.sound_end_ms);
        timeline
    }
}

impl Facts {
    fn fold(&mut self, instruction: &Instruction<'_>, end_byte: u64) {
        *self.timeline.instructions.entry(instruction.name()).or_default() += 1;
        if let Some(timestamp) = instruction.timestamp() {
            self.timeline.first_timestamp_ms.get_or_insert(timestamp);
        }
        let first_sync = !self.time.is_synced();
        let at_ms = self.time.follow(instruction);
        self.sound.apply(instruction, at_ms);
        match *instruction {
            Instruction::Sync { .. } => self.sync(at_ms, first_sync, end_byte),
            Instruction::Mouse { .. } => self.timeline.mouse_events += 1,
            Instruction::Key { pressed, .. } => self.timeline.key_presses += u64::from(pressed),
            Instruction::Error { text, status } => {
                if self.timeline.errors.len() < ERRORS_MAX {
                    self.timeline.errors.push(SessionError { at_ms, text: text.to_owned(), status });
                }
            }
            Instruction::Size { layer, .. } => {
                self.activity.apply(instruction);
                if layer == 0 {
                    self.resized();
                }
            }
            Instruction::Move { .. }
            | Instruction::Shade { .. }
            | Instruction::Dispose { .. }
            | Instruction::Rect { .. }
            | Instruction::Cfill { .. }
            | Instruction::Copy { .. }
            | Instruction::Transfer { .. }
            | Instruction::Img { .. }
            | Instruction::InlineImage { .. }
            | Instruction::Blob { .. } => self.activity.apply(instruction),
            Instruction::End { .. }
            | Instruction::Cursor { .. }
            | Instruction::Audio { .. }
            | Instruction::Clipboard { .. }
            | Instruction::OtherStream { .. }
            | Instruction::Nop
            | Instruction::Other { .. } => {}
        }
    }

    fn sync(&mut self, at_ms: i64, first: bool, end_byte: u64) {
        if first {
            for size in &mut self.timeline.sizes {
                size.at_ms = 0;
            }
        } else {
            let gap_ms = at_ms - self.last_sync_ms;
            self.timeline.longest_gap_ms = self.timeline.longest_gap_ms.max(gap_ms);
        }
        self.last_sync_ms = at_ms;
        let index = self.timeline.sync_count;
        self.timeline.sync_count += 1;
        let dirty_pixels = self.activity.take();
        if self.timeline.syncs.len() >= Timeline::SYNCS_MAX {
            thin(&mut self.timeline.syncs);
        }
        self.timeline.syncs.push(SyncPoint { index, at_ms, end_byte, dirty_pixels });
    }

    fn resized(&mut self) {
        let size = self.activity.picture_size();
        let change = SizeChange { at_ms: self.time.now_ms(), width: size.width, height: size.height };
        let sizes = &mut self.timeline.sizes;
        let full = sizes.len() >= SIZES_MAX;
        match sizes.last_mut() {
            Some(last) if (last.width, last.height) == (change.width, change.height) => {}
            Some(last) if last.at_ms == change.at_ms && last.width * last.height == 0 => *last = change,
            Some(last) if full => {
                last.width = last.width.max(change.width);
                last.height = last.height.max(change.height);
            }
            Some(_) | None => sizes.push(change),
        }
    }
}

/// Keeps the first frame and every second one after it, which takes over what the one before it drew.
fn thin(syncs: &mut Vec<SyncPoint>) {
    let Some((first, rest)) = syncs.split_first() else { return };
    let kept = rest.chunks(2).filter_map(|pair| {
        let dirty_pixels = pair.iter().map(|sync| sync.dirty_pixels).fold(0, usize::saturating_add);
        pair.last().map(|last| SyncPoint { dirty_pixels, ..*last })
    });
    *syncs = std::iter::once(*first).chain(kept).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_frames_keep_the_first_the_last_and_all_that_was_drawn() {
        let sync = |index| SyncPoint { index, at_ms: 0, end_byte: 0, dirty_pixels: 1 };
        let mut syncs: Vec<_> = (0..6).map(sync).collect();
        thin(&mut syncs);
        let kept: Vec<_> = syncs.iter().map(|sync| (sync.index, sync.dirty_pixels)).collect();
        assert_eq!(kept, [(0, 1), (2, 2), (4, 2), (5, 1)]);
    }
}
