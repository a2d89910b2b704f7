//! Stored bytes as an answer.

use std::error::Error;
use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cluster::cluster::ObjectRead;
use cluster::id::{ObjectId, RecordingId};
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::auth::Viewer;
use crate::media::{ViewPart, ViewRead};
use crate::problem::Problem;
use crate::range::{Selection, Tag, select};
use crate::state::ApiState;

/// Bytes that may be sent.
pub(crate) struct Content {
    pub(crate) source: Source,
    pub(crate) length: u64,
    /// Names bytes that no longer change.
    pub(crate) tag: Option<Tag>,
    pub(crate) media_type: &'static str,
    /// Of identifiers and fixed text alone, so that nothing has to be escaped.
    pub(crate) file_name: String,
}

/// Where they come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// They are stored.
    Object(ObjectId),
    /// They are the view of a recording, which has an index once it is sealed.
    View { recording: RecordingId, index: Option<ObjectId> },
    /// They were made for this answer.
    Made(Bytes),
}

/// Bytes that are being read.
pub(crate) enum Reading {
    Object(Box<ObjectRead>),
    View(Box<dyn ViewRead>),
    /// None once they are handed out.
    Made(Option<Bytes>),
}

/// What a request wants of it, once a leaf of the audit log says who sees it.
pub(crate) async fn answer(
    state: &ApiState,
    request: &HttpRequest,
    content: Content,
    viewer: &Viewer,
) -> Result<HttpResponse, Problem> {
    let (mut response, range) = match select(request, content.length, content.tag.as_ref())? {
        Selection::NotModified => return Ok(headers(HttpResponse::NotModified(), &content).finish()),
        Selection::Whole => (HttpResponse::Ok(), 0..content.length),
        Selection::Part(range) => {
            let mut response = HttpResponse::PartialContent();
            let (first, last) = (range.start, range.end.saturating_sub(1));
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{}", content.length)));
            (response, range)
        }
    };
    viewer.sees(range.clone()).await?;
    let length = range.end - range.start;
    let stream = pieces(read(state, content.source.clone(), range).await?);
    response.content_type(content.media_type);
    Ok(headers(response, &content).body(SizedStream::new(length, Box::pin(stream))))
}

/// Begins to read a range; none when it is empty.
pub(crate) async fn read(
    state: &ApiState,
    source: Source,
    range: Range<u64>,
) -> Result<Option<Reading>, Problem> {
    if range.is_empty() {
        return Ok(None);
    }
    Ok(Some(match source {
        Source::Object(object) => Reading::Object(Box::new(state.cluster.read(object, range).await?)),
        Source::View { recording, index } => {
            Reading::View(state.media.view(ViewPart { recording, index, range }).await?)
        }
        Source::Made(bytes) => {
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            let end = end.min(bytes.len());
            Reading::Made(Some(bytes.slice(start.min(end)..end)))
        }
    }))
}

impl Reading {
    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Box<dyn Error>>> {
        match self {
            Self::Object(read) => Some(read.next().await?.map(Bytes::from).map_err(Box::from)),
            Self::View(read) => Some(read.next().await?.map(Bytes::from).map_err(Box::from)),
            Self::Made(bytes) => bytes.take().map(Ok),
        }
    }
}

/// That it is a file of this name.
pub(crate) fn attachment(file_name: &str) -> String {
    format!("attachment; filename=\"{file_name}\"")
}

fn headers(mut response: HttpResponseBuilder, content: &Content) -> HttpResponseBuilder {
    response.insert_header((ACCEPT_RANGES, "bytes"));
    response.insert_header((CONTENT_DISPOSITION, attachment(&content.file_name)));
    if let Some(tag) = &content.tag {
        response.insert_header((ETAG, tag.quoted()));
    }
    response
}

/// An answer cannot change its status once it has begun: after an error it ends early, which the client notices by
/// its length.
fn pieces(reading: Option<Reading>) -> impl Stream<Item = Result<Bytes, Box<dyn Error>>> {
    unfold(reading, |reading| async {
        let mut reading = reading?;
        let piece = reading.next().await?;
        if let Err(error) = &piece {
            tracing::error!(%error, "an answer ends early");
        }
        Some((piece, Some(reading)))
    })
}
