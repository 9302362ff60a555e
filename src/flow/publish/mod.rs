//! Publishes what a participant has at the registry. Every step reads first and looks again after an answer that was lost,
//! so that doing it twice, or not knowing whether it was done, does no harm.
//!
//! | file | what lives there |
//! |---|---|
//! | `publisher` | who publishes, and what comes of it |
//! | `keys` | keys: published, repaired, withdrawn |
//! | `places` | domain name, endpoints, signature constraints, info |
//! | `error` | why it did not work |

mod error;
mod keys;
mod places;
mod publisher;

pub use error::PublishError;
pub use publisher::{Published, Publisher, Withdrawn};
