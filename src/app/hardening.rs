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

/// Every connection takes two file handles: raises the soft limit on open files to the hard one, and says so if that is too
/// few for `connections`.
pub(super) fn allow_connections(connections: Option<usize>) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
    let wanted = connections.map(|connections| connections as u64 * 2 + FILES_BESIDE_CONNECTIONS);
    if let (Some(wanted), Some(most)) = (wanted, limit.maximum)
        && wanted > most
    {
        tracing::warn!(
            most,
            wanted,
            "fewer files may be open than limits.connections needs: raise the limit (LimitNOFILE)"
        );
    }
}

/// Store, log, listeners, libraries.
const FILES_BESIDE_CONNECTIONS: u64 = 128;

#[expect(clippy::disallowed_methods, reason = "the wiring is where randomness comes from")]
pub(super) fn system_random() -> Arc<SystemRandom> {
    Arc::new(SystemRandom::new())
}
