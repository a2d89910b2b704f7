//! A server of an operator's choice is told what happens, through the outbox.

use super::harness::{LIMIT, Served, free_port, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

/// A short recording.
const SAMPLE: &str = "write-existing.guac.zst";
/// The secret that both sides know.
const SECRET: [u8; 32] = *b"a secret between two that is old";

/// What was asked of the server.
struct Asked {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Asked {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0);
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
                None if line == "\r\n" => break,
                None => None,
            };
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        Self { headers, body: String::from_utf8(body).unwrap() }
    }

    /// The body, when the signature is right (Standard Webhooks 1.0).
    fn verified(&self) -> Value {
        let header = |name: &str| &self.headers[name];
        let content = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), self.body);
        let signature = header("webhook-signature").strip_prefix("v1,").unwrap();
        let signature = base64_simd::STANDARD.decode_to_vec(signature).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &SECRET);
        ring::hmac::verify(&key, content.as_bytes(), &signature).unwrap();
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers the first requests with these statuses, and all further ones with the last.
fn server(statuses: &'static [&'static str]) -> (u16, Receiver<Asked>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let asked = Asked::read(&stream);
            let status = statuses[number.min(statuses.len() - 1)];
            write!(&stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
            if sender.send(asked).is_err() {
                break;
            }
        }
    });
    (port, receiver)
}

fn settings(folder: &Path, url: &str) -> String {
    let file = folder.join("secret");
    std::fs::write(&file, format!("whsec_{}", base64_simd::STANDARD.encode_to_string(SECRET))).unwrap();
    format!(
        "public_url = \"https://custody.example.org\"\n[webhook]\nurl = {url:?}\nsecret_file = {file:?}\n\
         allow_loopback_http = true\n"
    )
}

/// The messages of the outbox, once all of them are in a state.
fn messages_once(served: &Served, count: usize, state: &str) -> Vec<Value> {
    wait(state, || {
        let mails = served.get_json("/v1/outbox")["mails"].as_array().unwrap().clone();
        (mails.len() == count && mails.iter().all(|mail| mail["state"] == state)).then_some(mails)
    })
}

#[test]
fn the_webhook_is_told_under_one_name_until_it_takes_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let (port, asked) = server(&["500 Internal Server Error", "204 No Content"]);
    let served =
        Served::start(folder.path(), &settings(folder.path(), &format!("http://127.0.0.1:{port}/hook")));
    served.allow_videos();
    let before = served.import(folder.path(), SAMPLE);
    served.switch_on("webhook_enabled");
    let video = served.request_video(&before, &[]);
    let first = asked.recv_timeout(LIMIT).unwrap();
    let told = first.verified();
    assert_eq!(told["type"], "video.ready");
    let url = format!("https://custody.example.org/#/sessions/{before}/videos/{video}");
    assert_eq!(told["data"], json!({ "session": before, "video": video, "url": url }));
    let second = asked.recv_timeout(LIMIT).unwrap();
    assert_eq!(second.verified(), told);
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert_eq!(messages_once(&served, 1, "sent")[0]["error"], "the server answers 500 Internal Server Error");

    let after = served.import(folder.path(), SAMPLE);
    let third = asked.recv_timeout(LIMIT).unwrap();
    let told = third.verified();
    assert_eq!((&told["type"], &told["data"]["session"]), (&json!("session.ended"), &json!(after)));
    assert_ne!(third.headers["webhook-id"], first.headers["webhook-id"]);
    let messages = messages_once(&served, 2, "sent");
    let kinds: Vec<_> = messages.iter().map(|message| [&message["channel"], &message["kind"]]).collect();
    assert_eq!(json!(kinds), json!([["webhook", "video-ready"], ["webhook", "session-ended"]]));
}

#[test]
fn a_webhook_that_is_gone_is_not_asked_again_and_private_addresses_are_not_asked_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (port, asked) = server(&["410 Gone"]);
    let served =
        Served::start(folder.path(), &settings(folder.path(), &format!("http://127.0.0.1:{port}/hook")));
    served.switch_on("webhook_enabled");
    served.import(folder.path(), SAMPLE);
    asked.recv_timeout(LIMIT).unwrap();
    let gone = messages_once(&served, 1, "failed").remove(0);
    assert_eq!((&gone["error"], &gone["attempts"]), (&json!("the server answers 410 Gone"), &json!(1)));
    assert!(served.terminate().success());

    let private = format!("https://127.0.0.1:{}/hook", free_port());
    let served = Served::start(folder.path(), &settings(folder.path(), &private));
    served.import(folder.path(), SAMPLE);
    let alert = wait("an alert", || served.get_json("/v1/outbox")["alerts"].get(0).cloned());
    assert_eq!((&alert["channel"], &alert["fault"]), (&json!("webhook"), &json!("address")));
    let error = alert["error"].as_str().unwrap();
    assert!(error.contains("the webhook's name leads to no public address"), "{error}");
    assert!(asked.try_recv().is_err());
}
