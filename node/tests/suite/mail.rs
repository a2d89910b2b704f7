//! Mails through a real mail server: what it refuses, what an operator has to mend, and what arrives.

use super::harness::{LIMIT, Served, SmtpServer, custody, free_port, wait};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A short recording.
const SAMPLE: &str = "write-existing.guac.zst";
/// The password of the mail server's only user.
const PASSWORD: &str = "correct horse";

/// Settings of a member that mails through a port of loopback without any protection.
fn plain(port: u16) -> String {
    format!(
        "public_url = \"https://custody.example.org\"\n[smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
         encryption = \"none\"\nfrom = \"Custody <custody@example.org>\"\n"
    )
}

/// A mail server with a certificate that only those trust who are told to, and a password.
struct Protected {
    folder: PathBuf,
    port: u16,
}

impl Protected {
    fn new(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.join("smtp.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("smtp.key"), made.signing_key.serialize_pem()).unwrap();
        Self { folder: folder.to_owned(), port: free_port() }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn start(&self) -> SmtpServer {
        SmtpServer::start_with(self.port, &[&self.file("smtp.pem"), &self.file("smtp.key"), PASSWORD])
    }

    /// Settings that log in with a password.
    fn settings(&self, password: &str) -> String {
        std::fs::write(self.folder.join("password"), password).unwrap();
        format!(
            "public_url = \"https://custody.example.org\"\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\n\
             from = \"Custody <custody@example.org>\"\nusername = \"custody\"\npassword_file = {:?}\n\
             [mail]\nlanguage = \"pt-BR\"\n",
            self.port,
            self.file("password")
        )
    }

    /// The binary, trusting the server's certificate.
    fn trusting(&self) -> Command {
        let mut command = custody();
        command.env("SSL_CERT_FILE", self.file("smtp.pem"));
        command
    }
}

/// The mail to an address, once it is in a state.
fn mail_once(served: &Served, address: &str, state: &str) -> Value {
    wait(&format!("the mail to {address} is {state}"), || {
        let outbox = served.get_json("/v1/outbox");
        let mails = outbox["mails"].as_array().unwrap();
        mails.iter().find(|mail| mail["address"] == address && mail["state"] == state).cloned()
    })
}

#[test]
fn what_a_mail_server_refuses_for_a_while_comes_again_as_the_same_mail_and_what_it_refuses_for_good_does_not()
{
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let smtp = SmtpServer::start(port);
    let served = Served::start(folder.path(), &plain(port));
    served.allow_videos();
    let session = served.import(folder.path(), SAMPLE);
    let video = served.request_video(&session, &["never@example.org", "later@example.org"]);
    let failed = mail_once(&served, "never@example.org", "failed");
    assert_eq!(failed["error"], "the mail server answers 550 5.1.1 no such user");
    assert_eq!((&failed["attempts"], &failed["fault"]), (&json!(1), &Value::Null));
    let first = smtp.mail();
    assert_eq!(first["answer"], "451 4.3.0 come again");
    let waiting = mail_once(&served, "later@example.org", "pending");
    assert_eq!(waiting["kind"], "video-ready");
    // The next try comes from a process that knows nothing of the first.
    assert!(served.terminate().success());
    let served = Served::start(folder.path(), &plain(port));
    let second = smtp.mail();
    assert_eq!(second["answer"], "250 taken");
    assert_eq!(second["text"], first["text"], "the same bytes");
    let id = format!("<video-{video}.2@example.org>");
    assert_eq!((&first["id"], &second["id"]), (&json!(id), &json!(id)));
    assert_eq!(mail_once(&served, "later@example.org", "sent")["attempts"], 1);
    let link = format!("https://custody.example.org/#/sessions/{session}/videos/{video}");
    assert_eq!(second["subject"], "The video of a session is ready");
    assert!(second["parts"]["text/plain"].as_str().unwrap().contains(&link), "{second}");
    assert!(second["parts"]["text/html"].as_str().unwrap().contains(&format!("href=\"{link}\"")), "{second}");
    assert_eq!(served.get_json("/v1/outbox")["alerts"], json!([]));
    assert!(smtp.is_silent());
}

#[test]
fn nobody_is_told_of_a_video_that_was_deleted_while_its_mail_waited() {
    let folder = tempfile::tempdir().unwrap();
    let server = Protected::new(folder.path());
    let served = Served::start_by(server.trusting(), folder.path(), &server.settings(PASSWORD));
    served.allow_videos();
    let session = served.import(folder.path(), SAMPLE);
    let video = served.request_video(&session, &["ada@example.org"]);
    mail_once(&served, "ada@example.org", "blocked");
    assert_eq!(served.delete(&format!("/v1/videos/{video}")), 204);
    let smtp = server.start();
    let failed = mail_once(&served, "ada@example.org", "failed");
    assert_eq!(failed["error"], "its video was deleted");
    assert!(smtp.is_silent());
}

#[test]
fn a_mail_waits_while_an_operator_has_to_mend_something_and_is_never_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Protected::new(folder.path());
    let blocked = |served: &Served, fault: &str| {
        let mail = wait(fault, || {
            let mail = served.get_json("/v1/outbox")["mails"][0].clone();
            (mail["fault"] == fault).then_some(mail)
        });
        assert_eq!((&mail["state"], &mail["attempts"]), (&json!("blocked"), &json!(0)), "{mail}");
        let alerts = served.get_json("/v1/outbox")["alerts"].clone();
        assert_eq!(
            alerts,
            json!([{ "channel": "mail", "fault": fault, "error": mail["error"] }]),
            "an operator sees it"
        );
        assert!(!mail["error"].as_str().unwrap().contains("wrong battery"), "{mail}");
    };
    let served = Served::start_by(server.trusting(), folder.path(), &server.settings(PASSWORD));
    served.allow_videos();
    let session = served.import(folder.path(), SAMPLE);
    served.request_video(&session, &["ada@example.org"]);
    blocked(&served, "unreachable");
    assert!(served.terminate().success());

    let smtp = server.start();
    let served = Served::start_by(server.trusting(), folder.path(), &server.settings("wrong battery"));
    blocked(&served, "credentials");
    assert!(served.terminate().success());

    let served = Served::start(folder.path(), &server.settings(PASSWORD));
    blocked(&served, "tls");
    assert!(served.terminate().success());
    assert!(smtp.is_silent());

    let served = Served::start_by(server.trusting(), folder.path(), &server.settings(PASSWORD));
    let mail = smtp.mail();
    assert_eq!((&mail["is_encrypted"], &mail["is_logged_in"]), (&json!(true), &json!(true)));
    assert_eq!(mail["subject"], "O vídeo de uma sessão está pronto");
    let (text, html) = (&mail["parts"]["text/plain"], &mail["parts"]["text/html"]);
    assert!(text.as_str().unwrap().contains(&format!("Sessão:      {session}\r\n")), "{text}");
    assert!(html.as_str().unwrap().contains("<html lang=\"pt-BR\">"), "{html}");
    mail_once(&served, "ada@example.org", "sent");
    assert_eq!(served.get_json("/v1/outbox")["alerts"], json!([]));
}

#[test]
fn a_mail_that_cannot_be_sent_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let smtp = SmtpServer::start(port);
    let served = Served::start(folder.path(), &plain(port));
    served.allow_videos();
    let session = served.import(folder.path(), SAMPLE);
    served.request_video(&session, &["login@example.org", "ada@example.org"]);
    assert_eq!(mail_once(&served, "login@example.org", "blocked")["fault"], "credentials");
    mail_once(&served, "ada@example.org", "sent");
    assert_eq!(smtp.mail()["to"], json!(["ada@example.org"]));
    assert_eq!(mail_once(&served, "login@example.org", "blocked")["attempts"], 0);
    assert!(smtp.is_silent());
}

#[test]
fn no_mail_goes_out_about_a_session_that_was_purged() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let served = Served::start(folder.path(), &plain(port));
    served.allow_videos();
    let session = served.import(folder.path(), SAMPLE);
    served.request_video(&session, &["ada@example.org"]);
    mail_once(&served, "ada@example.org", "blocked");
    let (status, answer) =
        served.post(&format!("/v1/sessions/{session}/purge"), &json!({ "reason": "asked for" }));
    assert!((200..300).contains(&status), "{status} {answer}");
    assert!(served.terminate().success());
    let smtp = SmtpServer::start(port);
    let served = Served::start(folder.path(), &plain(port));
    assert_eq!(mail_once(&served, "ada@example.org", "failed")["error"], "its session is gone");
    assert!(smtp.is_silent());
}

#[test]
fn a_test_mail_says_each_step_or_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Protected::new(folder.path());
    let config = folder.path().join("custody.toml");
    let sent = |mut command: Command, settings: &str, address: &str| {
        std::fs::write(&config, settings).unwrap();
        let output = command.args(["test-mail", address, "--config"]).arg(&config).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let right = server.settings(PASSWORD);
    let (code, text) = sent(server.trusting(), &right, "ada@example.org");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("check smtp.host, smtp.port and the firewalls between"), "{text}");

    let smtp = server.start();
    let (code, text) = sent(server.trusting(), &right, "ada@example.org");
    assert_eq!(code, Some(0), "{text}");
    let steps: Vec<_> = text.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(
        steps,
        [
            "sending",
            "looking up",
            "found",
            "connected",
            "encrypted",
            "logged in",
            "sender",
            "recipient",
            "taken",
            "done"
        ],
        "{text}"
    );
    let mail = smtp.mail();
    assert_eq!(
        (&mail["to"], &mail["subject"]),
        (&json!(["ada@example.org"]), &json!("O Custody consegue enviar e-mails"))
    );

    for (command, settings, address, advice) in [
        (
            server.trusting(),
            right.clone(),
            "never@example.org",
            "550 5.1.1 no such user: the mail server does not",
        ),
        (
            server.trusting(),
            right.clone(),
            "later@example.org",
            "451 4.3.0 come again: the mail server may take it",
        ),
        (custody(), right.clone(), "ada@example.org", "check smtp.encryption, that smtp.host is the name"),
        (
            server.trusting(),
            right.replace("custody@", "nobody@"),
            "ada@example.org",
            "553 5.7.1 not from you: check smtp.from",
        ),
        (
            server.trusting(),
            right.replace("host = \"127.0.0.1\"", "host = \"nowhere.invalid\""),
            "ada@example.org",
            "check smtp.host and this machine's DNS",
        ),
        (
            server.trusting(),
            right.replace("\n[mail]", "\nencryption = \"tls\"\n[mail]"),
            "ada@example.org",
            "check smtp.encryption",
        ),
        (server.trusting(), right.clone(), "ada", "give the address as ada@example.org"),
        (custody(), "member = 1".to_owned(), "ada@example.org", "smtp.host is not set"),
    ] {
        let (code, text) = sent(command, &settings, address);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(advice), "{advice}: {text}");
    }
    let wrapped = free_port();
    let files = [server.file("smtp.pem"), server.file("smtp.key")];
    let smtp = SmtpServer::start_with(wrapped, &[&files[0], &files[1], PASSWORD, "tls"]);
    let settings = right.replace(&server.port.to_string(), &wrapped.to_string());
    let settings = settings.replace("\n[mail]", "\nencryption = \"tls\"\n[mail]");
    let (code, text) = sent(server.trusting(), &settings, "ada@example.org");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!((&smtp.mail()["is_logged_in"], text.contains("encrypted")), (&json!(true), true));
    let (code, text) = sent(custody(), &settings, "ada@example.org");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("UnknownIssuer: check smtp.encryption, that smtp.host is the name"), "{text}");
    let (code, text) = sent(server.trusting(), &server.settings("wrong battery"), "ada@example.org");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("answers 535") && text.contains("check smtp.username and smtp.password_file"),
        "{text}"
    );
    assert!(!text.contains("wrong battery"), "{text}");
    std::fs::remove_file(folder.path().join("password")).unwrap();
    let (code, text) = sent(server.trusting(), &right, "ada@example.org");
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("smtp.password_file names"), "{text}");
}

#[test]
fn a_broken_template_is_a_start_error() {
    let folder = tempfile::tempdir().unwrap();
    let templates = folder.path().join("templates");
    std::fs::create_dir_all(templates.join("pt-BR")).unwrap();
    std::fs::write(templates.join("pt-BR/video-ready.subject"), "{{ user").unwrap();
    let data_dir = folder.path().join("data");
    let config = folder.path().join("custody.toml");
    let text = format!(
        "data_dir = {data_dir:?}\n{}[mail]\ntemplates = {templates:?}\n[listen]\napi = \"127.0.0.1:0\"\n\
         health = \"127.0.0.1:0\"\n",
        plain(1)
    );
    std::fs::write(&config, text).unwrap();
    let mut child = custody()
        .arg("serve")
        .arg("--config")
        .arg(&config)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = super::harness::lines_of(child.stderr.take().unwrap());
    let said = wait("the refusal", || {
        lines.recv_timeout(LIMIT).ok().filter(|line| line.contains("pt-BR/video-ready.subject, line 1: "))
    });
    assert!(said.contains("syntax error"), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(78));
}
