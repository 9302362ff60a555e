//! The guard for services on actix-web: [`BobAuth`] stands before routes and lets verified callers through, [`Caller`] tells a
//! handler who it is.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use actix_web::{App, HttpServer, Responder, web};
//! use bob_auth::flow::verify::{Allowed, Verifier};
//! use bob_auth::flow::verify_live::LiveVerifier;
//! use bob_auth::key_source::CurrentKeys;
//! use bob_auth::protocol::jwk::JwkSet;
//! use bob_auth::protocol::key_set::KeySet;
//! use bob_auth::value::Pid;
//! use bob_auth::web::client_certificate::{ask_for_certificates, read_certificate};
//! use bob_auth::web::guard::{BobAuth, Caller, class, pid};
//! use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
//!
//! async fn validate(caller: Caller) -> impl Responder {
//!     format!("{} of participant {} may validate", caller.entity(), caller.pid())
//! }
//!
//! async fn status(caller: Caller) -> impl Responder {
//!     format!("{}, whose token counts until {}", caller.class(), caller.expires())
//! }
//!
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     // Whose tokens are accepted: participant 34's, as far as this service is concerned.
//!     let mut keys = KeySet::new();
//!     keys.add(Pid::new(34)?, JwkSet::parse(&std::fs::read("partner.jwks.json")?)?.keys)?;
//!     let keys = Arc::new(CurrentKeys::new(keys)?);
//!     let verifier = Verifier::builder(keys).allow(Allowed::issuer(Pid::new(34)?)).build()?;
//!     let guard = BobAuth::for_connections(LiveVerifier::fixed(verifier));
//!
//!     // TLS that asks every client for a certificate, and takes any: the token says which one it must be.
//!     let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
//!     tls.set_certificate_chain_file("server.pem")?;
//!     tls.set_private_key_file("server.key", SslFiletype::PEM)?;
//!     ask_for_certificates(&mut tls)?;
//!
//!     let app = move || {
//!         let validators = guard.clone().require(class("val").from(pid(34)));
//!         App::new()
//!             .wrap(guard.clone()) // nobody gets in without a token
//!             .route("/status", web::get().to(status))
//!             .service(web::resource("/validations").wrap(validators).post(validate))
//!     };
//!     HttpServer::new(app).on_connect(read_certificate).bind_openssl("0.0.0.0:8443", tls)?.run().await?;
//!     Ok(())
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     actix_web::rt::System::new().block_on(serve())
//! }
//! ```
//!
//! Behind a proxy that ends TLS, it is [`BobAuth::behind_proxy`] with a [`ProxyIdentity`] in place of `for_connections`,
//! `ask_for_certificates` and `read_certificate`.
//!
//! A request that does not pass gets the answer of [`Denial`]: 401 if nobody knows who is calling, 403 if the caller may not.
//! Its body is read and thrown away before, up to 1 MiB and for a second: else a client that is still sending would see a
//! broken connection in place of the answer.

mod caller;
mod desk;
mod middleware;
mod mode;
mod requirement;

use std::fmt;
use std::sync::Arc;

pub use self::caller::{Caller, CallerError};
use self::desk::Desk;
pub use self::middleware::Guarded;
pub use self::mode::Mode;
use self::mode::OnDenial;
pub use self::requirement::{Participant, Requirement, RequirementError, class, pid};
use super::identity::{IdentitySource, ProxyIdentity};
use super::verdict::Denial;
use crate::flow::verify_live::LiveVerifier;
use crate::value::{Clock, SystemClock};

/// The guard: a middleware for a route, a resource, a scope or a whole app.
///
/// Guards may stand one behind another; each adds its requirement to those before it. Clones of one guard verify a request
/// once. Make it outside the closure that makes the `App`, and clone it there.
#[derive(Clone)]
pub struct BobAuth {
    desk: Arc<Desk>,
    requirements: Vec<Requirement>,
    mode: Mode,
    on_denial: Option<Arc<OnDenial>>,
}

impl BobAuth {
    /// Callers show their certificate in the TLS connection to this server, which must
    /// [ask for it](super::client_certificate::ask_for_certificates) and
    /// [read it](super::client_certificate::read_certificate). Headers that speak of certificates are not looked at.
    pub fn for_connections(verifier: impl Into<Arc<LiveVerifier>>) -> Self {
        Self::with(verifier.into(), IdentitySource::Connection)
    }

    /// Callers show their certificate to a proxy, which hands it over in headers. The certificate of the connection, which is
    /// the proxy's own, is not looked at.
    pub fn behind_proxy(verifier: impl Into<Arc<LiveVerifier>>, proxy: ProxyIdentity) -> Self {
        Self::with(verifier.into(), IdentitySource::Proxy(proxy))
    }

    fn with(verifier: Arc<LiveVerifier>, identity: IdentitySource) -> Self {
        let desk = Desk { verifier, identity: Arc::new(identity), clock: Arc::new(SystemClock) };
        Self { desk: Arc::new(desk), requirements: Vec::new(), mode: Mode::Enforce, on_denial: None }
    }

    /// Lets only these callers pass, and those of other requirements of this guard. Without any, everybody passes whom the
    /// verifier's own policy lets pass.
    #[must_use]
    pub fn require(mut self, requirement: impl Into<Requirement>) -> Self {
        self.requirements.push(requirement.into());
        self
    }

    /// In shadow mode requests that would be refused pass, without a [`Caller`]: log and hook tell what enforcing would do.
    #[must_use]
    pub fn shadow(self, shadow: bool) -> Self {
        Self { mode: if shadow { Mode::Shadow } else { Mode::Enforce }, ..self }
    }

    /// Calls this for every request that is refused, or would be: for counters. It must not take long.
    #[must_use]
    pub fn on_denial(self, hook: impl Fn(&Denial, Mode) + Send + Sync + 'static) -> Self {
        Self { on_denial: Some(Arc::new(hook)), ..self }
    }

    /// Takes the time from this clock; from the machine's unless said.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        let desk = Desk { clock: Arc::new(clock), ..(*self.desk).clone() };
        Self { desk: Arc::new(desk), ..self }
    }

    /// Whether every requirement names a class and a participant that could be. A server with one that does not will not
    /// start, and says why in the log.
    pub fn check(&self) -> Result<(), RequirementError> {
        self.requirements.iter().try_for_each(|requirement| requirement.check().map(drop))
    }
}

impl fmt::Debug for BobAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BobAuth")
            .field("desk", &self.desk)
            .field("requirements", &self.requirements)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
