//! A member as a process, and what stands around it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use ureq::Agent;

/// How long anything may take before a test fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The binary under test.
pub(crate) fn custody() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custody"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A recording of the product's test data.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

/// The plain bytes of a sample.
pub(crate) fn plain(name: &str) -> Vec<u8> {
    let file = std::fs::File::open(sample(name)).unwrap();
    let mut bytes = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Waits until `look` gives something.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Lines of a pipe as they come.
pub(crate) fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            eprintln!("{line}");
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What answers a GET.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) tag: String,
    pub(crate) content_range: String,
    pub(crate) body: Vec<u8>,
}

/// A running member. Dropped, it is killed.
pub(crate) struct Served {
    child: Child,
    url: String,
    token: String,
    agent: Agent,
}

impl Served {
    /// Starts `custody serve` on a folder and waits until it serves.
    pub(crate) fn start(folder: &Path, settings: &str) -> Self {
        Self::start_by(custody(), folder, settings)
    }

    /// As [`Served::start`], by a program that becomes the binary.
    pub(crate) fn start_by(mut program: Command, folder: &Path, settings: &str) -> Self {
        let config = folder.join("custody.toml");
        let data_dir = folder.join("data");
        let text = format!(
            "data_dir = {data_dir:?}\nlog = \"json\"\n{settings}\n\
             [listen]\napi = \"127.0.0.1:0\"\nhealth = \"127.0.0.1:0\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut child =
            program.arg("serve").arg("--config").arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stderr.take().unwrap());
        let url = loop {
            let line = lines.recv_timeout(LIMIT).expect("the member serves");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = line["fields"]["address"].as_str() {
                let scheme = if settings.contains("[tls]") { "https" } else { "http" };
                break format!("{scheme}://{address}");
            }
        };
        std::thread::spawn(move || lines.iter().for_each(drop));
        let token = std::fs::read_to_string(data_dir.join("first-admin-token")).unwrap();
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { child, url, token: token.trim().to_owned(), agent }
    }

    /// Where the API answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Kills the process without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end, as a service manager does.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        wait("the end of the member", || self.child.try_wait().unwrap())
    }

    /// How the process has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The worker processes at work.
    pub(crate) fn workers(&self) -> Vec<rustix::process::Pid> {
        let mut workers = Vec::new();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        for task in tasks.flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
            workers.extend(pids.filter_map(rustix::process::Pid::from_raw));
        }
        workers
    }

    /// Status, ETag and body of a GET.
    pub(crate) fn get(&self, path: &str, range: Option<&str>) -> (u16, String, Vec<u8>) {
        let Got { status, tag, body, .. } = self.get_as(&self.token, path, range);
        (status, tag, body)
    }

    /// A GET by somebody else.
    pub(crate) fn get_as(&self, token: &str, path: &str, range: Option<&str>) -> Got {
        let url = format!("{}{path}", self.url);
        let mut request = self.agent.get(&url).header("Authorization", format!("Bearer {token}"));
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        let mut answer = request.call().unwrap();
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (tag, content_range) = (header("ETag"), header("Content-Range"));
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        Got { status: answer.status().as_u16(), tag, content_range, body }
    }

    /// A token of a user with a role.
    pub(crate) fn user(&self, role: &str) -> String {
        let body = json!({ "kind": "user", "subject": "somebody", "roles": [role] });
        let (status, made) = self.post("/v1/tokens", &body);
        assert_eq!(status, 201, "{made}");
        made["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get_json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path, None);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Status and body of a request with a body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let mut request = match method {
            "PUT" => self.agent.put(&url),
            "PATCH" => self.agent.patch(&url),
            _ => self.agent.post(&url),
        };
        request = request.header("Authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // No answer at all is status 0.
        let Ok(mut answer) = request.send(body) else { return (0, Value::Null) };
        let text = answer.body_mut().read_to_vec().unwrap_or_default();
        (answer.status().as_u16(), serde_json::from_slice(&text).unwrap_or_default())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// The status of a DELETE.
    pub(crate) fn delete(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.url);
        let request = self.agent.delete(&url).header("Authorization", format!("Bearer {}", self.token));
        request.call().unwrap().status().as_u16()
    }

    /// Allows videos, as an administrator does.
    pub(crate) fn allow_videos(&self) {
        self.switch_on("video_download_enabled");
    }

    /// Switches a parameter on, as an administrator does.
    pub(crate) fn switch_on(&self, parameter: &str) {
        let headers = [("Content-Type", "application/json"), ("If-Match", "*")];
        let body = json!({ "value": true }).to_string();
        let path = format!("/v1/parameters/{parameter}");
        let (status, answer) = self.send("PUT", &path, &headers, body.as_bytes());
        assert_eq!(status, 200, "{answer}");
    }

    /// Asks for a video; gives its identifier.
    pub(crate) fn request_video(&self, session: &str, notify: &[&str]) -> String {
        let (status, video) =
            self.post(&format!("/v1/sessions/{session}/videos"), &json!({ "notify": notify }));
        assert_eq!(status, 202, "{video}");
        video["id"].as_str().unwrap().to_owned()
    }

    /// A video once it is in a state.
    pub(crate) fn video_once(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait(what, || Some(self.get_json(&format!("/v1/videos/{id}"))).filter(&is_so))
    }

    /// Runs `custody import`; gives the session.
    pub(crate) fn import(&self, folder: &Path, name: &str) -> String {
        let output = self.import_command(folder, name).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8(output.stdout).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }
}

impl Served {
    /// `custody import` of a sample.
    pub(crate) fn import_command(&self, folder: &Path, name: &str) -> Command {
        let mut command = custody();
        command.args(["import", "--server", &self.url, "--protocol", "vnc", "--token-file"]);
        command.arg(folder.join("data/first-admin-token")).arg(sample(name));
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// aiosmtpd, from the package python3-aiosmtpd. Dropped, it ends.
pub(crate) struct SmtpServer {
    child: Child,
    lines: Receiver<String>,
}

impl SmtpServer {
    /// One that takes mails from everybody.
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(port, &[])
    }

    /// One with further arguments of the script.
    pub(crate) fn start_with(port: u16, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/smtp_server.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(port.to_string())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let first = lines.recv_timeout(LIMIT).expect("aiosmtpd (package python3-aiosmtpd) listens");
        assert!(first.contains("listening"), "{first}");
        Self { child, lines }
    }

    /// The next mail.
    pub(crate) fn mail(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(LIMIT).expect("a mail comes")).unwrap()
    }

    /// Whether no further mail has come.
    pub(crate) fn is_silent(&self) -> bool {
        self.lines.try_recv().is_err()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
