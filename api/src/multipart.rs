//! The one file of a form (RFC 7578), while it comes.

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::problem::{Kind, Problem};

/// The most bytes before the file: the boundary and the headers of its part.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// The most bytes of a boundary (RFC 2046, 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// Pieces behind the file that are read for nobody.
const REST_PIECES_MAX: usize = 64;

/// The first part of a form.
pub(crate) struct Part {
    body: Payload,
    buffer: BytesMut,
    /// What stands behind the part.
    end: Vec<u8>,
    is_over: bool,
}

impl Part {
    /// Reads up to the part, which must have this name.
    pub(crate) async fn begin(request: &HttpRequest, mut body: Payload, name: &str) -> Result<Self, Problem> {
        let expected =
            || Problem::new(Kind::BadRequest, format_args!("expected a form with the file `{name}`"));
        let boundary = boundary(request).ok_or_else(expected)?;
        let mut buffer = BytesMut::new();
        let head_end = loop {
            if let Some(at) = find(&buffer, b"\r\n\r\n") {
                break at;
            }
            let piece = body.next().await.filter(|_| buffer.len() < HEAD_BYTES_MAX).ok_or_else(expected)?;
            buffer.extend_from_slice(&piece?);
        };
        let head = buffer.split_to(head_end.saturating_add(4));
        let head = std::str::from_utf8(&head).map_err(|_| expected())?;
        let headers = head.strip_prefix(&format!("--{boundary}\r\n")).ok_or_else(expected)?;
        let is_disposition = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
        let disposition = headers.split("\r\n").find(is_disposition).ok_or_else(expected)?;
        let mut parameters = disposition.split(';').map(str::trim);
        match parameters.any(|parameter| parameter == format!("name=\"{name}\"")) {
            true => Ok(Self { body, buffer, end: format!("\r\n--{boundary}").into_bytes(), is_over: false }),
            false => Err(expected()),
        }
    }

    /// The next bytes of the file; none at its end. A form that ends before is an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, PayloadError>> {
        while !self.is_over {
            if let Some(at) = find(&self.buffer, &self.end) {
                self.is_over = true;
                self.read_rest().await;
                return (at > 0).then(|| Ok(self.buffer.split_to(at).freeze()));
            }
            // What stands behind the file may have begun.
            let sure = self.buffer.len().saturating_sub(self.end.len());
            if sure > 0 {
                return Some(Ok(self.buffer.split_to(sure).freeze()));
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                other => {
                    self.is_over = true;
                    return Some(Err(other.and_then(Result::err).unwrap_or(PayloadError::Incomplete(None))));
                }
            }
        }
        None
    }

    /// The connection goes on for the next request.
    async fn read_rest(&mut self) {
        for _ in 0..REST_PIECES_MAX {
            if !matches!(self.body.next().await, Some(Ok(_))) {
                return;
            }
        }
    }
}

/// What separates the parts of a request's form.
fn boundary(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').map(str::trim);
    if !parameters.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    })?;
    (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()).then_some(boundary)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
