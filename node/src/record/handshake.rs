//! What is said before a session begins.

use codec::postgres::{Opening, OpeningError, STARTUP_BYTES_MAX};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long a client may take to say what it wants.
const LIMIT: Duration = Duration::from_secs(10);
/// No: what follows is not encrypted here.
const NOT_ENCRYPTED: &[u8] = b"N";
/// How often a client may ask for encryption; there are two kinds of it.
const ASKS_MAX: usize = 2;

/// What a client wants, and the message in which it says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To have a statement of another connection cancelled.
    Cancel(Vec<u8>),
    /// To begin a session.
    Session { message: Vec<u8>, user: String, database: String },
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("the client is gone: {0}")]
    Gone(#[from] io::Error),
    #[error(transparent)]
    Opening(#[from] OpeningError),
    #[error("the client asks for nothing but encryption")]
    Encryption,
}

/// Hears what a client wants, and tells it that nothing is encrypted here.
pub(super) fn hear(client: &mut TcpStream) -> Result<Wanted, HandshakeError> {
    let until = Instant::now() + LIMIT;
    for _ in 0..=ASKS_MAX {
        // Byte for byte at the end, so that nothing of what follows is taken.
        let mut message = Vec::new();
        let opening = loop {
            if let Some((opening, _)) = Opening::parse(&message)? {
                break opening;
            }
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            client.set_read_timeout(Some(left))?;
            let mut piece = [0; STARTUP_BYTES_MAX];
            let wanted = missing(&message);
            let read = client.read(piece.get_mut(..wanted).unwrap_or_default())?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            message.extend_from_slice(piece.get(..read).unwrap_or_default());
        };
        match opening {
            Opening::Encryption => client.write_all(NOT_ENCRYPTED)?,
            Opening::Cancel => return Ok(Wanted::Cancel(message)),
            Opening::Session { user, database } => {
                client.set_read_timeout(None)?;
                return Ok(Wanted::Session { message, user, database });
            }
        }
    }
    Err(HandshakeError::Encryption)
}

/// How many bytes are missing to the end of the message, as far as they are known to belong to it.
fn missing(message: &[u8]) -> usize {
    let &[a, b, c, d, ..] = message else { return 4 - message.len() };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    length.saturating_sub(message.len()).min(STARTUP_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Shutdown, TcpListener};

    /// What is heard of a client that says all this at once, and what it is answered.
    fn heard(said: &[u8]) -> (Result<Wanted, HandshakeError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(said).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let wanted = hear(&mut listener.accept().unwrap().0);
        let mut answered = Vec::new();
        // Who hangs up on what was not read resets the connection; what was answered before is what counts.
        let _: Result<_, _> = client.read_to_end(&mut answered);
        (wanted, answered)
    }

    const TLS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
    const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0ada\0\0";

    #[test]
    fn encryption_is_answered_no_and_the_session_begins_behind_it() {
        let (wanted, answered) = heard(&[TLS, STARTUP].concat());
        let (user, database) = ("ada".to_owned(), "ada".to_owned());
        assert_eq!(wanted.unwrap(), Wanted::Session { message: STARTUP.to_owned(), user, database });
        assert_eq!(answered, b"N");
        let cancel = b"\0\0\0\x10\x04\xd2\x16\x2e12345678";
        assert_eq!(heard(cancel).0.unwrap(), Wanted::Cancel(cancel.to_vec()));
    }

    #[test]
    fn what_opens_nothing_is_refused() {
        assert!(matches!(heard(&TLS.repeat(3)).0, Err(HandshakeError::Encryption)));
        assert!(matches!(heard(b"\0\0\0\x12\0\x03").0, Err(HandshakeError::Gone(_))));
        assert!(matches!(heard(b"GET / HTTP/1.1").0, Err(HandshakeError::Opening(OpeningError::Length))));
    }
}
