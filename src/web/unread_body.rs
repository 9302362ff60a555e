//! What nobody read of a request's body is read before the answer goes out, within bounds.
//!
//! A client that is still sending takes an answer that comes too early for a broken connection. Over HTTP/2 the stream ends
//! with a reset (RFC 9113, section 8.1), which curl up to 7.88 reports in place of the answer. So whoever is refused with a
//! body learns why.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use futures_core::Stream;

/// The most bytes that are read for nothing. Clients that send more find out by themselves.
const MOST: usize = 1024 * 1024;
/// How long that may take. Then the answer goes out all the same.
const TIME: Duration = Duration::from_secs(1);

/// Reads it to its end, unless that is far away.
pub(super) async fn finish(body: &mut Payload) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await {
            read += piece.len();
            if read > MOST {
                break;
            }
        }
    };
    // Too slow, too much, or broken: there is nothing more to do for this client.
    let _ = timeout(TIME, reading).await;
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use actix_web::error::PayloadError;
    use actix_web::web::Bytes;

    use super::*;

    /// So many pieces of 1 KiB, and whether there is an end behind them.
    struct Pieces(usize, bool);

    impl Stream for Pieces {
        type Item = Result<Bytes, PayloadError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Poll::Ready(Some(Ok(Bytes::from_static(&[0; 1024]))))
                }
                None if self.1 => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    fn body(pieces: Pieces) -> Payload {
        Payload::Stream { payload: Box::pin(pieces) }
    }

    async fn left_after_finish(pieces: Pieces) -> bool {
        let mut body = body(pieces);
        finish(&mut body).await;
        let more = poll_fn(|context| Poll::Ready(Pin::new(&mut body).poll_next(context))).await;
        matches!(more, Poll::Ready(Some(Ok(_))))
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end() {
        assert!(!left_after_finish(Pieces(200, true)).await);
        finish(&mut Payload::None).await;
    }

    #[tokio::test]
    async fn an_endless_body_is_given_up() {
        assert!(left_after_finish(Pieces(usize::MAX, true)).await);
    }

    #[tokio::test]
    async fn nobody_waits_long_for_the_rest_of_a_body() {
        assert!(!left_after_finish(Pieces(2, false)).await);
    }
}
