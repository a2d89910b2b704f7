//! Stored bytes as an answer.

use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use cluster::cluster::{ObjectRead, ReadError};
use cluster::id::ObjectId;
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::problem::Problem;
use crate::range::{Selection, Tag, select};
use crate::state::ApiState;

/// Bytes that may be sent.
pub(crate) struct Content {
    pub(crate) object: ObjectId,
    pub(crate) length: u64,
    /// Names bytes that no longer change.
    pub(crate) tag: Option<Tag>,
    pub(crate) media_type: &'static str,
    /// Of identifiers and fixed text alone, so that nothing has to be escaped.
    pub(crate) file_name: String,
}

/// What a request wants of it.
pub(crate) async fn answer(
    state: &ApiState,
    request: &HttpRequest,
    content: Content,
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
    let length = range.end - range.start;
    let stream = pieces(read(state, content.object, range).await?);
    response.content_type(content.media_type);
    Ok(headers(response, &content).body(SizedStream::new(length, Box::pin(stream))))
}

async fn read(state: &ApiState, object: ObjectId, range: Range<u64>) -> Result<Option<ObjectRead>, Problem> {
    match range.is_empty() {
        true => Ok(None),
        false => Ok(Some(state.cluster.read(object, range).await?)),
    }
}

fn headers(mut response: HttpResponseBuilder, content: &Content) -> HttpResponseBuilder {
    response.insert_header((ACCEPT_RANGES, "bytes"));
    response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", content.file_name)));
    if let Some(tag) = &content.tag {
        response.insert_header((ETAG, tag.quoted()));
    }
    response
}

/// An answer cannot change its status once it has begun: after an error it ends early, which the client notices by
/// its length.
fn pieces(read: Option<ObjectRead>) -> impl Stream<Item = Result<Bytes, ReadError>> {
    unfold(read, |read| async {
        let mut read = read?;
        let piece = read.next().await?;
        if let Err(error) = &piece {
            tracing::error!(%error, "an answer ends early");
        }
        Some((piece.map(Bytes::from), Some(read)))
    })
}
