//! Keys behind URLs: one conditional GET at a time. How a URL is asked is `https`' affair.

use std::time::Duration;

use tokio::time::sleep;

use super::file::MAX_BYTES;
use super::schedule::max_age;
use crate::https::{Answer, Ask, FetchError, HttpsClient, HttpsUrl, UrlError};
use crate::protocol::metadata::SignedSet;

/// Fetches one URL again and again.
pub(super) struct UrlReader {
    client: HttpsClient,
    url: HttpsUrl,
    what: What,
    /// `ETag` of the last answer, and of the last that was accepted.
    seen: Option<String>,
    accepted: Option<String>,
}

/// What is behind a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A JWK set.
    Jwks,
    /// The metadata set of a registry.
    MetadataSet,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The answer's body; `None` if it is the one that was accepted last.
    pub(super) body: Option<Vec<u8>>,
    /// How long the origin says that it counts.
    pub(super) max_age: Option<Duration>,
}

/// A registry that is folding updates in (409) is asked again after these pauses, unless it names others. Then it counts
/// as one that fails.
const WHILE_UPDATING: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// The shortest and the longest pause that it may name.
const MAY_NAME: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
const UPDATING: u16 = 409;

impl What {
    /// The media types: of the RFC, and what most servers say.
    const fn accept(self) -> &'static str {
        match self {
            Self::Jwks => "application/jwk-set+json, application/json",
            Self::MetadataSet => "application/jose+json, application/json",
        }
    }

    /// The most bytes of an answer.
    const fn most(self) -> usize {
        match self {
            Self::Jwks => MAX_BYTES,
            Self::MetadataSet => SignedSet::MAX_BYTES,
        }
    }
}

impl UrlReader {
    /// For this URL, trusting this CA (PEM) and no other, or the system's.
    pub(super) fn new(url: &str, ca: Option<&[u8]>, patience: Duration, what: What) -> Result<Self, UrlError> {
        let (url, client) = (HttpsUrl::parse(url)?, HttpsClient::new(ca, patience)?);
        Ok(Self { client, url, what, seen: None, accepted: None })
    }

    /// The URL for people.
    pub(super) fn name(&self) -> String {
        self.url.name()
    }

    /// One GET; conditional once an answer was accepted. A registry that is updating is asked a few times.
    pub(super) async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let mut answer = self.ask().await?;
        for usual in WHILE_UPDATING {
            if answer.status != UPDATING || self.what != What::MetadataSet {
                break;
            }
            sleep(answer.header("retry-after").and_then(retry_after).unwrap_or(usual)).await;
            answer = self.ask().await?;
        }
        self.understand(answer)
    }

    async fn ask(&self) -> Result<Answer, FetchError> {
        let mut headers = vec![("accept", self.what.accept())];
        if let Some(etag) = &self.accepted {
            headers.push(("if-none-match", etag));
        }
        let ask = Ask { method: "GET", url: &self.url, headers: &headers, body: None, most: self.what.most() };
        self.client.ask(ask).await
    }

    fn understand(&mut self, answer: Answer) -> Result<Fetched, FetchError> {
        let max_age = answer.header("cache-control").and_then(max_age);
        self.seen = answer.header("etag").map(str::to_owned);
        match answer.status {
            200 => Ok(Fetched { body: Some(answer.body), max_age }),
            304 if self.accepted.is_some() => {
                self.seen.clone_from(&self.accepted);
                Ok(Fetched { body: None, max_age })
            }
            status => Err(FetchError::Status(status)),
        }
    }

    /// What was fetched last is in force: from now on only something else is asked for.
    pub(super) fn accept(&mut self) {
        self.accepted = self.seen.take();
    }
}

/// The pause that a `Retry-After` names, in seconds (RFC 9110 section 10.2.3), within bounds. A date is not understood: nobody
/// writes one for a pause of seconds.
fn retry_after(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).clamp(MAY_NAME.0, MAY_NAME.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_names_its_pause_within_bounds() {
        for (text, pause) in [("3", 3_000), (" 0 ", 100), ("86400", 10_000)] {
            assert_eq!(retry_after(text), Some(Duration::from_millis(pause)), "{text}");
        }
        for text in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(retry_after(text), None, "{text}");
        }
    }
}
