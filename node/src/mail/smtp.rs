//! The mail server, and how it is spoken to.

use crate::config::{ConfigError, Encryption, Smtp};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::path::Path;

/// Why no mail server can be spoken to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailerError {
    /// The password cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS for the mail server: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SendError {
    /// What the server or the connection said.
    pub(crate) message: String,
    /// Whether the server will never take it.
    pub(crate) is_final: bool,
}

/// Hands mails to one mail server.
pub(crate) struct Mailer(AsyncSmtpTransport<Tokio1Executor>);

impl Mailer {
    /// Reads the password and sets up TLS; connects with the first mail.
    pub(crate) fn new(smtp: &Smtp, credentials: Option<&Path>) -> Result<Self, MailerError> {
        let tls = || TlsParameters::new(smtp.host.clone()).map_err(MailerError::Tls);
        let tls = match smtp.encryption {
            Encryption::StartTls => Tls::Required(tls()?),
            Encryption::Tls => Tls::Wrapper(tls()?),
            Encryption::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .timeout(Some(smtp.timeout))
            .tls(tls);
        if let Some(login) = &smtp.login {
            let password = login.password_file.read("smtp.password_file", credentials)?;
            let credentials = Credentials::new(login.username.clone(), password.reveal().to_owned());
            transport = transport.credentials(credentials);
        }
        Ok(Self(transport.build()))
    }

    /// Sends one mail; done when the server has taken it. Not cancel-safe: a dropped call may have sent it.
    pub(crate) async fn send(&self, message: Message) -> Result<(), SendError> {
        let sent = self.0.send(message).await;
        sent.map(drop)
            .map_err(|error| SendError { is_final: error.is_permanent(), message: error.to_string() })
    }
}
