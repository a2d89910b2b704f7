//! The life of a session through the API of three members, as a script of curl.

use crate::appender::scratch_folder;
use crate::mail_server::MailServer;
use crate::paths::{data, repository};
use crate::servers::{Servers, Settings};
use anyhow::ensure;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

/// What is recorded.
const SAMPLE: &str = "vnc-audio-avsync.guac.zst";
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
    let servers = Servers::start_with(folder.path(), Settings { further: &settings, log: None })?;
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
