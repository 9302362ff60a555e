//! [`Question`]: what is to be explained.

use crate::crypto::cert::Certificate;
use crate::protocol::presented::Presented;
use crate::value::Timestamp;

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The token.
    pub token: &'a str,
    /// The certificate, as far as the verifier would see it.
    pub presented: Option<Presented>,
    /// The certificate itself, if it is at hand: it says when it began.
    pub certificate: Option<&'a Certificate>,
    /// As of when.
    pub now: Timestamp,
}
