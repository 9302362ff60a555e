//! [`Reply`]: what came back for one request, from a refused connection to the verify server's word about it.

use serde::Deserialize;

use crate::cli::wire;
use crate::value::{Sha1Fingerprint, Sha256Fingerprint};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nobody listens there.
    NoConnection(String),
    /// The certificate of the proxy itself does not verify.
    ServerNotVerified(String),
    /// The proxy broke off, in the handshake or behind it.
    BrokenOff(String),
    /// Nothing, for as long as was waited.
    Silent,
    /// It was not asked: too many requests before stayed without an answer.
    NotAsked,
    /// An answer in HTTP.
    Answer(Answer),
}

/// An answer in HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// What the proxy calls itself.
    pub(super) server: Option<String>,
    /// Why the verifier refused, if it did.
    pub(super) reason: Option<String>,
    /// What the verify server saw.
    pub(super) probe: Option<Probe>,
}

/// What the verify server answers to `GET /probe`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(super) struct Probe {
    pub(super) peer_trusted: bool,
    pub(super) identity: Option<Identity>,
    #[serde(default)]
    pub(super) fault: Option<String>,
    pub(super) identity_headers: Vec<Arrived>,
    pub(super) token_headers: usize,
}

/// Whom the proxy named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Identity {
    pub(super) sha1: Sha1Fingerprint,
    #[serde(default)]
    pub(super) sha256: Option<Sha256Fingerprint>,
}

/// A header that speaks of identities, and how often it arrived under this name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Arrived {
    pub(super) name: String,
    pub(super) count: usize,
}

impl From<wire::Reply> for Reply {
    fn from(reply: wire::Reply) -> Self {
        match reply {
            wire::Reply::NoConnection(why) => Self::NoConnection(why),
            wire::Reply::ServerNotVerified(why) => Self::ServerNotVerified(why),
            wire::Reply::BrokenOff(why) => Self::BrokenOff(why),
            wire::Reply::Silent => Self::Silent,
            wire::Reply::Answer(answer) => Self::Answer(Answer::of(&answer)),
        }
    }
}

impl Answer {
    fn of(answer: &wire::Answer) -> Self {
        let probe = if answer.status == 200 { serde_json::from_slice(&answer.body).ok() } else { None };
        let text = |name| answer.field(name).map(str::to_owned);
        Self { status: answer.status, server: text("server"), reason: text("x-bob-reason"), probe }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"peer_trusted":true,"identity":null,"identity_headers":[{"name":"x-a","count":2}],"token_headers":0,"connection_header":null}"#;

    #[test]
    fn the_word_of_the_verify_server_is_read() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![field("Server", "nginx/1"), field("X-BoB-Reason", "a")];
        let mut answer = wire::Answer { status: 200, fields, body: BODY.as_bytes().to_vec(), complete: true };
        let read = Answer::of(&answer);
        assert_eq!((read.status, read.server.as_deref(), read.reason.as_deref()), (200, Some("nginx/1"), Some("a")));
        let probe = read.probe.unwrap();
        assert!(probe.peer_trusted && probe.identity.is_none() && probe.fault.is_none());
        assert_eq!((probe.identity_headers[0].name.as_str(), probe.identity_headers[0].count), ("x-a", 2));
        answer.status = 401;
        assert_eq!(Answer::of(&answer).probe, None);
    }
}
