//! The listeners: TLS or loopback in front, metrics and health beside.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server as ActixServer, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};

use crate::app;
use crate::follow::Closing;
use crate::guard::guard;
use crate::state::ApiState;
use crate::tls::{TlsError, TlsFiles, tls_config};

/// How long requests may take to end once the server is told to stop.
const SHUTDOWN_S: u64 = 20;
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The most open connections of one worker thread.
const CONNECTIONS_MAX: usize = 4096;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The API's address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key. Without them only a loopback address may be served.
    pub tls: Option<TlsFiles>,
    /// The address of metrics and health, without TLS and so on loopback.
    pub metrics_listen: Option<SocketAddr>,
    /// Threads that answer requests.
    pub threads: usize,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Tokens and recordings would cross a network in the clear.
    #[error("{address} is served without TLS, expected a certificate or a loopback address")]
    PlainOutside {
        /// The address.
        address: SocketAddr,
    },
    /// Metrics name devices of no one, but health answers tell an attacker when to come.
    #[error("metrics are served on {address}, expected a loopback address")]
    MetricsOutside {
        /// The address.
        address: SocketAddr,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server that listens and answers once it runs.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    front: ActixServer,
    beside: Option<ActixServer>,
    closing: Closing,
}

/// Stops a server from elsewhere.
#[derive(Clone)]
pub struct Stopper {
    handles: Vec<ServerHandle>,
    closing: Closing,
}

impl Server {
    /// Listens. Called in a tokio runtime; threads of its own answer the requests.
    pub fn bind(options: &ServerOptions, state: Arc<ApiState>) -> Result<Self, ServeError> {
        if options.tls.is_none() && !options.listen.ip().is_loopback() {
            return Err(ServeError::PlainOutside { address: options.listen });
        }
        if let Some(address) = options.metrics_listen.filter(|address| !address.ip().is_loopback()) {
            return Err(ServeError::MetricsOutside { address });
        }
        let closing = state.closing.clone();
        let (front, address) = front(options, Arc::clone(&state))?;
        let beside = options.metrics_listen.map(|address| beside(address, state)).transpose()?;
        let (beside, metrics_address) = beside.unzip();
        Ok(Self { address, metrics_address, front, beside, closing })
    }

    /// Where the API is served; tells the port when a free one was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and health are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// A way to stop it.
    pub fn stopper(&self) -> Stopper {
        let servers = [Some(&self.front), self.beside.as_ref()].into_iter().flatten();
        Stopper { handles: servers.map(ActixServer::handle).collect(), closing: self.closing.clone() }
    }

    /// Answers requests until it is stopped. Signals are the caller's.
    pub async fn run(self) -> io::Result<()> {
        match self.beside {
            Some(beside) => futures_util::future::try_join(self.front, beside).await.map(|_| ()),
            None => self.front.await,
        }
    }
}

impl Stopper {
    /// Takes no more connections and waits until requests have ended, at most for a while; at once if not graceful. What
    /// follows a session or a video ends at once.
    pub async fn stop(&self, is_graceful: bool) {
        self.closing.set();
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(is_graceful))).await;
    }
}

fn front(options: &ServerOptions, state: Arc<ApiState>) -> Result<(ActixServer, SocketAddr), ServeError> {
    let server =
        HttpServer::new(move || App::new().configure(app::api(Arc::clone(&state))).wrap(from_fn(guard)))
            .workers(options.threads.max(1))
            .max_connections(CONNECTIONS_MAX)
            .client_request_timeout(HEAD_TIMEOUT)
            .shutdown_timeout(SHUTDOWN_S)
            .disable_signals();
    let listen = |source| ServeError::Listen { address: options.listen, source };
    let server = match &options.tls {
        Some(files) => server.bind_rustls_0_23(options.listen, tls_config(files)?).map_err(listen)?,
        None => server.bind(options.listen).map_err(listen)?,
    };
    let address = server.addrs().first().copied().unwrap_or(options.listen);
    Ok((server.run(), address))
}

fn beside(address: SocketAddr, state: Arc<ApiState>) -> Result<(ActixServer, SocketAddr), ServeError> {
    let server =
        HttpServer::new(move || App::new().configure(app::beside(Arc::clone(&state))).wrap(from_fn(guard)))
            .workers(1)
            .client_request_timeout(HEAD_TIMEOUT)
            .shutdown_timeout(SHUTDOWN_S)
            .disable_signals()
            .bind(address)
            .map_err(|source| ServeError::Listen { address, source })?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), bound))
}
