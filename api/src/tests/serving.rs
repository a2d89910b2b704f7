//! Listeners, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use cluster::catalog::{Format, Protocol, SessionInfo};
use cluster::cluster::NewSession;
use cluster::id::ObjectId;

use super::harness::*;
use crate::{Limits, ServeError, Server, ServerOptions, TlsFiles};

fn options(listen: &str) -> ServerOptions {
    ServerOptions { listen: listen.parse().unwrap(), tls: None, metrics_listen: None, threads: 1 }
}

/// Runs a server as a member does: in a task of an ordinary runtime. The future must stop it.
async fn run_while(server: Server, future: impl Future<Output = ()>) {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(server.run());
    future.await;
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

/// The answer to a request on a connection of its own.
async fn ask(address: SocketAddr, request: impl Into<String>) -> String {
    let request = request.into();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    asked.await.unwrap()
}

#[actix_web::test]
async fn tokens_do_not_cross_a_network_in_the_clear() {
    let member = Member::start().await;
    let plain = Server::bind(&options("0.0.0.0:0"), Arc::clone(&member.state));
    assert!(matches!(plain, Err(ServeError::PlainOutside { .. })));
    let metrics =
        ServerOptions { metrics_listen: Some("0.0.0.0:0".parse().unwrap()), ..options("127.0.0.1:0") };
    assert!(matches!(
        Server::bind(&metrics, Arc::clone(&member.state)),
        Err(ServeError::MetricsOutside { .. })
    ));
    let tls = Some(TlsFiles { certificate: "absent".into(), key: "absent".into() });
    let missing = Server::bind(&ServerOptions { tls, ..options("0.0.0.0:0") }, Arc::clone(&member.state));
    assert!(matches!(missing, Err(ServeError::Tls(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_answers_until_it_is_stopped() {
    let member = Member::start().await;
    let options =
        ServerOptions { metrics_listen: Some("127.0.0.1:0".parse().unwrap()), ..options("127.0.0.1:0") };
    let server = Server::bind(&options, Arc::clone(&member.state)).unwrap();
    let (front, beside, stopper) = (server.address(), server.metrics_address().unwrap(), server.stopper());
    let asking = async {
        let live = ask(front, "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");
        let metrics = ask(front, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(metrics.starts_with("HTTP/1.1 404 "), "{metrics}");
        let metrics = ask(beside, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
        let api = ask(beside, "GET /v1/sessions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(api.starts_with("HTTP/1.1 404 "), "{api}");
        // Lengths that contradict each other must not be guessed at.
        let both = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\
                    transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        let both = ask(front, both).await;
        assert!(!both.contains(" 200 OK"), "{both}");
        stopper.stop(true).await;
    };
    run_while(server, asking).await;
    assert!(TcpStream::connect(front).is_err());
}

/// The head of an append of 5000 bytes, and the recording that it goes to.
async fn append_head(member: &Member) -> (ObjectId, String) {
    let info = SessionInfo {
        protocol: Protocol::Ssh,
        format: Format::Asciicast,
        device_address: "10.0.0.7".to_owned(),
        credential_user: String::new(),
        user_name: String::new(),
        user_address: String::new(),
        start_ms: NOW_MS,
        recorder_token: None,
    };
    let session = member.state.cluster.open_session(NewSession { info }).await.unwrap();
    let token = member.user(ADMINISTRATOR).await;
    let head = format!(
        "PATCH /v1/sessions/{session}/recording HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: {PIECES}\r\nupload-offset: 0\r\nconnection: close\r\ncontent-length: 5000\r\n\r\n"
    );
    (session.into(), head)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_before_a_recorder_vanished_is_durable() {
    let member = Member::start().await;
    let (object, head) = append_head(&member).await;
    let server = Server::bind(&options("127.0.0.1:0"), Arc::clone(&member.state)).unwrap();
    let (front, stopper) = (server.address(), server.stopper());
    let asking = async {
        let sent = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(front).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&[7; 1000]).unwrap();
        });
        sent.await.unwrap();
        let durable = async {
            while member.state.cluster.durable_offset(object).await.unwrap() < 1000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), durable).await.unwrap();
        assert_eq!(member.state.cluster.durable_offset(object).await.unwrap(), 1000);
        stopper.stop(true).await;
    };
    run_while(server, asking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_falls_silent_is_told_where_to_go_on() {
    let member = Member::start_ready(Limits { idle_s_max: 1, ..Limits::default() }).await;
    let (_, head) = append_head(&member).await;
    let server = Server::bind(&options("127.0.0.1:0"), Arc::clone(&member.state)).unwrap();
    let (front, stopper) = (server.address(), server.stopper());
    let asking = async {
        let answer = ask(front, format!("{head}{}", "x".repeat(1000))).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("upload-offset: 1000\r\n"), "{answer}");
        stopper.stop(true).await;
    };
    run_while(server, asking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_lets_a_member_serve_a_network() {
    let member = Member::start().await;
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    let made = rcgen::generate_simple_self_signed(vec!["custody.test".to_owned()]).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let options = ServerOptions { tls: Some(files), ..options("0.0.0.0:0") };
    let server = Server::bind(&options, Arc::clone(&member.state)).unwrap();
    let (address, stopper) = (SocketAddr::from(([127, 0, 0, 1], server.address().port())), server.stopper());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let asking = async {
        let asked = tokio::task::spawn_blocking(move || {
            let name = "custody.test".try_into().unwrap();
            let mut connection = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut stream);
            stream
                .write_all(b"GET /livez HTTP/1.1\r\nhost: custody.test\r\nconnection: close\r\n\r\n")
                .unwrap();
            let mut answer = Vec::new();
            // The server may close without saying so in TLS; what came is whole all the same.
            let _: std::io::Result<usize> = stream.read_to_end(&mut answer);
            String::from_utf8(answer).unwrap()
        });
        let answer = asked.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
        stopper.stop(true).await;
    };
    run_while(server, asking).await;
}
