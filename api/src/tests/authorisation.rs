//! Who may do what: policy/authorisation.csv, written by hand from the design, against the running service. Nothing
//! here says what is right; each row does.

mod body;
mod cell;
mod relation;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::App;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use cluster::catalog::{
    ClockSample, Command, Container, CreateUser, LogIn, Outcome, PasswordHash, PutRetention, PutRole,
    RequestVideo, Retention, RetentionScope, TokenId, TokenKind, VideoSettings,
};
use cluster::id::{MemberId, VideoId};
use policy::{Authorizer, Revision, Role};
use serde_json::{Value, json};

use body::{SOUND, with_body};
use cell::{Cell, cells};
use relation::{PEOPLE, caller, is_of_people};

use super::artefacts::index;
use super::growing_videos::Growing;
use super::harness::*;
use super::permissions::routes;
use super::signer::{ISSUER, Signer, claims, published, rules, text};
use super::videos::{claim, complete, enable};
use crate::app;
use crate::guard::guard;
use crate::{IdentityProvider, KeySet, TokenSecret};

const NOW_S: u64 = NOW_MS / 1000;
/// When approvals end.
const UNTIL_MS: u64 = NOW_MS + 3_600_000;
/// The route whose target is gone behind it.
const DELETES_VIDEO: &str = "DELETE /v1/videos/{id}";
/// The route that answers nothing of a session without a file of sound.
const READS_SOUND: &str = "GET /v1/sessions/{id}/sound";
/// An identifier of nothing.
const ABSENT: &str = "00000000000000000000000000000000";
/// Roles beside the seeded ones, as an administrator would make them.
const OWN_ROLES: [(&str, &[&str]); 3] = [
    ("Watcher", &["PAM.SessionManagement.Read", "PAM.SessionManagement.Recording"]),
    (
        "Converter",
        &["PAM.SessionManagement.Read", "PAM.SessionManagement.Convert", "PAM.SessionManagement.Download"],
    ),
    ("Portal", &["System.Users.ActFor"]),
];

/// A member with something behind every route.
struct World {
    member: Member,
    signer: Signer,
    stranger: Signer,
    /// They arrange what a cell is about.
    system: String,
    administrator: String,
    recorder: String,
    ended: String,
    purged: String,
    /// A member that was removed.
    removed: MemberId,
    /// A session that nobody holds, whose videos are deleted.
    unheld: String,
    /// Without and with typed text.
    videos: [String; 2],
    /// The same, while they are made.
    growing: [String; 2],
    /// Texts of tokens by credential and roles.
    tokens: BTreeMap<(String, Vec<String>), String>,
    /// Sessions to which people relate.
    related: BTreeSet<String>,
    /// Whether the parameter asks for approvals.
    needs_approval: bool,
}

impl World {
    async fn new() -> Self {
        let (signer, stranger) = (Signer::ed25519("e"), Signer::ed25519("e"));
        let provider = IdentityProvider::new(rules());
        provider.keys.put(KeySet::parse(&published(&[signer.jwk()])).unwrap());
        provider.keys.rest();
        let member = Member::start_believing(provider).await;
        add_roles(&member).await;
        enable(&member, true).await;
        let recorder = member.recorder().await;
        let administrator = member.user(ADMINISTRATOR).await;
        let ended = member.sealed(&recorder, b"x").await;
        index(&member, &ended).await;
        let videos = [
            ready_video(&member, &administrator, &ended, false).await,
            ready_video(&member, &administrator, &ended, true).await,
        ];
        let growing = [
            growing_video(&member, &administrator, &ended, false).await,
            growing_video(&member, &administrator, &ended, true).await,
        ];
        bring_sound(&member, &recorder, &ended).await;
        let unheld = member.sealed(&recorder, b"x").await;
        let purged = member.sealed(&recorder, b"x").await;
        member
            .post(&administrator, &format!("/v1/sessions/{purged}/purge"), &json!({ "reason": "asked" }))
            .await;
        let system = member.token(TokenKind::User, "system", &[ADMINISTRATOR, SYSTEM]).await;
        member.make_user(&system, "guest", &[]).await;
        let removed = super::members::removed(&member).await;
        let tokens = BTreeMap::new();
        Self {
            member,
            signer,
            stranger,
            system,
            administrator,
            recorder,
            ended,
            purged,
            removed,
            unheld,
            videos,
            growing,
            tokens,
            related: BTreeSet::new(),
            needs_approval: false,
        }
    }

    /// The credential of a cell as the text of a token.
    async fn token(&mut self, cell: &Cell) -> String {
        let kind = cell.credential.trim_end_matches("-for").trim_end_matches("-foreign").to_owned();
        if kind == "cookie" && cell.route.ends_with("/logout") {
            // It ends.
            return self.made(&kind, cell).await;
        }
        let key = (format!("{kind} {}", cell.relation), cell.roles.clone());
        if let Some(token) = self.tokens.get(&key) {
            return token.clone();
        }
        let token = self.made(&kind, cell).await;
        self.tokens.insert(key, token.clone());
        token
    }

    async fn made(&self, kind: &str, cell: &Cell) -> String {
        let roles: Vec<&str> = cell.roles.iter().map(String::as_str).collect();
        let user = |expires_ms| self.member.token_until(TokenKind::User, caller(cell), &roles, expires_ms);
        let right = claims("caller", &roles, NOW_S + 600);
        let with = |claim: &str, value: Value| {
            let mut wrong = right.clone();
            wrong[claim] = value;
            self.signer.token(&wrong)
        };
        match kind {
            "forged" => format!("custody_{}", "0".repeat(64)),
            "token" => user(None).await,
            "revoked" => {
                let body = json!({ "kind": "user", "subject": "caller", "roles": roles });
                let made = self.member.post(&self.system, "/v1/tokens", &body).await.json();
                let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
                self.member.send(asked(Method::DELETE, &self.system, &path)).await;
                made["token"].as_str().unwrap().to_owned()
            }
            "expired" => {
                let token = user(Some(NOW_MS + 1)).await;
                let sample = ClockSample { member: MemberId(1), wall_ms: NOW_MS + 1 };
                self.member.submit(Command::Clock(sample)).await;
                token
            }
            "recorder" => {
                let name = if cell.relation == "other" { "another" } else { "pam-proxy" };
                self.member.token(TokenKind::Recorder, name, &[]).await
            }
            "cookie" => self.cookie(cell).await,
            "jwt" => self.signer.token(&right),
            "jwt-expired" => with("exp", json!(NOW_S - 60)),
            "jwt-audience" => with("aud", json!("another")),
            "jwt-issuer" => with("iss", json!(format!("{ISSUER}.example"))),
            "jwt-forged" => self.stranger.token(&right),
            "jwt-unsigned" => {
                let header = json!({ "alg": "none", "kid": "e" });
                format!("{}.{}.", text(header.to_string().as_bytes()), text(right.to_string().as_bytes()))
            }
            _ => panic!("line {}: no such credential", cell.line),
        }
    }

    /// A user whose password nobody knows.
    async fn user(&self, name: &str, roles: &[String]) -> u64 {
        let command = CreateUser {
            name: name.to_owned(),
            password: PasswordHash::from_text("$argon2id$".to_owned()),
            roles: roles.to_vec(),
            by: "tests".to_owned(),
        };
        self.member.submit(Command::CreateUser(command)).await;
        let row = self.member.state.cluster.catalog().unwrap().user(name).unwrap();
        row.unwrap().password_index
    }

    /// The text of a login of a user with the cell's roles.
    async fn cookie(&self, cell: &Cell) -> String {
        let name = format!("caller {}", cell.line);
        let password_index = self.user(&name, &cell.roles).await;
        let secret = TokenSecret::generate(&*self.member.state.random).unwrap();
        let mut token = [0; 16];
        self.member.state.random.fill(&mut token).unwrap();
        let (token, hash, expires_ms) = (TokenId(token), secret.hash(), NOW_MS + 60_000);
        self.member.submit(Command::LogIn(LogIn { name, password_index, token, hash, expires_ms })).await;
        secret.expose().to_owned()
    }

    /// What the address of a cell's route names, made for this cell alone where asking changes it.
    async fn target(&self, cell: &Cell) -> String {
        let is_tokens = cell.route.ends_with("/v1/tokens/{id}");
        match cell.target.as_str() {
            "live" => {
                let session = self.member.open(&self.recorder, &ssh()).await;
                self.member.append(&self.recorder, &session, 0, b"x").await;
                if cell.route == READS_SOUND {
                    bring_sound(&self.member, &self.recorder, &session).await;
                }
                session
            }
            "ended" | "ended with keystrokes" => self.ended.clone(),
            "purged" => self.purged.clone(),
            "sealed" => self.member.sealed(&self.recorder, b"x").await,
            // Whatever is asked for of it is made by `request`.
            "asked" => self.ended.clone(),
            "held" => {
                let session = self.member.sealed(&self.recorder, b"x").await;
                self.hold(&session).await;
                session
            }
            "plain" | "with keystrokes" if cell.route == DELETES_VIDEO => self.doomed_video(cell).await,
            "plain" => self.videos[0].clone(),
            "with keystrokes" => self.videos[1].clone(),
            "growing" => self.growing[0].clone(),
            "growing with keystrokes" => self.growing[1].clone(),
            "there" if is_tokens => {
                let body = json!({ "kind": "user", "subject": "to be revoked" });
                let made = self.member.post(&self.system, "/v1/tokens", &body).await.json();
                made["id"].as_str().unwrap().to_owned()
            }
            "there" if cell.route.contains("/v1/users/") => {
                let name = format!("user {}", cell.line);
                self.user(&name, &[]).await;
                name
            }
            "there" if cell.route.contains("/v1/roles/") => AUDITOR.to_owned(),
            "there" if cell.route.contains("/v1/retention-rules/") => {
                let scope = RetentionScope::Device("db".to_owned());
                let (retention, by) = (Some(Retention::Forever), "tests".to_owned());
                let rule = PutRetention { scope, retention, by };
                self.member.submit(Command::PutRetention(rule)).await;
                "db".to_owned()
            }
            "there" if cell.route.contains("/v1/cluster/join-tokens/") => {
                let made = self.member.post(&self.system, "/v1/cluster/join-tokens", &json!({})).await.json();
                made["id"].as_str().unwrap().to_owned()
            }
            "removed" => self.removed.to_string(),
            "there" if cell.route.contains("/v1/cluster/workers/") => "scrub".to_owned(),
            "there" if cell.route.contains("{member}") => "1".to_owned(),
            "absent" if cell.route.contains("{member}") => "9".to_owned(),
            "there" => "replicas".to_owned(),
            "absent" | "all" | "new" | "of stronger" | "themselves" => ABSENT.to_owned(),
            _ => panic!("line {}: no such target", cell.line),
        }
    }

    /// A video of a kind that no other cell asks for.
    async fn doomed_video(&self, cell: &Cell) -> String {
        let keystrokes = cell.target == "with keystrokes";
        let command = RequestVideo {
            video: VideoId(u128::try_from(cell.line).unwrap().to_be_bytes()),
            recording: self.unheld.parse().unwrap(),
            settings: VideoSettings { container: Container::Webm, keystrokes, codec_version: 9 },
            requested_by: "tests".to_owned(),
            notify: Vec::new(),
        };
        let outcome = self.member.submit(Command::RequestVideo(command)).await;
        let Outcome::Video { video, .. } = outcome else { panic!("{outcome:?}") };
        video.to_string()
    }

    /// Places a hold on a session.
    async fn hold(&self, session: &str) -> String {
        let path = format!("/v1/sessions/{session}/holds");
        let placed =
            self.member.post(&self.administrator, &path, &json!({ "justification": "inquiry" })).await;
        placed.json()["id"].as_str().unwrap().to_owned()
    }

    /// The target of a cell, to which people relate as they are named where the cell is about them.
    async fn related_target(&mut self, cell: &Cell) -> String {
        self.demand_approval(cell).await;
        if !is_of_people(cell) {
            return self.target(cell).await;
        }
        let target = match cell.target.as_str() {
            "purged" => self.member.sealed(&self.recorder, b"x").await,
            _ => self.target(cell).await,
        };
        let is_of_video = cell.route.contains("/v1/videos/") || cell.target == "all";
        let session = match is_of_video {
            true if cell.route == DELETES_VIDEO => self.unheld.clone(),
            true => self.ended.clone(),
            false => target.clone(),
        };
        self.relate(&session).await;
        if cell.target == "purged" {
            let path = format!("/v1/sessions/{session}/purge");
            self.member.post(&self.administrator, &path, &json!({ "reason": "asked" })).await;
        }
        target
    }

    async fn request(&mut self, cell: &Cell) -> TestRequest {
        let (method, path) = cell.route.split_once(' ').unwrap();
        let target = self.related_target(cell).await;
        let path = match path.contains("{hold}") && cell.target == "held" {
            true => path.replace("{hold}", &self.hold(&target).await),
            false => path.replace("{hold}", ABSENT),
        };
        let path = match path.contains("{approval}") && cell.target == "asked" {
            true => path.replace("{approval}", &self.ask(&target, "somebody", UNTIL_MS).await.to_string()),
            false => path.replace("{approval}", ABSENT),
        };
        let path = path
            .replace("{id}", &target)
            .replace("{member}", &target)
            .replace("{name}", &target)
            .replace("{ms}", "12");
        let path = path.replace("{scope}", "device").replace(' ', "%20");
        let path = match path.as_str() {
            "/v1/audit/proof" => format!("{path}?leaf=0"),
            "/v1/audit/consistency" => format!("{path}?from=1"),
            _ => path,
        };
        let mut request = TestRequest::with_uri(&path).method(method.parse().unwrap());
        if cell.credential != "none" {
            let token = self.token(cell).await;
            request = match cell.credential.as_str() {
                "cookie" | "cookie-foreign" => request.insert_header(("cookie", format!("custody={token}"))),
                _ => request.insert_header(("authorization", format!("Bearer {token}"))),
            };
        }
        if cell.credential.starts_with("cookie") {
            let is_own = cell.credential == "cookie";
            request =
                request.insert_header(("sec-fetch-site", if is_own { "same-origin" } else { "cross-site" }));
        }
        if cell.credential.ends_with("-for") {
            let user = if is_of_people(cell) { caller(cell) } else { "grace" };
            request = request.insert_header(("custody-act-for", user));
        }
        with_body(self.with_condition(request, cell), cell)
    }

    /// What persons change is changed whatever is there.
    fn with_condition(&self, request: TestRequest, cell: &Cell) -> TestRequest {
        let is_new = cell.target == "new" && {
            let role = self.member.state.cluster.catalog().unwrap().role(ABSENT).unwrap();
            role.is_none()
        };
        match (cell.route.split_once(' ').unwrap().0, is_new) {
            ("PUT", true) => request.insert_header(("if-none-match", "*")),
            ("PUT" | "DELETE", _) => request.insert_header(("if-match", "*")),
            _ => request,
        }
    }
}

async fn add_roles(member: &Member) {
    let mut roles = Role::seeded();
    for (name, permissions) in OWN_ROLES {
        let own = |name: &&str| (*name).to_owned();
        let command = PutRole {
            name: name.to_owned(),
            permissions: permissions.iter().map(own).collect(),
            expected_version: None,
            by: "tests".to_owned(),
        };
        member.submit(Command::PutRole(command)).await;
        roles.push(Role::from_names(name, permissions.iter().copied()).unwrap());
    }
    member.state.authorizer.swap(Authorizer::build(Revision(2), &roles).unwrap()).unwrap();
}

async fn bring_sound(member: &Member, recorder: &str, session: &str) {
    let path = format!("/v1/sessions/{session}/sound");
    let brought = member.send(asked(Method::PUT, recorder, &path).set_payload(SOUND)).await;
    assert!(brought.status.is_success(), "{:?}", brought.body);
}

async fn ready_video(member: &Member, token: &str, session: &str, keystrokes: bool) -> String {
    let path = format!("/v1/sessions/{session}/videos");
    let asked_for = member.post(token, &path, &json!({ "keystrokes": keystrokes })).await.json();
    complete(member, session, claim(member).await, b"video").await;
    asked_for["id"].as_str().unwrap().to_owned()
}

async fn growing_video(member: &Member, token: &str, session: &str, keystrokes: bool) -> String {
    let mut growing = Growing::wanted(member, token, session, keystrokes).await;
    growing.begin(member, b"video").await;
    growing.video
}

#[actix_web::test]
async fn every_cell_is_answered_as_the_design_says() {
    let cells = cells();
    let mut world = World::new().await;
    let app = App::new().configure(app::api(world.member.state.clone())).wrap(from_fn(guard));
    let app = init_service(app).await;
    let mut wrong = Vec::new();
    for cell in &cells {
        let request = world.request(cell).await.to_request();
        let response = call_service(&app, request).await;
        let status = response.status().as_u16();
        if status != cell.status {
            wrong.push(format!("{status}: {cell:?}"));
        } else if status == 403 && !cell.route.starts_with("HEAD ") {
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let missing = &body["permission"];
            let is_foreign =
                cell.credential == "cookie-foreign" && body["type"] == "urn:custody:problem:cross-site";
            let is_named = cell.actions.iter().any(|action| *missing == *action);
            let is_acting = cell.credential.ends_with("-for") && *missing == "System.Users.ActFor";
            let problem = body["type"].as_str().unwrap().trim_start_matches("urn:custody:problem:");
            if cell.problem.as_deref().is_some_and(|expected| expected != problem) {
                wrong.push(format!("{problem}: {cell:?}"));
            }
            if !is_named && !is_acting && !is_foreign {
                wrong.push(format!("{missing} is said to be missing: {cell:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    println!("{} cells, {} wrong", cells.len(), wrong.len());
}

#[test]
fn every_route_of_the_document_has_a_row_for_every_caller() {
    let cells = cells();
    let documented: BTreeSet<String> = routes().into_iter().map(|(name, ..)| name).collect();
    let listed: BTreeSet<String> = cells.iter().map(|cell| cell.route.clone()).collect();
    assert_eq!(documented, listed);
    let caller = |cell: &Cell| (cell.credential.clone(), cell.roles.clone());
    let callers: BTreeSet<_> = cells.iter().map(caller).collect();
    let mut of_target: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for cell in &cells {
        of_target.entry((&cell.route, &cell.target)).or_default().insert(caller(cell));
        assert!(seen.insert((&cell.route, &cell.target, caller(cell), &cell.relation)), "line {}", cell.line);
    }
    for (target, asking) in of_target {
        assert_eq!(asking, callers, "{target:?}");
    }
}

#[test]
fn every_route_of_a_session_has_a_row_for_every_relation() {
    let cells = cells();
    let is_of_session = |cell: &&Cell| {
        let is_below = cell.route.contains("/v1/sessions/{id}") || cell.route.contains("/v1/videos/");
        let is_list = ["GET /v1/sessions", "GET /v1/purge-plan", "GET /v1/approvals"].contains(&&*cell.route);
        // Who may do what has no say in what is open to anyone, or not there.
        (is_below || is_list) && cell.target != "absent" && !cell.route.starts_with("OPTIONS ")
    };
    let mut of_target: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for cell in cells.iter().filter(is_of_session) {
        let relations = of_target.entry((&cell.route, &cell.target)).or_default();
        relations.extend(is_of_people(cell).then_some(cell.relation.as_str()));
    }
    for (target, relations) in of_target {
        assert_eq!(relations, BTreeSet::from(PEOPLE), "{target:?}");
    }
}
