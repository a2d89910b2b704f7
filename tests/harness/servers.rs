//! Three members, or more, as an operator runs them: `custody serve`, each with a configuration of its own.

use crate::appender::scratch_folder;
use crate::certificates::Certificates;
use crate::links::{Links, Way};
use crate::paths::binary;
use crate::ports;
use crate::processes::{computed_s, wait_until};
use crate::recorder::Door;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
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
    log: Option<&'static str>,
}

/// What members are told beside what they need.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings<'a> {
    /// Lines of their configuration.
    pub(crate) further: &'a str,
    /// What they log, as `RUST_LOG` has it.
    pub(crate) log: Option<&'static str>,
}

/// Where a member answers.
struct Addresses {
    api: SocketAddr,
    health: SocketAddr,
    others: SocketAddr,
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

/// What a member says to a token that was made while it was cut off, when it is asked just before it hears of others again.
pub fn answer_to_a_new_token() -> anyhow::Result<String> {
    let folder = scratch_folder()?;
    let cut = CutOff::new(folder.path())?;
    let body = json!({ "kind": "user", "subject": "harness" });
    let made: MadeToken = cut.servers.administrator(cut.leader).post("/v1/tokens", &body)?;
    let door = Door::new(cut.servers.apis[&cut.away], &made.token);
    let who: Value = cut.asked(move || door.get("/v1/whoami"))?;
    Ok(who["name"].as_str().unwrap_or_default().to_owned())
}

/// How many bytes a member gives of a recording that was recorded and sealed while it was cut off, when it is asked just before
/// it hears of others again; and how many there are.
pub fn answer_to_a_new_seal() -> anyhow::Result<[usize; 2]> {
    let folder = scratch_folder()?;
    let (cut, session) = CutOff::after(folder.path(), |servers, leader| {
        let session = servers.recorder(leader).open()?;
        // All know that it is there.
        for member in MEMBERS {
            let _: Value = servers.administrator(member).get(&format!("/v1/sessions/{session}"))?;
        }
        Ok(session)
    })?;
    let bytes = b"4.size,1.0,3.640,3.480;4.sync,13.1760000000000;";
    let recorder = cut.servers.recorder(cut.leader);
    recorder.append(&session, 0, bytes)?;
    recorder.seal(&session, u64::try_from(bytes.len())?)?;
    let door = cut.servers.administrator(cut.away);
    let (status, read) = cut.asked(move || door.read(&session, None))?;
    ensure!(status == 200, "status {status}: {}", String::from_utf8_lossy(&read));
    Ok([read.len(), bytes.len()])
}

/// Members of which one hears nothing of the others, nor they of it.
struct CutOff {
    servers: Servers,
    links: Links,
    leader: u64,
    away: u64,
}

impl CutOff {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::after(folder, |_, _| Ok(()))?.0)
    }

    /// Cuts one off after something was done that it knows of.
    fn after<T>(
        folder: &Path,
        done: impl FnOnce(&Servers, u64) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Self, T)> {
        let (servers, links) = Servers::start_behind_doors(folder)?;
        let leader = servers.leader()?.context("three members have a leader")?;
        let away = *MEMBERS.iter().find(|member| **member != leader).context("two do not lead")?;
        let done = done(&servers, leader)?;
        let ways = links.ways();
        let ways: Vec<_> = ways.into_iter().filter(|(from, to)| *from == away || *to == away).collect();
        links.hold(&ways);
        Ok((Self { servers, links, leader, away }, done))
    }

    /// What the one that is cut off answers, once it hears of the others again.
    fn asked<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        /// Time for an answer that does not wait for the others.
        const EARLY: Duration = Duration::from_millis(300);
        let asking = std::thread::spawn(ask);
        std::thread::park_timeout(EARLY);
        self.links.heal();
        asking.join().map_err(|_| anyhow::anyhow!("who asks panicked"))?
    }
}

impl Servers {
    /// Starts them in folders of a folder.
    pub(crate) fn start_in(folder: &Path) -> anyhow::Result<Self> {
        Self::start(folders_in(folder, &MEMBERS)?)
    }

    /// The same, of so many members.
    pub(crate) fn start_many_in(folder: &Path, members: &[u64]) -> anyhow::Result<Self> {
        Self::start(folders_in(folder, members)?)
    }

    /// The same, behind doors of the harness.
    pub(crate) fn start_behind_doors(folder: &Path) -> anyhow::Result<(Self, Links)> {
        let folders = folders_in(folder, &MEMBERS)?;
        let addresses = free_addresses(&folders)?;
        let links = Links::open(&addresses.iter().map(|(member, own)| (*member, own.others)).collect())?;
        let servers = Self::start_at(folders, &addresses, Settings::default(), |way| links.door(way))?;
        Ok((servers, links))
    }

    /// Starts one member in each folder, and waits until all serve.
    pub(crate) fn start(folders: BTreeMap<u64, PathBuf>) -> anyhow::Result<Self> {
        let addresses = free_addresses(&folders)?;
        Self::start_at(folders, &addresses, Settings::default(), |(_, to)| addresses[&to].others)
    }

    /// Starts them in folders of a folder, with settings beside those that they need.
    pub(crate) fn start_with(folder: &Path, settings: Settings<'_>) -> anyhow::Result<Self> {
        let folders = folders_in(folder, &MEMBERS)?;
        let addresses = free_addresses(&folders)?;
        Self::start_at(folders, &addresses, settings, |(_, to)| addresses[&to].others)
    }

    /// The same, with further settings; `door` tells where a member finds another one.
    fn start_at(
        folders: BTreeMap<u64, PathBuf>,
        addresses: &BTreeMap<u64, Addresses>,
        further: Settings<'_>,
        door: impl Fn(Way) -> SocketAddr,
    ) -> anyhow::Result<Self> {
        let certificates = Certificates::new()?;
        for (member, folder) in &folders {
            let (shown, own) = (folder.join("shown"), &addresses[member]);
            certificates.write(*member, &shown)?;
            let at = |other: &u64| if other == member { own.others } else { door((*member, *other)) };
            let members: Vec<_> = folders.keys().map(|other| format!("{other}={}", at(other))).collect();
            let settings = format!(
                "member = {member}\ndata_dir = {:?}\nkek_file = {:?}\nworkers = 1\n\
                 listen.api = \"{}\"\nlisten.health = \"{}\"\n\
                 limits.requests_per_s = 100000\nlimits.recorder_requests_per_s = 100000\n\
                 cluster.members = \"{}\"\ncluster.ca = {:?}\ncluster.certificate = {:?}\ncluster.key = {:?}\n",
                folder.join("data"),
                folder.join("kek"),
                own.api,
                own.health,
                members.join(" "),
                shown.join("ca.pem"),
                shown.join("certificate.pem"),
                shown.join("key.pem"),
            );
            std::fs::write(folder.join("custody.toml"), settings + further.further)?;
        }
        let apis = addresses.iter().map(|(member, own)| (*member, own.api)).collect();
        let (administrator, recorder) = (String::new(), String::new());
        let log = further.log;
        let mut servers = Self { folders, apis, running: BTreeMap::new(), administrator, recorder, log };
        servers.begin(FIRST)?;
        let kek = servers.folders[&FIRST].join("kek");
        wait_until("the cluster's key", DEADLINE, || Ok(kek.exists()))?;
        for member in addresses.keys().copied().filter(|member| *member != FIRST) {
            std::fs::copy(&kek, servers.folders[&member].join("kek"))?;
            servers.begin(member)?;
        }
        servers.wait_ready()?;
        servers.administrator = std::fs::read_to_string(servers.token_file())?.trim().to_owned();
        let body = json!({ "kind": "recorder", "subject": "harness" });
        let made: MadeToken = servers.administrator(FIRST).post("/v1/tokens", &body)?;
        servers.recorder = made.token;
        Ok(servers)
    }

    pub(crate) fn begin(&mut self, member: u64) -> anyhow::Result<()> {
        self.begin_by(member, Command::new(binary()?))
    }

    /// Ends all and starts them with clocks that are wrong by so many days, by `faketime`. That one runs the member as a child
    /// of its own, which would outlive a kill for a moment and hold its ports.
    pub(crate) fn start_again_at(&mut self, wrong_days: [i64; 3]) -> anyhow::Result<()> {
        for member in self.running() {
            self.stop(member)?;
        }
        for (member, days) in MEMBERS.into_iter().zip(wrong_days) {
            let mut command = Command::new("faketime");
            // Only what the day is: everything waits as long as it did.
            command.args(["-m", "--exclude-monotonic", "-f", &format!("{days:+}d")]).arg(binary()?);
            self.begin_by(member, command)?;
        }
        self.wait_ready()
    }

    fn begin_by(&mut self, member: u64, mut command: Command) -> anyhow::Result<()> {
        let folder = &self.folders[&member];
        let log = File::options().append(true).create(true).open(folder.join("log"))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.arg("serve").arg("--config").arg(folder.join("custody.toml"));
        command.env_clear().env("PATH", path).envs(self.log.map(|log| ("RUST_LOG", log)));
        // It ends with this process, however that ends.
        command.arg("--until-input-ends").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
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

    /// Ends a member in order.
    pub(crate) fn stop(&mut self, member: u64) -> anyhow::Result<()> {
        let mut child = self.running.remove(&member).context("it runs")?;
        // Its standard input ends.
        drop(child.stdin.take());
        wait_until("the end of a member", DEADLINE, || Ok(child.try_wait()?.is_some()))
    }

    /// How a member that should run has ended, and the last that it said; none while it runs.
    pub(crate) fn ended(&mut self, member: u64) -> anyhow::Result<Option<(ExitStatus, String)>> {
        let status = self.running.get_mut(&member).context("it was started")?.try_wait()?;
        let Some(status) = status else { return Ok(None) };
        self.running.remove(&member);
        let log = String::from_utf8_lossy(&self.log(member)?).into_owned();
        Ok(Some((status, log.lines().last().unwrap_or_default().to_owned())))
    }

    /// Time that those that run have computed, for themselves and in the kernel.
    pub(crate) fn computed_s(&self) -> f64 {
        self.running.values().map(|child| computed_s(child.id())).sum()
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
        ensure!(members.len() == self.folders.len(), "{} members", members.len());
        Ok(members.into_iter().find(|member| member.is_leader).map(|member| member.id))
    }

    /// What a member has logged.
    pub(crate) fn log(&self, member: u64) -> anyhow::Result<Vec<u8>> {
        Ok(std::fs::read(self.folders[&member].join("log"))?)
    }

    /// The closed chunks of a member.
    pub(crate) fn chunks(&self, member: u64) -> PathBuf {
        self.folders[&member].join("data/store/bytes/chunks")
    }

    /// Where a member answers, and the token of who may do everything.
    pub(crate) fn url(&self, member: u64) -> String {
        format!("http://{}", self.apis[&member])
    }

    /// See above.
    pub(crate) fn administrator_token(&self) -> &str {
        &self.administrator
    }

    /// The token of recorders.
    pub(crate) fn recorder_token(&self) -> &str {
        &self.recorder
    }

    /// The file with the first administrator's token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folders[&FIRST].join("data/first-admin-token")
    }

    /// Where the members answer.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.apis.values().map(|address| format!("http://{address}")).collect()
    }

    /// A member, for who may do everything.
    pub(crate) fn administrator(&self, member: u64) -> Door {
        Door::new(self.apis[&member], &self.administrator)
    }

    /// A member, for who has a token.
    pub(crate) fn door(&self, member: u64, token: &str) -> Door {
        Door::new(self.apis[&member], token)
    }

    /// A member, for recorders.
    pub(crate) fn recorder(&self, member: u64) -> Door {
        Door::new(self.apis[&member], &self.recorder)
    }
}

/// A new folder for each member.
fn folders_in(folder: &Path, members: &[u64]) -> anyhow::Result<BTreeMap<u64, PathBuf>> {
    let own = |member: &u64| (*member, folder.join(format!("member-{member}")));
    let folders: BTreeMap<_, _> = members.iter().map(own).collect();
    folders.values().try_for_each(std::fs::create_dir)?;
    Ok(folders)
}

/// Ports that nobody listens on.
fn free_addresses(folders: &BTreeMap<u64, PathBuf>) -> anyhow::Result<BTreeMap<u64, Addresses>> {
    let free = ports::free(3 * folders.len())?;
    let own = |at: &[SocketAddr]| match at {
        [api, health, others] => Ok(Addresses { api: *api, health: *health, others: *others }),
        _ => bail!("a member has three ports"),
    };
    folders.keys().copied().zip(free.chunks(3)).map(|(member, at)| Ok((member, own(at)?))).collect()
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
