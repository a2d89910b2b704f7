//! `custody check-config`: is the configuration right?

use super::{Exit, configuration};
use crate::config::{ConfigError, Settings};
use crate::mail::Templates;
use crate::serve::{RunError, StartError};
use crate::webhook::Webhook;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Check a configuration as `serve` would read it: file, environment, and the files that they name.
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// The file; without it, CUSTODY_CONFIG or /etc/custody/custody.toml.
    file: Option<PathBuf>,
}

impl CheckConfig {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let settings = configuration::read(self.file.as_deref(), [])
            .and_then(|settings| check_files(&settings).map(|()| settings))
            .map_err(|error| RunError::Start(StartError::Config(error)))?;
        let mut output = std::io::stdout().lock();
        writeln!(output, "the configuration is right")?;
        writeln!(output, "data in      {}", settings.data_dir.display())?;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        writeln!(output, "serves on    {scheme}://{}", settings.listen.api)?;
        writeln!(output, "health on    http://{}", settings.listen.health)?;
        writeln!(output, "users go to  {}", settings.public_url(settings.listen.api))?;
        match &settings.identity {
            Some(rules) => writeln!(output, "users by     {}", rules.issuer)?,
            None => writeln!(output, "users by     tokens of this cluster: identity.issuer is not set")?,
        }
        match &settings.smtp {
            Some(smtp) => {
                let language = smtp.texts.language.as_str();
                writeln!(output, "mails to     {}:{} ({language})", smtp.host, smtp.port)?;
            }
            None => writeln!(output, "mails        wait: smtp.host is not set")?,
        }
        if let Some(webhook) = &settings.webhook {
            writeln!(output, "webhook to   {}", webhook.host())?;
        }
        Ok(Exit::Done)
    }
}

/// Looks at what settings name, as the service does when it starts.
fn check_files(settings: &Settings) -> Result<(), ConfigError> {
    settings.check_files()?;
    if let Some(smtp) = &settings.smtp {
        Templates::load(&smtp.texts)?;
    }
    match &settings.webhook {
        Some(webhook) if settings.can_read(&webhook.secret_file) => {
            Webhook::new(webhook, String::new(), settings.credentials.as_deref()).map(drop)
        }
        Some(_) | None => Ok(()),
    }
}
