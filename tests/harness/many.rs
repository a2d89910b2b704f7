//! One member with the facts of very many sessions: how long its rows take to be found, and to be built again.

use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::paths::{binary, program};
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::Door;
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Reading ten million sessions takes a member minutes.
const START_LIMIT: Duration = Duration::from_secs(3 * 3600);
/// Rows of a page.
const PAGE: usize = 100;
/// How often each combination of filter, column and order is asked for.
const ROUNDS: usize = 5;
/// Columns by which sessions are sorted.
const SORTS: [&str; 11] = [
    "start",
    "user",
    "device",
    "protocol",
    "state",
    "end",
    "duration",
    "credential",
    "user-address",
    "format",
    "size",
];
/// The most sessions that are compared with what lists answer: those of one page.
const COMPARED_MAX: u64 = 1000;
/// Half of the time around a session that is asked for.
const AROUND_MS: u64 = 3_600_000;

/// Facts of so many sessions.
#[derive(Debug, Clone, Copy)]
pub struct ManySessions {
    /// Decides what they are, and what is asked for.
    pub seed: u64,
    /// How many.
    pub sessions: u64,
}

/// How long everything took.
#[derive(Debug, Serialize)]
pub struct ManySessionsOutcome {
    /// What making them took.
    pub made: Value,
    /// From the start of a member that has a snapshot and no rows to its first answer.
    pub rebuild_ms: u64,
    /// The same of one that was killed and has its rows.
    pub restart_ms: u64,
    /// What the rows take on the disk.
    pub catalog_bytes: u64,
    /// Resident memory of the member after the questions, in KiB.
    pub memory_kib: u64,
    /// The most at any time, in KiB.
    pub memory_peak_kib: u64,
    /// Pages of 100 sessions: each filter in each order, the first page and the next one.
    pub lists: Latency,
    /// Those that were shorter than asked for, and not the last.
    pub short_pages: u64,
    /// Reports of single sessions.
    pub reports: Latency,
    /// Lists that were compared, all of their pages, with the sessions filtered and sorted here.
    pub compared: u64,
}

#[derive(Deserialize)]
struct Page {
    sessions: Vec<Listed>,
    next: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Listed {
    id: String,
    state: String,
    start_ms: u64,
    end_ms: Option<u64>,
    duration_ms: Option<u64>,
    size_bytes: Option<u64>,
    protocol: String,
    format: String,
    device_address: String,
    credential_user: String,
    user_name: String,
    user_address: String,
}

/// A filter of lists.
type Filter = fn(&Listed) -> String;

/// All that the API has, alone, and some together.
const FILTERS: [Filter; 15] = [
    |_| String::new(),
    |one| format!("&user={}", one.user_name),
    |one| format!("&device={}", one.device_address),
    |one| format!("&credential={}", one.credential_user),
    |one| format!("&user_address={}", one.user_address),
    |one| format!("&protocol={}", one.protocol),
    |one| format!("&format={}", one.format),
    |one| format!("&state={}", one.state),
    |_| "&state=failed".to_owned(),
    |one| format!("&start_from_ms={}", one.start_ms),
    |one| format!("&start_from_ms={}&start_before_ms={}", one.start_ms, one.start_ms + AROUND_MS),
    |one| format!("&user={}&device={}&state={}", one.user_name, one.device_address, one.state),
    |one| format!("&end_from_ms={}", one.end_ms.unwrap_or_default()),
    |one| format!("&duration_before_ms={}", one.duration_ms.unwrap_or_default()),
    |one| {
        let size = one.size_bytes.unwrap_or_default();
        format!("&size_from_bytes={size}&size_before_bytes={}&format={}", size + 4096, one.format)
    },
];

/// What was asked for, and how long it took.
#[derive(Default)]
struct Answers {
    lists: Vec<Duration>,
    short_pages: u64,
    reports: Vec<Duration>,
}

#[derive(Deserialize)]
struct Report {
    session_info: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl ManySessions {
    /// Does it. An error means that it could not be done, or that an answer is wrong.
    pub fn run(self) -> anyhow::Result<ManySessionsOutcome> {
        let folder = scratch_folder()?;
        let data = folder.path().join("data");
        fs::DirBuilder::new().mode(0o700).create(&data)?;
        let made = self.make(&data.join("store"))?;
        let (mut member, rebuild) = Single::start(folder.path())?;
        let door = member.door(folder.path())?;
        let Answers { lists, short_pages, reports } = self.ask(&door)?;
        let compared = if self.sessions <= COMPARED_MAX { self.compare(&door)? } else { 0 };
        let (memory_kib, memory_peak_kib) = (member.kib("VmRSS")?, member.kib("VmHWM")?);
        member.kill()?;
        let (_member, restart) = Single::start(folder.path())?;
        Ok(ManySessionsOutcome {
            made,
            rebuild_ms: u64::try_from(rebuild.as_millis())?,
            restart_ms: u64::try_from(restart.as_millis())?,
            catalog_bytes: bytes_in(&data.join("store").join("catalog"))?,
            memory_kib,
            memory_peak_kib,
            lists: Latency::of(lists),
            short_pages,
            reports: Latency::of(reports),
            compared,
        })
    }

    fn make(self, store: &Path) -> anyhow::Result<Value> {
        let mut command = Command::new(program("appender")?);
        command.arg("populate").arg("--folder").arg(store);
        command.args(["--sessions", &self.sessions.to_string(), "--seed", &self.seed.to_string()]);
        let made = command.stderr(Stdio::inherit()).output()?;
        ensure!(made.status.success(), "appender populate ended ({})", made.status);
        Ok(serde_json::from_slice(&made.stdout)?)
    }

    /// Compares each list, all of its pages, with all sessions filtered and sorted here; how many lists that were.
    fn compare(self, door: &Door) -> anyhow::Result<u64> {
        let all: Page = door.get(&format!("/v1/sessions?limit={COMPARED_MAX}"))?;
        let all = all.sessions;
        ensure!(u64::try_from(all.len())? == self.sessions, "{} sessions", all.len());
        let (mut random, mut compared) = (Random::new(self.seed), 0);
        for filter in FILTERS {
            let filtered = filter(random.choose(&all));
            for (sort, order) in SORTS.iter().flat_map(|sort| [(*sort, "ascending"), (*sort, "descending")]) {
                let mut expected: Vec<Listed> =
                    all.iter().filter(|one| one.is_admitted(&filtered)).cloned().collect();
                expected.sort_by_key(|one| one.place(sort));
                if order == "descending" {
                    expected.reverse();
                }
                let query = format!("/v1/sessions?limit={PAGE}&sort={sort}&order={order}{filtered}");
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page: Page = door.get(&format!("{query}{cursor}"))?;
                    found.extend(page.sessions.into_iter().map(|one| one.id));
                    let Some(next) = page.next else { break };
                    cursor = format!("&cursor={next}");
                }
                let expected: Vec<String> = expected.into_iter().map(|one| one.id).collect();
                ensure!(found == expected, "{query}: {found:?} instead of {expected:?}");
                compared += 1;
            }
        }
        Ok(compared)
    }

    /// The times of pages and of reports.
    fn ask(self, door: &Door) -> anyhow::Result<Answers> {
        let mut random = Random::new(self.seed);
        let mut answers = Answers::default();
        let first: Page = door.get(&format!("/v1/sessions?limit={PAGE}"))?;
        let expected = usize::try_from(self.sessions)?.min(PAGE);
        ensure!(first.sessions.len() == expected, "{} sessions", first.sessions.len());
        let mut known = first.sessions;
        let orders = SORTS.iter().flat_map(|sort| [(sort, "ascending"), (sort, "descending")]);
        let combinations = FILTERS.iter().flat_map(|filter| orders.clone().map(move |order| (filter, order)));
        for (filter, (sort, order)) in std::iter::repeat_n(combinations, ROUNDS).flatten() {
            let some = random.choose(&known);
            let filtered = filter(some);
            let query = format!("/v1/sessions?limit={PAGE}&sort={sort}&order={order}{filtered}");
            let found = answers.pages(door, &query)?;
            let is_asked_for = |session: &Listed| filter(session) == filtered;
            let is_by_value =
                filtered.is_empty() || !filtered.contains("s=") && !filtered.ends_with("failed");
            ensure!(!is_by_value || found.iter().all(is_asked_for), "{query}: another session");
            let id = &random.choose(&known).id;
            let began = Instant::now();
            let report: Report = door.get(&format!("/v1/sessions/{id}"))?;
            answers.reports.push(began.elapsed());
            let named = report.session_info.id;
            ensure!(named == *id, "the report of {id} is of {named}");
            if filtered.is_empty() && !found.is_empty() {
                known = found;
            }
        }
        Ok(answers)
    }
}

impl Listed {
    /// Whether it has all that a query asks for.
    fn is_admitted(&self, query: &str) -> bool {
        query.split('&').filter_map(|pair| pair.split_once('=')).all(|(name, value)| {
            let number = value.parse().unwrap_or_default();
            let from = |found: Option<u64>| found.is_some_and(|found| found >= number);
            let before = |found: Option<u64>| found.is_some_and(|found| found < number);
            match name {
                "user" => self.user_name == value,
                "device" => self.device_address == value,
                "credential" => self.credential_user == value,
                "user_address" => self.user_address == value,
                "protocol" => self.protocol == value,
                "format" => self.format == value,
                "state" => self.state == value,
                "start_from_ms" => from(Some(self.start_ms)),
                "start_before_ms" => before(Some(self.start_ms)),
                "end_from_ms" => from(self.end_ms),
                "duration_before_ms" => before(self.duration_ms),
                "size_from_bytes" => from(self.size_bytes),
                "size_before_bytes" => before(self.size_bytes),
                _ => false,
            }
        })
    }

    /// Where it stands when sessions are sorted by a column.
    fn place(&self, sort: &str) -> (String, u64, String) {
        let number = |number: Option<u64>| format!("{:020}", number.unwrap_or(u64::MAX));
        let value = match sort {
            "user" => self.user_name.clone(),
            "device" => self.device_address.clone(),
            "protocol" => self.protocol.clone(),
            "state" => self.state.clone(),
            "end" => number(self.end_ms),
            "duration" => number(self.duration_ms),
            "credential" => self.credential_user.clone(),
            "user-address" => self.user_address.clone(),
            "format" => self.format.clone(),
            "size" => number(self.size_bytes),
            _ => String::new(),
        };
        (value, self.start_ms, self.id.clone())
    }
}

impl Answers {
    /// Asks for a page, and the next one.
    fn pages(&mut self, door: &Door, query: &str) -> anyhow::Result<Vec<Listed>> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        for _ in 0..2 {
            let began = Instant::now();
            let page: Page = door.get(&format!("{query}{cursor}"))?;
            self.lists.push(began.elapsed());
            let count = page.sessions.len();
            found.extend(page.sessions);
            let Some(next) = page.next else { break };
            self.short_pages += u64::from(count < PAGE);
            cursor = format!("&cursor={next}");
        }
        Ok(found)
    }
}

/// A cluster of one.
struct Single {
    child: Child,
    api: SocketAddr,
}

impl Single {
    /// Starts it and waits for its first answer.
    fn start(folder: &Path) -> anyhow::Result<(Self, Duration)> {
        let free = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let [api, health] = free.map(|listener| listener.and_then(|listener| listener.local_addr()));
        let (api, health) = (api?, health?);
        let kek = folder.join("kek");
        if !kek.exists() {
            let mut file = File::options();
            let file = file.write(true).create_new(true).mode(0o600).open(&kek)?;
            std::io::Write::write_all(
                &mut &file,
                format!("custody-kek-1 1 {}\n", "5a".repeat(32)).as_bytes(),
            )?;
        }
        let settings = format!(
            "member = 1\ndata_dir = {:?}\nkek_file = {kek:?}\nlisten.api = \"{api}\"\nlisten.health = \"{health}\"\n\
             limits.requests_per_s = 100000\n",
            folder.join("data")
        );
        let configuration = folder.join("custody.toml");
        fs::write(&configuration, settings)?;
        let log = File::options().append(true).create(true).open(folder.join("log"))?;
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(configuration).arg("--until-input-ends");
        let began = Instant::now();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn()?;
        let mut member = Self { child, api };
        let door = Door::new(api, "");
        wait_until("a member that is ready", START_LIMIT, || {
            if let Some(status) = member.child.try_wait()? {
                let log = fs::read_to_string(folder.join("log"))?;
                bail!("the member ended ({status}): {}", log.lines().last().unwrap_or_default());
            }
            Ok(door.is_ready())
        })?;
        Ok((member, began.elapsed()))
    }

    fn door(&self, folder: &Path) -> anyhow::Result<Door> {
        let token = fs::read_to_string(folder.join("data").join("first-admin-token"))?;
        Ok(Door::new(self.api, token.trim()))
    }

    /// A line of its status in proc(5).
    fn kib(&self, name: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("a line of proc(5)")?.parse()?)
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.kill().ok();
    }
}

/// What the files below a folder take.
fn bytes_in(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_in(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
