//! Three members, each a process of this program.

use super::certificates::{Certificates, MemberFiles};
use super::error::DemoError;
use crate::client::Client;
use crate::config::Secret;
use crate::interrupt::Interrupt;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// All of them; the first makes what a cluster has once.
pub(super) const MEMBERS: [u64; 3] = [1, 2, 3];
const FIRST: u64 = MEMBERS[0];
/// How long all may take until they serve.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long they may take to end in order.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Before something is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the members share.
pub(super) struct MembersOptions<'a> {
    /// Where everything is kept.
    pub(super) data_dir: &'a Path,
    /// Where the first member answers.
    pub(super) listen: &'a str,
    /// Where its metrics and health do.
    pub(super) health: &'a str,
    /// Where mails are taken, on loopback.
    pub(super) smtp_port: u16,
}

/// The running ones. Dropped, they end: their standard input does.
pub(super) struct Members {
    folder: PathBuf,
    apis: BTreeMap<u64, SocketAddr>,
    running: BTreeMap<u64, Child>,
    interrupt: Interrupt,
}

/// Where a member answers.
struct Addresses {
    api: SocketAddr,
    health: SocketAddr,
    others: SocketAddr,
}

impl Members {
    /// Starts all of them and waits until they serve.
    pub(super) fn start(options: &MembersOptions<'_>, interrupt: &Interrupt) -> Result<Self, DemoError> {
        let addresses = free_addresses(options)?;
        let certificates = Certificates::new()?;
        for member in MEMBERS {
            let folder = folder_of(options.data_dir, member);
            let written = |source| DemoError::Folder { path: folder.clone(), source };
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(written)?;
            let files = certificates.write(member, &folder)?;
            let settings = settings(options, member, &addresses, &files);
            std::fs::write(folder.join("custody.toml"), settings).map_err(written)?;
        }
        let apis = addresses.iter().map(|(member, addresses)| (*member, addresses.api)).collect();
        let folder = options.data_dir.to_owned();
        let mut members = Self { folder, apis, running: BTreeMap::new(), interrupt: interrupt.clone() };
        members.begin(FIRST)?;
        let kek = folder_of(options.data_dir, FIRST).join("kek");
        members.wait("the cluster's key", START_LIMIT, || kek.exists().then_some(()))?;
        for member in MEMBERS.into_iter().filter(|member| *member != FIRST) {
            let copy = folder_of(options.data_dir, member).join("kek");
            std::fs::copy(&kek, &copy).map_err(|source| DemoError::Folder { path: copy, source })?;
            members.begin(member)?;
        }
        Ok(members)
    }

    /// The administrator's token, once the cluster has made it and every member knows it.
    pub(super) fn token(&mut self) -> Result<Secret, DemoError> {
        let file = folder_of(&self.folder, FIRST).join("first-admin-token");
        let urls: Vec<_> = MEMBERS.map(|member| self.url(member)).into();
        self.wait("three members that serve", START_LIMIT, || {
            let token = Secret::new(std::fs::read_to_string(&file).ok()?.trim().to_owned());
            let is_known = |url: &String| {
                let who = Client::new(url, token.clone(), None).and_then(|client| client.get("/v1/whoami"));
                who.is_ok_and(|_: serde_json::Value| true)
            };
            urls.iter().all(is_known).then_some(token)
        })
    }

    /// Where a member's API answers.
    pub(super) fn url(&self, member: u64) -> String {
        self.apis.get(&member).map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// Those that run.
    pub(super) fn running(&self) -> Vec<u64> {
        self.running.keys().copied().collect()
    }

    /// Kills a member without a word.
    pub(super) fn kill(&mut self, member: u64) -> Result<(), DemoError> {
        let failed = |source| DemoError::Process { member, source };
        if let Some(mut child) = self.running.remove(&member) {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
        }
        Ok(())
    }

    /// Waits until `look` gives something; ends when a member does.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, DemoError> {
        let until = Instant::now() + limit;
        loop {
            self.check()?;
            if let Some(found) = look() {
                return Ok(found);
            }
            if Instant::now() > until {
                return Err(DemoError::Deadline { what: what.to_owned(), limit });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn begin(&mut self, member: u64) -> Result<(), DemoError> {
        let failed = |source| DemoError::Process { member, source };
        let folder = folder_of(&self.folder, member);
        let log = File::create(folder.join("log")).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(folder.join("custody.toml")).arg("--until-input-ends");
        // Settings in the environment are meant for other members. Ctrl-C is for the demonstration, which ends its members.
        command.env_clear().process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.running.insert(member, command.spawn().map_err(failed)?);
        Ok(())
    }

    /// An error when somebody wants the end, or a member has come to its own.
    fn check(&mut self) -> Result<(), DemoError> {
        if self.interrupt.is_set() {
            return Err(DemoError::Interrupted);
        }
        for (member, child) in &mut self.running {
            let member = *member;
            if child.try_wait().map_err(|source| DemoError::Process { member, source })?.is_some() {
                let log = std::fs::read_to_string(folder_of(&self.folder, member).join("log"));
                let last = log.unwrap_or_default().lines().last().unwrap_or_default().to_owned();
                return Err(DemoError::Ended { member, last });
            }
        }
        Ok(())
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            drop(child.stdin.take());
        }
        let until = Instant::now() + STOP_LIMIT;
        for child in self.running.values_mut() {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(LOOK_EVERY);
            }
            // An error means that it has ended.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn folder_of(data_dir: &Path, member: u64) -> PathBuf {
    data_dir.join(format!("member-{member}"))
}

/// Addresses for all: those that are named for the first one, and otherwise ports that nobody listens on.
fn free_addresses(options: &MembersOptions<'_>) -> Result<BTreeMap<u64, Addresses>, DemoError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string();
    let mut taken = Vec::new();
    let mut take = |address: &str| {
        let refused = |source| DemoError::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).map_err(refused)?;
        let taken_at = listener.local_addr().map_err(refused)?;
        // All are held until the last one is found, so that no two are the same.
        taken.push(listener);
        if taken_at.ip().is_loopback() { Ok(taken_at) } else { Err(DemoError::NotLoopback(taken_at)) }
    };
    let mut addresses = BTreeMap::new();
    for member in MEMBERS {
        let (api, health) =
            if member == FIRST { (options.listen, options.health) } else { (any.as_str(), any.as_str()) };
        let found = Addresses { api: take(api)?, health: take(health)?, others: take(&any)? };
        addresses.insert(member, found);
    }
    Ok(addresses)
}

/// The configuration of a member.
fn settings(
    options: &MembersOptions<'_>,
    member: u64,
    addresses: &BTreeMap<u64, Addresses>,
    files: &MemberFiles,
) -> String {
    // A path that is no text is refused as an empty one: another folder must not take its place.
    let text = |path: PathBuf| toml::Value::String(path.to_str().unwrap_or("").to_owned());
    let address = |of: fn(&Addresses) -> SocketAddr| {
        addresses.get(&member).map_or_else(String::new, |addresses| of(addresses).to_string())
    };
    let all: Vec<_> = addresses.iter().map(|(member, at)| format!("{member}={}", at.others)).collect();
    format!(
        "member = {member}\n\
         data_dir = {}\n\
         kek_file = {}\n\
         listen.api = \"{}\"\n\
         listen.health = \"{}\"\n\
         cluster.members = \"{}\"\n\
         cluster.ca = {}\n\
         cluster.certificate = {}\n\
         cluster.key = {}\n\
         smtp.host = \"127.0.0.1\"\n\
         smtp.port = {}\n\
         smtp.encryption = \"none\"\n\
         smtp.from = \"Custody <custody@example.org>\"\n",
        text(folder_of(options.data_dir, member)),
        text(folder_of(options.data_dir, member).join("kek")),
        address(|at| at.api),
        address(|at| at.health),
        all.join(" "),
        text(files.ca.clone()),
        text(files.certificate.clone()),
        text(files.key.clone()),
        options.smtp_port,
    )
}
