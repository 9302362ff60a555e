//! [`Stage`]: what all chapters have in common.

use super::ground::Ground;
use super::processes::Processes;
use super::proxy::Proxy;

/// The directory, the servers in it, and the proxy that is used.
pub(super) struct Stage {
    // First: the servers end before anything else goes.
    pub(super) processes: Processes,
    pub(super) ground: Ground,
    pub(super) proxy: Proxy,
}
