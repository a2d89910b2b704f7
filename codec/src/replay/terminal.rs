//! A terminal's recording, drawn when somebody looks.

use super::{Fault, Faults, Moment};
use crate::canvas::{Canvas, DrawError};
use crate::cost::Cost;
use crate::limits::Limits;
use crate::source::terminal::{Frames, Step, TerminalError, TerminalEvent, TerminalFormat, TimedEvent};
use crate::terminal::{Emulator, Fonts, Painter, within};
use std::sync::Arc;

/// What a frame costs to show is counted whoever looks, so that the recording ends at the same event everywhere.
pub(super) struct TerminalReplay {
    limits: Limits,
    fonts: Arc<Fonts>,
    source: Frames,
    /// From the first event on.
    screen: Option<(Emulator, Painter)>,
    canvas: Canvas,
    frames: usize,
    faults: Faults,
    cost: Cost,
    ended: Option<TerminalError>,
}

impl TerminalReplay {
    pub(super) fn new(format: TerminalFormat, limits: Limits, fonts: Arc<Fonts>) -> Self {
        Self {
            limits,
            fonts,
            source: Frames::new(format, limits),
            screen: None,
            canvas: Canvas::new(limits),
            frames: 0,
            faults: Faults::default(),
            cost: Cost::default(),
            ended: None,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.source.position()
    }

    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    pub(super) fn end_at(&mut self, until_ms: i64) {
        self.source.end_at(until_ms);
    }

    pub(super) fn is_past(&self) -> bool {
        self.source.is_past()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.source.push(bytes);
    }

    pub(super) fn release(&mut self) {
        self.source.release();
    }

    pub(super) fn step(&mut self) -> Result<Option<Moment>, TerminalError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        while let Some(step) = self.source.step()? {
            match step {
                Step::Event(event) => self.follow(event).inspect_err(|&error| self.ended = Some(error))?,
                Step::Frame { at_ms, end_byte: _ } => {
                    self.count_shown();
                    self.frames += 1;
                    return Ok(Some(Moment::Frame { at_ms, index: self.frames - 1 }));
                }
            }
        }
        Ok(None)
    }

    pub(super) fn finish(&self) -> Result<(), TerminalError> {
        self.ended.map_or_else(|| self.source.finish(), Err)
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// The canvas, with all cells as they are.
    pub(super) fn canvas(&mut self) -> &mut Canvas {
        let painted =
            self.screen.as_mut().map(|(emulator, painter)| painter.paint(emulator, &mut self.canvas));
        if let Some(Err(error)) = painted {
            self.fault(self.source.now_ms(), self.source.position(), error);
        }
        &mut self.canvas
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    fn follow(&mut self, timed: TimedEvent) -> Result<(), TerminalError> {
        let TimedEvent { event, at_ms, frame_ms: _, start_byte, end_byte, jump: _ } = timed;
        let cost_max = self.limits.cost_max(at_ms);
        self.cost.read(end_byte.saturating_sub(start_byte));
        match event {
            TerminalEvent::Begin { columns, rows, theme, recorded_s: _ } => {
                let painter = Painter::new(theme, Arc::clone(&self.fonts));
                self.screen = Some((Emulator::new(columns, rows), painter));
            }
            TerminalEvent::Output(text) => {
                if let Some((emulator, _)) = &mut self.screen {
                    emulator.feed(&text, &mut self.cost, cost_max);
                }
            }
            TerminalEvent::Resize { columns, rows } => self.resize([columns, rows], at_ms, end_byte),
            TerminalEvent::Input(_)
            | TerminalEvent::Marker(_)
            | TerminalEvent::Exit(_)
            | TerminalEvent::Other => {}
        }
        match self.cost > cost_max {
            true => Err(TerminalError::TimeBudget { position: start_byte, limit_ms: cost_max.ms() }),
            false => Ok(()),
        }
    }

    /// A size beyond the limits leaves the terminal as it is.
    fn resize(&mut self, sides: [u64; 2], at_ms: i64, end_byte: u64) {
        let limit = self.limits.terminal_side;
        match (within(sides, limit), &mut self.screen) {
            (Some([columns, rows]), Some((emulator, _))) => emulator.resize(columns, rows, &mut self.cost),
            (Some(_), None) => {}
            (None, _) => {
                let [columns, rows] = sides;
                let error = DrawError::Terminal { columns, rows, limit };
                self.fault(at_ms, end_byte, error);
            }
        }
    }

    fn fault(&mut self, at_ms: i64, end_byte: u64, error: DrawError) {
        self.faults.count += 1;
        self.faults.first.get_or_insert(Fault { at_ms, end_byte, error });
    }

    fn count_shown(&mut self) {
        if let Some((emulator, _)) = &mut self.screen {
            let cells = emulator.take_touched().iter().map(|area| area.area()).sum();
            self.cost.shown(cells);
        }
    }
}

#[cfg(test)]
mod tests;
