//! Who may no longer, and what takes two: holds, approvals, tokens that expire and users who are locked out, over three members.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::servers::{MEMBERS, Servers, Settings};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::Agent;
use ureq::http::Request;

/// What was changed on one member counts on all in less time.
const EVERYWHERE: Duration = Duration::from_secs(5);
/// A token of the test lives so long: longer than it takes to show it to all.
const TOKEN_MS: u64 = 15_000;
/// The cluster's time moves every ten seconds.
const EXPIRED: Duration = Duration::from_secs(40);
/// Passwords that may be tried in a minute.
const TRIES: u32 = 6;
const PASSWORD: &str = "correct horse battery";
const RECORDING: &[u8] = b"4.size,1.0,3.640,3.480;4.sync,13.1760000000000;";

/// What members said, by step.
#[derive(Debug, PartialEq, Eq)]
pub struct PersonsOutcome {
    /// To the release of a hold by the first person, the same again, the purge, the release by the second, the purge.
    pub hold: [u16; 5],
    /// How the hold stood after each of the two.
    pub hold_states: [String; 2],
    /// To the recording on each member before anybody agreed, to who agrees with themselves, to the second person, and to
    /// the recording on each member then.
    pub approval: (Vec<u16>, u16, u16, Vec<u16>),
    /// To a token on each member before its end, and right after the first of them said 401.
    pub token: (Vec<u16>, Vec<u16>),
    /// To a login's cookie on each member, the lock, a right password on each member then, and once the lock was taken away.
    pub lock: (Vec<u16>, u16, Vec<u16>, u16),
    /// To as many wrong passwords as may be tried, and to the right one behind them.
    pub tries: (Vec<u16>, u16),
}

/// Somebody who asks any member.
struct Person<'a> {
    servers: &'a Servers,
    agent: Agent,
    /// The header that shows who they are.
    shows: (&'static str, String),
}

/// An answer.
struct Said {
    status: u16,
    body: Value,
    cookie: Option<String>,
}

impl<'a> Person<'a> {
    fn new(servers: &'a Servers, shows: (&'static str, String)) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        Self { servers, agent: config.build().into(), shows }
    }

    /// Somebody with a new token and a role.
    fn with_token(
        servers: &'a Servers,
        name: &str,
        role: &str,
        expires_ms: Option<u64>,
    ) -> anyhow::Result<Self> {
        let body = json!({ "kind": "user", "subject": name, "roles": [role], "expires_ms": expires_ms });
        let made: Value = servers.administrator(MEMBERS[0]).post("/v1/tokens", &body)?;
        let token = made["token"].as_str().context("a token has a text")?;
        Ok(Self::new(servers, ("Authorization", format!("Bearer {token}"))))
    }

    fn ask(&self, member: u64, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Said> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.servers.url(member)));
        let request = request.header(self.shows.0, &self.shows.1).header("If-Match", "*");
        let request = match &body {
            Some(_) => request.header("Content-Type", "application/json"),
            None => request,
        };
        let sent = body.map(|body| body.to_string()).unwrap_or_default();
        let mut answer = self.agent.run(request.body(sent)?)?;
        let cookie = answer.headers().get("Set-Cookie").map(|cookie| cookie.to_str().map(str::to_owned));
        let (status, cookie) = (answer.status().as_u16(), cookie.transpose()?);
        let body = serde_json::from_slice(&answer.body_mut().read_to_vec()?).unwrap_or_default();
        Ok(Said { status, body, cookie })
    }

    fn status(&self, member: u64, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<u16> {
        Ok(self.ask(member, method, path, body)?.status)
    }

    /// What each member answers to a GET.
    fn everywhere(&self, path: &str) -> anyhow::Result<Vec<u16>> {
        MEMBERS.iter().map(|member| self.status(*member, "GET", path, None)).collect()
    }

    /// The same once all answer so, or when that takes too long.
    fn soon_everywhere(&self, path: &str, status: u16) -> anyhow::Result<Vec<u16>> {
        wait_until("the same answer of all members", EVERYWHERE, || {
            Ok(self.everywhere(path)?.iter().all(|found| *found == status))
        })?;
        self.everywhere(path)
    }
}

/// Does it all.
pub fn persons() -> anyhow::Result<PersonsOutcome> {
    let folder = scratch_folder()?;
    let further = format!("limits.logins_per_min = {TRIES}\nlimits.address_logins_per_min = 1000\n");
    let servers = Servers::start_with(folder.path(), Settings { further: &further, log: None })?;
    let (hold, hold_states) = release(&servers)?;
    Ok(PersonsOutcome {
        hold,
        hold_states,
        approval: approve(&servers)?,
        token: expire(&servers)?,
        lock: lock_out(&servers)?,
        tries: guess(&servers)?,
    })
}

/// A sealed session.
fn recorded(servers: &Servers) -> anyhow::Result<String> {
    let recorder = servers.recorder(MEMBERS[0]);
    let session = recorder.open()?;
    let length = recorder.append(&session, 0, RECORDING)?;
    recorder.seal(&session, length)?;
    Ok(session)
}

fn release(servers: &Servers) -> anyhow::Result<([u16; 5], [String; 2])> {
    let [one, two, three] = MEMBERS;
    servers.administrator(one).put("/v1/parameters/hold_release_by_two", &json!({ "value": true }))?;
    let ada = Person::with_token(servers, "ada", "PAM Administrator", None)?;
    let bob = Person::with_token(servers, "bob", "PAM Administrator", None)?;
    let session = recorded(servers)?;
    let holds = format!("/v1/sessions/{session}/holds");
    let placed = ada.ask(one, "POST", &holds, Some(json!({ "justification": "inquiry" })))?;
    let hold = format!("{holds}/{}", placed.body["id"].as_str().context("a hold has a name")?);
    let purge = |member| {
        let reason = Some(json!({ "reason": "asked" }));
        ada.status(member, "POST", &format!("/v1/sessions/{session}/purge"), reason)
    };
    let state = |said: &Said| said.body["state"].as_str().unwrap_or_default().to_owned();
    let first = ada.ask(two, "DELETE", &hold, None)?;
    let again = ada.status(three, "DELETE", &hold, None)?;
    let early = purge(two)?;
    let second = bob.ask(three, "DELETE", &hold, None)?;
    let statuses = [first.status, again, early, second.status, purge(one)?];
    Ok((statuses, [state(&first), state(&second)]))
}

fn approve(servers: &Servers) -> anyhow::Result<(Vec<u16>, u16, u16, Vec<u16>)> {
    let [one, two, three] = MEMBERS;
    servers.administrator(one).put("/v1/parameters/watch_needs_approval", &json!({ "value": true }))?;
    let grace = Person::with_token(servers, "grace", "PAM Administrator", None)?;
    let ada = Person::with_token(servers, "ada", "PAM Administrator", None)?;
    let session = recorded(servers)?;
    let recording = format!("/v1/sessions/{session}/recording");
    let before = grace.soon_everywhere(&recording, 403)?;
    let wanted = json!({ "reason": "inquiry", "ticket": "T-12", "until_ms": now_ms(servers)? + 3_600_000 });
    let asked = grace.ask(one, "POST", &format!("/v1/sessions/{session}/approvals"), Some(wanted))?;
    let approval = asked.body["id"].as_str().with_context(|| format!("{}", asked.body))?;
    let place = format!("/v1/sessions/{session}/approvals/{approval}");
    let agree = Some(json!({ "approved": true }));
    let own = grace.status(three, "PUT", &place, agree.clone())?;
    let given = ada.status(two, "PUT", &place, agree)?;
    let after = grace.everywhere(&recording)?;
    servers.administrator(one).put("/v1/parameters/watch_needs_approval", &json!({ "value": false }))?;
    Ok((before, own, given, after))
}

fn expire(servers: &Servers) -> anyhow::Result<(Vec<u16>, Vec<u16>)> {
    const PATH: &str = "/v1/whoami";
    let expires_ms = now_ms(servers)? + TOKEN_MS;
    let eve = Person::with_token(servers, "eve", "PAM Auditor", Some(expires_ms))?;
    let before = eve.everywhere(PATH)?;
    wait_until("the end of a token", EXPIRED, || {
        let status = eve.status(MEMBERS[0], "GET", PATH, None)?;
        ensure!(status == 200 || now_ms(servers)? >= expires_ms, "{status} before its end");
        Ok(status != 200)
    })?;
    Ok((before, eve.soon_everywhere(PATH, 401)?))
}

fn lock_out(servers: &Servers) -> anyhow::Result<(Vec<u16>, u16, Vec<u16>, u16)> {
    const PATH: &str = "/v1/whoami";
    let [one, two, three] = MEMBERS;
    let root = Person::new(servers, ("Authorization", format!("Bearer {}", servers.administrator_token())));
    let user = json!({ "name": "carol", "password": PASSWORD, "roles": ["PAM Auditor"] });
    let made = root.ask(one, "POST", "/v1/users", Some(user))?;
    ensure!(made.status == 201, "{}", made.body);
    let carol = log_in(servers, one, "carol")?;
    let (before, row) = (carol.everywhere(PATH)?, "/v1/users/carol");
    let change = |disabled: bool| Some(json!({ "roles": ["PAM Auditor"], "disabled": disabled }));
    let locked = root.status(two, "PUT", row, change(true))?;
    ensure!(
        carol.soon_everywhere(PATH, 401)?.iter().all(|status| *status == 401),
        "a login outlives its user"
    );
    let nobody = Person::new(servers, ("Accept", "*/*".to_owned()));
    let right = json!({ "name": "carol", "password": PASSWORD });
    let tries = MEMBERS.iter().map(|member| nobody.status(*member, "POST", "/v1/login", Some(right.clone())));
    let tries = tries.collect::<anyhow::Result<Vec<_>>>()?;
    root.status(three, "PUT", row, change(false))?;
    Ok((before, locked, tries, nobody.status(two, "POST", "/v1/login", Some(right))?))
}

fn guess(servers: &Servers) -> anyhow::Result<(Vec<u16>, u16)> {
    let root = Person::new(servers, ("Authorization", format!("Bearer {}", servers.administrator_token())));
    let user = json!({ "name": "dave", "password": PASSWORD, "roles": [] });
    ensure!(root.status(MEMBERS[0], "POST", "/v1/users", Some(user))? == 201, "a user is made");
    let nobody = Person::new(servers, ("Accept", "*/*".to_owned()));
    let try_with = |password: &str| {
        let login = json!({ "name": "dave", "password": password });
        nobody.status(MEMBERS[2], "POST", "/v1/login", Some(login))
    };
    let wrong = (0..TRIES).map(|number| try_with(&format!("a wrong password {number}")));
    let wrong = wrong.collect::<anyhow::Result<Vec<_>>>()?;
    Ok((wrong, try_with(PASSWORD)?))
}

/// A local user, by the cookie of a login.
fn log_in<'a>(servers: &'a Servers, member: u64, name: &str) -> anyhow::Result<Person<'a>> {
    let nobody = Person::new(servers, ("Accept", "*/*".to_owned()));
    let said =
        nobody.ask(member, "POST", "/v1/login", Some(json!({ "name": name, "password": PASSWORD })))?;
    let Some(cookie) = said.cookie.as_deref().and_then(|cookie| cookie.split(';').next()) else {
        bail!("{}: {}", said.status, said.body);
    };
    Ok(Person::new(servers, ("Cookie", cookie.to_owned())))
}

/// The cluster's time.
fn now_ms(servers: &Servers) -> anyhow::Result<u64> {
    let clock: Value = servers.administrator(MEMBERS[0]).get("/v1/cluster/clock")?;
    clock["now_ms"].as_u64().context("the clock tells the time")
}
