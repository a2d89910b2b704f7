//! What is asked about.

use crate::action::Action;
use crate::decision::Ground;
use crate::subject::Subject;

/// How a session and a subject relate. The default is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relations {
    /// The subject is the recorder that opened the session, or is about to open it.
    pub own: bool,
    /// The subject is a user whom the session names as an auditor.
    pub auditor: bool,
    /// The session is denied to the subject, whatever else holds.
    pub denied: bool,
    /// What was recorded is shown to the subject only once another person approves of it, and none has.
    pub unapproved: bool,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// One session, with all that derives from it.
    Session(Relations),
    /// All sessions at once, where roles alone decide. Who is allowed to read them still has to be asked about each
    /// one before it is shown, since it may be denied.
    Sessions,
    /// What belongs to no session: the cluster, its parameters, users and roles, the audit log.
    System,
}

impl Resource {
    /// Whether the action is one that can be done to this.
    pub(crate) fn admits(&self, action: Action) -> bool {
        match self {
            Self::Session(_) | Self::Sessions => action.is_about_sessions(),
            Self::System => !action.is_about_sessions(),
        }
    }

    /// Whether this is denied to the subject.
    pub(crate) fn is_denied(&self) -> bool {
        match self {
            Self::Session(relations) => relations.denied,
            Self::Sessions | Self::System => false,
        }
    }

    /// Whether another person has to approve of this first.
    pub(crate) fn needs_approval(&self, action: Action) -> bool {
        match self {
            Self::Session(relations) => relations.unapproved && action.shows_what_was_recorded(),
            Self::Sessions | Self::System => false,
        }
    }

    /// What this object grants the subject by itself.
    pub(crate) fn grant(&self, subject: &Subject, action: Action) -> Option<Ground> {
        let relations = match self {
            Self::Session(relations) => relations,
            Self::Sessions | Self::System => return None,
        };
        match subject {
            Subject::Recorder(_) => (relations.own && action == Action::Record).then_some(Ground::Recorder),
            Subject::User(_) | Subject::ActFor { .. } => {
                (relations.auditor && is_granted_to_auditors(action)).then_some(Ground::Auditor)
            }
            Subject::Service(_) => None,
        }
    }
}

fn is_granted_to_auditors(action: Action) -> bool {
    matches!(action, Action::Read | Action::Recording | Action::Livestream | Action::Logs)
}
