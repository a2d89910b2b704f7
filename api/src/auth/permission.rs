//! Actions as types, so that a handler's signature says what it needs.

use policy::Action;

/// What a route needs: every one of these actions.
pub(crate) trait Permission: 'static {
    const ACTIONS: &'static [Action];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = [$($action:ident),*];)+) => {
        $(
            $(#[$doc])*
            pub(crate) enum $name {}

            impl Permission for $name {
                const ACTIONS: &'static [Action] = &[$(Action::$action),*];
            }
        )+
    };
}

permissions! {
    /// A valid token is enough.
    Any = [];
    Record = [Record];
    Read = [Read];
    Recording = [Recording];
    Keystrokes = [Keystrokes];
    Convert = [Convert];
    Download = [Download];
    Approve = [Approve];
    Auditors = [Auditors];
    Block = [Block];
    Drop = [Drop];
    Logs = [Logs];
    Review = [Review];
    Evidence = [Evidence];
    PreventPurge = [PreventPurge];
    ReleaseHold = [ReleaseHold];
    Purge = [Purge];
    AuditRead = [AuditRead];
    ClusterRead = [ClusterRead];
    ClusterManage = [ClusterManage];
    ParametersRead = [ParametersRead];
    ParametersManage = [ParametersManage];
    UsersRead = [UsersRead];
    UsersManage = [UsersManage];
    RolesRead = [RolesRead];
    RolesManage = [RolesManage];
}
