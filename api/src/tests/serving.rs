//! Listeners, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::harness::*;
use crate::{ServeError, Server, ServerOptions, TlsFiles};

fn options(listen: &str) -> ServerOptions {
    ServerOptions { listen: listen.parse().unwrap(), tls: None, metrics_listen: None, threads: 1 }
}

/// The answer to a request on a connection of its own.
async fn ask(address: SocketAddr, request: &'static str) -> String {
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

#[actix_web::test]
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
    let (ended, ()) = futures_util::future::join(server.run(), asking).await;
    ended.unwrap();
    assert!(TcpStream::connect(front).is_err());
}
