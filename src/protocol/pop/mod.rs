//! Proof of possession of a participant's metadata key (BoB MTS 5), for requests to the registry and for its answers.
//!
//! The text of MTS 5 is not public. What is assumed here is the profile of draft-ietf-oauth-signed-http-request-03 without an
//! access token: a compact JWS (RFC 7515) whose payload repeats the parts of an HTTP message, or their hashes. All of the
//! assumption is in this module; names and required parts are a [`PopProfile`], which the configuration sets.
//!
//! | file | what lives there |
//! |---|---|
//! | `profile` | what both sides agreed upon |
//! | `hashes` | parts of a message as the payload holds them |
//! | `jws` | the envelope: written, and read without being believed |
//! | `request` | requests signed and checked |
//! | `answer` | answers signed and checked |
//!
//! Whose keys count, and that no proof is taken twice, is decided by who calls.

pub mod answer;
mod hashes;
mod jws;
pub mod profile;
pub mod request;
#[cfg(test)]
mod tests;

pub use answer::{AnswerError, AnswerParts, sign_answer, verify_answer};
pub use jws::PopKey;
pub use profile::{Part, PopProfile};
pub use request::{PopError, Proof, RequestParts, UnverifiedPop, decode, sign_request};
