//! [`Mode`]: what comes of a request that the guard objects to.

use crate::web::verdict::Denial;

/// What comes of a request that the guard objects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is let through, without a caller; only log and hook tell of it.
    Shadow,
}

/// Told of every objection.
pub(super) type OnDenial = dyn Fn(&Denial, Mode) + Send + Sync;

impl Mode {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}
