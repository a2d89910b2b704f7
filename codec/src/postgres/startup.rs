//! What a client says before it speaks protocol 3, and what it can be told then.

/// The longest message that opens a connection, in bytes; what the server takes at most.
pub const STARTUP_BYTES_MAX: usize = 10_000;
const PROTOCOL_MAJOR: u32 = 3;
const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS_ENCRYPTION: u32 = 80_877_104;

/// What a client wants first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// To encrypt. It is answered with one byte, `N` for no, and then asks anew.
    Encryption,
    /// To have a statement of another connection cancelled. There is no answer.
    Cancel,
    /// To begin a session.
    Session {
        /// The role.
        user: String,
        /// The database; that of the role's name if the client names none.
        database: String,
    },
}

/// Why a connection is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// No client says so much or so little.
    #[error("expected a message of 8 to {STARTUP_BYTES_MAX} bytes")]
    Length,
    /// Another protocol.
    #[error("expected protocol 3")]
    Protocol,
    /// Nobody.
    #[error("expected the name of a user")]
    User,
}

impl Opening {
    /// Reads the first message; `None` when more bytes are needed.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, OpeningError> {
        let &[a, b, c, d, ..] = bytes else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if !(8..=STARTUP_BYTES_MAX).contains(&length) {
            return Err(OpeningError::Length);
        }
        let Some(&[a, b, c, d, ref fields @ ..]) = bytes.get(4..length) else { return Ok(None) };
        let opening = match u32::from_be_bytes([a, b, c, d]) {
            TLS | GSS_ENCRYPTION => Self::Encryption,
            CANCEL => Self::Cancel,
            version if version >> 16 == PROTOCOL_MAJOR => session(fields)?,
            _ => return Err(OpeningError::Protocol),
        };
        Ok(Some((opening, length)))
    }
}

fn session(fields: &[u8]) -> Result<Opening, OpeningError> {
    let mut fields = fields.split(|byte| *byte == 0);
    let (mut user, mut database) = (String::new(), String::new());
    while let (Some(name), Some(value)) = (fields.next().filter(|name| !name.is_empty()), fields.next()) {
        match name {
            b"user" => user = String::from_utf8_lossy(value).into_owned(),
            b"database" => database = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
    }
    if user.is_empty() {
        return Err(OpeningError::User);
    }
    if database.is_empty() {
        database.clone_from(&user);
    }
    Ok(Opening::Session { user, database })
}

/// The message that ends a connection with a sentence for its user.
pub fn fatal(sqlstate: &str, message: &str) -> Vec<u8> {
    let fields: [(u8, &str); 4] = [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', sqlstate), (b'M', message)];
    let mut body = Vec::new();
    for (kind, value) in fields {
        body.push(kind);
        body.extend(value.bytes().filter(|byte| *byte != 0));
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("a sentence is short");
    [&b"E"[..], &length.to_be_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(code: u32, fields: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + fields.len()).unwrap();
        [&length.to_be_bytes(), &code.to_be_bytes(), fields].concat()
    }

    #[test]
    fn a_connection_opens_with_what_its_client_wants() {
        let session = message(196_608, b"user\0ada\0application_name\0psql\0database\0shop\0\0");
        let (user, database) = ("ada".to_owned(), "shop".to_owned());
        let expected = (Opening::Session { user, database }, session.len());
        assert_eq!(Opening::parse(&[&session[..], b"p"].concat()), Ok(Some(expected)));
        for cut in 0..session.len() {
            assert_eq!(Opening::parse(&session[..cut]), Ok(None), "{cut}");
        }
        let (user, database) = ("ada".to_owned(), "ada".to_owned());
        let minor = message(196_610, b"user\0ada\0\0");
        assert_eq!(Opening::parse(&minor), Ok(Some((Opening::Session { user, database }, minor.len()))));
        assert_eq!(Opening::parse(&message(TLS, b"")), Ok(Some((Opening::Encryption, 8))));
        assert_eq!(Opening::parse(&message(GSS_ENCRYPTION, b"")), Ok(Some((Opening::Encryption, 8))));
        assert_eq!(Opening::parse(&message(CANCEL, &[0; 8])), Ok(Some((Opening::Cancel, 16))));
        assert_eq!(Opening::parse(&message(196_608, b"\0")), Err(OpeningError::User));
        assert_eq!(Opening::parse(&message(131_072, b"")), Err(OpeningError::Protocol));
        assert_eq!(Opening::parse(b"\x16\x03\x01\x02\0"), Err(OpeningError::Length));
        assert_eq!(Opening::parse(b"GET / HTTP/1.1"), Err(OpeningError::Length));
    }

    #[test]
    fn a_sentence_for_the_user_is_an_error_response() {
        assert_eq!(fatal("57P01", "gone"), b"E\0\0\0\x20SFATAL\0VFATAL\0C57P01\0Mgone\0\0");
    }
}
