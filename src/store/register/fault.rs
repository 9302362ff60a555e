//! [`RegisterFault`]: what contradicts the register. What a participant did wrong is told by the flows in their own words.

use crate::value::{Kid, Pid};

use super::anchor_state::{AnchorRole, AnchorState};

/// Why the register is not changed as the administering body asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterFault {
    /// Nobody with this pid, or nobody any longer.
    #[error("participant {0} is not in the register")]
    NotRegistered(Pid),
    /// The participant is there already.
    #[error("participant {0} is in the register already")]
    Registered(Pid),
    /// No such metadata key, or it was revoked.
    #[error("participant {pid} has no metadata key {kid} in force")]
    NoMetadataKey {
        /// The participant.
        pid: Pid,
        /// The key.
        kid: Kid,
    },
    /// A kid is used once.
    #[error("participant {pid} has or had a metadata key {kid}; a kid is never used again")]
    MetadataKid {
        /// The participant.
        pid: Pid,
        /// The key.
        kid: Kid,
    },
    /// A key is known once, by whatever kid, and not again after it was revoked.
    #[error("participant {pid} has or had this metadata key already, by the id {kid}")]
    MetadataKeyKnown {
        /// The participant.
        pid: Pid,
        /// The id that it has there.
        kid: Kid,
    },
    /// No such anchor.
    #[error("there is no anchor {0}")]
    NoAnchor(Kid),
    /// A kid is used once.
    #[error("there is or was an anchor {0}; a kid is never used again")]
    AnchorKid(Kid),
    /// The role has an anchor in this state already.
    #[error("the {role} role has an anchor that is {state} already: {kid}")]
    AnchorThere {
        /// The role.
        role: AnchorRole,
        /// The state.
        state: AnchorState,
        /// The anchor.
        kid: Kid,
    },
    /// The role has no anchor in this state.
    #[error("the {role} role has no anchor that is {state}")]
    NoneInState {
        /// The role.
        role: AnchorRole,
        /// The state.
        state: AnchorState,
    },
    /// A register that is not empty takes no other one in.
    #[error("the register is not empty: a whole register is taken into an empty one only")]
    NotEmpty,
    /// Another process built a set meanwhile.
    #[error("another set was built meanwhile")]
    Moved,
}
