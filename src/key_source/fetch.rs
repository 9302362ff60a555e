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

/// A metadata set that somebody fetched by hand; nothing of it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedSet {
    /// The set; `None` if it is the one whose `ETag` was given.
    pub bytes: Option<Vec<u8>>,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// How long the registry says that it counts.
    pub max_age: Option<Duration>,
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
        let answer = ask(&self.client, &self.url, self.what, self.accepted.as_deref()).await?;
        self.understand(answer)
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

/// Asks a registry for its set, unless it is still the one with this `ETag`.
pub async fn fetch_set(client: &HttpsClient, url: &HttpsUrl, etag: Option<&str>) -> Result<FetchedSet, FetchError> {
    let answer = ask(client, url, What::MetadataSet, etag).await?;
    let max_age = answer.header("cache-control").and_then(max_age);
    let seen = answer.header("etag").map(str::to_owned);
    match (answer.status, etag) {
        (200, _) => Ok(FetchedSet { bytes: Some(answer.body), etag: seen, max_age }),
        (304, Some(etag)) => Ok(FetchedSet { bytes: None, etag: Some(etag.to_owned()), max_age }),
        (status, _) => Err(FetchError::Status(status)),
    }
}

async fn ask(client: &HttpsClient, url: &HttpsUrl, what: What, etag: Option<&str>) -> Result<Answer, FetchError> {
    let mut headers = vec![("accept", what.accept())];
    headers.extend(etag.map(|etag| ("if-none-match", etag)));
    let once = || client.ask(Ask { method: "GET", url, headers: &headers, body: None, most: what.most() });
    let mut answer = once().await?;
    for usual in WHILE_UPDATING {
        if answer.status != UPDATING || what != What::MetadataSet {
            break;
        }
        sleep(answer.header("retry-after").and_then(retry_after).unwrap_or(usual)).await;
        answer = once().await?;
    }
    Ok(answer)
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
