//! What may be done: one action for each permission, named alike.

use std::fmt;
use std::str::FromStr;

/// Most characters of an unknown name that an error repeats.
const SHOWN_CHARS: usize = 64;

// One list makes the variants, their names and `ALL`, so that none of the three can lack an entry.
macro_rules! actions {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// An action, and the permission of the same name that it takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])+ $variant,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The permission's full name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

actions! {
    /// Open, append to and seal a session's recording.
    Record = "PAM.SessionManagement.Record",
    /// See that a session exists, and its report.
    Read = "PAM.SessionManagement.Read",
    /// Watch the recording of a session.
    Recording = "PAM.SessionManagement.Recording",
    /// Watch a session while it goes on.
    Livestream = "PAM.SessionManagement.Livestream",
    /// Read the logs of a session.
    Logs = "PAM.SessionManagement.Logs",
    /// See what was typed, passwords included.
    Keystrokes = "PAM.SessionManagement.Keystrokes",
    /// Ask for a video.
    Convert = "PAM.SessionManagement.Convert",
    /// Download a recording or a video.
    Download = "PAM.SessionManagement.Download",
    /// Block and unblock a live session.
    Block = "PAM.SessionManagement.Block",
    /// Drop a live session.
    Drop = "PAM.SessionManagement.Drop",
    /// Place a hold.
    PreventPurge = "PAM.SessionManagement.PreventPurge",
    /// Release a hold.
    ReleaseHold = "PAM.SessionManagement.ReleaseHold",
    /// Name the auditors of a session.
    Auditors = "PAM.SessionManagement.Auditors",
    /// Approve that someone watches a session.
    Approve = "PAM.SessionManagement.Approve",
    /// Comment on a session and review it.
    Review = "PAM.SessionManagement.Review",
    /// Export the evidence of a session.
    Evidence = "PAM.SessionManagement.Evidence",
    /// Purge a session.
    Purge = "PAM.SessionManagement.Purge",
    /// Read the audit log.
    AuditRead = "PAM.Audit.Read",
    /// See members, layout and workers.
    ClusterRead = "System.Cluster.Read",
    /// Change members and layout.
    ClusterManage = "System.Cluster.Manage",
    /// See the parameters.
    ParametersRead = "System.Parameters.Read",
    /// Change the parameters.
    ParametersManage = "System.Parameters.Manage",
    /// See users and tokens.
    UsersRead = "System.Users.Read",
    /// Change users and tokens.
    UsersManage = "System.Users.Manage",
    /// Act for a user, as a service.
    UsersActFor = "System.Users.ActFor",
    /// See the roles.
    RolesRead = "System.Roles.Read",
    /// Change the roles.
    RolesManage = "System.Roles.Manage",
}

impl Action {
    /// The action that makes visible what this one is done to.
    pub const fn read(self) -> Self {
        match self {
            Self::Record
            | Self::Read
            | Self::Recording
            | Self::Livestream
            | Self::Logs
            | Self::Keystrokes
            | Self::Convert
            | Self::Download
            | Self::Block
            | Self::Drop
            | Self::PreventPurge
            | Self::ReleaseHold
            | Self::Auditors
            | Self::Approve
            | Self::Review
            | Self::Evidence
            | Self::Purge => Self::Read,
            Self::AuditRead => Self::AuditRead,
            Self::ClusterRead | Self::ClusterManage => Self::ClusterRead,
            Self::ParametersRead | Self::ParametersManage => Self::ParametersRead,
            Self::UsersRead | Self::UsersManage | Self::UsersActFor => Self::UsersRead,
            Self::RolesRead | Self::RolesManage => Self::RolesRead,
        }
    }

    /// Whether this is done to sessions, not to the system.
    pub fn is_about_sessions(self) -> bool {
        self.read() == Self::Read
    }

    /// Whether this shows what was recorded, and not only that it was.
    pub(crate) fn shows_what_was_recorded(self) -> bool {
        match self {
            Self::Recording
            | Self::Livestream
            | Self::Logs
            | Self::Keystrokes
            | Self::Download
            | Self::Evidence => true,
            Self::Record
            | Self::Read
            | Self::Convert
            | Self::Block
            | Self::Drop
            | Self::PreventPurge
            | Self::ReleaseHold
            | Self::Auditors
            | Self::Approve
            | Self::Review
            | Self::Purge
            | Self::AuditRead
            | Self::ClusterRead
            | Self::ClusterManage
            | Self::ParametersRead
            | Self::ParametersManage
            | Self::UsersRead
            | Self::UsersManage
            | Self::UsersActFor
            | Self::RolesRead
            | Self::RolesManage => false,
        }
    }

    /// Whether this can be done without seeing what it is done to: who only delivers recordings sees none, and a
    /// service that acts for users need not list them.
    pub(crate) fn needs_no_read(self) -> bool {
        matches!(self, Self::Record | Self::UsersActFor)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no permission's. Names are compared exactly, and patterns such as `PAM.*` are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is no permission; expected a full name such as PAM.SessionManagement.Read")]
pub struct UnknownPermission {
    /// The beginning of the name.
    pub shown: String,
}

impl FromStr for Action {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|action| action.name() == name);
        known.ok_or_else(|| UnknownPermission { shown: name.chars().take(SHOWN_CHARS).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_read_back_as_its_own_action() {
        for &action in Action::ALL {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), 27);
    }

    #[test]
    fn only_exact_names_are_permissions() {
        let strangers = [
            "",
            "Read",
            "PAM.*",
            "PAM.SessionManagement.*",
            "pam.sessionmanagement.read",
            " PAM.SessionManagement.Read",
            "PAM.SessionManagement.Read\0",
            "PAM.SessionManagement",
            "System.Users.Actfor",
            "System.Audit.Read",
        ];
        for name in strangers {
            assert_eq!(name.parse::<Action>(), Err(UnknownPermission { shown: name.to_owned() }));
        }
    }

    #[test]
    fn an_unknown_name_is_repeated_escaped_and_in_part() {
        let error = "a\n".repeat(10_000).parse::<Action>().unwrap_err();
        let expected = format!(
            "\"{}\" is no permission; expected a full name such as PAM.SessionManagement.Read",
            "a\\n".repeat(SHOWN_CHARS / 2)
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_makes_an_object_visible_makes_itself_visible() {
        for &action in Action::ALL {
            assert_eq!(action.read().read(), action.read());
            assert!(action.read().name().ends_with(".Read"));
            assert_eq!(action.is_about_sessions(), action.name().starts_with("PAM.SessionManagement."));
        }
    }
}
