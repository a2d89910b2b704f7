//! Folds the events of a terminal's recording.

use super::facts::Facts;
use super::keystrokes::Keystrokes;
use super::marker::{GapCause, MarkerEvent};
use super::screen_text::ScreenText;
use super::session_span::SessionSpan;
use super::text::{FoundText, TextQuery};
use super::timeline::{Ending, Timeline};
use crate::cost::Cost;
use crate::geometry::Rect;
use crate::limits::Limits;
use crate::source::guac::{Instruction, Read};
use crate::source::terminal::{Frames, Step, TerminalError, TerminalEvent, TerminalFormat, TimedEvent};
use crate::terminal::{Emulator, cell_size, keys, within};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Takes the bytes of a terminal's recording. The facts are those of a recording of guacd that shows the same: sizes,
/// rectangles and frames in media time.
pub(super) struct TerminalFold {
    limits: Limits,
    format: TerminalFormat,
    source: Frames,
    emulator: Option<Emulator>,
    bytes: u64,
    cost: Cost,
    damage: Option<TerminalError>,
    facts: Facts,
    recorded_s: Option<u64>,
    events: BTreeMap<Cow<'static, str>, u64>,
    /// The byte in front of what costs too much.
    end_byte: u64,
    session: Option<SessionSpan>,
    text: Option<ScreenText>,
}

impl TerminalFold {
    pub(super) fn new(format: TerminalFormat, limits: Limits) -> Self {
        Self {
            limits,
            format,
            source: Frames::new(format, limits),
            emulator: None,
            bytes: 0,
            cost: Cost::default(),
            damage: None,
            facts: Facts::new(limits),
            recorded_s: None,
            events: BTreeMap::new(),
            end_byte: 0,
            session: None,
            text: None,
        }
    }

    /// The session of the recording lasted so long.
    pub(super) fn lasted(&mut self, session: SessionSpan) {
        self.session = Some(session);
    }

    /// Looks for text.
    pub(super) fn look_for(&mut self, query: TextQuery) {
        self.text = Some(ScreenText::new(query));
    }

    /// The recording ends here: what was found in it.
    pub(super) fn into_found(mut self) -> FoundText {
        self.end();
        let Some(text) = self.text.take() else { return FoundText::default() };
        let (found, query) = text.into_found();
        found.with_keystrokes(&self.keystrokes(), &query)
    }

    /// Adds the next bytes. After damage they are only counted.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.damage.is_none() {
            self.source.push(bytes);
            self.follow();
        }
    }

    pub(super) fn timeline(&self) -> Timeline {
        let ending = match self.damage.map_or_else(|| self.source.finish(), Err) {
            Ok(()) => Ending::Whole,
            Err(TerminalError::Truncated { position, .. }) => Ending::Truncated { position },
            Err(error) => {
                let (code, position) = (error.code(), error.position());
                Ending::Damaged { code, position, reason: error.to_string() }
            }
        };
        let is_over = matches!(self.damage, Some(TerminalError::TimeBudget { .. }));
        // Events without a frame count, too.
        let recorded_ms = self.source.now_ms();
        let reach_ms = self.session.map_or(0, |session| session.reach_ms(self.recorded_s));
        let timeline = self.facts.timeline(if reach_ms > recorded_ms { reach_ms } else { 0 });
        Timeline {
            format: match self.format {
                TerminalFormat::Asciicast => Timeline::ASCIICAST.into(),
                TerminalFormat::Typescript => Timeline::TYPESCRIPT.into(),
            },
            bytes: self.bytes,
            readable_bytes: if is_over { self.end_byte } else { self.source.position() },
            ending,
            first_timestamp_ms: None,
            recorded_s: self.recorded_s,
            media_duration_ms: timeline.media_duration_ms.max(recorded_ms),
            recorded_ms: timeline.recorded_ms.map(|last_ms| last_ms.max(recorded_ms)),
            instructions: self.events.clone(),
            ..timeline
        }
    }

    pub(super) fn keystrokes(&self) -> Keystrokes {
        self.facts.keystrokes()
    }

    pub(super) fn finish(mut self) -> (Timeline, Keystrokes) {
        self.end();
        (self.timeline(), self.keystrokes())
    }

    fn end(&mut self) {
        self.source.release();
        if self.damage.is_none() {
            self.follow();
        }
        self.facts.finish();
    }

    fn follow(&mut self) {
        loop {
            let end = match self.source.step() {
                Ok(None) => return,
                Ok(Some(Step::Frame { at_ms, end_byte })) => {
                    self.frame(at_ms, end_byte);
                    Ok(())
                }
                Ok(Some(Step::Event(event))) => self.event(event),
                Err(error) => Err(error),
            };
            if let Err(error) = end {
                self.damage = Some(error);
                return;
            }
        }
    }

    fn event(&mut self, timed: TimedEvent) -> Result<(), TerminalError> {
        let TimedEvent { event, at_ms, frame_ms, start_byte, end_byte, jump } = timed;
        let cost_max = self.limits.cost_max(at_ms);
        self.cost.read(end_byte.saturating_sub(start_byte));
        self.end_byte = start_byte;
        *self.events.entry(event.name().into()).or_default() += 1;
        self.facts.advance(frame_ms);
        if let Some((from_ms, to_ms)) = jump {
            let cause = if to_ms < from_ms { GapCause::Backward } else { GapCause::Silence };
            let (from_timestamp_ms, to_timestamp_ms) = (Some(from_ms), Some(to_ms));
            self.facts.mark(MarkerEvent::Gap { cause, from_timestamp_ms, to_timestamp_ms, skipped: None });
        }
        match event {
            TerminalEvent::Begin { columns, rows, theme: _, recorded_s } => {
                self.recorded_s = recorded_s;
                let mut emulator = Emulator::new(columns, rows);
                if self.text.is_some() {
                    emulator.keep_ended();
                }
                self.emulator = Some(emulator);
                self.resized();
            }
            TerminalEvent::Output(text) => {
                if let Some(emulator) = &mut self.emulator {
                    emulator.feed(&text, &mut self.cost, cost_max);
                    let ended = emulator.take_ended();
                    if let Some(text) = &mut self.text {
                        ended.iter().for_each(|line| text.ended(frame_ms, line));
                    }
                }
            }
            TerminalEvent::Resize { columns, rows } => {
                let sides = within([columns, rows], self.limits.terminal_side);
                if let (Some([columns, rows]), Some(emulator)) = (sides, &mut self.emulator) {
                    emulator.resize(columns, rows, &mut self.cost);
                    self.resized();
                }
            }
            TerminalEvent::Input(text) => {
                for (key, pressed) in keys(&text) {
                    self.facts.key(key, pressed);
                }
            }
            TerminalEvent::Marker(label) => {
                let label = self.facts.cut(&label);
                self.facts.mark(MarkerEvent::Mark { label });
            }
            TerminalEvent::Exit(status) => {
                let status = self.facts.cut(&status);
                self.facts.mark(MarkerEvent::Exit { status });
            }
            TerminalEvent::Other => {}
        }
        match self.cost > cost_max {
            true => Err(TerminalError::TimeBudget { position: start_byte, limit_ms: cost_max.ms() }),
            false => Ok(()),
        }
    }

    /// Tells the facts what a recording of guacd would.
    fn tell(&mut self, instruction: Instruction<'_>, end_byte: u64) {
        self.facts.fold(&Read { instruction, end_byte, skipped: None });
    }

    fn resized(&mut self) {
        let Some(emulator) = &self.emulator else { return };
        let (columns, rows) = emulator.size();
        let cell = cell_size((columns, rows));
        let side = |cells: usize, pixels: usize| i32::try_from(cells * pixels).unwrap_or(i32::MAX);
        let (width, height) = (side(columns, cell.width), side(rows, cell.height));
        self.tell(Instruction::Size { layer: 0, width, height }, 0);
    }

    fn frame(&mut self, at_ms: i64, end_byte: u64) {
        let areas = self.emulator.as_mut().map(Emulator::take_touched).unwrap_or_default();
        let cell = self.emulator.as_ref().map(|emulator| cell_size(emulator.size())).unwrap_or_default();
        let pixels = |cells: usize, pixels: usize| i32::try_from(cells * pixels).unwrap_or(i32::MAX);
        self.cost.shown(areas.iter().map(Rect::area).sum());
        if let (Some(text), Some(emulator)) = (&mut self.text, &self.emulator) {
            text.look(at_ms, emulator, &areas);
        }
        for area in areas {
            let (x, y) = (pixels(area.left, cell.width), pixels(area.top, cell.height));
            let (width, height) = (pixels(area.width(), cell.width), pixels(area.height(), cell.height));
            self.tell(Instruction::Rect { layer: 0, x, y, width, height }, 0);
        }
        self.tell(Instruction::Sync { timestamp: at_ms }, end_byte);
    }
}

#[cfg(test)]
mod tests;
