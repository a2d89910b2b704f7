//! What somebody sees.

use std::ops::Range;

use cluster::catalog::{AuditEvent, AuditKind};
use policy::Action;

use super::Who;
use super::tally::Tally;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    /// A recording as it was received.
    Recording,
    /// The view of a recording.
    View,
    Timeline,
    Keystrokes,
    Log,
    Text,
    Frame,
    Video,
    Sound,
    AuditLog,
}

impl Shown {
    fn name(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::View => "view",
            Self::Timeline => "timeline",
            Self::Keystrokes => "keystrokes",
            Self::Log => "log",
            Self::Text => "text",
            Self::Frame => "frame",
            Self::Video => "video",
            Self::Sound => "sound",
            Self::AuditLog => "audit log",
        }
    }

    /// In what its parts are told.
    fn unit(self) -> &'static str {
        match self {
            Self::Recording | Self::View | Self::Timeline | Self::Keystrokes | Self::Video | Self::Sound => {
                "bytes"
            }
            Self::Log => "entries",
            Self::Text => "lines",
            Self::Frame => "ms",
            Self::AuditLog => "leaves",
        }
    }
}

/// One caller, one object, one action: requests that are alike in this are one view as long as they follow one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct View {
    pub(crate) who: Who,
    pub(crate) action: Action,
    pub(crate) object: String,
    pub(crate) shown: Shown,
}

impl View {
    /// The leaf of its beginning.
    pub(super) fn first(&self, part: &Range<u64>) -> AuditEvent {
        let (name, unit) = (self.shown.name(), self.shown.unit());
        self.event(format!("{name}: {unit} {}", Tally::of(part.clone())))
    }

    /// The leaf of what followed.
    pub(super) fn further(&self, tally: &Tally) -> AuditEvent {
        let (name, unit) = (self.shown.name(), self.shown.unit());
        let (requests, length) = (tally.requests(), tally.length());
        self.event(format!("{name}: {requests} more, {length} {unit} in {tally}"))
    }

    fn event(&self, detail: String) -> AuditEvent {
        let Who { user, service, address } = self.who.clone();
        let (action, object) = (self.action.name().to_owned(), self.object.clone());
        AuditEvent { kind: AuditKind::View, user, service, action, object, address, detail }
    }
}
