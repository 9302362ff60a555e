//! Keys that are kept fresh, against a real server on 127.0.0.1 and real files: rotation and withdrawal, and origins that are
//! down, slow, torn or false. What a verifier makes of a token is tested beside it.

#![cfg(test)]
#![cfg(feature = "live")]

mod issuer;
mod origin;

mod abuse;
mod faults;
mod kept;
mod metadata;
mod registry;
mod rotation;
mod set_attacks;
mod start;

use std::sync::Arc;
use std::time::Duration;

use bob_auth::flow::verify::{Allowed, VerifiedCaller, Verifier, VerifyError};
use bob_auth::flow::verify_live::LiveVerifier;
use bob_auth::key_source::{KeySource, KeySourceBuilder, OriginStatus};
use bob_auth::protocol::presented::Presented;
use bob_auth::value::SystemClock;

use issuer::{now, presented};

/// A verifier at work, with its source read in the background until this is dropped.
struct Door {
    source: Arc<KeySource>,
    verifier: Arc<LiveVerifier>,
    runs: tokio::task::AbortHandle,
}

impl Door {
    async fn open(builder: KeySourceBuilder) -> Self {
        let source = builder.build(Arc::new(SystemClock), 7).await.unwrap();
        let verifier = Verifier::builder(source.keys()).allow(Allowed::ANYONE).build().unwrap();
        let verifier = Arc::new(LiveVerifier::new(verifier, source.clone()).unwrap());
        let runs = tokio::spawn(source.clone().run()).abort_handle();
        // The task has to begin before anybody asks it.
        tokio::task::yield_now().await;
        Self { source, verifier, runs }
    }

    async fn verify(&self, token: &str) -> Result<VerifiedCaller, VerifyError> {
        self.verifier.verify(token, Some(Presented::of_fingerprint(presented())), now()).await
    }

    async fn reason(&self, token: &str) -> &'static str {
        self.verify(token).await.map_or_else(|refusal| refusal.reason(), |_| "accepted")
    }

    /// How the only origin is doing.
    fn status(&self) -> OriginStatus {
        let [status] = <[_; 1]>::try_from(self.source.status()).unwrap();
        status
    }

    /// Waits until the only origin is in the state that is meant.
    async fn until(&self, meant: impl Fn(&OriginStatus) -> bool) {
        for _ in 0..400 {
            if meant(&self.status()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not reached: {:?}", self.status());
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

/// A builder whose URLs are fetched when somebody asks, and not otherwise while a test lasts.
fn builder() -> KeySourceBuilder {
    KeySource::builder().refresh_every(Duration::from_hours(1))
}
