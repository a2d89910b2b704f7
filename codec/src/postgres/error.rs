//! Why a connection cannot be followed.

/// What is said and cannot be followed. The connection has to end: from here on nobody could say what is done in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// No message has this length.
    #[error("expected a message of at least 4 bytes, its length says {length}")]
    Length {
        /// What it says.
        length: u32,
    },
    /// No message of protocol 3 begins with this.
    #[error("expected a message of protocol 3, found one that begins with the byte {kind:#04x}")]
    Kind {
        /// The first byte.
        kind: u8,
    },
    /// A message is shorter than its fields, or a name in it is too long.
    #[error("expected a whole message {}, with names of at most {name_bytes} bytes", char::from(*kind))]
    Fields {
        /// What begins it.
        kind: u8,
        /// The limit.
        name_bytes: usize,
    },
    /// The server answers what was not asked.
    #[error("expected an answer to what was asked, found the message {}", char::from(*kind))]
    Answer {
        /// What begins it.
        kind: u8,
    },
    /// The client asks while it copies.
    #[error("expected data to copy, found the message {}", char::from(*kind))]
    Copying {
        /// What begins it.
        kind: u8,
    },
    /// Too much waits for an answer, or has a name.
    #[error("expected at most {limit_bytes} bytes of statements that wait or have names")]
    Held {
        /// The limit.
        limit_bytes: usize,
    },
}
