//! What the process asks of the system for its own protection, and its source of randomness.

use std::sync::Arc;

use ring::rand::SystemRandom;

/// A core file of this process would hold private keys.
pub(super) fn keep_secrets_out_of_core_files() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core files could not be switched off");
    }
}

#[expect(clippy::disallowed_methods, reason = "the wiring is where randomness comes from")]
pub(super) fn system_random() -> Arc<SystemRandom> {
    Arc::new(SystemRandom::new())
}
