//! A cluster that is founded and grows, as an operator does it: `custody cluster init`, `token`, `join`, `remove`.

use crate::appender::scratch_folder;
use crate::custody::{Custody, Ended};
use crate::paths::binary;
use crate::ports;
use crate::processes::wait_until;
use crate::recorder::Door;
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A member on a busy machine joins, and is mended, in less time.
const DEADLINE: Duration = Duration::from_secs(120);
/// Bytes of a recording.
const BYTES: usize = 100_000;

/// What became of the members.
#[derive(Debug)]
pub struct JoiningOutcome {
    /// Numbers of the members, in the order in which they came.
    pub members: Vec<u64>,
    /// Who voted when three were there.
    pub voters: Vec<u64>,
    /// What is said to somebody who comes with a token that was used.
    pub used_token: String,
    /// What is said of a member that answers and is to be removed as lost.
    pub not_lost: String,
    /// What a removed member says at its start, and its exit code.
    pub removed: (String, Option<i32>),
    /// What a member says that has lost its store, and has its identity still.
    pub store_gone: String,
    /// Who votes at the end.
    pub voters_at_end: Vec<u64>,
    /// Recordings that were not what was recorded, by member.
    pub wrong: Vec<String>,
    /// Recordings that were read.
    pub reads: usize,
}

/// A place for a member: its folder, and where it answers.
struct Place {
    folder: PathBuf,
    api: SocketAddr,
    running: Option<Child>,
}

#[derive(Deserialize)]
struct Member {
    id: u64,
    is_voter: bool,
    is_ready: bool,
    state: String,
}

#[derive(Deserialize)]
struct MadeToken {
    token: String,
}

/// Places of members, and what they are told with.
struct Cluster {
    places: Vec<Place>,
    token_file: PathBuf,
}

/// Three members come together and record; one is lost for good, a fourth takes its place.
pub fn joining() -> anyhow::Result<JoiningOutcome> {
    let folder = scratch_folder()?;
    let mut cluster = Cluster::found(folder.path())?;
    let token = cluster.token()?;
    let mut members = vec![1, cluster.join(1, &token)?];
    let used_token = cluster.try_join(2, &token)?.stderr;
    let token = cluster.token()?;
    members.push(cluster.join(2, &token)?);
    let voters = cluster.wait_voters(3, 0)?;
    for member in &members {
        cluster.wait_settled(*member)?;
    }
    cluster.apply_layout()?;

    let made: MadeToken =
        cluster.door(0)?.post("/v1/tokens", &json!({ "kind": "recorder", "subject": "harness" }))?;
    let mut recordings = BTreeMap::new();
    for at in 0..3 {
        let recorder = Door::new(cluster.places[at].api, &made.token);
        let bytes = content(at);
        let session = recorder.open()?;
        recorder.append(&session, 0, &bytes)?;
        recorder.seal(&session, u64::try_from(bytes.len())?)?;
        recordings.insert(session, bytes);
    }
    cluster.wait_synced(&recordings)?;

    let not_lost = cluster.tell(&["remove", "3", "--dead"])?.stderr;
    cluster.kill(2)?;
    let token = cluster.token()?;
    members.push(cluster.join(3, &token)?);
    cluster.wait_ready(3)?;
    cluster.wait_settled(members[3])?;
    let replaced = cluster.tell(&["replace", "3", "--by", &members[3].to_string()])?;
    ensure!(replaced.status.success(), "{}", replaced.stderr);
    let voters_at_end = cluster.wait_voters(3, 0)?;
    cluster.wait_synced(&recordings)?;
    let removed = cluster.serve_to_end(2)?;
    // Its disk is lost, and what it is was kept.
    cluster.kill(1)?;
    std::fs::remove_dir_all(cluster.places[1].folder.join("data/store"))?;
    let store_gone = cluster.serve_to_end(1)?.stderr;
    let (wrong, reads) = cluster.read_all(&recordings, &[0, 3])?;
    let removed = (removed.stderr, removed.status.code());
    Ok(JoiningOutcome {
        members,
        voters,
        used_token,
        not_lost,
        removed,
        store_gone,
        voters_at_end,
        wrong,
        reads,
    })
}

fn content(at: usize) -> Vec<u8> {
    let text = format!("4.sync,13.{:013};", at);
    text.into_bytes().into_iter().cycle().take(BYTES - BYTES % 22).collect()
}

impl Cluster {
    /// Places for four, the first of which founds the cluster and serves.
    fn found(folder: &std::path::Path) -> anyhow::Result<Self> {
        let ports = ports::free(4 * 3)?;
        let mut places = Vec::new();
        for (at, ports) in ports.chunks(3).enumerate() {
            let [api, health, others] = *ports else { anyhow::bail!("a member has three ports") };
            let folder = folder.join(format!("place-{at}"));
            std::fs::create_dir(&folder)?;
            let settings = format!(
                "data_dir = {:?}\nworkers = 1\nlisten.api = \"{api}\"\nlisten.health = \"{health}\"\n\
                 cluster.listen = \"{others}\"\ncluster.address = \"{others}\"\n",
                folder.join("data")
            );
            std::fs::write(folder.join("custody.toml"), settings)?;
            places.push(Place { folder, api, running: None });
        }
        let token_file = places[0].folder.join("data/first-admin-token");
        let mut cluster = Self { places, token_file };
        let founded = Custody::new(["cluster", "init", "--config"])?.arg(cluster.configuration(0)).run()?;
        ensure!(founded.status.success(), "{}", founded.stderr);
        cluster.serve(0)?;
        wait_until("the administrator's token", DEADLINE, || Ok(cluster.token_file.exists()))?;
        cluster.wait_ready(0)?;
        Ok(cluster)
    }

    fn configuration(&self, at: usize) -> PathBuf {
        self.places[at].folder.join("custody.toml")
    }

    /// Asks the first member.
    fn tell(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        let url = format!("http://{}", self.places[0].api);
        let command = Custody::new(["cluster"].iter().chain(arguments))?;
        command.arg("--server").arg(url).arg("--token-file").arg(&self.token_file).run()
    }

    fn token(&self) -> anyhow::Result<String> {
        let made = self.tell(&["token"])?;
        ensure!(made.status.success(), "{}", made.stderr);
        Ok(made.stdout.trim().to_owned())
    }

    fn try_join(&self, at: usize, token: &str) -> anyhow::Result<Ended> {
        Custody::new(["cluster", "join", token, "--config"])?.arg(self.configuration(at)).run()
    }

    /// Joins, and serves; gives the number of the member.
    fn join(&mut self, at: usize, token: &str) -> anyhow::Result<u64> {
        let joined = self.try_join(at, token)?;
        ensure!(joined.status.success(), "{}", joined.stderr);
        self.serve(at)?;
        let number = joined.stdout.split_whitespace().find_map(|word| word.parse().ok());
        number.with_context(|| format!("a number in {:?}", joined.stdout))
    }

    fn serve(&mut self, at: usize) -> anyhow::Result<()> {
        let place = &mut self.places[at];
        let log = File::options().append(true).create(true).open(place.folder.join("log"))?;
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(place.folder.join("custody.toml"));
        // It ends with this process, however that ends.
        command.arg("--until-input-ends").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        place.running = Some(command.spawn().context("cannot start the binary")?);
        Ok(())
    }

    /// Serves until it ends by itself.
    fn serve_to_end(&self, at: usize) -> anyhow::Result<Ended> {
        Custody::new(["serve", "--config"])?.arg(self.configuration(at)).run()
    }

    fn kill(&mut self, at: usize) -> anyhow::Result<()> {
        let mut child = self.places[at].running.take().context("it runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    fn door(&self, at: usize) -> anyhow::Result<Door> {
        let token = std::fs::read_to_string(&self.token_file)?;
        Ok(Door::new(self.places[at].api, token.trim()))
    }

    fn wait_ready(&mut self, at: usize) -> anyhow::Result<()> {
        let door = self.door(at)?;
        wait_until("a member that is ready", DEADLINE, || {
            let place = &mut self.places[at];
            let running = place.running.as_mut().context("it runs")?;
            if let Some(status) = running.try_wait()? {
                anyhow::bail!(
                    "place {at} ended ({status}): {}",
                    std::fs::read_to_string(place.folder.join("log"))?
                );
            }
            Ok(door.is_ready())
        })
    }

    /// Waits until all know that a member has what they have.
    fn wait_settled(&self, member: u64) -> anyhow::Result<()> {
        let door = self.door(0)?;
        wait_until("a member that has learnt all", DEADLINE, || {
            let members: Vec<Member> = door.get("/v1/cluster/members")?;
            Ok(members.iter().any(|one| one.id == member && one.state == "member"))
        })
    }

    /// Has those who have joined hold copies.
    fn apply_layout(&self) -> anyhow::Result<()> {
        let layout: Value = self.door(0)?.get("/v1/cluster/layout")?;
        let version = layout["staged"]["version"].to_string();
        let applied = self.tell(&["layout", "apply", "--version", &version])?;
        ensure!(applied.status.success(), "{layout}: {}", applied.stderr);
        Ok(())
    }

    /// Waits until so many vote, all of them ready; gives who.
    fn wait_voters(&self, wanted: usize, asked: usize) -> anyhow::Result<Vec<u64>> {
        let door = self.door(asked)?;
        let mut voters = Vec::new();
        let seen = wait_until("voters that are ready", DEADLINE, || {
            let members: Vec<Member> = door.get("/v1/cluster/members")?;
            let voting = members.iter().filter(|member| member.is_voter);
            voters = voting.clone().map(|member| member.id).collect();
            Ok(voters.len() == wanted && voting.clone().all(|member| member.is_ready))
        });
        seen.with_context(|| format!("{voters:?} vote"))?;
        Ok(voters)
    }

    fn wait_synced(&self, recordings: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
        let door = self.door(0)?;
        for session in recordings.keys() {
            let path = format!("/v1/sessions/{session}/replication?wait=synced&timeout_s=10");
            wait_until(
                "copies on all members",
                DEADLINE,
                || Ok(door.get::<Value>(&path)?["synced"] == true),
            )?;
        }
        Ok(())
    }

    /// Reads all at some places.
    fn read_all(
        &self,
        recordings: &BTreeMap<String, Vec<u8>>,
        places: &[usize],
    ) -> anyhow::Result<(Vec<String>, usize)> {
        let (mut wrong, mut reads) = (Vec::new(), 0);
        for (session, bytes) in recordings {
            for at in places {
                let (status, read) = self.door(*at)?.read(session, None)?;
                reads += 1;
                if read != *bytes {
                    wrong.push(format!("{session} at place {at}: status {status}, {} bytes", read.len()));
                }
            }
        }
        Ok((wrong, reads))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.places.iter_mut().filter_map(|place| place.running.as_mut()) {
            // An error means that it has ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
