//! Folds a recording into its timeline and keystrokes.

use super::guac_fold::GuacFold;
use super::keystrokes::Keystrokes;
use super::session_span::SessionSpan;
use super::terminal_fold::TerminalFold;
use super::text::{FoundText, TextQuery};
use super::timeline::Timeline;
use crate::limits::Limits;
use crate::source::terminal::TerminalFormat;

/// Takes the bytes of a recording as they come; gives its [`Timeline`] and [`Keystrokes`] at any time. The first byte tells
/// its format.
pub struct TimelineFold {
    limits: Limits,
    session: Option<SessionSpan>,
    query: Option<TextQuery>,
    stage: Stage,
}

enum Stage {
    /// Of guacd, as long as nothing else is known.
    Guac(Box<GuacFold>),
    Terminal(Box<TerminalFold>),
}

impl TimelineFold {
    /// Starts at byte 0.
    pub fn new(limits: Limits) -> Self {
        Self { limits, session: None, query: None, stage: Stage::Guac(Box::new(GuacFold::new(limits))) }
    }

    /// Starts at byte 0, and looks for text, too: end it with [`TimelineFold::into_found`].
    pub fn looking_for(query: TextQuery, limits: Limits) -> Self {
        Self { query: Some(query), ..Self::new(limits) }
    }

    /// The session of the recording lasted so long: timelines reach to its end.
    pub fn lasted(&mut self, session: SessionSpan) {
        self.session = Some(session);
        match &mut self.stage {
            Stage::Guac(fold) => fold.lasted(session),
            Stage::Terminal(fold) => fold.lasted(session),
        }
    }

    /// Adds the next bytes. After damage they are only counted, unless the limits say to go on behind it.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Stage::Guac(fold) = &self.stage
            && fold.is_new()
            && let Some(format) = bytes.first().copied().and_then(TerminalFormat::of)
        {
            let mut fold = TerminalFold::new(format, self.limits);
            if let Some(session) = self.session {
                fold.lasted(session);
            }
            if let Some(query) = &self.query {
                fold.look_for(query.clone());
            }
            self.stage = Stage::Terminal(Box::new(fold));
        }
        match &mut self.stage {
            Stage::Guac(fold) => fold.push(bytes),
            Stage::Terminal(fold) => fold.push(bytes),
        }
    }

    /// The timeline of what has come so far, as if the recording ended here; only sound that waits for its place, and a
    /// terminal's frame that may go on, are not in it. The work is proportional to what the timeline holds, not to the
    /// recording.
    pub fn timeline(&self) -> Timeline {
        match &self.stage {
            Stage::Guac(fold) => fold.timeline(),
            Stage::Terminal(fold) => fold.timeline(),
        }
    }

    /// The keystrokes of what has come so far.
    pub fn keystrokes(&self) -> Keystrokes {
        match &self.stage {
            Stage::Guac(fold) => fold.keystrokes(),
            Stage::Terminal(fold) => fold.keystrokes(),
        }
    }

    /// The recording ends here: the text that was looked for. Of a terminal it is in what was shown and typed, of other recordings in
    /// what was typed.
    pub fn into_found(self) -> FoundText {
        match (self.stage, self.query) {
            (Stage::Guac(fold), Some(query)) => fold.into_found(&query),
            (Stage::Terminal(fold), _) => fold.into_found(),
            (Stage::Guac(_), None) => FoundText::default(),
        }
    }

    /// The recording ends here. The keystrokes are apart, because they hold passwords: who may see the one may not
    /// always see the other.
    pub fn finish(self) -> (Timeline, Keystrokes) {
        match self.stage {
            Stage::Guac(fold) => fold.finish(),
            Stage::Terminal(fold) => fold.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
