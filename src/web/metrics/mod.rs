//! What is counted, and how Prometheus reads it. Names and labels are a contract (docs/reference/metrics.md lists them).
//!
//! | file | what lives there |
//! |---|---|
//! | `process` | what every process counts: handshakes, reloads, certificates |
//! | `registry` | what a registry counts |
//! | `tokens` | what the token service counts |
//! | `rotation` | what is told of the life of our keys |
//! | `verification` | what is counted where tokens are verified |
//! | `key_sources` | what is told of each origin of keys |
//! | `families` | metrics made and registered in one go |

mod families;
mod key_sources;
mod process;
mod registry;
mod rotation;
mod tokens;
mod verification;

pub use self::key_sources::key_sources;
pub use self::process::{ProcessMetrics, Reload};
pub use self::registry::{RegistryFacts, RegistryMetrics, SetBuild, SetFacts};
pub use self::rotation::{Reading, RotationFact};
pub use self::tokens::{KeyFact, Metrics, ServiceFacts};
pub use self::verification::{Outcome, VerifyMetrics};
