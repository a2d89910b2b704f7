//! Sessions of a database that are recorded as they happen, and the search for rows in all that becomes of them.

use crate::appender::scratch_folder;
use crate::canary::Canary;
use crate::custody::{Custody, Running};
use crate::picture::Image;
use crate::ports;
use crate::postgres::Postgres;
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers, Settings};
use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::time::Duration;

/// A session is sealed and indexed in less.
const DEADLINE: Duration = Duration::from_secs(120);
/// What members log meanwhile: all of their own.
const LOG: &str = "debug,openraft=warn,sled=warn";
/// What a user does whose session is recorded. Rows are in what comes back, in errors, in notices and in what is copied.
const SCRIPT: &str = "select * from canaries;\n\
    update canaries set id = id; delete from canaries where id > 90\\; select 1\\; select * from canaries;\n\
    select * from missing;\n\
    insert into canaries select 1, secret from canaries;\n\
    select secret::int from canaries where id = 1;\n\
    select secret::regclass from canaries where id = 1;\n\
    select tell();\n\
    copy canaries to stdout;\n\
    copy canaries from stdin;\n";

/// A statement, as the log of a session tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stated {
    /// What was sent.
    pub text: String,
    /// `ok` or `error`.
    pub outcome: String,
    /// How many rows.
    pub rows: Option<u64>,
    /// The SQLSTATE of an error.
    pub sqlstate: Option<String>,
    /// Its primary message.
    pub message: Option<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct DatabasesOutcome {
    /// The statements of a session of psql.
    pub stated: Vec<Stated>,
    /// Those of a session with prepared statements.
    pub prepared: Vec<Stated>,
    /// Those of a session during which the member was killed that took it.
    pub resumed: Vec<Stated>,
    /// What is said of a session of a database in another format, and of a line that holds a row.
    pub unacceptable: [String; 2],
    /// Columns and rows of a picture of the first session, and the bytes of its video.
    pub picture: (usize, usize),
    /// How many of its pixels are bright.
    pub lit: usize,
    /// See above.
    pub video_bytes: usize,
    /// What a user read whose session was dropped.
    pub dropped: String,
    /// What a user read whose session could not be recorded any further.
    pub lost: String,
    /// What a user read who came while no member was there.
    pub refused: String,
    /// Rows, parameters and passwords in anything: where, and which.
    pub leaks: BTreeSet<String>,
    /// Bytes that were searched: served, stored, and told by logs and programs.
    pub searched_bytes: usize,
    /// How many of the texts the clients themselves have seen, so that there was something to find.
    pub shown: usize,
}

#[derive(Deserialize)]
struct Page {
    sessions: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Value>,
}

/// Three members, a database, and what stands between it and its clients.
struct Stage {
    servers: Servers,
    database: Postgres,
    canary: Canary,
    recorder: Running,
    at: SocketAddr,
}

/// Does it. An error means that the test could not be done.
pub fn databases(seed: u64) -> anyhow::Result<DatabasesOutcome> {
    let folder = scratch_folder()?;
    let servers = Servers::start_with(folder.path(), Settings { further: "", log: Some(LOG) })?;
    let canary = Canary::new(&mut Random::new(seed));
    let database = Postgres::start(canary.text("copied as an image"))?;
    let token = folder.path().join("recorder-token");
    std::fs::write(&token, servers.recorder_token())?;
    let at = *ports::free(1)?.first().context("one port")?;
    let recorder = recorder(&servers, &database, &token, at)?;
    wait_until("the recorder", DEADLINE, || Ok(TcpStream::connect(at).is_ok()))?;
    let mut stage = Stage { servers, database, canary, recorder, at };
    stage.fill()?;
    let mut outcome = DatabasesOutcome::default();
    stage.refuse(&mut outcome)?;
    stage.psql(&mut outcome)?;
    stage.prepare(folder.path(), &mut outcome)?;
    stage.drop_one(&mut outcome)?;
    stage.kill_one(&mut outcome)?;
    stage.lose_all(&mut outcome)?;
    let late = stage.database.run(at, "select 1;\n")?;
    outcome.refused = String::from_utf8_lossy(&late.stderr).into_owned();
    stage.recorder.signal(Signal::SIGTERM)?;
    let ended = stage.recorder.wait()?;
    ensure!(ended.status.success(), "the recorder: {}", ended.stderr);
    let told = [ended.stdout, ended.stderr].concat();
    outcome.search(&stage.canary, "what the recorder says", told.as_bytes());
    search_files(&stage.canary, folder.path(), &mut outcome)?;
    Ok(outcome)
}

fn recorder(servers: &Servers, database: &Postgres, token: &Path, at: SocketAddr) -> anyhow::Result<Running> {
    let mut custody = Custody::new(["record", "postgres"])?.arg("--listen").arg(at.to_string());
    custody = custody.arg("--upstream").arg(database.address.to_string()).arg("--token-file").arg(token);
    for url in servers.urls() {
        custody = custody.arg("--server").arg(url);
    }
    custody.env("RUST_LOG", "debug").start()
}

impl Stage {
    /// Fills a table past the recorder.
    fn fill(&self) -> anyhow::Result<()> {
        let [first, second] = ["typed", "typed later"].map(|how| self.canary.text(how));
        let script = format!(
            "create table canaries (id int primary key, secret text);\n\
             insert into canaries values (1, '{first}'), (2, '{second}');\n\
             create function tell() returns void language plpgsql as $$ begin\n\
             raise notice 'notice %', (select secret from canaries where id = 1);\n\
             raise exception 'error %', (select secret from canaries where id = 2); end $$;\n"
        );
        let done = self.database.run(self.database.address, &script)?;
        ensure!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// What would hold rows is not stored.
    fn refuse(&self, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let door = self.servers.recorder(MEMBERS[1]);
        let body = |format: &str| json!({ "protocol": "postgresql", "format": format, "device_address": "db", "start_ms": 1_760_000_000_000_u64 });
        let refused = door.post::<Listed>("/v1/sessions", &body("guacamole")).map(|opened| opened.id);
        outcome.unacceptable[0] = refused.unwrap_or_else(|error| error.to_string());
        let session = door.post::<Listed>("/v1/sessions", &body("db-lines"))?.id;
        let line = r#"{"v":1,"t_ms":5,"database":"d","statement":"select 1","outcome":"ok","rows":1}"#;
        let row = line.replace("\"rows\":1", &format!("\"rows\":1,\"row\":{:?}", self.canary.text("typed")));
        let half = door.append(&session, 0, format!("{line}\n{line}").as_bytes())?;
        let lines = format!("{line}\n{row}\n{line}\n");
        let refused = door.append(&session, half, lines.as_bytes()).map(|offset| offset.to_string());
        outcome.unacceptable[1] = refused.unwrap_or_else(|error| error.to_string());
        let stored = door.offset(&session)?;
        ensure!(usize::try_from(stored)? == 2 * (line.len() + 1), "{stored} bytes are durable");
        door.seal(&session, stored)?;
        ensure!(self.stated(&session, outcome)?.len() == 2, "two lines were stored");
        Ok(())
    }

    fn psql(&self, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let copied = self.canary.text("copied");
        let script = format!("{SCRIPT}3\t{copied}\n4\t{copied}\n\\.\nselect count(*) from canaries;\n");
        let before = self.newest()?;
        let done = self.database.run(self.at, &script)?;
        let seen = [done.stdout, done.stderr].concat();
        outcome.shown = self.canary.found_in(&seen).len();
        let session = self.begun(&before)?;
        outcome.stated = self.stated(&session, outcome)?;
        self.draw(&session, outcome)
    }

    /// Its transcript is drawn, as a picture and as a video.
    fn draw(&self, session: &str, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let door = self.door();
        let picture = door.fetch(&format!("/v1/sessions/{session}/frames/100000.png"), None)?;
        ensure!(picture.status == 200, "a picture: {}", picture.status);
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), &picture.body)?;
        let image = Image::read(file.path())?;
        outcome.picture = (image.width, image.height);
        outcome.lit = image.pixels.iter().filter(|pixel| pixel.iter().any(|sample| *sample > 128)).count();
        outcome.search(&self.canary, "a picture", &picture.body);
        door.put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
        let video: Listed = door.post(&format!("/v1/sessions/{session}/videos"), &json!({}))?;
        let path = format!("/v1/videos/{}", video.id);
        wait_until("the video", DEADLINE, || Ok(door.get::<Value>(&path)?["state"] == "ready"))?;
        let video = door.fetch(&format!("{path}/content"), None)?;
        outcome.video_bytes = video.body.len();
        outcome.search(&self.canary, "a video", &video.body);
        Ok(())
    }

    fn prepare(&self, folder: &Path, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let file = folder.join("prepared.sql");
        std::fs::write(&file, "select id from canaries where secret <> :secret;\n")?;
        let before = self.newest()?;
        let done = self.database.prepared(self.at, &file, self.canary.text("name of a copied type"))?;
        ensure!(done.status.success(), "pgbench: {}", String::from_utf8_lossy(&done.stderr));
        outcome.prepared = self.stated(&self.begun(&before)?, outcome)?;
        Ok(())
    }

    /// Somebody ends a session.
    fn drop_one(&self, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let mut psql = self.database.psql(self.at)?;
        let mut input = psql.stdin.take().context("psql reads")?;
        let before = self.newest()?;
        input.write_all(b"select 'before';\n")?;
        let session = self.begun(&before)?;
        let path = format!("/v1/sessions/{session}/drop");
        let _: Value = self.door().post(&path, &json!({ "reason": "odd" }))?;
        outcome.dropped = until_it_ends(psql, input)?;
        Ok(())
    }

    /// The member that takes a session dies.
    fn kill_one(&mut self, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let mut psql = self.database.psql(self.at)?;
        let mut input = psql.stdin.take().context("psql reads")?;
        let before = self.newest()?;
        input.write_all(b"select 1;\n")?;
        let session = self.begun(&before)?;
        self.servers.kill(MEMBERS[0])?;
        input.write_all(b"select 2;\nselect 3;\n")?;
        drop(input);
        let done = psql.wait_with_output()?;
        ensure!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr));
        outcome.resumed = self.stated(&session, outcome)?;
        Ok(())
    }

    /// All members die during a session: it does not go on unrecorded.
    fn lose_all(&mut self, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
        let before = self.newest()?;
        let mut psql = self.database.psql(self.at)?;
        let mut input = psql.stdin.take().context("psql reads")?;
        input.write_all(b"select 1;\n")?;
        self.begun(&before)?;
        for member in self.servers.running() {
            self.servers.kill(member)?;
        }
        outcome.lost = until_it_ends(psql, input)?;
        Ok(())
    }

    /// A member that is there, for who may do everything.
    fn door(&self) -> Door {
        self.servers.administrator(*self.servers.running().last().unwrap_or(&MEMBERS[0]))
    }

    fn newest(&self) -> anyhow::Result<String> {
        let page: Page = self.door().get("/v1/sessions?limit=1")?;
        Ok(page.sessions.into_iter().next().map(|listed| listed.id).unwrap_or_default())
    }

    /// The newest session, once it is another one and has a statement.
    fn begun(&self, before: &str) -> anyhow::Result<String> {
        let mut session = self.newest()?;
        wait_until("a session", DEADLINE, || {
            session = self.newest()?;
            Ok(session != before && self.length(&session)? > 0)
        })?;
        Ok(session)
    }

    fn length(&self, session: &str) -> anyhow::Result<usize> {
        Ok(self.door().fetch(&format!("/v1/sessions/{session}/recording"), None)?.body.len())
    }

    /// The statements of a session, once it is indexed; all that is served of it is searched.
    fn stated(&self, session: &str, outcome: &mut DatabasesOutcome) -> anyhow::Result<Vec<Stated>> {
        let path = format!("/v1/sessions/{session}");
        let door = self.door();
        // What grows has no tag.
        let is_indexed = || {
            let fetched = door.fetch(&format!("{path}/timeline"), None)?;
            Ok(fetched.status == 200 && fetched.head.contains("\"etag\""))
        };
        wait_until("the index", DEADLINE, is_indexed)?;
        for part in ["", "/recording", "/timeline", "/keystrokes", "/logs", "/replication"] {
            let fetched = door.fetch(&format!("{path}{part}"), None)?;
            ensure!(fetched.status == 200, "{path}{part}: {}", fetched.status);
            outcome.search(&self.canary, part, &[fetched.head.as_bytes(), &fetched.body].concat());
        }
        for all in ["/v1/sessions", "/v1/audit", "/v1/outbox"] {
            outcome.search(&self.canary, all, &door.fetch(all, None)?.body);
        }
        let log: Log = door.get(&format!("{path}/logs"))?;
        let entries = log.entries.into_iter().filter(|entry| entry["kind"] == "statement");
        entries.map(|entry| Ok(serde_json::from_value(entry)?)).collect()
    }
}

/// What psql says when its connection has ended; it reads what it was told when it says something itself.
fn until_it_ends(mut psql: Child, mut input: ChildStdin) -> anyhow::Result<String> {
    wait_until("the end of psql", DEADLINE, || {
        let is_deaf = input.write_all(b"select 'behind';\n").is_err();
        Ok(is_deaf || psql.try_wait()?.is_some())
    })?;
    drop(input);
    Ok(String::from_utf8_lossy(&psql.wait_with_output()?.stderr).into_owned())
}

impl DatabasesOutcome {
    fn search(&mut self, canary: &Canary, place: &str, bytes: &[u8]) {
        self.searched_bytes += bytes.len();
        let found = canary.found_in(bytes).into_iter();
        self.leaks.extend(found.map(|how| format!("{place}: {how}")));
    }
}

/// Searches every file of the members: stores, logs, journals, and what lies beside them.
fn search_files(canary: &Canary, folder: &Path, outcome: &mut DatabasesOutcome) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            search_files(canary, &path, outcome)?;
        } else if kind.is_file() {
            outcome.search(canary, &path.display().to_string(), &std::fs::read(&path)?);
        }
    }
    Ok(())
}
