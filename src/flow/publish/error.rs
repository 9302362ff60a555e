//! [`PublishError`]: why something is not published, or not withdrawn.

use crate::registry_client::ClientError;
use crate::value::{Kid, Pid};

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Somebody else's key, or one that was exchanged: tokens of ours would not verify, and perhaps others' would.
    #[error(
        "the registry has ANOTHER key under the id {kid} (thumbprint {theirs}, ours is {ours}): nothing was changed there"
    )]
    OtherKey {
        /// The id.
        kid: Kid,
        /// The RFC 7638 thumbprint of the key that is there.
        theirs: String,
        /// That of the key that was to be published.
        ours: String,
    },
    /// The same MTB key, for another purpose.
    #[error("the registry has the key {0} with another bob_sc: nothing was changed there")]
    OtherScope(Kid),
    /// Something else is there already.
    #[error("the registry has a signature constraint about participant {0} that says something else")]
    OtherConstraint(Pid),
    /// The call itself.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl PublishError {
    /// Whether it may work later without anything being done here. Where not, somebody must look; trying again now and
    /// then does no harm all the same, since others may have mended what was wrong.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::OtherKey { .. } | Self::OtherScope(_) | Self::OtherConstraint(_) => false,
            Self::Client(error) => error.is_temporary(),
        }
    }

    /// What to do next, if that is known.
    pub const fn next(&self) -> Option<&'static str> {
        match self {
            Self::OtherKey { .. } => Some(
                "find out who published it: if nobody of yours did, tell the administering body at once; if it was a \
                 mistake, publish yours under a new id (there are registries that let `replace` mend it)",
            ),
            Self::OtherScope(_) => Some("`replace` puts the right one in its place"),
            Self::OtherConstraint(_) => Some("`set` puts the new one in its place"),
            Self::Client(error) => error.next(),
        }
    }
}
