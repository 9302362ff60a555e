//! HTTP/1.1 as it goes over the wire, for examinations of other people's servers (`doctor`, `conformance`): one connection for
//! one request, written byte by byte as a check wants it. An HTTP client would refuse to send half of these requests and to
//! show half of these answers, and the openssl crate alone has no safe door to sessions that are taken up again.
//!
//! Here too is what both of them show and forge; when that is asked, and what an answer means, is known by those who ask.

mod answer;
mod forged;
mod line;
mod shown;

pub(super) use answer::{Answer, Reply};
pub(super) use forged::{Header, Victim, is_known};
pub(super) use line::{Line, Wiring};
pub(super) use shown::Shown;
