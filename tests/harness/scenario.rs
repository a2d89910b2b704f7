//! The life of a session through the API of three members, as a script of curl.

use crate::appender::scratch_folder;
use crate::paths::{data, repository};
use crate::processes::wait_until;
use crate::servers::Servers;
use anyhow::ensure;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What is recorded.
const SAMPLE: &str = "vnc-audio-avsync.guac.zst";
/// A mail server starts in less time.
const DEADLINE: Duration = Duration::from_secs(30);

/// A mail server, whose mails come into a file. Dropped, it ends.
struct MailServer(Child);

impl MailServer {
    fn start(port: u16, mails: &Path) -> anyhow::Result<Self> {
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

/// Runs the script and answers the steps that it has told; an error when one was not answered as it should be.
pub fn scenario() -> anyhow::Result<Vec<String>> {
    let folder = scratch_folder()?;
    let file = |name: &str| folder.path().join(name);
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let _mail_server = MailServer::start(port, &file("mails"))?;
    let settings = format!(
        "public_url = \"https://custody.example.org\"\nsmtp.host = \"127.0.0.1\"\nsmtp.port = {port}\n\
         smtp.encryption = \"none\"\nsmtp.from = \"custody@example.org\"\n"
    );
    let servers = Servers::start_mailing(folder.path(), &settings)?;
    let unpacked = Command::new("zstd")
        .args(["-dqc"])
        .arg(data().join(SAMPLE))
        .stdout(File::create(file("recording"))?)
        .status()?;
    ensure!(unpacked.success(), "zstd ended with {unpacked}");
    let mut command = Command::new(repository().join("tests/measure/scenario.sh"));
    command.arg(servers.token_file()).args([file("recording"), file("mails")]).args(servers.urls());
    let output = command.output()?;
    let told = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    ensure!(output.status.success(), "{told:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(told)
}
