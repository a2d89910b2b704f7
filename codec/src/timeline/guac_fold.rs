//! Folds the instructions of a recording of guacd.

use super::facts::Facts;
use super::keystrokes::Keystrokes;
use super::session_span::SessionSpan;
use super::text::{FoundText, TextQuery};
use super::timeline::{Ending, Timeline};
use crate::cost::Cost;
use crate::limits::Limits;
use crate::source::guac::{ParseError, Parser};

/// Takes the bytes of a recording of guacd.
pub(super) struct GuacFold {
    limits: Limits,
    parser: Parser,
    bytes: u64,
    /// What was read; nothing is drawn here.
    cost: Cost,
    /// The byte behind the last instruction.
    end_byte: u64,
    damage: Option<ParseError>,
    facts: Facts,
    session: Option<SessionSpan>,
}

impl GuacFold {
    /// Starts at byte 0.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            parser: Parser::new(limits),
            bytes: 0,
            cost: Cost::default(),
            end_byte: 0,
            damage: None,
            facts: Facts::new(limits),
            session: None,
        }
    }

    /// The session of the recording lasted so long.
    pub(super) fn lasted(&mut self, session: SessionSpan) {
        self.session = Some(session);
    }

    /// Whether it stands at byte 0.
    pub(super) fn is_new(&self) -> bool {
        self.bytes == 0
    }

    /// Adds the next bytes. After damage they are only counted, unless the limits say to go on behind it.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.damage.is_some() {
            return;
        }
        self.parser.push(bytes);
        loop {
            match self.parser.read_on() {
                Ok(Some(read)) => {
                    self.cost.read(read.end_byte - self.end_byte);
                    let cost_max = self.limits.cost_max(self.facts.now_ms());
                    if self.cost > cost_max {
                        let (position, limit_ms) = (self.end_byte, cost_max.ms());
                        self.damage = Some(ParseError::TimeBudget { position, limit_ms });
                        return;
                    }
                    self.end_byte = read.end_byte;
                    self.facts.fold(&read);
                }
                Ok(None) => return,
                Err(error) => {
                    self.damage = Some(error);
                    return;
                }
            }
        }
    }

    /// The timeline of what has come so far, as if the recording ended here; only sound that waits for its place
    /// is not in it. The work is proportional to what the timeline holds, not to the recording.
    pub(super) fn timeline(&self) -> Timeline {
        let reach_ms = self.session.map_or(0, |session| session.reach_ms(None));
        self.complete(self.facts.timeline(reach_ms))
    }

    /// The keystrokes of what has come so far.
    pub(super) fn keystrokes(&self) -> Keystrokes {
        self.facts.keystrokes()
    }

    /// The recording ends here. The keystrokes are apart, because they hold passwords: who may see the one may not
    /// always see the other.
    pub(super) fn finish(mut self) -> (Timeline, Keystrokes) {
        self.facts.finish();
        (self.timeline(), self.keystrokes())
    }

    /// The recording ends here: what of its keystrokes is looked for. What was on screen are pictures.
    pub(super) fn into_found(mut self, query: &TextQuery) -> FoundText {
        self.facts.finish();
        FoundText::default().with_keystrokes(&self.keystrokes(), query)
    }

    fn complete(&self, timeline: Timeline) -> Timeline {
        let ending = match self.damage.map_or_else(|| self.parser.finish(), Err) {
            Ok(()) => Ending::Whole,
            Err(ParseError::Truncated { position }) => Ending::Truncated { position },
            // Behind damage that is not skipped, nothing is known: it is named by where it starts.
            Err(error) => {
                let (code, position) = (error.code(), error.position());
                Ending::Damaged { code, position, reason: error.to_string() }
            }
        };
        let is_over = matches!(self.damage, Some(ParseError::TimeBudget { .. }));
        Timeline {
            bytes: self.bytes,
            readable_bytes: if is_over { self.end_byte } else { self.parser.position() },
            skipped_bytes: self.parser.skipped_bytes(),
            ending,
            ..timeline
        }
    }
}
