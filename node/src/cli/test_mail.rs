//! `custody test-mail`: do mails arrive?

use super::{Exit, configuration};
use crate::config::{Settings, Smtp};
use crate::mail::{
    Heading, Letter, Mailer, MailerError, MessageError, Step, TemplateError, Templates, message,
};
use crate::outbox::{DeliveryError, shown};
use crate::serve::{RunError, StartError, block_on, wall_ms};
use clap::Args;
use cluster::catalog::MailFault;
use std::io::Write;
use std::path::PathBuf;

/// The most characters of what a mail server says.
const WORDS_CHARS: usize = 500;

/// Send one mail through the configured mail server at once, and say each step.
///
/// Exits with 78 when the configuration is refused. The service need not run.
#[derive(Debug, Args)]
pub(super) struct TestMail {
    /// Whom to send it to.
    address: String,
    /// The configuration; without it, CUSTODY_CONFIG or /etc/custody/custody.toml if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Why no mail was sent, and what to do.
#[derive(Debug, thiserror::Error)]
enum TestMailError {
    #[error("smtp.host is not set: name the mail server, and smtp.from, in the configuration")]
    NoServer,
    #[error("{0}: give the address as ada@example.org")]
    Message(#[from] MessageError),
    #[error("{0}: mend the file in the folder mail.templates")]
    Template(#[from] TemplateError),
    #[error("{error}: {}", advice(error))]
    Delivery { error: DeliveryError },
}

impl TestMail {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let refused = |error| RunError::Start(StartError::Config(error));
        let settings = configuration::read(self.config.as_deref(), []).map_err(refused)?;
        let smtp = settings.smtp.as_ref().ok_or(TestMailError::NoServer)?;
        let templates = Templates::load(&smtp.texts).map_err(refused)?;
        let mailer = Mailer::new(smtp, settings.credentials.as_deref()).map_err(|error| match error {
            MailerError::Config(error) => RunError::Start(StartError::Config(error)),
            MailerError::Tls(_) => RunError::Start(StartError::Mailer(error)),
        })?;
        let message = self.message(&settings, smtp, &templates)?;
        say(&format!("sending     from {} to {}", smtp.from.email, self.address));
        say(&format!("looking up  {}:{}", smtp.host, smtp.port));
        let mut told = |step: Step| say(&shown(&step.to_string(), WORDS_CHARS));
        let sent = block_on(mailer.send(&message, &mut told))?;
        sent.map_err(|error| TestMailError::Delivery { error: error.said(|text| shown(text, WORDS_CHARS)) })?;
        say("done        look for the mail; if it does not come, ask the mail server's log for it");
        Ok(Exit::Done)
    }

    fn message(
        &self,
        settings: &Settings,
        smtp: &Smtp,
        templates: &Templates,
    ) -> Result<lettre::Message, TestMailError> {
        let public_url = settings.public_url(settings.listen.api);
        let written_ms = wall_ms();
        let name = format!("test-{written_ms}.{}", std::process::id());
        let heading = Heading { name, from: &smtp.from, to: &self.address, written_ms };
        Ok(message(&heading, templates.text(Letter::Test, &public_url)?)?)
    }
}

/// Says a step; a reader that is gone changes nothing.
fn say(line: &str) {
    let _: std::io::Result<()> = writeln!(std::io::stdout(), "{line}");
}

/// What an operator can do.
fn advice(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Later(_) => "the mail server may take it later; the service tries again by itself",
        DeliveryError::Final(_) => {
            "the mail server does not take mails for this address; ask who runs it, or try another address"
        }
        DeliveryError::Fault { fault, .. } => match fault {
            MailFault::UnknownHost => "check smtp.host and this machine's DNS",
            MailFault::Unreachable => "check smtp.host, smtp.port and the firewalls between",
            MailFault::Tls => {
                "check smtp.encryption, that smtp.host is the name in the server's certificate, and that this \
                 machine trusts who issued it"
            }
            MailFault::Credentials => "check smtp.username and smtp.password_file",
            MailFault::Sender => "check smtp.from: the mail server must take mails from it with this login",
            MailFault::Protocol => {
                "check smtp.port and smtp.encryption: 587 is usual for starttls, 465 for tls"
            }
            MailFault::Address | MailFault::Template => "check the configuration",
        },
    }
}
