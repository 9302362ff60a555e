//! [`PopProfile`]: what client and registry agreed upon. The defaults are what is assumed of MTS 5.

use std::fmt;

/// Names, window and required parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopProfile {
    /// The scheme before the proof in the request's header; none if empty.
    pub scheme: String,
    /// The header of the request, in lower case.
    pub request_header: String,
    /// The header of the answer, in lower case.
    pub answer_header: String,
    /// How many seconds the signer's clock and ours may be apart, either way.
    pub window: u32,
    /// What a request must sign. A query, a body and the headers below count where there are any.
    pub required: Vec<Part>,
    /// The headers, in lower case, that are signed where a request has them.
    pub headers: Vec<String>,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `ts`: when it was signed.
    Time,
    /// `m`: the method.
    Method,
    /// `u`: host, and port if it is not the usual one.
    Host,
    /// `p`: the path, as it was sent.
    Path,
    /// `q`: the query's parameters.
    Query,
    /// `h`: headers.
    Headers,
    /// `b`: the body.
    Body,
}

impl PopProfile {
    /// What of an answer's headers is signed where it has them.
    pub(super) const ANSWER_HEADERS: [&'static str; 2] = ["location", "etag"];

    /// Whether requests must sign this part.
    pub fn requires(&self, part: Part) -> bool {
        self.required.contains(&part)
    }

    /// The request header's value for this proof.
    pub fn credentials(&self, proof: &str) -> String {
        if self.scheme.is_empty() { proof.to_owned() } else { format!("{} {proof}", self.scheme) }
    }

    /// The proof in a request header's value. The scheme's letters may be of either case (RFC 9110 section 11.1).
    pub fn proof_of<'v>(&self, value: &'v str) -> Option<&'v str> {
        if self.scheme.is_empty() {
            return Some(value);
        }
        let (scheme, proof) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case(&self.scheme).then(|| proof.trim_start_matches(' '))
    }
}

/// What is assumed of MTS 5.
impl Default for PopProfile {
    fn default() -> Self {
        Self {
            scheme: "PoP".to_owned(),
            request_header: "authorization".to_owned(),
            answer_header: "x-bob-response-pop".to_owned(),
            window: 300,
            required: Part::ALL.to_vec(),
            headers: vec!["if-match".to_owned()],
        }
    }
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Time, Self::Method, Self::Host, Self::Path, Self::Query, Self::Headers, Self::Body];

    /// The name of its member in the payload.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Time => "ts",
            Self::Method => "m",
            Self::Host => "u",
            Self::Path => "p",
            Self::Query => "q",
            Self::Headers => "h",
            Self::Body => "b",
        }
    }
}

/// In words.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Time => "time",
            Self::Method => "method",
            Self::Host => "host",
            Self::Path => "path",
            Self::Query => "query",
            Self::Headers => "headers",
            Self::Body => "body",
        })
    }
}
