//! Users come with tokens of a real OpenID provider.

use super::harness::{LIMIT, Served, lines_of};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use ureq::Agent;

/// The package oidc-provider of npm. Dropped, it ends.
struct Provider {
    child: Child,
    lines: Receiver<String>,
    issuer: String,
    agent: Agent,
}

impl Provider {
    fn start() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
        let target = Path::new(env!("CARGO_BIN_EXE_custody")).ancestors().nth(2).unwrap();
        let packages = target.join("npm");
        assert!(packages.is_dir(), "oidc-provider is missing: run .ci/install oidc-provider");
        let mut child = Command::new("node")
            .arg(tests.join("oidc_provider.mjs"))
            .arg(packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        let mut provider = Self { child, lines, issuer: String::new(), agent };
        provider.issuer = provider.told("listening ");
        provider
    }

    /// What follows these words in the next line that begins with them.
    fn told(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect("the provider goes on");
            if let Some(rest) = line.strip_prefix(words) {
                return rest.to_owned();
            }
        }
    }

    /// From here on its keys are others.
    fn rotate(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.told("rotated");
    }

    /// A token for an audience, signed by an algorithm.
    fn token(&self, audience: &str, algorithm: &str) -> String {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "api".to_owned()),
            ("resource", format!("https://{audience}.example.org/{algorithm}")),
            ("client_id", "portal".to_owned()),
            ("client_secret", "portal-secret".to_owned()),
        ];
        let mut answer = self.agent.post(format!("{}/token", self.issuer)).send_form(form).unwrap();
        let answer: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
        answer["access_token"].as_str().expect("the provider gives a token").to_owned()
    }

    /// The settings of a member that believes this provider.
    fn settings(&self) -> String {
        format!(
            "[identity]\nissuer = \"{}\"\naudience = \"custody\"\nuser_claim = \"preferred_username\"\n\
             roles_claim = \"realm_access.roles\"\nroles = \"auditors=PAM Auditor; admins=PAM Administrator\"\n",
            self.issuer
        )
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Status and body of a GET with a token.
fn get(served: &Served, token: &str, path: &str) -> (u16, Value) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{}{path}", served.url()));
    let mut answer = request.header("Authorization", format!("Bearer {token}")).call().unwrap();
    let body = answer.body_mut().read_to_vec().unwrap();
    (answer.status().as_u16(), serde_json::from_slice(&body).unwrap())
}

fn status(served: &Served, token: &str) -> u16 {
    get(served, token, "/v1/whoami").0
}

#[test]
fn users_of_a_real_provider_come_with_its_tokens_and_its_keys_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut provider = Provider::start();
    let served = Served::start(folder.path(), &provider.settings());
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = provider.token("custody", algorithm);
        let (status, mut who) = get(&served, &token, "/v1/whoami");
        assert_eq!(status, 200, "{algorithm}: {who}");
        assert!(who["expires_ms"].take().as_u64() > Some(1_700_000_000_000));
        assert_eq!(who["permissions"].take().as_array().map(Vec::len), Some(10));
        let expected = json!({
            "kind": "user", "name": "ada@example.org", "credential": "jwt", "roles": ["PAM Auditor"],
            "service": null, "token": null, "expires_ms": null, "permissions": null,
        });
        assert_eq!(who, expected);
        assert_eq!(get(&served, &token, "/v1/sessions").0, 200);
        assert_eq!(get(&served, &token, "/v1/parameters").0, 404);
    }
    let old = provider.token("custody", "ES256");
    provider.rotate();
    let new = provider.token("custody", "ES256");
    assert_eq!(status(&served, &new), 200, "the new key is asked for at once");
    assert_eq!(status(&served, &old), 401, "its key is no longer published");

    // The keys that are known serve while the provider is away.
    drop(provider);
    assert_eq!(status(&served, &new), 200);
    assert_eq!(status(&served, &old), 401);
}

#[test]
fn tokens_that_a_real_provider_has_not_signed_for_us_open_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, stranger) = (Provider::start(), Provider::start());
    let served = Served::start(folder.path(), &provider.settings());
    let right = provider.token("custody", "RS256");
    assert_eq!(status(&served, &right), 200);
    assert_eq!(status(&served, &provider.token("other", "RS256")), 401);
    assert_eq!(status(&served, &stranger.token("custody", "RS256")), 401);

    let mut parts = right.split('.');
    let (header, payload, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let decoded = |part: &str| serde_json::from_slice::<Value>(&base64(part)).unwrap();
    let mut raised = decoded(payload);
    raised["realm_access"]["roles"] = json!(["admins"]);
    let raised = text(raised.to_string().as_bytes());
    let key_id = decoded(header)["kid"].clone();
    let unsigned = text(json!({ "alg": "none", "kid": key_id }).to_string().as_bytes());
    // A service that let tokens choose would take the provider's public key for a shared secret.
    let shared = text(json!({ "alg": "HS256", "kid": key_id }).to_string().as_bytes());
    let signed = format!("{shared}.{raised}");
    let modulus = provider.modulus(&key_id);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &modulus);
    let confused = text(ring::hmac::sign(&key, signed.as_bytes()).as_ref());
    for forged in [
        format!("{header}.{raised}.{signature}"),
        format!("{unsigned}.{raised}."),
        format!("{unsigned}.{raised}.{signature}"),
        format!("{signed}.{confused}"),
        format!("{header}.{payload}."),
    ] {
        let (status, problem) = get(&served, &forged, "/v1/whoami");
        assert_eq!((status, &problem["detail"]), (401, &json!("the token is not valid")), "{forged}");
    }
    assert_eq!(status(&served, &right), 200);
}

impl Provider {
    /// The modulus of a published key.
    fn modulus(&self, key_id: &Value) -> Vec<u8> {
        let mut answer = self.agent.get(format!("{}/jwks", self.issuer)).call().unwrap();
        let keys: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| &key["kid"] == key_id).unwrap();
        base64(key["n"].as_str().unwrap())
    }
}

fn base64(text: &str) -> Vec<u8> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()
}

fn text(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}
