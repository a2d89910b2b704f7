use super::*;
use crate::config::SecretFile;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

const SECRET: [u8; 24] = [7; 24];

/// Answers each request with the same head and no end of a body; gives what was asked, head and body.
fn server(head: &'static str) -> (u16, Receiver<(String, String)>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let mut asked = String::new();
            while !asked.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut asked).unwrap() > 0);
            }
            let length = asked.to_ascii_lowercase();
            let (_, length) = length.split_once("content-length: ").unwrap();
            let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            sender.send((asked, String::from_utf8(body).unwrap())).unwrap();
            let mut answer = &stream;
            write!(answer, "HTTP/1.1 {head}\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            // Until who asked hangs up.
            while answer.write_all(b"5\r\nhello\r\n").is_ok() {}
        }
    });
    (port, receiver)
}

fn webhook(url: &str, is_loopback_http: bool) -> Webhook {
    webhook_with(url, is_loopback_http, &[])
}

fn webhook_with(url: &str, is_loopback_http: bool, allowed: &[&str]) -> Webhook {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("whsec_{}", base64_simd::STANDARD.encode_to_string(SECRET))).unwrap();
    let settings = WebhookSettings {
        url: url.to_owned(),
        secret_file: SecretFile::at(&file),
        allowed: allowed.iter().map(|network| network.parse().unwrap()).collect(),
        is_loopback_http,
    };
    Webhook::new(&settings, "https://custody.example.org".to_owned(), None).unwrap()
}

fn post(webhook: &Webhook) -> Result<(), DeliveryError> {
    let message = Message { id: "custody_1_2".to_owned(), body: r#"{"type":"video.ready"}"#.to_owned() };
    webhook.post(&message, 1_795_318_169)
}

#[test]
fn a_message_is_signed_and_its_answer_is_not_read() {
    let (port, asked) = server("200 OK");
    post(&webhook(&format!("http://127.0.0.1:{port}/hook?key=1"), true)).unwrap();
    let (head, body) = asked.recv().unwrap();
    assert!(head.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| {
        let found = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    };
    assert_eq!(header("webhook-id"), "custody_1_2");
    assert_eq!(header("webhook-timestamp"), "1795318169");
    assert_eq!(
        (header("content-type"), &*body),
        ("application/json".to_owned(), r#"{"type":"video.ready"}"#)
    );
    let signature = header("webhook-signature");
    let signature = base64_simd::STANDARD.decode_to_vec(signature.strip_prefix("v1,").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &SECRET);
    let content = format!("custody_1_2.1795318169.{body}");
    ring::hmac::verify(&key, content.as_bytes(), &signature).unwrap();
}

#[test]
fn what_an_answer_means_follows_from_its_status() {
    let later = |text: &str| Err(DeliveryError::Later(text.to_owned()));
    let redirects = "; redirects are not followed";
    for (head, expected) in [
        ("202 Accepted", Ok(())),
        ("500 Internal Server Error", later("the server answers 500 Internal Server Error")),
        ("429 Too Many Requests", later("the server answers 429 Too Many Requests")),
        ("404 Not Found", later("the server answers 404 Not Found")),
        ("302 Found\r\nLocation: /elsewhere", later(&format!("the server answers 302 Found{redirects}"))),
        (
            "307 Temporary Redirect\r\nLocation: http://169.254.169.254/",
            later(&format!("the server answers 307 Temporary Redirect{redirects}")),
        ),
        ("410 Gone", Err(DeliveryError::Final("the server answers 410 Gone".to_owned()))),
    ] {
        let (port, asked) = server(head);
        assert_eq!(post(&webhook(&format!("http://localhost:{port}/"), true)), expected, "{head}");
        assert!(asked.recv().unwrap().0.starts_with("POST / "));
        assert!(asked.try_recv().is_err(), "{head}: asked twice");
    }
}

#[test]
fn private_addresses_are_not_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let refused = post(&webhook(&format!("https://{host}:{port}/"), true)).unwrap_err();
        let fault = match refused {
            DeliveryError::Fault { fault, .. } => fault,
            DeliveryError::Later(_) | DeliveryError::Final(_) => panic!("{host}: {refused}"),
        };
        // Some systems do not take unusual forms of numbers for addresses.
        assert!(matches!(fault, MailFault::Address | MailFault::UnknownHost), "{host}: {fault}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_an_operator_has_to_mend_is_a_fault() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let plain_port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            stream.unwrap().write_all(b"220 this is no TLS\r\n").unwrap();
        }
    });
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/secret"), MailFault::Unreachable),
        (format!("https://127.0.0.1:{plain_port}/secret"), MailFault::Tls),
        ("https://nowhere.invalid/secret".to_owned(), MailFault::UnknownHost),
    ] {
        match post(&webhook_with(&url, true, &["127.0.0.0/8"])) {
            Err(DeliveryError::Fault { fault, message }) => {
                assert_eq!(fault, expected, "{message}");
                assert!(!message.contains("secret"), "{message}");
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}
