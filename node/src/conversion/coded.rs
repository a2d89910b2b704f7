//! What is coded of a video so far: between the threads that own workers, and who writes the file.
//!
//! Segments come in any order and are handed on in theirs. Nothing of a packet is here but its facts: its bytes wait in the
//! unnamed file of the worker that made it. So there is at most a place for each segment of the plan, and what a track of sound
//! has of facts.

use super::part::VideoPart;
use codec::mux::SoundPacket;
use codec::video::Segment;
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The coded parts of a video.
pub(super) struct Coded {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    segments: Vec<Slot>,
    /// Segments that were handed on; all of them stand in front.
    taken: usize,
    sound: Option<SoundFile>,
    /// Facts of the packets of sound that were not handed on.
    packets: Vec<SoundPacket>,
    sound_has_ended: bool,
    has_failed: bool,
}

/// A segment of the plan.
enum Slot {
    Waiting,
    Coded(CodedSegment),
    Taken,
}

/// A coded segment, and the file that holds it.
pub(super) struct CodedSegment {
    pub(super) segment: Segment,
    pub(super) part: VideoPart,
    pub(super) file: Arc<File>,
    /// Whether it is the last one of the video.
    pub(super) is_last: bool,
}

/// Where the packets of the sound are, one after the other.
#[derive(Clone)]
pub(super) struct SoundFile {
    pub(super) pre_skip_samples: u16,
    pub(super) file: Arc<File>,
}

/// What has been coded since somebody looked last.
#[derive(Default)]
pub(super) struct News {
    /// The next segments.
    pub(super) segments: Vec<CodedSegment>,
    /// The next packets of sound.
    pub(super) packets: Vec<SoundPacket>,
    /// Whether no other packets of sound will come.
    pub(super) sound_has_ended: bool,
}

/// Somebody who codes has failed.
#[derive(Debug)]
pub(super) struct Failed;

impl Coded {
    /// Nothing yet of so many segments, and of sound if any is to come.
    pub(super) fn new(segments: usize, has_sound: bool) -> Self {
        let state = State {
            segments: (0..segments).map(|_| Slot::Waiting).collect(),
            taken: 0,
            sound: None,
            packets: Vec::new(),
            sound_has_ended: !has_sound,
            has_failed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// A segment is coded, and flushed. One that was coded before has the same bytes and stays.
    pub(super) fn put(&self, number: usize, segment: Segment, part: VideoPart, file: Arc<File>) {
        self.change(|state| {
            let is_last = number + 1 == state.segments.len();
            if let Some(slot @ Slot::Waiting) = state.segments.get_mut(number) {
                *slot = Slot::Coded(CodedSegment { segment, part, file, is_last });
            }
        });
    }

    /// The first segment that is not coded.
    pub(super) fn first_missing(&self) -> usize {
        let state = self.state();
        let missing = state.segments.iter().position(|slot| matches!(slot, Slot::Waiting));
        missing.unwrap_or(state.segments.len())
    }

    /// The video ends with the segment before `end`. Returns whether that is still to be coded; else nothing changes.
    pub(super) fn end_segments_at(&self, end: usize) -> bool {
        let mut state = self.state();
        let last = end.checked_sub(1).and_then(|last| state.segments.get(last));
        let is_waiting = matches!(last, Some(Slot::Waiting));
        if is_waiting {
            state.segments.truncate(end);
        }
        is_waiting
    }

    /// The sound will stand in this file.
    pub(super) fn begin_sound(&self, sound: SoundFile) {
        self.change(|state| state.sound = Some(sound));
    }

    /// Packets of sound are coded, and flushed.
    pub(super) fn push_sound(&self, packets: &mut Vec<SoundPacket>) {
        if !packets.is_empty() {
            self.change(|state| state.packets.append(packets));
        }
    }

    /// All sound is coded.
    pub(super) fn end_sound(&self) {
        self.change(|state| state.sound_has_ended = true);
    }

    /// What is missing will not come.
    pub(super) fn fail(&self) {
        self.change(|state| state.has_failed = true);
    }

    /// Waits for the file of the sound; none if there is no sound.
    pub(super) fn sound(&self) -> Result<Option<SoundFile>, Failed> {
        let is_unknown =
            |state: &mut State| state.sound.is_none() && !state.sound_has_ended && !state.has_failed;
        let state = self.changed.wait_while(self.state(), is_unknown);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if state.has_failed { Err(Failed) } else { Ok(state.sound.clone()) }
    }

    /// Waits for what comes next and takes it. Not to be called again once the last segment and the end of the sound were told.
    pub(super) fn news(&self, knows_end_of_sound: bool) -> Result<News, Failed> {
        let is_old = |state: &mut State| {
            let is_coded = matches!(state.segments.get(state.taken), Some(Slot::Coded(_)));
            let is_end = state.sound_has_ended && !knows_end_of_sound;
            !is_coded && state.packets.is_empty() && !is_end && !state.has_failed
        };
        let state = self.changed.wait_while(self.state(), is_old);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.has_failed { Err(Failed) } else { Ok(state.take()) }
    }
}

impl State {
    fn take(&mut self) -> News {
        let packets = std::mem::take(&mut self.packets);
        let mut news = News { packets, sound_has_ended: self.sound_has_ended, ..News::default() };
        while let Some(slot @ Slot::Coded(_)) = self.segments.get_mut(self.taken) {
            if let Slot::Coded(segment) = std::mem::replace(slot, Slot::Taken) {
                news.segments.push(segment);
            }
            self.taken += 1;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(news: &News) -> Vec<(usize, bool)> {
        news.segments.iter().map(|coded| (coded.segment.first_sync, coded.is_last)).collect()
    }

    fn segment(number: usize) -> Segment {
        Segment { first_sync: number, end_sync: number + 1, start_ms: 0, end_ms: 1, end_byte: 1 }
    }

    #[test]
    fn segments_are_handed_on_in_order_and_packets_with_them() {
        let coded = Coded::new(4, true);
        let file = Arc::new(tempfile::tempfile().unwrap());
        let put = |number| coded.put(number, segment(number), VideoPart::default(), Arc::clone(&file));
        coded.begin_sound(SoundFile { pre_skip_samples: 312, file: Arc::clone(&file) });
        assert_eq!(coded.sound().unwrap().map(|sound| sound.pre_skip_samples), Some(312));
        put(2);
        put(0);
        assert_eq!((numbers(&coded.news(false).unwrap()), coded.first_missing()), (vec![(0, false)], 1));
        let mut packets = vec![SoundPacket { size_bytes: 3, samples: 960 }];
        coded.push_sound(&mut packets);
        let news = coded.news(false).unwrap();
        assert_eq!((numbers(&news), news.packets.len(), packets.len()), (vec![], 1, 0));
        // What is drawn costs too much: the video ends with the second segment, which is coded up to there.
        assert!(!coded.end_segments_at(1) && coded.end_segments_at(2));
        put(0);
        put(1);
        coded.end_sound();
        let news = coded.news(false).unwrap();
        assert_eq!((numbers(&news), news.sound_has_ended), (vec![(1, true)], true));
    }

    #[test]
    fn who_waits_is_told_of_a_failure() {
        let coded = Coded::new(1, true);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| (coded.sound().is_err(), coded.news(false).is_err()));
            coded.fail();
            assert_eq!(waiting.join().unwrap(), (true, true));
        });
    }
}
