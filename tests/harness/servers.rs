//! Three members as an operator runs them: `custody serve`, each with a configuration of its own.

use crate::certificates::Certificates;
use crate::paths::binary;
use crate::processes::wait_until;
use crate::recorder::Door;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const MEMBERS: [u64; 3] = [1, 2, 3];
const FIRST: u64 = MEMBERS[0];
/// A member on a busy machine serves in less time.
const DEADLINE: Duration = Duration::from_secs(120);

/// The running ones. Dropped, they are killed.
#[derive(Debug)]
pub(crate) struct Servers {
    folders: BTreeMap<u64, PathBuf>,
    apis: BTreeMap<u64, SocketAddr>,
    running: BTreeMap<u64, Child>,
    administrator: String,
    recorder: String,
}

#[derive(Deserialize)]
struct MadeToken {
    token: String,
}

#[derive(Deserialize)]
struct MemberStatus {
    id: u64,
    is_leader: bool,
}

impl Servers {
    /// Starts one member in each folder, and waits until all serve.
    pub(crate) fn start(shared: &Path, folders: BTreeMap<u64, PathBuf>) -> anyhow::Result<Self> {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        // All are bound at once, so that no two are the same.
        let listeners = (0..3 * MEMBERS.len()).map(|_| free()).collect::<Result<Vec<_>, _>>()?;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
        drop(listeners);
        let certificates = Certificates::new()?;
        let of = |member: u64, kind: usize| addresses[3 * usize::try_from(member - 1).unwrap_or(0) + kind];
        let members: Vec<_> = MEMBERS.iter().map(|member| format!("{member}={}", of(*member, 2))).collect();
        for (member, folder) in &folders {
            let shown = folder.join("shown");
            certificates.write(*member, &shown)?;
            let settings = format!(
                "member = {member}\ndata_dir = {:?}\nkek_file = {:?}\nworkers = 1\n\
                 listen.api = \"{}\"\nlisten.health = \"{}\"\n\
                 limits.requests_per_s = 100000\nlimits.recorder_requests_per_s = 100000\n\
                 cluster.members = \"{}\"\ncluster.ca = {:?}\ncluster.certificate = {:?}\ncluster.key = {:?}\n",
                folder.join("data"),
                shared.join("kek"),
                of(*member, 0),
                of(*member, 1),
                members.join(" "),
                shown.join("ca.pem"),
                shown.join("certificate.pem"),
                shown.join("key.pem"),
            );
            std::fs::write(folder.join("custody.toml"), settings)?;
        }
        let apis = MEMBERS.map(|member| (member, of(member, 0))).into();
        let (administrator, recorder) = (String::new(), String::new());
        let mut servers = Self { folders, apis, running: BTreeMap::new(), administrator, recorder };
        servers.begin(FIRST)?;
        let kek = shared.join("kek");
        wait_until("the cluster's key", DEADLINE, || Ok(kek.exists()))?;
        for member in MEMBERS.into_iter().filter(|member| *member != FIRST) {
            servers.begin(member)?;
        }
        servers.wait_ready()?;
        let token = servers.folders[&FIRST].join("data/first-admin-token");
        servers.administrator = std::fs::read_to_string(token)?.trim().to_owned();
        let body = json!({ "kind": "recorder", "subject": "harness" });
        let made: MadeToken = servers.administrator(FIRST).post("/v1/tokens", &body)?;
        servers.recorder = made.token;
        Ok(servers)
    }

    pub(crate) fn begin(&mut self, member: u64) -> anyhow::Result<()> {
        let folder = &self.folders[&member];
        let log = File::options().append(true).create(true).open(folder.join("log"))?;
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(folder.join("custody.toml")).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running.insert(member, command.spawn().context("cannot start the binary")?);
        Ok(())
    }

    /// Kills a member without a word.
    pub(crate) fn kill(&mut self, member: u64) -> anyhow::Result<()> {
        let mut child = self.running.remove(&member).context("it runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Waits until all that run are ready.
    pub(crate) fn wait_ready(&mut self) -> anyhow::Result<()> {
        wait_until("members that are ready", DEADLINE, || {
            for (member, child) in &mut self.running {
                if let Some(status) = child.try_wait()? {
                    let log = std::fs::read_to_string(self.folders[member].join("log"))?;
                    bail!("member {member} ended ({status}): {}", log.lines().last().unwrap_or_default());
                }
            }
            let is_ready = |member: &u64| self.administrator(*member).is_ready();
            Ok(self.running.keys().all(is_ready))
        })
    }

    /// The members that run.
    pub(crate) fn running(&self) -> Vec<u64> {
        self.running.keys().copied().collect()
    }

    /// Who leads, as a member that runs believes.
    pub(crate) fn leader(&self) -> anyhow::Result<Option<u64>> {
        let asked = *self.running.keys().next().context("one runs")?;
        let members: Vec<MemberStatus> = self.administrator(asked).get("/v1/cluster/members")?;
        ensure!(members.len() == MEMBERS.len(), "{} members", members.len());
        Ok(members.into_iter().find(|member| member.is_leader).map(|member| member.id))
    }

    /// A member, for who may do everything.
    pub(crate) fn administrator(&self, member: u64) -> Door {
        Door::new(self.apis[&member], &self.administrator)
    }

    /// A member, for recorders.
    pub(crate) fn recorder(&self, member: u64) -> Door {
        Door::new(self.apis[&member], &self.recorder)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // An error means that it has ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
