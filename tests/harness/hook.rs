//! A server of webhooks that keeps all that it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What was sent, one after the other. The server goes on until the process ends.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Hook {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, heard) = (listener.local_addr()?, Arc::default());
        let hook = Self { address, heard };
        let keeps = hook.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who breaks off sends again.
                keeps.hear(stream).ok();
            }
        });
        Ok(hook)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All that came, headers and bodies.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, stream: TcpStream) -> anyhow::Result<()> {
        let mut reader = BufReader::new(&stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let from = head.len();
            reader.read_line(&mut head)?;
            let line = head.get(from..).unwrap_or_default().trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend([head.as_bytes(), &body].concat());
        write!(&stream, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        Ok(())
    }
}
