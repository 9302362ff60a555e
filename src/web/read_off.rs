//! Middleware around everything that a listener answers: what is left of a request's body is read off, whether a handler read a
//! part of it or nothing.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _};
use futures_core::Stream;

use super::unread_body;

/// The body for the handler, and what is left of it when the handler has let it go.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// Middleware around all routes of a listener.
pub(super) async fn read_off<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if !may_have_body(&request) {
        return next.call(request).await;
    }
    let shared = Shared(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    let response = next.call(request).await;
    let mut left = shared.0.replace(Payload::None);
    unread_body::finish(&mut left).await;
    response
}

/// That of `GET` means nothing (RFC 9110, section 9.3.1). Tokens are asked for without one, and what a proxy asks about a
/// request may bear the length of that request's body, which does not come.
fn may_have_body(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
}
