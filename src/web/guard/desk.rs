//! [`Desk`]: where callers are asked who they are: a verifier, a source of identity, and a clock.

use std::fmt;
use std::sync::Arc;

use actix_web::HttpRequest;

use crate::flow::verify::VerifiedCaller;
use crate::flow::verify_live::LiveVerifier;
use crate::value::Clock;
use crate::web::auth_token::only_token;
use crate::web::identity::IdentitySource;
use crate::web::verdict::Denial;

/// Shared by all guards that verify the same way, so that a caller who was verified at it is not asked again.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) verifier: Arc<LiveVerifier>,
    pub(super) identity: Arc<IdentitySource>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Desk {
    /// Who sent this request: the certificate first, then the token, so that a stranger who speaks for a proxy learns nothing.
    pub(super) async fn verify(&self, request: &HttpRequest) -> Result<VerifiedCaller, Denial> {
        let presented = self.identity.presented(request)?;
        let token = only_token(request.headers())?;
        Ok(self.verifier.verify(token, presented, self.clock.now()).await?)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("verifier", &self.verifier)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
