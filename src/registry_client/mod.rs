//! Floor 3: one participant's client of the Participant Metadata API 2.3.1. What it sends is signed with the participant's
//! metadata key, and nothing of an answer is believed before its signature is verified. What is to be published, and what
//! to make of a refusal, is `flow::publish`'s affair.
//!
//! | file | what lives there |
//! |---|---|
//! | `client` | the client: one call, with its retries |
//! | `operations` | the 28 operations |
//! | `answer` | what an answer says once it is believed, and before |
//! | `pace` | how often and how fast |
//! | `error` | why there is no answer, and what to do about it |

mod answer;
mod client;
mod error;
mod operations;
mod pace;

pub use answer::{Believed, Tagged};
pub use client::{Party, RegistryClient, World};
pub use error::ClientError;
pub use pace::Pace;
