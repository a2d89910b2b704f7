//! A mail server that keeps what it is sent: one connection at a time, on loopback, with limits on everything.
//!
//! It speaks as much of SMTP (RFC 5321) as one client needs. It is no part of a service.

use crate::tasks::{Stop, TaskError, TaskResult};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The longest line (RFC 5321 asks for 1000 at least).
const LINE_BYTES_MAX: u64 = 4096;
/// The longest mail.
const MAIL_BYTES_MAX: usize = 256 << 10;
/// Mails that wait to be looked at.
const MAILS_MAX: usize = 256;
/// How long one connection may last.
const CONNECTION_LIMIT: Duration = Duration::from_secs(30);

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaughtMail {
    /// Whom it is for, as the envelope says.
    pub(crate) recipients: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
}

/// The listening end.
pub(crate) struct MailSink {
    listener: TcpListener,
    caught: mpsc::Sender<CaughtMail>,
}

impl MailSink {
    /// Listens on a free port of loopback.
    pub(crate) async fn bind() -> io::Result<(Self, mpsc::Receiver<CaughtMail>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (caught, mails) = mpsc::channel(MAILS_MAX);
        Ok((Self { listener, caught }, mails))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Receives until it is told to stop.
    pub(crate) async fn run(self, stop: Stop) -> TaskResult {
        loop {
            let stream = tokio::select! {
                () = stop.stopped() => return Ok(()),
                accepted = self.listener.accept() => accepted.map_err(TaskError::new)?.0,
            };
            let (read, write) = stream.into_split();
            let talk = receive(BufReader::new(read), write, &self.caught);
            tokio::select! {
                () = stop.stopped() => return Ok(()),
                // A client that breaks off or takes too long has lost its mail: it sends it again.
                _ = timeout(CONNECTION_LIMIT, talk) => {}
            }
        }
    }
}

/// Speaks with one client. A mail counts from the reply to its last line on.
async fn receive(
    read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    caught: &mpsc::Sender<CaughtMail>,
) -> io::Result<()> {
    let mut read = BufReader::new(read);
    let mut recipients = Vec::new();
    reply(&mut write, "220 custody demo").await?;
    while let Some(line) = read_line(&mut read).await? {
        let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => reply(&mut write, "250 custody demo").await?,
            "MAIL" | "RSET" => {
                recipients.clear();
                reply(&mut write, "250 ok").await?;
            }
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                recipients.push(address);
                reply(&mut write, "250 ok").await?;
            }
            "DATA" if recipients.is_empty() => reply(&mut write, "503 whom for?").await?,
            "DATA" => {
                reply(&mut write, "354 end with a full stop").await?;
                let text = read_text(&mut read).await?;
                let mail = CaughtMail { recipients: std::mem::take(&mut recipients), text };
                match caught.try_send(mail) {
                    Ok(()) => reply(&mut write, "250 caught").await?,
                    Err(_) => reply(&mut write, "452 too many mails").await?,
                }
            }
            "NOOP" => reply(&mut write, "250 ok").await?,
            "QUIT" => return reply(&mut write, "221 bye").await,
            _ => reply(&mut write, "502 not here").await?,
        }
    }
    Ok(())
}

async fn reply(write: &mut (impl AsyncWrite + Unpin), line: &str) -> io::Result<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await
}

/// One line without its end; none when the client is gone.
async fn read_line(read: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let length = read.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    match (length, line.ends_with(b"\n")) {
        (0, _) => Ok(None),
        (_, true) => Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned())),
        (_, false) => Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long")),
    }
}

/// The lines up to the full stop, each with a line feed.
async fn read_text(read: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut text = String::new();
    while let Some(line) = read_line(read).await? {
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
        if text.len() > MAIL_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail is too long"));
        }
    }
    Err(io::Error::from(io::ErrorKind::UnexpectedEof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_is_caught_and_a_broken_one_is_not() {
        let (caught, mut mails) = mpsc::channel(1);
        let talk: &[u8] = b"EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n\
            Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        let mut answers = Vec::new();
        receive(talk, &mut answers, &caught).await.unwrap();
        let mail = mails.try_recv().unwrap();
        assert_eq!(mail.recipients, ["b@example.org"]);
        assert_eq!(mail.text, "Subject: x\n\n.dot\n");
        assert!(answers.ends_with(b"250 caught\r\n221 bye\r\n"));

        let broken: &[u8] = b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhalf";
        assert!(receive(broken, Vec::new(), &caught).await.is_err());
        let long = [b'x'; 5000];
        assert!(receive(&long[..], Vec::new(), &caught).await.is_err());
        assert!(mails.try_recv().is_err());
    }
}
