//! What a service manager sees.

use super::harness::{LIMIT, Served, custody};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// What a service manager is told, up to and with `last`.
fn told(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut told = Vec::new();
    while !told.iter().any(|line| line == last) {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        told.extend(String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned));
    }
    told
}

#[test]
fn the_service_manager_is_told_of_ready_watchdog_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut child = custody()
        .args(["serve", "--listen", "127.0.0.1:0", "--health", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .env("WATCHDOG_USEC", "400000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(told(&socket, "READY=1").len() <= 2);
    told(&socket, "WATCHDOG=1");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    told(&socket, "STOPPING=1");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_first_token_is_made_once_and_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let file = folder.path().join("data/first-admin-token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let roles = served.get_json("/v1/whoami")["roles"].clone();
    assert_eq!(roles, serde_json::json!(["PAM Administrator", "System Administrator"]));
    let token = std::fs::read_to_string(&file).unwrap();
    assert!(served.terminate().success());
    let served = Served::start(folder.path(), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    assert_eq!(served.get_json("/v1/tokens").as_array().map(Vec::len), Some(1));
}

#[test]
fn the_first_token_makes_a_local_administrator_who_logs_in_with_a_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let roles = serde_json::json!(["PAM Administrator", "System Administrator"]);
    let login = serde_json::json!({ "name": "ada", "password": "correct horse" });
    assert_eq!(served.post("/v1/login", &login).0, 401);
    let mut user = login.clone();
    user["roles"] = roles.clone();
    assert_eq!(served.post("/v1/users", &user).0, 201);

    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = |path: &str| format!("{}{path}", served.url());
    let mut answer =
        agent.post(url("/v1/login")).content_type("application/json").send(login.to_string()).unwrap();
    assert_eq!((answer.status().as_u16(), answer.body_mut().read_to_string().unwrap()), (204, String::new()));
    let given = answer.headers()["set-cookie"].to_str().unwrap();
    let (cookie, rest) = given.split_once(';').unwrap();
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict");
    let who = || agent.get(url("/v1/whoami")).header("Cookie", cookie).call().unwrap();
    let text = who().body_mut().read_to_string().unwrap();
    let known: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&known["name"], &known["credential"], &known["roles"]),
        (&"ada".into(), &"login".into(), &roles)
    );

    let end = |origin: &str| {
        let request = agent.post(url("/v1/logout")).header("Cookie", cookie).header("Origin", origin);
        request.send_empty().unwrap().status().as_u16()
    };
    assert_eq!((end("http://evil.example"), who().status().as_u16()), (403, 200));
    assert_eq!((end(served.url()), who().status().as_u16()), (204, 401));
}
