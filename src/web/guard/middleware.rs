//! The guard as actix-web knows it: made when the server starts, asked for every request.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage as _, HttpRequest};

use super::BobAuth;
use super::caller::{Caller, Presence};
use super::desk::Desk;
use super::mode::{Mode, OnDenial};
use crate::flow::verify::Allowed;
use crate::web::identity::IdentityFault;
use crate::web::unread_body;
use crate::web::verdict::{Denial, PolicyFault};

/// A service with the guard before it; made by [`BobAuth`].
pub struct Guarded<S> {
    service: Rc<S>,
    door: Rc<Door>,
}

/// What is asked of every request.
struct Door {
    desk: Arc<Desk>,
    /// Whom it lets pass; empty for everybody who was verified.
    allowed: Vec<Allowed>,
    mode: Mode,
    on_denial: Option<Arc<OnDenial>>,
}

impl<S, B> Transform<S, ServiceRequest> for BobAuth
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Guarded<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let allowed = self.requirements.iter().map(|requirement| requirement.check().cloned());
        ready(match allowed.collect() {
            Ok(allowed) => {
                let (desk, on_denial) = (Arc::clone(&self.desk), self.on_denial.clone());
                let door = Rc::new(Door { desk, allowed, mode: self.mode, on_denial });
                Ok(Guarded { service: Rc::new(service), door })
            }
            Err(error) => {
                tracing::error!(%error, "a route's requirement is a mistake, so the server does not start");
                Err(())
            }
        })
    }
}

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (service, door) = (Rc::clone(&self.service), Rc::clone(&self.door));
        Box::pin(async move {
            let presence = match door.admit(request.request()).await {
                Ok(caller) => Presence::Verified(caller, Arc::clone(&door.desk)),
                Err(denial) => {
                    door.note(request.request(), &denial);
                    match door.mode {
                        Mode::Enforce => {
                            unread_body::finish(&mut request.take_payload()).await;
                            return Ok(request.into_response(denial.response()).map_into_right_body());
                        }
                        Mode::Shadow => Presence::LetThrough(denial),
                    }
                }
            };
            // In place of what a guard further out said: what counts is the last one before the handler.
            request.extensions_mut().insert(presence);
            service.call(request).await.map(ServiceResponse::map_into_left_body)
        })
    }
}

impl Door {
    async fn admit(&self, request: &HttpRequest) -> Result<Caller, Denial> {
        let caller = match self.verified_already(request) {
            Some(caller) => caller,
            None => Caller::new(self.desk.verify(request).await?),
        };
        let (issuer, class) = (caller.pid(), caller.class());
        if self.allowed.is_empty() || self.allowed.iter().any(|allowed| allowed.permits(issuer, class)) {
            return Ok(caller);
        }
        Err(PolicyFault::NotAllowed { issuer, class: class.clone() }.into())
    }

    /// Whom a guard further out has verified, at this very desk.
    fn verified_already(&self, request: &HttpRequest) -> Option<Caller> {
        match request.extensions().get::<Presence>()? {
            Presence::Verified(caller, desk) if Arc::ptr_eq(desk, &self.desk) => Some(caller.clone()),
            Presence::Verified(..) | Presence::LetThrough(_) => None,
        }
    }

    /// Tells log and hook. The evidence is quoted, because a part of it may be the caller's own text.
    fn note(&self, request: &HttpRequest, denial: &Denial) {
        let (reason, mode) = (denial.reason(), self.mode.as_str());
        let (route, evidence) = (request.match_pattern(), denial.to_string());
        if matches!(denial, Denial::Identity(IdentityFault::ConnectionNotRead)) {
            tracing::error!(reason, mode, route, ?evidence, "no request can pass");
        } else {
            tracing::info!(reason, mode, route, ?evidence, "a request does not pass");
        }
        if let Some(on_denial) = &self.on_denial {
            on_denial(denial, self.mode);
        }
    }
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("desk", &self.door.desk)
            .field("allowed", &self.door.allowed)
            .finish_non_exhaustive()
    }
}
