//! The keys about proof of possession (BoB MTS 5), which whoever asks the registry and whoever is it must write alike.

use super::shape::Standing::Default;
use super::shape::{Key, key};

pub(in crate::config) const POP_SCHEME: Key = key(
    "pop_scheme",
    Default("\"PoP\""),
    "The scheme before the proof of possession in the request's header; \"off\" for none.",
);
pub(in crate::config) const POP_REQUEST_HEADER: Key =
    key("pop_request_header", Default("\"Authorization\""), "The header of requests that holds the proof.");
pub(in crate::config) const POP_ANSWER_HEADER: Key =
    key("pop_answer_header", Default("\"X-BoB-Response-PoP\""), "The header of answers that holds their signature.");
pub(in crate::config) const POP_WINDOW: Key = key(
    "pop_window",
    Default("\"300s\""),
    "How far the clocks of participant and registry may be apart; at most 900s.",
);
pub(in crate::config) const POP_REQUIRED: Key = key(
    "pop_required",
    Default("[\"method\", \"host\", \"path\", \"query\", \"headers\", \"body\"]"),
    "What of a request must be signed besides its time; query, headers and body where there are any.",
);
pub(in crate::config) const POP_HEADERS: Key =
    key("pop_headers", Default("[\"If-Match\"]"), "The headers that are signed where a request has them.");
