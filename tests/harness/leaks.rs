//! Everything that members serve, send and log about sessions, searched for what was typed in them.

use crate::appender::scratch_folder;
use crate::canary::Canary;
use crate::hook::Hook;
use crate::mail_server::MailServer;
use crate::ports;
use crate::processes::wait_until;
use crate::random::Random;
use crate::recorder::{Door, Fetched};
use crate::servers::{MEMBERS, Servers, Settings};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// An index, a video and a mail on a busy machine take less.
const DEADLINE: Duration = Duration::from_secs(120);
/// What nobody but those with the permission may see.
const KEYSTROKES: &str = "PAM.SessionManagement.Keystrokes";
/// Where videos are sent word of.
const ADDRESS: &str = "ada@example.org";
/// What members log while they are watched: all of their own.
const LOG: &str = "debug,openraft=warn,sled=warn";

/// Sessions in which texts are typed and copied that nobody else writes.
#[derive(Debug, Clone, Copy)]
pub struct Leaks {
    /// Chooses everything.
    pub seed: u64,
    /// How many.
    pub sessions: u64,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct LeaksOutcome {
    /// Texts that were typed or copied.
    pub canaries: usize,
    /// Answers to who lacks Keystrokes, and their bytes.
    pub answers: u64,
    /// See above.
    pub bytes: u64,
    /// Bytes of mails, webhooks and logs.
    pub told_bytes: usize,
    /// Canaries in any of these, and where.
    pub leaks: BTreeSet<String>,
    /// Canaries that the same search has found for who holds Keystrokes.
    pub found_with_keystrokes: usize,
    /// Routes that have answered who lacks Keystrokes with something.
    pub answered: BTreeSet<String>,
    /// Those that never have.
    pub unanswered: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Whoami {
    permissions: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    paths: BTreeMap<String, BTreeMap<String, Value>>,
}

/// A session, and what its address leads to.
struct Recorded {
    canary: Canary,
    session: String,
    video: String,
    /// One with typed text, which somebody else has asked for.
    typed_video: String,
    hold: String,
    approval: String,
}

impl Leaks {
    /// Does it. An error means that the test could not be done.
    pub fn run(self) -> anyhow::Result<LeaksOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mails = folder.path().join("mails");
        let port = ports::free(1)?.first().context("one port")?.port();
        let _mail_server = MailServer::start(port, &mails)?;
        let hook = Hook::listen()?;
        let further = settings(folder.path(), port, &hook)?;
        let servers = Servers::start_with(folder.path(), Settings { further: &further, log: Some(LOG) })?;
        let blind = Blind::new(&servers)?;
        let mut outcome = LeaksOutcome::default();
        let mut canaries = Vec::new();
        for _ in 0..self.sessions {
            let recorded = blind.record(&servers, &mut random, &mut outcome)?;
            blind.ask_all(&servers, &recorded, &mut outcome)?;
            outcome.canaries += recorded.canary.count();
            outcome.found_with_keystrokes += with_keystrokes(&servers, &recorded)?;
            canaries.push(recorded.canary);
        }
        let sent = || std::fs::read(&mails);
        let told = |mails: &[u8]| mails.windows(ADDRESS.len()).any(|window| window == ADDRESS.as_bytes());
        wait_until("a mail", DEADLINE, || Ok(told(&sent()?)))?;
        wait_until("a message to the webhook", DEADLINE, || Ok(!hook.heard().is_empty()))?;
        let mut everything = vec![("mails".to_owned(), sent()?), ("webhooks".to_owned(), hook.heard())];
        for member in MEMBERS {
            everything.push((format!("log of member {member}"), servers.log(member)?));
        }
        for (name, bytes) in &everything {
            ensure!(!bytes.is_empty(), "{name} say nothing");
            outcome.told_bytes += bytes.len();
            for canary in &canaries {
                outcome.leak(name, canary, bytes);
            }
        }
        let answered = outcome.answered.clone();
        outcome.unanswered.retain(|route| !answered.contains(route));
        Ok(outcome)
    }
}

impl LeaksOutcome {
    fn leak(&mut self, name: &str, canary: &Canary, bytes: &[u8]) {
        let found = canary.found_in(bytes).into_iter();
        self.leaks.extend(found.map(|how| format!("{name}: what was {how}")));
    }

    /// Looks at an answer to who lacks Keystrokes.
    fn see(&mut self, route: &str, canary: &Canary, fetched: &Fetched) {
        self.answers += 1;
        self.bytes += u64::try_from(fetched.body.len()).unwrap_or(0);
        let is_answered = (200..300).contains(&fetched.status) && !fetched.body.is_empty();
        let list = if is_answered { &mut self.answered } else { &mut self.unanswered };
        list.insert(route.to_owned());
        self.leak(route, canary, &[fetched.head.as_bytes(), &fetched.body].concat());
    }
}

/// Who holds everything but Keystrokes.
struct Blind {
    /// A role with every other permission, and a user who is a session's auditor and nothing else.
    tokens: [String; 2],
    routes: Vec<String>,
}

impl Blind {
    fn new(servers: &Servers) -> anyhow::Result<Self> {
        let all = servers.administrator(MEMBERS[0]);
        let whoami: Whoami = all.get("/v1/whoami")?;
        let permissions: Vec<String> =
            whoami.permissions.into_iter().filter(|permission| permission != KEYSTROKES).collect();
        all.make("/v1/roles/blind", &json!({ "permissions": permissions }))?;
        for name in ["video_download_enabled", "webhook_enabled"] {
            all.put(&format!("/v1/parameters/{name}"), &json!({ "value": true }))?;
        }
        all.make("/v1/retention-rules/device/192.0.2.1", &json!({ "days": 900 }))?;
        let user = json!({ "name": "grace", "password": "correct horse battery", "roles": [] });
        let _: Value = all.post("/v1/users", &user)?;
        let token = |subject: &str, roles: &[&str]| -> anyhow::Result<String> {
            let body = json!({ "kind": "user", "subject": subject, "roles": roles });
            let made: BTreeMap<String, Value> = all.post("/v1/tokens", &body)?;
            Ok(made.get("token").and_then(Value::as_str).context("a token has a text")?.to_owned())
        };
        let tokens = [token("watcher", &["blind"])?, token("grace", &[])?];
        let document: Document = all.get("/openapi.json")?;
        let gets = document.paths.into_iter().filter(|(_, item)| item.contains_key("get"));
        Ok(Self { tokens, routes: gets.map(|(path, _)| path).collect() })
    }

    fn doors(&self, servers: &Servers, member: u64) -> [Door; 2] {
        [0, 1].map(|number| servers.door(member, &self.tokens[number]))
    }

    /// Records a session, and watches it meanwhile.
    fn record(
        &self,
        servers: &Servers,
        random: &mut Random,
        outcome: &mut LeaksOutcome,
    ) -> anyhow::Result<Recorded> {
        let canary = Canary::new(random);
        let (recorder, all) = (servers.recorder(*random.choose(&MEMBERS)), servers.administrator(MEMBERS[0]));
        let watchers = self.doors(servers, *random.choose(&MEMBERS));
        let (session, [first, rest]) = (recorder.open()?, canary.recording());
        let path = format!("/v1/sessions/{session}");
        all.put(&format!("{path}/auditors"), &json!({ "auditors": ["grace"] }))?;
        let durable = recorder.append(&session, 0, &first)?;
        let live = std::thread::scope(|scope| -> anyhow::Result<Vec<Fetched>> {
            let watching: Vec<_> = ["live", "live?from=0", "events"]
                .into_iter()
                .flat_map(|part| watchers.each_ref().map(|door| (door, format!("{path}/{part}"))))
                .map(|(door, path)| scope.spawn(move || door.fetch(&path, None)))
                .collect();
            for part in ["", "/recording", "/timeline", "/keystrokes", "/frames/2000.png", "/logs"] {
                for door in &watchers {
                    let fetched = door.fetch(&format!("{path}{part}"), None)?;
                    outcome.see(&format!("live {part}"), &canary, &fetched);
                }
            }
            let reason = json!({ "reason": "odd" });
            let _: Value = all.tell(&format!("{path}/block"), &reason)?;
            all.delete(&format!("{path}/block"))?;
            let length = recorder.append(&session, durable, &rest)?;
            recorder.seal(&session, length)?;
            let joined = watching.into_iter().map(|one| one.join());
            joined.map(|one| one.map_err(|_| anyhow::anyhow!("a watcher panicked"))?).collect()
        })?;
        for fetched in live {
            outcome.see("/v1/sessions/{id}/live", &canary, &fetched);
        }
        wait_until("the index", DEADLINE, || Ok(all.fetch(&format!("{path}/logs"), None)?.status == 200))?;
        let asks = &watchers[0];
        let video: Named = asks.post(&format!("{path}/videos"), &json!({ "notify": [ADDRESS] }))?;
        let typed: Named = all.post(&format!("{path}/videos"), &json!({ "keystrokes": true }))?;
        for id in [&video.id, &typed.id] {
            let is_ready = || -> anyhow::Result<bool> {
                let video: Value = asks.get(&format!("/v1/videos/{id}"))?;
                Ok(video["state"] == "ready")
            };
            wait_until("the video", DEADLINE, is_ready)?;
        }
        let hold: Named = asks.post(&format!("{path}/holds"), &json!({ "justification": "inquiry" }))?;
        let now: Value = all.get("/v1/cluster/clock")?;
        let until_ms = now["now_ms"].as_u64().context("the cluster has a time")? + 3_600_000;
        let wanted = json!({ "reason": "inquiry", "until_ms": until_ms });
        let approval: Named = asks.post(&format!("{path}/approvals"), &wanted)?;
        let _: Value = asks.post(&format!("{path}/comments"), &json!({ "text": "looked at" }))?;
        let (video, typed_video, hold, approval) = (video.id, typed.id, hold.id, approval.id);
        Ok(Recorded { canary, session, video, typed_video, hold, approval })
    }

    /// Asks every route of every member about a session.
    fn ask_all(
        &self,
        servers: &Servers,
        recorded: &Recorded,
        outcome: &mut LeaksOutcome,
    ) -> anyhow::Result<()> {
        for member in MEMBERS {
            for door in self.doors(servers, member) {
                for route in &self.routes {
                    for path in recorded.paths(route) {
                        outcome.see(route, &recorded.canary, &door.fetch(&path, None)?);
                    }
                }
                for part in ["", "/content", "/events"] {
                    let fetched = door.fetch(&format!("/v1/videos/{}{part}", recorded.typed_video), None)?;
                    outcome.see(&format!("a video with typed text {part}"), &recorded.canary, &fetched);
                }
                let bytes = format!("/v1/sessions/{}/recording", recorded.session);
                let length = door.fetch(&bytes, None)?.body.len();
                for from in (0..length).step_by(97) {
                    let part = door.fetch(&bytes, Some(from..length.min(from + 300)))?;
                    outcome.see("ranges of a recording", &recorded.canary, &part);
                }
            }
        }
        Ok(())
    }
}

impl Recorded {
    /// The addresses of a route that are about this session.
    fn paths(&self, route: &str) -> Vec<String> {
        let id = if route.starts_with("/v1/videos/") { &self.video } else { &self.session };
        let name = match route {
            "/v1/parameters/{name}" => "replicas",
            "/v1/roles/{name}" => "blind",
            "/v1/users/{name}" => "grace",
            _ => "192.0.2.1",
        };
        let path =
            route.replace("{id}", id).replace("{hold}", &self.hold).replace("{approval}", &self.approval);
        let path = path.replace("{scope}", "device").replace("{name}", name);
        match path.as_str() {
            "/v1/audit/proof" => vec![format!("{path}?leaf=1")],
            "/v1/audit/consistency" => vec![format!("{path}?from=1")],
            "/v1/audit" => {
                ["json", "jsonl", "rfc5424", "cef"].map(|form| format!("{path}?format={form}")).into()
            }
            _ if path.contains("{ms}") => {
                [0, 500, 4_500, 9_000].map(|ms| path.replace("{ms}", &ms.to_string())).into()
            }
            _ => vec![path],
        }
    }
}

/// How many of a session's canaries are found in what is served to who holds Keystrokes; those that were typed must
/// stand in the keystrokes.
fn with_keystrokes(servers: &Servers, recorded: &Recorded) -> anyhow::Result<usize> {
    let door = servers.administrator(MEMBERS[0]);
    let part = |part: &str| door.fetch(&format!("/v1/sessions/{}/{part}", recorded.session), None);
    let video = door.fetch(&format!("/v1/videos/{}/content", recorded.typed_video), None)?;
    for (what, fetched) in [("keystrokes", part("keystrokes")?), ("video with typed text", video)] {
        let found = recorded.canary.found_in(&fetched.body);
        let has_typed = found.contains(&"typed") && found.contains(&"typed later");
        ensure!(has_typed, "the {what} of session {} hold {found:?}", recorded.session);
    }
    Ok(recorded.canary.found_in(&part("recording")?.body).len())
}

/// Mails and webhooks go to this process.
fn settings(folder: &Path, port: u16, hook: &Hook) -> anyhow::Result<String> {
    let secret = folder.join("webhook-secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    Ok(format!(
        "public_url = \"https://custody.example.org\"\nsmtp.host = \"127.0.0.1\"\nsmtp.port = {port}\n\
         smtp.encryption = \"none\"\nsmtp.from = \"custody@example.org\"\n\
         [webhook]\nurl = {:?}\nsecret_file = {secret:?}\nallow_loopback_http = true\n",
        hook.url()
    ))
}
