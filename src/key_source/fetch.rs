//! Keys behind URLs: one conditional GET at a time. How a URL is asked is `https`' affair.

use std::time::Duration;

use super::schedule::max_age;
use crate::https::{Ask, FetchError, HttpsClient, HttpsUrl, UrlError};

/// Fetches one URL again and again.
pub(super) struct UrlReader {
    client: HttpsClient,
    url: HttpsUrl,
    /// The most bytes of an answer.
    most: usize,
    /// `ETag` of the last answer, and of the last that was accepted.
    seen: Option<String>,
    accepted: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The answer's body; `None` if it is the one that was accepted last.
    pub(super) body: Option<Vec<u8>>,
    /// How long the origin says that it counts.
    pub(super) max_age: Option<Duration>,
}

/// Of a JWK set (RFC 7517 section 8.5.2), and what most servers call it.
const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

impl UrlReader {
    /// For this URL, trusting this CA (PEM) and no other, or the system's; an answer has at most so many bytes.
    pub(super) fn new(url: &str, ca: Option<&[u8]>, patience: Duration, most: usize) -> Result<Self, UrlError> {
        let (url, client) = (HttpsUrl::parse(url)?, HttpsClient::new(ca, patience)?);
        Ok(Self { client, url, most, seen: None, accepted: None })
    }

    /// The URL for people.
    pub(super) fn name(&self) -> String {
        self.url.name()
    }

    /// One GET; conditional once an answer was accepted.
    pub(super) async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let mut headers = vec![("accept", MEDIA_TYPES)];
        if let Some(etag) = &self.accepted {
            headers.push(("if-none-match", etag));
        }
        let ask = Ask { method: "GET", url: &self.url, headers: &headers, body: None, most: self.most };
        let answer = self.client.ask(ask).await?;
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
