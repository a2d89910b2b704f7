//! A cluster that is founded and grows, as an operator runs it: `custody cluster init`, `token`, `join` and what follows.

use crate::agreement::Agreement;
use crate::custody::{Custody, Ended};
use crate::paths::binary;
use crate::ports;
use crate::processes::wait_until;
use crate::recorder::Door;
use anyhow::{Context, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A member on a busy machine joins, is mended, or ends in less time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
/// Before the cluster is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Places of members. Dropped, those that run are killed.
pub(crate) struct Founded {
    folder: PathBuf,
    program: PathBuf,
    places: Vec<Place>,
    token_file: PathBuf,
    administrator: String,
    recorder: String,
}

/// A place for a member: its folder, and where it answers.
struct Place {
    folder: PathBuf,
    api: SocketAddr,
    member: Option<u64>,
    running: Option<Child>,
}

/// A member as the others see it.
#[derive(Debug, Deserialize)]
struct Seen {
    id: u64,
    is_voter: bool,
    is_ready: bool,
    state: String,
    api_address: Option<String>,
    #[serde(default)]
    drain: Value,
}

#[derive(Deserialize)]
struct Made {
    token: String,
}

impl Founded {
    /// The first member, which serves.
    pub(crate) fn found(folder: &Path) -> anyhow::Result<Self> {
        Self::found_with(folder, binary()?)
    }

    /// The same, of members that a copy of the binary serves as.
    pub(crate) fn found_with(folder: &Path, program: PathBuf) -> anyhow::Result<Self> {
        let token_file = folder.join("administrator");
        let (folder, places) = (folder.to_owned(), Vec::new());
        let (administrator, recorder) = (String::new(), String::new());
        let mut cluster = Self { folder, program, places, token_file, administrator, recorder };
        let first = cluster.place()?;
        let founded =
            Custody::new(["cluster", "init", "--config"])?.arg(cluster.configuration(first)).run()?;
        ensure!(founded.status.success(), "{}", founded.stderr);
        cluster.places[first].member = Some(1);
        cluster.serve(first)?;
        let made = cluster.places[first].folder.join("data/first-admin-token");
        wait_until("the administrator's token", DEADLINE, || Ok(made.exists()))?;
        // Before that it may be there and not be written.
        cluster.wait_ready(first)?;
        // The place may be lost, and what everything is asked with is not.
        std::fs::copy(made, &cluster.token_file)?;
        cluster.administrator = std::fs::read_to_string(&cluster.token_file)?.trim().to_owned();
        let body = json!({ "kind": "recorder", "subject": "harness" });
        let made: Made = cluster.door(first).post("/v1/tokens", &body)?;
        cluster.recorder = made.token;
        Ok(cluster)
    }

    /// So many members that vote and hold copies.
    pub(crate) fn of_members(folder: &Path, members: usize) -> anyhow::Result<Self> {
        let mut cluster = Self::found(folder)?;
        for _ in 1..members {
            cluster.grow()?;
        }
        cluster.apply_layout()?;
        cluster.wait_layout()?;
        Ok(cluster)
    }

    /// A place for one more member, which is none yet.
    pub(crate) fn place(&mut self) -> anyhow::Result<usize> {
        let [api, health, others] = *ports::free(3)? else { anyhow::bail!("a member has three ports") };
        let at = self.places.len();
        let folder = self.folder.join(format!("place-{at}"));
        std::fs::create_dir(&folder)?;
        let settings = format!(
            "data_dir = {:?}\nworkers = 1\nlisten.api = \"{api}\"\nlisten.health = \"{health}\"\n\
             limits.requests_per_s = 100000\nlimits.recorder_requests_per_s = 100000\n\
             cluster.listen = \"{others}\"\ncluster.address = \"{others}\"\n",
            folder.join("data")
        );
        std::fs::write(folder.join("custody.toml"), settings)?;
        self.places.push(Place { folder, api, member: None, running: None });
        Ok(at)
    }

    /// A member in a new place, which has learnt all; it holds nothing yet. Gives the place and the member.
    pub(crate) fn grow(&mut self) -> anyhow::Result<(usize, u64)> {
        let (at, token) = (self.place()?, self.token()?);
        let member = self.join(at, &token)?;
        self.wait_ready(at)?;
        self.wait_learnt(member)?;
        Ok((at, member))
    }

    fn configuration(&self, at: usize) -> PathBuf {
        self.places[at].folder.join("custody.toml")
    }

    /// A place whose member runs: the first one.
    fn running(&self) -> anyhow::Result<usize> {
        self.places.iter().position(|place| place.running.is_some()).context("one runs")
    }

    /// Asks a member that runs, as an operator.
    pub(crate) fn tell(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        let url = self.url(self.running()?);
        let command = Custody::new(["cluster"].iter().chain(arguments))?;
        command.arg("--server").arg(url).arg("--token-file").arg(&self.token_file).run()
    }

    /// The same, which must be done.
    pub(crate) fn order(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let told = self.tell(arguments)?;
        ensure!(told.status.success(), "{arguments:?}: {}", told.stderr);
        Ok(told.stdout)
    }

    /// A token for one that joins.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        Ok(self.order(&["token"])?.trim().to_owned())
    }

    pub(crate) fn try_join(&self, at: usize, token: &str) -> anyhow::Result<Ended> {
        Custody::new(["cluster", "join", token, "--config"])?.arg(self.configuration(at)).run()
    }

    /// Joins, and serves; gives the number of the member.
    pub(crate) fn join(&mut self, at: usize, token: &str) -> anyhow::Result<u64> {
        let joined = self.try_join(at, token)?;
        ensure!(joined.status.success(), "{}", joined.stderr);
        self.serve(at)?;
        let number = joined.stdout.split_whitespace().find_map(|word| word.parse().ok());
        let number = number.with_context(|| format!("a number in {:?}", joined.stdout))?;
        self.places[at].member = Some(number);
        Ok(number)
    }

    pub(crate) fn serve(&mut self, at: usize) -> anyhow::Result<()> {
        let place = &mut self.places[at];
        let log = File::options().append(true).create(true).open(place.folder.join("log"))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(place.folder.join("custody.toml"));
        // It ends with this process, however that ends.
        command.arg("--until-input-ends").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        place.running = Some(command.spawn().context("cannot start the binary")?);
        Ok(())
    }

    /// Serves until it ends by itself.
    pub(crate) fn serve_to_end(&self, at: usize) -> anyhow::Result<Ended> {
        Custody::new(["serve", "--config"])?.arg(self.configuration(at)).run()
    }

    /// Without a word.
    pub(crate) fn kill(&mut self, at: usize) -> anyhow::Result<()> {
        let mut child = self.places[at].running.take().context("it runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// In order, as a service is stopped.
    pub(crate) fn stop(&mut self, at: usize) -> anyhow::Result<()> {
        let mut child = self.places[at].running.take().context("it runs")?;
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        let ended = wait_until("the end of a member", DEADLINE, || Ok(child.try_wait()?.is_some()));
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        ended
    }

    /// Waits until a removed member has ended by itself.
    pub(crate) fn end_removed(&mut self, at: usize) -> anyhow::Result<()> {
        let place = &mut self.places[at];
        let child = place.running.as_mut().context("it runs")?;
        let ended = wait_until("the end of a removed member", DEADLINE, || Ok(child.try_wait()?.is_some()));
        ended.with_context(|| format!("place {at}"))?;
        place.running = None;
        Ok(())
    }

    /// Deletes all that a member that does not run has written.
    pub(crate) fn wipe(&self, at: usize) -> anyhow::Result<()> {
        ensure!(self.places[at].running.is_none(), "place {at} runs");
        Ok(std::fs::remove_dir_all(self.places[at].folder.join("data"))?)
    }

    /// The folder of a member's store.
    pub(crate) fn store(&self, at: usize) -> PathBuf {
        self.places[at].folder.join("data/store")
    }

    fn url(&self, at: usize) -> String {
        format!("http://{}", self.places[at].api)
    }

    /// A member, for who may do everything.
    pub(crate) fn door(&self, at: usize) -> Door {
        Door::new(self.places[at].api, &self.administrator)
    }

    /// A member, for recorders.
    pub(crate) fn recorder(&self, at: usize) -> Door {
        Door::new(self.places[at].api, &self.recorder)
    }

    /// The places whose members run.
    pub(crate) fn all_running(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|at| self.places[*at].running.is_some()).collect()
    }

    /// The member of a place.
    pub(crate) fn member(&self, at: usize) -> anyhow::Result<u64> {
        self.places[at].member.with_context(|| format!("a member in place {at}"))
    }

    pub(crate) fn wait_ready(&mut self, at: usize) -> anyhow::Result<()> {
        let door = self.door(at);
        wait_until("a member that is ready", DEADLINE, || {
            let place = &mut self.places[at];
            let running = place.running.as_mut().context("it runs")?;
            if let Some(status) = running.try_wait()? {
                let log = std::fs::read_to_string(place.folder.join("log"))?;
                anyhow::bail!("place {at} ended ({status}): {log}");
            }
            Ok(door.is_ready())
        })
    }

    /// A look at the members costs each of them one at its folders: so some time passes after it.
    fn seen(&self) -> anyhow::Result<Vec<Seen>> {
        std::thread::park_timeout(LOOK_AGAIN);
        self.door(self.running()?).get("/v1/cluster/members")
    }

    /// Where the APIs of all members are, as they have told.
    pub(crate) fn api_addresses(&self) -> anyhow::Result<BTreeMap<u64, Option<String>>> {
        Ok(self.seen()?.into_iter().map(|one| (one.id, one.api_address)).collect())
    }

    /// Where the APIs are of those that run.
    pub(crate) fn api_places(&self) -> anyhow::Result<BTreeMap<u64, Option<String>>> {
        let place = |at: usize| Ok((self.member(at)?, Some(self.places[at].api.to_string())));
        self.all_running().into_iter().map(place).collect()
    }

    /// Waits until all know that a member has what they have.
    pub(crate) fn wait_learnt(&self, member: u64) -> anyhow::Result<()> {
        wait_until("a member that has learnt all", DEADLINE, || {
            Ok(self.seen()?.iter().any(|one| one.id == member && one.state == "member"))
        })
    }

    /// Waits until a member is proven to hold nothing that is needed.
    pub(crate) fn wait_drained(&self, member: u64, deadline: Duration) -> anyhow::Result<()> {
        let mut drain = Value::Null;
        let drained = wait_until("a drained member", deadline, || {
            let own = self.seen()?.into_iter().find(|one| one.id == member);
            drain = own.map_or(Value::Null, |own| own.drain);
            Ok(drain["state"] == "drained")
        });
        drained.with_context(|| format!("member {member}: {drain}"))
    }

    /// Has those who have joined hold copies.
    pub(crate) fn apply_layout(&self) -> anyhow::Result<()> {
        let layout = self.layout()?;
        let version = layout["staged"]["version"].to_string();
        let applied = self.tell(&["layout", "apply", "--version", &version])?;
        ensure!(applied.status.success(), "{layout}: {}", applied.stderr);
        Ok(())
    }

    fn layout(&self) -> anyhow::Result<Value> {
        self.door(self.running()?).get("/v1/cluster/layout")
    }

    /// Waits until all copies are where the layout has them.
    pub(crate) fn wait_layout(&self) -> anyhow::Result<()> {
        let mut layout = Value::Null;
        let settled = wait_until("a settled layout", 5 * DEADLINE, || {
            std::thread::park_timeout(LOOK_AGAIN);
            layout = self.layout()?;
            Ok(layout["settled"] == true)
        });
        settled.with_context(|| format!("{layout}"))
    }

    /// Waits until so many vote, all of them ready; gives who.
    pub(crate) fn wait_voters(&self, wanted: usize) -> anyhow::Result<Vec<u64>> {
        let mut voters = Vec::new();
        let voting = wait_until("voters that are ready", DEADLINE, || {
            let members = self.seen()?;
            let voting = members.iter().filter(|member| member.is_voter);
            voters = voting.clone().map(|member| member.id).collect();
            Ok(voters.len() == wanted && voting.clone().all(|member| member.is_ready))
        });
        voting.with_context(|| format!("{voters:?} vote"))?;
        Ok(voters)
    }

    /// What the script that hashes files says, of all that run.
    pub(crate) fn agreement(&self) -> anyhow::Result<Agreement> {
        let mut chunks = BTreeMap::new();
        for at in self.all_running() {
            chunks.insert(self.member(at)?, self.store(at).join("bytes/chunks"));
        }
        Agreement::of(&self.url(self.running()?), &self.administrator, &chunks)
    }
}

impl Drop for Founded {
    fn drop(&mut self) {
        for child in self.places.iter_mut().filter_map(|place| place.running.as_mut()) {
            // An error means that it has ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
