//! The life of the keys that sign tokens, without hands: generated, published, seen, active, retiring, withdrawn, retired.
//!
//! Every step is taken from the state in which it was planned and may be cut short anywhere: what was done at the registry
//! and not noted is done again, and does no harm. A registry that is down delays; the key that signs goes on signing.
//!
//! | file | what lives there |
//! |---|---|
//! | `plan` | what is due: a pure function |
//! | `round` | doing it, step by step |
//! | `world` | what a round needs of the world, and the real one |
//! | `emergency` | a key that others may know |

mod emergency;
mod plan;
mod round;
#[cfg(test)]
mod tests;
mod world;

pub use emergency::distrust;
pub use plan::{Alarm, Outlook, SetView, Situation, Step, Terms, Wait, Waiting, plan};
pub use round::{Failed, Round, look, round};
pub use world::{Room, StepError, World};
