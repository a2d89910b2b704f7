//! A mail as it is sent. The same mail has the same bytes however often it is put together.

use super::templates::Text;
use crate::utc;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

/// The longest line that needs no encoding.
const LINE_BYTES_MAX: usize = 998;

/// Why a row of the outbox is no mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    /// The address cannot be one.
    #[error("the address is none: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The message cannot be put together.
    #[error("the message cannot be put together: {0}")]
    Build(#[from] lettre::error::Error),
}

/// Who writes to whom, and when.
#[derive(Debug)]
pub(crate) struct Heading<'a> {
    /// Names the mail; the Message-ID follows from it. Letters, digits, full stops and hyphens.
    pub(crate) name: String,
    /// Who it is from.
    pub(crate) from: &'a Mailbox,
    /// Whom it is for.
    pub(crate) to: &'a str,
    /// When, in milliseconds since 1970.
    pub(crate) written_ms: u64,
}

/// Puts a mail together.
pub(crate) fn message(heading: &Heading<'_>, text: Text) -> Result<Message, MessageError> {
    let Heading { name, from, to, written_ms } = heading;
    let parts = MultiPart::alternative().boundary(format!("=_{name}"));
    let part = |kind, text| SinglePart::builder().header(kind).body(body_of(text));
    let parts = parts.singlepart(part(ContentType::TEXT_PLAIN, text.text));
    Ok(Message::builder()
        .from((*from).clone())
        .to(Mailbox::new(None, lettre::Address::from_str(to)?))
        .subject(text.subject)
        .date(UNIX_EPOCH + Duration::from_millis(utc::bounded_ms(*written_ms)))
        .message_id(Some(format!("<{name}@{}>", from.email.domain())))
        .multipart(parts.singlepart(part(ContentType::TEXT_HTML, text.html)))?)
}

/// Text as it is when every mail server passes it on so (RFC 5322, 2.1.1), so that a link stays in one piece;
/// encoded otherwise.
fn body_of(text: String) -> Body {
    let is_plain = text.is_ascii() && text.lines().all(|line| line.len() <= LINE_BYTES_MAX);
    match is_plain {
        true => {
            let lines = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
            Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(to: &str, subject: &str) -> Result<String, MessageError> {
        let from: Mailbox = "Custody <custody@example.org>".parse().unwrap();
        let name = "video-0a.7".to_owned();
        let heading = Heading { name, from: &from, to, written_ms: 1_795_318_169_000 };
        let link = "https://custody.example.org/#/sessions/1/videos/2\n";
        let text = Text { subject: subject.to_owned(), text: link.to_owned(), html: "<p>é</p>".to_owned() };
        Ok(String::from_utf8(message(&heading, text)?.formatted()).unwrap())
    }

    #[test]
    fn a_mail_has_the_same_bytes_whenever_it_is_written() {
        let text = written("ada@example.org", "Ready").unwrap();
        for line in [
            "Message-ID: <video-0a.7@example.org>",
            "From: Custody <custody@example.org>",
            "To: ada@example.org",
            "Subject: Ready",
            "Date: Sun, 22 Nov 2026 03:29:29 +0000",
            "https://custody.example.org/#/sessions/1/videos/2",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
        }
        assert!(text.contains("multipart/alternative") && text.contains("text/html"), "{text}");
        assert_eq!(written("ada@example.org", "Ready").unwrap(), text);
    }

    #[test]
    fn no_text_becomes_a_header() {
        for to in
            ["ada\r\nBcc: all@example.org", "ada@example.org\r\nBcc: all@example.org", "ada@example.org>"]
        {
            assert!(matches!(written(to, "x"), Err(MessageError::Address(_))), "{to}");
        }
        let text = written("ada@example.org", "x\r\nBcc: all@example.org\r\n\r\nbody").unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    }
}
