//! [`Reply`]: what came back for one request, from a refused connection to the verify server's word about it.

use serde::Deserialize;

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

impl Answer {
    /// The answer in these bytes, if nothing more of it is to come.
    pub(super) fn whole(bytes: &[u8]) -> Option<Self> {
        let (head, body) = split(bytes)?;
        if field(head, "transfer-encoding").is_some() {
            return body.ends_with(b"0\r\n\r\n").then(|| Self::of(head, &joined(body)));
        }
        let length: usize = field(head, "content-length")?.parse().ok()?;
        body.get(..length).map(|body| Self::of(head, body))
    }

    /// The answer in these bytes, now that the connection has ended.
    pub(super) fn cut(bytes: &[u8]) -> Option<Self> {
        split(bytes).map(|(head, body)| Self::of(head, body))
    }

    fn of(head: &str, body: &[u8]) -> Self {
        let status = head.split(' ').nth(1).and_then(|status| status.get(..3)?.parse().ok()).unwrap_or_default();
        let probe = if status == 200 { serde_json::from_slice(body).ok() } else { None };
        let text = |name| field(head, name).map(str::to_owned);
        Self { status, server: text("server"), reason: text("x-bob-reason"), probe }
    }
}

/// Head and what is behind it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok().filter(|head| head.starts_with("HTTP/"))?;
    Some((head, &bytes[end + 4..]))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The chunks of a body as one.
fn joined(mut chunked: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunked.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunked[..end]).ok().map(|line| line.split(';').next().unwrap_or(line).trim());
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok()).unwrap_or_default();
        let Some(chunk) = chunked.get(end + 2..).and_then(|rest| rest.get(..size)).filter(|chunk| !chunk.is_empty())
        else {
            break;
        };
        body.extend_from_slice(chunk);
        chunked = chunked.get(end + 2 + size + 2..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"peer_trusted":true,"identity":null,"identity_headers":[{"name":"x-a","count":2}],"token_headers":0,"connection_header":null}"#;

    #[test]
    fn the_word_of_the_verify_server_is_read_in_either_framing() {
        let length = format!("HTTP/1.1 200 OK\r\nServer: nginx/1\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
        let (first, second) = BODY.split_at(20);
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nserver: nginx/1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x};a=b\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        );
        for text in [&length, &chunked] {
            assert_eq!(Answer::whole(&text.as_bytes()[..text.len() - 1]), None);
            let answer = Answer::whole(text.as_bytes()).unwrap();
            assert_eq!((answer.status, answer.server.as_deref()), (200, Some("nginx/1")));
            let probe = answer.probe.unwrap();
            assert!(probe.peer_trusted && probe.identity.is_none() && probe.fault.is_none());
            assert_eq!((probe.identity_headers[0].name.as_str(), probe.identity_headers[0].count), ("x-a", 2));
        }
    }

    #[test]
    fn an_answer_without_a_length_ends_with_its_connection() {
        let text = b"HTTP/1.0 400 Bad request\r\nX-BoB-Reason: a\r\n\r\n<html>";
        assert_eq!(Answer::whole(text), None);
        let expected = Answer { status: 400, reason: Some("a".to_owned()), ..Answer::default() };
        assert_eq!(Answer::cut(text), Some(expected));
        assert_eq!(Answer::cut(b"SSH-2.0\r\n\r\n"), None);
    }
}
