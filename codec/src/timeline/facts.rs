//! What was seen of a recording up to here.

use super::activity::Activity;
use super::clipboard::{Began, Clipboard, Clipboards};
use super::event_counts::EventCounts;
use super::heat_map::{Events, HeatMap};
use super::idle::ActiveSpans;
use super::keystrokes::{KeyTime, KeystrokeFold, Keystrokes};
use super::marker::{GapCause, Marker, MarkerEvent, Markers, SkippedBytes};
use super::timeline::{SizeChange, SyncPoint, Timeline};
use crate::audio::SoundSurvey;
use crate::limits::Limits;
use crate::source::guac::{Instruction, Key, MediaTime, OtherStreamKind, Read, Skipped};

/// Most size changes that are kept; the later ones widen the last.
const SIZES_MAX: usize = 10_000;

/// The fold over instructions.
pub(super) struct Facts {
    limits: Limits,
    time: MediaTime,
    activity: Activity,
    sound: SoundSurvey,
    last_timestamp_ms: Option<i64>,
    /// The time of the last `sync` or key, in milliseconds.
    event_ms: i64,
    last_sync_ms: i64,
    frames: EventCounts,
    keys: EventCounts,
    /// When something was drawn or used, and when something is heard.
    used: ActiveSpans,
    heard: ActiveSpans,
    markers: Markers,
    /// Damage behind which no timestamp was read yet.
    skipped: Option<SkippedBytes>,
    clipboards: Clipboards,
    keystrokes: KeystrokeFold,
    /// What is simply counted and listed; the rest is added when it is asked for.
    counted: Timeline,
}

impl Facts {
    pub(super) fn new(limits: Limits) -> Self {
        let format = Timeline::GUACAMOLE.into();
        Self {
            limits,
            time: MediaTime::new(limits.gap_ms),
            activity: Activity::new(limits),
            sound: SoundSurvey::new(limits),
            last_timestamp_ms: None,
            event_ms: 0,
            last_sync_ms: 0,
            frames: EventCounts::default(),
            keys: EventCounts::default(),
            used: ActiveSpans::new(limits.timeline_spans),
            heard: ActiveSpans::new(limits.timeline_spans),
            markers: Markers::default(),
            skipped: None,
            clipboards: Clipboards::default(),
            keystrokes: KeystrokeFold::new(),
            counted: Timeline { version: Timeline::VERSION, format, ..Timeline::default() },
        }
    }

    /// Follows the next instruction.
    pub(super) fn fold(&mut self, read: &Read<'_>) {
        let instruction = &read.instruction;
        *self.counted.instructions.entry(instruction.name().into()).or_default() += 1;
        if let Some(skipped) = read.skipped {
            self.skip(skipped);
        }
        if let Some(timestamp) = instruction.timestamp() {
            self.follow_clock(instruction, timestamp);
        }
        let at_ms = self.time.now_ms();
        self.sound.apply(instruction, at_ms);
        match *instruction {
            Instruction::Sync { .. } => self.sync(at_ms, read.end_byte),
            Instruction::Mouse { .. } => {
                self.counted.mouse_events += 1;
                self.used.push(at_ms, at_ms);
            }
            Instruction::Key { keysym, pressed, .. } => self.key(Key(keysym), pressed),
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
            | Instruction::Vector { .. }
            | Instruction::InlineImage { .. } => self.activity.apply(instruction),
            Instruction::Img { .. } | Instruction::Blob { .. } => {
                self.activity.apply(instruction);
                self.stream(instruction);
            }
            Instruction::End { .. } | Instruction::Audio { .. } | Instruction::Clipboard { .. } => {
                self.stream(instruction);
            }
            Instruction::OtherStream { kind, mimetype, name, .. } => {
                self.stream(instruction);
                let (name, mimetype) = (self.cut(name), self.cut(mimetype));
                self.mark(match kind {
                    OtherStreamKind::Pipe => MarkerEvent::Pipe { name, mimetype },
                    OtherStreamKind::File => MarkerEvent::File { name, mimetype },
                });
            }
            Instruction::Error { text, status } => {
                self.mark(MarkerEvent::Error { text: self.cut(text), status })
            }
            Instruction::Cursor { .. } | Instruction::Nop | Instruction::Other { .. } => {}
        }
        for (start_ms, end_ms) in self.sound.take_audible() {
            self.heard.push(start_ms, end_ms);
        }
    }

    /// Media time of what was followed.
    pub(super) fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// Brings media time forward, to where something happens that is no instruction.
    pub(super) fn advance(&mut self, at_ms: i64) {
        self.time.event(at_ms);
        self.event_ms = self.time.newest_ms();
    }

    /// No more instructions come.
    pub(super) fn finish(&mut self) {
        self.sound.finish();
        for (start_ms, end_ms) in self.sound.take_audible() {
            self.heard.push(start_ms, end_ms);
        }
    }

    /// The timeline so far, without what only the reader of the bytes knows. It lasts until `reach_ms`, if that is later than
    /// all that was recorded.
    pub(super) fn timeline(&self, reach_ms: i64) -> Timeline {
        let sound_end_ms = self.sound.sound_end_ms();
        let recorded_ms = self.time.now_ms().max(sound_end_ms);
        let media_duration_ms = recorded_ms.max(reach_ms);
        let is_drawn_out = media_duration_ms > recorded_ms;
        let duration_ms = match self.time.is_synced() && !is_drawn_out {
            true => self.frames.latest_ms(),
            false => media_duration_ms,
        };
        let events = Events { duration_ms, frames: self.frames.clone(), keys: self.keys.clone() };
        let (markers, markers_left_out) = self.all_markers();
        Timeline {
            media_duration_ms,
            recorded_ms: is_drawn_out.then_some(recorded_ms),
            sound: self.sound.has_sound(),
            sound_loss: self.sound.report().loss(),
            sound_end_ms,
            markers,
            markers_left_out,
            idle: self.used.pauses(&self.heard, media_duration_ms),
            idle_min_ms: self.used.pause_ms().max(self.heard.pause_ms()),
            heat_map: HeatMap::new(&events, HeatMap::BUCKETS),
            events,
            ..self.counted.clone()
        }
    }

    /// The keystrokes so far.
    pub(super) fn keystrokes(&self) -> Keystrokes {
        self.keystrokes.keystrokes(self.clipboards.unfinished(), self.clipboards.left_out(), &self.limits)
    }

    /// Brings media time to the timestamp of `instruction`.
    fn follow_clock(&mut self, instruction: &Instruction<'_>, timestamp: i64) {
        self.counted.first_timestamp_ms.get_or_insert(timestamp);
        let is_first_sync = !self.time.is_synced() && matches!(instruction, Instruction::Sync { .. });
        if is_first_sync {
            let zero =
                self.last_timestamp_ms.map_or(timestamp, |last| last.saturating_sub(self.time.newest_ms()));
            self.begin(timestamp.saturating_sub(zero));
        }
        let jumps = self.time.jumps();
        self.time.follow(instruction);
        let from_timestamp_ms = self.last_timestamp_ms.replace(timestamp);
        if self.skipped.is_some() || self.time.jumps() > jumps {
            let is_back = from_timestamp_ms.is_some_and(|from| timestamp < from);
            let skipped = self.skipped.take();
            let cause = match (&skipped, is_back) {
                (Some(_), _) => GapCause::Damage,
                (None, true) => GapCause::Backward,
                (None, false) => GapCause::Silence,
            };
            let to_timestamp_ms = Some(timestamp);
            self.mark(MarkerEvent::Gap { cause, from_timestamp_ms, to_timestamp_ms, skipped });
        }
    }

    /// The first `sync` is zero; what was before it happened then.
    fn begin(&mut self, before_ms: i64) {
        for size in &mut self.counted.sizes {
            size.at_ms = 0;
        }
        self.keys.begin();
        self.used.begin();
        self.markers.begin();
        self.clipboards.begin();
        self.keystrokes.begin(before_ms);
    }

    fn sync(&mut self, at_ms: i64, end_byte: u64) {
        self.event_ms = self.time.newest_ms();
        self.frames.push(self.event_ms, self.limits.timeline_counts);
        let gap_ms = at_ms - std::mem::replace(&mut self.last_sync_ms, at_ms);
        self.counted.longest_gap_ms = self.counted.longest_gap_ms.max(gap_ms);
        let dirty_pixels = self.activity.take();
        if dirty_pixels > 0 {
            self.used.push(at_ms, at_ms);
        }
        let index = self.counted.sync_count;
        self.counted.sync_count += 1;
        if self.counted.empty_syncs == index && self.activity.picture_size().area() == 0 {
            self.counted.empty_syncs += 1;
        }
        let sync = SyncPoint { index, at_ms, end_byte, dirty_pixels };
        push_sync(&mut self.counted.syncs, sync, self.limits.timeline_syncs);
    }

    pub(super) fn key(&mut self, key: Key, pressed: bool) {
        let at_ms = self.time.now_ms();
        self.event_ms = self.time.newest_ms();
        self.counted.key_presses += u64::from(pressed);
        self.used.push(at_ms, at_ms);
        self.keys.push(self.event_ms, self.limits.timeline_counts);
        self.keystrokes.key(key, pressed, KeyTime { at_ms, event_ms: self.event_ms }, &self.limits);
    }

    /// Follows the clipboards.
    fn stream(&mut self, instruction: &Instruction<'_>) {
        let began = Began { at_ms: self.time.now_ms(), event_ms: self.event_ms };
        if let Some(clipboard) = self.clipboards.apply(instruction, began, &self.limits) {
            self.keystrokes.clipboard(&clipboard, &self.limits);
            let Clipboard { began, mimetype, bytes, .. } = clipboard;
            let event = MarkerEvent::Clipboard { mimetype, bytes };
            self.markers.push(began.at_ms, event, self.limits.timeline_markers);
        }
    }

    /// Damage was skipped: the keys that were held may never be released.
    fn skip(&mut self, skipped: Skipped) {
        self.keystrokes.release_all();
        let Skipped { position, bytes, error } = skipped;
        match &mut self.skipped {
            Some(first) => first.bytes = first.bytes.saturating_add(bytes),
            None => self.skipped = Some(SkippedBytes { position, bytes, reason: error.to_string() }),
        }
    }

    pub(super) fn mark(&mut self, event: MarkerEvent) {
        self.markers.push(self.time.now_ms(), event, self.limits.timeline_markers);
    }

    pub(super) fn cut(&self, text: &str) -> String {
        text.chars().take(self.limits.marker_chars).collect()
    }

    fn resized(&mut self) {
        let size = self.activity.picture_size();
        let change = SizeChange { at_ms: self.time.now_ms(), width: size.width, height: size.height };
        let sizes = &mut self.counted.sizes;
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

    /// All markers in order, and how many were left out.
    fn all_markers(&self) -> (Vec<Marker>, u64) {
        let mut markers = self.markers.clone();
        let kind_max = self.limits.timeline_markers;
        let pictures = self.counted.sizes.iter().filter(|size| size.width * size.height > 0);
        for &SizeChange { at_ms, width, height } in pictures.skip(1) {
            markers.push(at_ms, MarkerEvent::Resize { width, height }, kind_max);
        }
        for Clipboard { began, mimetype, bytes, .. } in self.clipboards.unfinished() {
            let event = MarkerEvent::Clipboard { mimetype: mimetype.clone(), bytes: *bytes };
            markers.push(began.at_ms, event, kind_max);
        }
        if self.skipped.is_some() {
            let event = MarkerEvent::Gap {
                cause: GapCause::Damage,
                from_timestamp_ms: self.last_timestamp_ms,
                to_timestamp_ms: None,
                skipped: self.skipped.clone(),
            };
            markers.push(self.time.now_ms(), event, kind_max);
        }
        markers.into_order()
    }
}

/// Adds the end of a frame; where there are too many, some go.
pub(super) fn push_sync(syncs: &mut Vec<SyncPoint>, sync: SyncPoint, syncs_max: usize) {
    if syncs.len() >= syncs_max {
        thin(syncs);
    }
    syncs.push(sync);
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
