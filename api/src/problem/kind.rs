//! The kinds of problems. Their names never change: clients match on them.

use actix_web::http::StatusCode;

/// What stands before the name of a kind.
const URI_PREFIX: &str = "urn:custody:problem:";

// One list makes the variants, their names and what is documented, so that none can lack an entry.
macro_rules! kinds {
    ($($variant:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($variant,)+
        }

        impl Kind {
            /// Every kind.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name, which ends the type URI.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The kind for a person.
            pub(crate) const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// The status of its answer.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }
        }
    };
}

kinds! {
    BadRequest = "bad-request", BAD_REQUEST, "The request cannot be understood";
    InvalidJson = "invalid-json", BAD_REQUEST, "The body is not the JSON that was expected";
    InvalidQuery = "invalid-query", BAD_REQUEST, "The query is not what was expected";
    InvalidCursor = "invalid-cursor", BAD_REQUEST, "The cursor is none of an earlier page";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid token is needed";
    Forbidden = "permission-missing", FORBIDDEN, "A permission is missing";
    GrantRefused = "grant-refused", FORBIDDEN, "Nobody gives what they do not hold";
    WrongPassword = "wrong-password", FORBIDDEN, "The old password is another one";
    CrossSite = "cross-site", FORBIDDEN, "The request comes from another site";
    VideoDownloadDisabled = "video-download-disabled", FORBIDDEN, "Videos are switched off";
    NotFound = "not-found", NOT_FOUND, "Nothing is here";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This cannot be done here";
    RecorderIdle = "recorder-idle", REQUEST_TIMEOUT, "The recorder sent nothing for too long";
    OffsetMismatch = "offset-mismatch", CONFLICT, "The bytes do not follow the durable ones";
    ApprovalNeeded = "approval-needed", FORBIDDEN, "Another person has to approve first";
    BytesDiffer = "bytes-differ", CONFLICT, "Other bytes are stored there";
    RecordingSealed = "recording-sealed", CONFLICT, "The recording is sealed";
    RecordingNotSealed = "recording-not-sealed", CONFLICT, "The recording is not sealed";
    SessionNotEnded = "session-not-ended", CONFLICT, "The session has not ended";
    IndexNotReady = "index-not-ready", CONFLICT, "The index of the recording is not made yet";
    SessionEnded = "session-ended", CONFLICT, "The session has ended";
    VideoNotReady = "video-not-ready", CONFLICT, "The video is not ready";
    SessionHeld = "session-held", CONFLICT, "The session is kept by a hold";
    HoldReleased = "hold-released", CONFLICT, "The hold was released";
    SecondPersonNeeded = "second-person-needed", CONFLICT, "A second person is needed";
    LastManager = "last-manager", CONFLICT, "Nobody could give roles any more";
    MemberNotDrained = "member-not-drained", CONFLICT, "The member holds what is needed";
    MemberReachable = "member-reachable", CONFLICT, "The member is not lost: it answers";
    SoundDiffers = "sound-differs", CONFLICT, "The session has another file of sound";
    Conflict = "conflict", CONFLICT, "The request does not fit what is there";
    SessionNotLive = "session-not-live", CONFLICT, "The session is not live";
    SessionBlocked = "session-blocked", FORBIDDEN, "The user's input is to be held back";
    SessionDropped = "session-dropped", GONE, "The session was dropped";
    SessionPurged = "session-purged", GONE, "The session was purged";
    TusVersion = "tus-version", PRECONDITION_FAILED, "Another version of tus is spoken here";
    VersionDiffers = "version-differs", PRECONDITION_FAILED, "Somebody has changed it";
    PreconditionFailed = "precondition-failed", PRECONDITION_FAILED, "It is not as it was when you looked at it";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    TargetTooLong = "target-too-long", URI_TOO_LONG, "The target is too long";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Another media type is expected";
    RangeNotSatisfiable = "range-not-satisfiable", RANGE_NOT_SATISFIABLE, "The range begins after the end";
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The key was used for another request";
    InvalidField = "invalid-field", UNPROCESSABLE_ENTITY, "A field has a value that is not allowed";
    DatabaseFormat = "database-format", UNPROCESSABLE_ENTITY, "Database sessions are recorded as statements only";
    RecordingRefused = "recording-refused", UNPROCESSABLE_ENTITY, "The recording holds what it must not";
    SoundRefused = "sound-refused", UNPROCESSABLE_ENTITY, "The sound cannot be heard";
    IndexFailed = "index-failed", UNPROCESSABLE_ENTITY, "The recording has no index";
    NoPicture = "no-picture", UNPROCESSABLE_ENTITY, "There is no picture";
    RecordingDamaged = "recording-damaged", UNPROCESSABLE_ENTITY, "The recording cannot be drawn";
    PreconditionRequired = "precondition-required", PRECONDITION_REQUIRED, "A condition is needed";
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Requests come too fast";
    HeadersTooLarge = "headers-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The header is too large";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The member has failed";
    NotReady = "not-ready", SERVICE_UNAVAILABLE, "The cluster is not ready";
    OutcomeUnknown = "outcome-unknown", SERVICE_UNAVAILABLE, "Whether it was done is not known";
    Busy = "busy", SERVICE_UNAVAILABLE, "All workers are busy";
    StorageFull = "storage-full", INSUFFICIENT_STORAGE, "There is no room for new sessions";
    DiskFull = "disk-full", INSUFFICIENT_STORAGE, "There is no room for more";
}

impl Kind {
    /// The type URI.
    pub(crate) fn uri(self) -> String {
        format!("{URI_PREFIX}{}", self.name())
    }

    /// All kinds as a table in Markdown.
    pub(crate) fn table() -> String {
        let row =
            |kind: &Self| format!("| `{}` | {} | {} |\n", kind.uri(), kind.status().as_u16(), kind.title());
        let rows: String = Self::ALL.iter().map(row).collect();
        format!("| type | status | title |\n|---|---|---|\n{rows}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_names_of_one_kind() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(
            Kind::ALL.iter().all(|kind| kind.status().is_client_error() || kind.status().is_server_error())
        );
    }
}
