//! The mail server, and how it is spoken to: each step for itself, since what a refusal means depends on the step.

use crate::config::{ConfigError, Encryption, Smtp};
use crate::outbox::DeliveryError;
use cluster::catalog::MailFault;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::{Address, Message};
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

/// How long the server may take to say goodbye.
const QUIT_LIMIT: Duration = Duration::from_secs(1);
/// How passwords are sent; over TLS only.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// What servers answer at any step when they want a login first, or another one (RFC 4954, 6).
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];

/// Why no mail server can be spoken to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailerError {
    /// The password cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS for the mail server: {0}")]
    Tls(Error),
}

/// What has been reached on the way of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The server's name leads to these addresses.
    Found(Vec<SocketAddr>),
    /// The server answers.
    Connected,
    /// The connection is protected.
    Encrypted,
    /// Name and password are accepted.
    LoggedIn,
    /// The server takes mails from this sender.
    Sender,
    /// The server takes mails for this recipient.
    Recipient,
    /// The server has taken the mail, with these words.
    Taken(String),
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                write!(formatter, "found       {}", addresses.join(", "))
            }
            Self::Connected => formatter.write_str("connected   the mail server answers"),
            Self::Encrypted => formatter.write_str("encrypted   its certificate is right"),
            Self::LoggedIn => formatter.write_str("logged in   name and password are accepted"),
            Self::Sender => formatter.write_str("sender      accepted"),
            Self::Recipient => formatter.write_str("recipient   accepted"),
            Self::Taken(words) => write!(formatter, "taken       {words}"),
        }
    }
}

/// Who wants to know how far a mail is.
pub(crate) type Told<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Hands mails to one mail server.
pub(crate) struct Mailer {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: TlsParameters,
    hello: ClientId,
    credentials: Option<Credentials>,
    /// The password in all forms in which it is sent: servers repeat what they do not understand.
    secrets: Vec<Zeroizing<String>>,
    limit: Duration,
}

impl Mailer {
    /// Reads the password and sets up TLS; connects with the first mail.
    pub(crate) fn new(smtp: &Smtp, credentials: Option<&Path>) -> Result<Self, MailerError> {
        let mut mailer = Self {
            host: smtp.host.clone(),
            port: smtp.port,
            encryption: smtp.encryption,
            tls: TlsParameters::new(smtp.host.clone()).map_err(MailerError::Tls)?,
            hello: ClientId::default(),
            credentials: None,
            secrets: Vec::new(),
            limit: smtp.timeout,
        };
        if let Some(login) = &smtp.login {
            let password = login.password_file.read("smtp.password_file", credentials)?;
            let (name, password) = (&login.username, password.reveal());
            let base64 = |text: &str| Zeroizing::new(base64_simd::STANDARD.encode_to_string(text));
            let plain = Zeroizing::new(format!("\0{name}\0{password}"));
            mailer.secrets = vec![base64(&plain), base64(password), Zeroizing::new(password.to_owned())];
            mailer.credentials = Some(Credentials::new(name.clone(), password.to_owned()));
        }
        Ok(mailer)
    }

    /// Sends one mail; done when the server has taken it. Not cancel-safe: a dropped call may have sent it.
    pub(crate) async fn send(&self, message: &Message, told: Told<'_>) -> Result<(), DeliveryError> {
        let sent = self.send_within(message, told, Instant::now() + self.limit).await;
        sent.map_err(|error| error.said(|message| self.without_secrets(message)))
    }

    async fn send_within(
        &self,
        message: &Message,
        told: Told<'_>,
        until: Instant,
    ) -> Result<(), DeliveryError> {
        let late = || format!("the mail server does not go on within {} s", self.limit.as_secs());
        let connected = timeout_at(until, self.connect(told)).await;
        let mut connection =
            connected.map_err(|_| DeliveryError::fault(MailFault::Unreachable, late()))??;
        let sent = timeout_at(until, hand_over(&mut connection, message, told)).await;
        let sent = sent.unwrap_or_else(|_| Err(DeliveryError::Later(late())));
        // What it says to a goodbye changes nothing.
        let _: Result<_, _> = timeout(QUIT_LIMIT, connection.quit()).await;
        sent
    }

    /// A connection that is protected and logged in, as far as configured.
    async fn connect(&self, told: Told<'_>) -> Result<AsyncSmtpConnection, DeliveryError> {
        let unknown = |why: &str| {
            DeliveryError::fault(MailFault::UnknownHost, format!("cannot find {}: {why}", self.host))
        };
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| unknown(&error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(unknown("it has no address"));
        }
        told(Step::Found(addresses.clone()));
        let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
        let wrapper = (self.encryption == Encryption::Tls).then(|| self.tls.clone());
        let connecting = AsyncSmtpConnection::connect_tokio1(
            &*addresses,
            Some(self.limit / share),
            &self.hello,
            wrapper,
            None,
        );
        let mut connection = connecting.await.map_err(|error| self.not_connected(&error))?;
        told(Step::Connected);
        if self.encryption == Encryption::StartTls {
            if !connection.can_starttls() {
                let why = "the mail server offers no STARTTLS";
                return Err(DeliveryError::fault(MailFault::Tls, why));
            }
            let upgraded = connection.starttls(self.tls.clone(), &self.hello).await;
            upgraded.map_err(|error| refused(&error, MailFault::Tls))?;
        }
        if connection.is_encrypted() {
            told(Step::Encrypted);
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(&MECHANISMS, credentials).await;
            login.map_err(|error| match is_broken(&error) {
                true => DeliveryError::Later(words(&error)),
                false => refused(&error, MailFault::Credentials),
            })?;
            told(Step::LoggedIn);
        }
        Ok(connection)
    }

    fn not_connected(&self, error: &Error) -> DeliveryError {
        let fault = match io_kind(error) {
            Some(ErrorKind::ConnectionRefused | ErrorKind::TimedOut | ErrorKind::HostUnreachable) => {
                MailFault::Unreachable
            }
            Some(_) | None if self.encryption == Encryption::Tls && !is_answer(error) => MailFault::Tls,
            Some(_) => MailFault::Unreachable,
            None if error.is_timeout() => MailFault::Unreachable,
            None => MailFault::Protocol,
        };
        refused(error, fault)
    }

    fn without_secrets(&self, message: &str) -> String {
        let hide = |text: String, secret: &Zeroizing<String>| text.replace(secret.as_str(), "…");
        self.secrets.iter().fold(message.to_owned(), hide)
    }
}

/// Sender, recipient and mail. A refused sender is ours to mend; any other refusal is about this mail.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
    told: Told<'_>,
) -> Result<(), DeliveryError> {
    let envelope = message.envelope();
    let parameters = parameters(connection, envelope)?;
    let sender = connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
    sender.map_err(|error| match is_broken(&error) {
        true => DeliveryError::Later(words(&error)),
        false => refused(&error, MailFault::Sender),
    })?;
    told(Step::Sender);
    for recipient in envelope.to() {
        taken(connection.command(Rcpt::new(recipient.clone(), Vec::new())).await)?;
    }
    told(Step::Recipient);
    taken(connection.command(Data).await)?;
    let response = taken(connection.message(&message.formatted()).await)?;
    told(Step::Taken(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))));
    Ok(())
}

/// What the server must be told of a mail (RFC 6531, 3.4).
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
) -> Result<Vec<MailParameter>, DeliveryError> {
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if envelope.from().into_iter().chain(envelope.to()).all(is_ascii) {
        return Ok(Vec::new());
    }
    match connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        true => Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]),
        false => Err(DeliveryError::Final("the mail server takes addresses in ASCII only".to_owned())),
    }
}

/// What a server said about a mail: 5xx is its last word.
fn taken(answer: Result<Response, Error>) -> Result<Response, DeliveryError> {
    answer.map_err(|error| match code(&error) {
        Some(code) if LOGIN_CODES.contains(&code) => {
            DeliveryError::fault(MailFault::Credentials, words(&error))
        }
        Some(_) if error.is_permanent() => DeliveryError::Final(words(&error)),
        Some(_) | None => DeliveryError::Later(words(&error)),
    })
}

/// A refusal that an operator has to mend, unless the server says that it is for a while only.
fn refused(error: &Error, fault: MailFault) -> DeliveryError {
    match code(error) {
        Some(_) if error.is_transient() => DeliveryError::Later(words(error)),
        Some(code) if LOGIN_CODES.contains(&code) => {
            DeliveryError::fault(MailFault::Credentials, words(error))
        }
        Some(_) | None => DeliveryError::fault(fault, words(error)),
    }
}

/// Whether the connection broke off, so that nobody knows what the server would have said.
fn is_broken(error: &Error) -> bool {
    !is_answer(error) && !error.is_client()
}

fn is_answer(error: &Error) -> bool {
    code(error).is_some()
}

fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

fn words(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    match (code(error), cause) {
        (Some(code), cause) => format!("the mail server answers {code} {}", cause.unwrap_or_default()),
        (None, Some(cause)) => cause,
        (None, None) => error.to_string(),
    }
}

/// What the system says, if it said something.
fn io_kind(error: &Error) -> Option<ErrorKind> {
    let cause = std::error::Error::source(error)?;
    cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter2 & co\n").unwrap();
        let mut values = crate::config::Values::default();
        for (key, value) in [
            ("smtp.host", "127.0.0.1"),
            ("smtp.from", "custody@example.org"),
            ("smtp.username", "custody"),
            ("smtp.password_file", file.to_str().unwrap()),
        ] {
            values.set_flag(key, Some(value.to_owned())).unwrap();
        }
        let smtp = crate::config::Settings::check(&values, None).unwrap().smtp.unwrap();
        let mailer = Mailer::new(&smtp, None).unwrap();
        let said = "535 AUTH PLAIN AGN1c3RvZHkAaHVudGVyMiAmIGNv? aHVudGVyMiAmIGNv, hunter2 & co, custody";
        assert_eq!(mailer.without_secrets(said), "535 AUTH PLAIN …? …, …, custody");
    }
}
