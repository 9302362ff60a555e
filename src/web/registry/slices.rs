//! [`Slices`]: a large body that leaves piece by piece. Handed over whole, it would be copied whole into the buffer of every
//! connection that reads it, and of every slow one for as long as it takes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

/// A body of known length in pieces.
pub(super) struct Slices {
    rest: Bytes,
}

/// As much as is copied at a time.
const PIECE: usize = 32 * 1024;

impl Slices {
    pub(super) const fn of(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }
}

impl MessageBody for Slices {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn the_pieces_are_the_whole_and_none_is_large() {
        let whole: Vec<u8> = (0..100_001_u32).map(|number| number.to_le_bytes()[0]).collect();
        let mut body = Slices::of(Bytes::from(whole.clone()));
        assert!(matches!(body.size(), BodySize::Sized(100_001)));
        let mut read = Vec::new();
        while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            let Ok(piece) = piece;
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, whole);
    }
}
