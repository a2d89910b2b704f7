//! The text of a mail. It tells that something is there and where, and nothing of what was recorded.

use cluster::catalog::MailId;
use cluster::id::{RecordingId, VideoId};
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, SinglePart};
use std::str::FromStr;

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

/// Who writes to whom from where.
#[derive(Debug)]
pub(crate) struct Addressed<'a> {
    /// Which mail; the same one has the same Message-ID however often it is sent.
    pub(crate) mail: MailId,
    /// Who it is from.
    pub(crate) from: &'a Mailbox,
    /// Whom it is for.
    pub(crate) to: &'a str,
    /// What links begin with.
    pub(crate) public_url: &'a str,
}

impl Addressed<'_> {
    /// The mail that says that a video can be downloaded.
    pub(crate) fn video_ready(
        &self,
        recording: RecordingId,
        video: VideoId,
    ) -> Result<Message, MessageError> {
        let text = format!(
            "The video of a recorded session is ready.\n\n\
             Open it here (you need to sign in):\n{}/#/sessions/{recording}/videos/{video}\n\n\
             You get this mail because you or somebody for you asked for the video.\n",
            self.public_url
        );
        self.message("The video of a session is ready", text, &format!("video-{video}"))
    }

    fn message(&self, subject: &str, text: String, about: &str) -> Result<Message, MessageError> {
        let id = format!("<{about}.{}@{}>", self.mail, self.from.email.domain());
        let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body_of(text));
        Ok(Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, lettre::Address::from_str(self.to)?))
            .subject(subject)
            .message_id(Some(id))
            .singlepart(part)?)
    }
}

/// Text as it is when every mail server passes it on so (RFC 5322, 2.1.1), so that a link stays in one piece;
/// encoded otherwise.
fn body_of(text: String) -> Body {
    let is_plain = text.is_ascii() && text.lines().all(|line| line.len() <= LINE_BYTES_MAX);
    match is_plain {
        true => {
            let lines = text.replace('\n', "\r\n").into_bytes();
            Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_has_a_link_a_stable_name_and_nothing_of_the_recording() {
        let from: Mailbox = "Custody <custody@example.org>".parse().unwrap();
        let mail = Addressed {
            mail: MailId(7),
            from: &from,
            to: "ada@example.org",
            public_url: "https://custody.example.org",
        };
        let (recording, video) = (RecordingId([1; 16]), VideoId([2; 16]));
        let read = || {
            let bytes = mail.video_ready(recording, video).unwrap().formatted();
            String::from_utf8(bytes).unwrap()
        };
        let text = read();
        let id = format!("Message-ID: <video-{video}.7@example.org>\r\n");
        assert!(text.contains(&id), "{text}");
        assert!(text.contains("To: ada@example.org\r\n"), "{text}");
        let link = format!("https://custody.example.org/#/sessions/{recording}/videos/{video}\r\n");
        assert!(text.contains(&link), "{text}");
        assert!(read().contains(&id));
        assert!(matches!(
            Addressed { to: "nobody\r\nBcc: all@example.org", ..mail }.video_ready(recording, video),
            Err(MessageError::Address(_))
        ));
    }
}
