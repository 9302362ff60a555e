//! [`Ask`]: a request to the registry, signed as a participant does it or bent as an attacker would, and sent word for word.

use std::net::SocketAddr;

use bob_auth::protocol::jwk::JwkSet;
use bob_auth::protocol::pop::{AnswerParts, PopKey, PopProfile, RequestParts, sign_request, verify_answer};
use bob_auth::value::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use crate::client::{Answer, Client, Connection};
use crate::site::{Running, Site, rng};

/// A request. What is signed and what is sent may differ.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The proof, as it is in the header `Authorization` behind `PoP`; none if empty.
    pub(crate) proof: String,
}

/// A participant.
#[derive(Clone)]
pub(crate) struct Participant {
    pub(crate) number: i64,
    pub(crate) key: PopKey,
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) answers: Vec<bob_auth::protocol::jwk::PublicJwk>,
}

impl Participant {
    pub(crate) fn new(site: &Site, running: &Running, number: i64) -> Self {
        let answers = std::fs::read(site.files().answer_trust).unwrap();
        let address = running.address();
        Self {
            number,
            key: site.key(number),
            address,
            host: address.to_string(),
            answers: JwkSet::parse(&answers).unwrap().keys,
        }
    }

    pub(crate) fn with_key(&self, key: PopKey) -> Self {
        Self { key, ..self.clone() }
    }

    /// The path of one of its things, for example `/domainName`.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("/api/v2/participantMetadata/{}{below}", self.number)
    }

    /// A request about one of its things, signed.
    pub(crate) fn ask(&self, method: &str, below: &str, body: &str) -> Ask {
        self.ask_with(method, below, body, &[])
    }

    /// The same with headers.
    pub(crate) fn ask_with(&self, method: &str, below: &str, body: &str, headers: &[(&str, &str)]) -> Ask {
        let ask = Ask {
            method: method.to_owned(),
            path: self.path(below),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_owned(),
            proof: String::new(),
        };
        self.sign(ask)
    }

    /// The request with a proof of its own.
    pub(crate) fn sign(&self, ask: Ask) -> Ask {
        let now = SystemClock.now();
        self.sign_at(ask, &PopProfile::default(), now)
    }

    pub(crate) fn sign_at(&self, mut ask: Ask, profile: &PopProfile, now: Timestamp) -> Ask {
        let (path, query) = ask.path.split_once('?').map_or((ask.path.as_str(), None), |(p, q)| (p, Some(q)));
        let headers: Vec<(&str, &str)> = ask.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let parts = RequestParts {
            method: &ask.method,
            host: &self.host,
            path,
            query,
            headers: &headers,
            body: ask.body.as_bytes(),
        };
        ask.proof = sign_request(profile, &self.key, &parts, now, &rng()).unwrap();
        ask
    }

    /// Sends it on a fresh connection. The answer to a request that was proven must be signed; it is checked.
    pub(crate) fn send(&self, ask: &Ask) -> Answer {
        let answer = Client::anonymous().ask(self.address, &ask.text(&self.host));
        self.check(ask, &answer);
        answer
    }

    /// A signature is right if there is one, and there is one unless the caller was not proven.
    pub(crate) fn check(&self, ask: &Ask, answer: &Answer) {
        let Some(signature) = answer.header("x-bob-response-pop") else {
            let unproven = matches!(answer.status, 400 | 401 | 404 | 405 | 413 | 429 | 431 | 503);
            assert!(unproven || ask.proof.is_empty(), "not signed: {answer:?}");
            return;
        };
        if ask.proof.is_empty() {
            // It went another way than usual; what it was bound to is not known here.
            return;
        }
        let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let parts = AnswerParts { status: answer.status, headers: &headers, body: &answer.body, request: &ask.proof };
        verify_answer(signature, &self.answers, &PopProfile::default(), &parts, SystemClock.now()).unwrap();
    }

    /// Asks, and the answer must be signed and have this status.
    pub(crate) fn must(&self, status: u16, method: &str, below: &str, body: &str) -> Answer {
        let answer = self.send(&self.ask(method, below, body));
        assert_eq!(answer.status, status, "{method} {below}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.header("x-bob-response-pop").is_some(), "{answer:?}");
        answer
    }

    pub(crate) fn get(&self, below: &str) -> Answer {
        self.must(200, "GET", below, "")
    }
}

impl Ask {
    /// Word for word.
    pub(crate) fn text(&self, host: &str) -> String {
        let mut lines = vec![format!("{} {} HTTP/1.1", self.method, self.path), format!("Host: {host}")];
        if !self.proof.is_empty() {
            lines.push(format!("Authorization: PoP {}", self.proof));
        }
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT") {
            lines.push(format!("Content-Length: {}", self.body.len()));
        }
        lines.join("\r\n") + "\r\n\r\n" + &self.body
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The signed set, with these headers.
pub(crate) fn get_set(running: &Running, headers: &[(&str, &str)]) -> Answer {
    let mut lines = vec!["GET /api/v2/participantMetadata HTTP/1.1".to_owned(), "Host: localhost".to_owned()];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    Client::anonymous().ask(running.address(), &(lines.join("\r\n") + "\r\n\r\n"))
}

/// GET at the internal listener.
pub(crate) fn internal(running: &Running, path: &str) -> Answer {
    let stream = std::net::TcpStream::connect(running.internal()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    Connection::new(stream).ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

/// The sum over all labels of a metric, or over those that contain `labels`, in whole numbers.
pub(crate) fn metric(running: &Running, name: &str, labels: &str) -> i64 {
    let text = internal(running, "/metrics").text();
    let matches =
        |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(labels);
    text.lines().filter(matches).map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).sum()
}

/// The member `reason` of a problem document.
pub(crate) fn reason(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["status"], answer.status);
    body["reason"].as_str().unwrap().to_owned()
}
