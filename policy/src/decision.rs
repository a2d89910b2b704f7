//! What is answered.

use crate::role::RoleName;

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// The subject is the session's own recorder.
    Recorder,
    /// The subject is an auditor of the session.
    Auditor,
    /// The subject holds a role that permits it; the first by name where several do.
    Role(RoleName),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an answer that nobody looks at protects nothing"]
pub enum Decision {
    /// It may be done.
    Allowed {
        /// Why.
        by: Ground,
    },
    /// The subject may not even know that the object exists: HTTP's 404.
    Hidden,
    /// The subject may see the object but not do this to it: HTTP's 403.
    Forbidden,
    /// The subject may do this once another person approves of it: HTTP's 403, with another reason.
    Unapproved,
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed { .. } => true,
            Self::Hidden | Self::Forbidden | Self::Unapproved => false,
        }
    }
}
