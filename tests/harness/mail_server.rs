//! A mail server, whose mails come into a file.

use crate::paths::repository;
use crate::processes::wait_until;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A mail server starts in less time.
const DEADLINE: Duration = Duration::from_secs(30);

/// A mail server, whose mails come into a file. Dropped, it ends.
pub(crate) struct MailServer(Child);

impl MailServer {
    pub(crate) fn start(port: u16, mails: &Path) -> anyhow::Result<Self> {
        let script = repository().join("node/tests/suite/smtp_server.py");
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).arg(port.to_string()).stdin(Stdio::piped()).stdout(File::create(mails)?);
        let server = Self(command.spawn()?);
        wait_until("the mail server", DEADLINE, || Ok(std::fs::metadata(mails)?.len() > 0))?;
        Ok(server)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
