//! What is left of a body when the answer is there.
//!
//! Over HTTP/2 an answer that comes before the end of its request's body resets the stream, and clients such as curl then
//! lose the answer, too. So a refusal waits until the rest has come, within bounds.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Version;
use actix_web::rt::time::timeout;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// The most bytes that are read for nobody: what a recorder sends at once.
const UNREAD_BYTES_MAX: usize = 8 << 20;
/// For how long.
const UNREAD_LIMIT: Duration = Duration::from_secs(5);

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// A body that the handler reads, and whoever comes after it.
#[derive(Clone)]
pub(crate) struct Unread(Rc<RefCell<Pieces>>);

impl Stream for Unread {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().as_mut().poll_next(context)
    }
}

impl Unread {
    /// Of a request over HTTP/2, which is left with the same body.
    pub(crate) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if request.version() != Version::HTTP_2 {
            return None;
        }
        let unread = Self::new(Box::pin(request.take_payload()));
        request.set_payload(Payload::Stream { payload: Box::pin(unread.clone()) });
        Some(unread)
    }

    fn new(pieces: Pieces) -> Self {
        Self(Rc::new(RefCell::new(pieces)))
    }

    /// Reads the rest for nobody, as far as the bounds allow.
    pub(crate) async fn drain(mut self) {
        let rest = async {
            let mut bytes = 0;
            while let Some(Ok(piece)) = self.next().await {
                bytes += piece.len();
                if bytes > UNREAD_BYTES_MAX {
                    break;
                }
            }
        };
        // Who sends too slowly loses the answer, and nothing else.
        let _: Result<(), _> = timeout(UNREAD_LIMIT, rest).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::stream::{pending, repeat_with};

    use super::*;

    const PIECE: &[u8] = &[0; 1 << 20];

    /// How many of so many pieces are taken.
    async fn taken_of(pieces: usize) -> usize {
        let taken = Rc::new(Cell::new(0));
        let count = Rc::clone(&taken);
        let all = repeat_with(move || {
            count.set(count.get() + 1);
            Ok(Bytes::from_static(PIECE))
        });
        Unread::new(Box::pin(all.take(pieces))).drain().await;
        taken.get()
    }

    #[actix_web::test]
    async fn the_rest_is_read_within_bounds() {
        assert_eq!(taken_of(0).await, 0);
        assert_eq!(taken_of(8).await, 8);
        assert_eq!(taken_of(100).await, 9);
    }

    #[actix_web::test]
    async fn who_sends_nothing_is_not_waited_for() {
        tokio::time::pause();
        Unread::new(Box::pin(pending())).drain().await;
    }
}
