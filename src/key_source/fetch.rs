//! Key sets behind URLs: one conditional GET at a time, bounded in time and size. Besides the client of the command line the
//! only file that names reqwest.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::tls::Version;
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use super::file::MAX_BYTES;
use super::schedule::max_age;
use crate::crypto::tls_fault::TlsFault;

/// Fetches one URL again and again.
pub(super) struct UrlReader {
    client: Client,
    url: Url,
    /// `ETag` of the last answer, and of the last that was accepted.
    seen: Option<HeaderValue>,
    accepted: Option<HeaderValue>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The answer's body; `None` if it is the one that was accepted last.
    pub(super) body: Option<Vec<u8>>,
    /// How long the origin says that it counts.
    pub(super) max_age: Option<Duration>,
}

/// Why keys cannot be fetched from a URL at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No URL.
    #[error("is no URL ({0}); write for example https://auth.example.se/jwks.json")]
    Url(String),
    /// Not protected.
    #[error(
        "is not https, which is a must for all but 127.0.0.1, ::1 and localhost: who changes keys on their way is let in"
    )]
    Insecure,
    /// A name and password in the URL.
    #[error("holds a name or password, which would be shown in logs; public keys need none")]
    Credentials,
    /// Its CA.
    #[error("cannot be fetched: its CA file holds no certificate in PEM")]
    Ca,
    /// The TLS library.
    #[error("cannot be fetched: no TLS client can be made: {0}")]
    Client(String),
}

/// Why a fetch brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Too slow.
    #[error("there was no whole answer in time")]
    Timeout,
    /// No connection, or one that broke off.
    #[error("there is no connection: {0}")]
    Connection(String),
    /// No common TLS.
    #[error("there is no TLS: {0}")]
    Tls(TlsFault),
    /// It is somewhere else now.
    #[error("the answer is a redirect ({0}), which is not followed; name the new URL if it is right")]
    Redirect(u16),
    /// Any status but 200, and 304 where that was asked for.
    #[error("the answer has status {0}")]
    Status(u16),
    /// More than any key set has.
    #[error("the answer is larger than {MAX_BYTES} bytes, which no key set is")]
    TooLarge,
}

/// Of a JWK set (RFC 7517 section 8.5.2), and what most servers call it.
const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

impl UrlReader {
    /// For this URL, trusting this CA (PEM) and no other, or the system's.
    pub(super) fn new(url: &str, ca: Option<&[u8]>, patience: Duration) -> Result<Self, UrlError> {
        let mut url = Url::parse(url).map_err(|error| UrlError::Url(error.to_string()))?;
        if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
            return Err(UrlError::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        url.set_fragment(None);
        let mut builder = Client::builder()
            .tls_backend_native()
            .tls_version_min(Version::TLS_1_2)
            .user_agent("bob-auth")
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(patience)
            .timeout(patience);
        if let Some(ca) = ca {
            let certificates = Certificate::from_pem_bundle(ca).map_err(|_| UrlError::Ca)?;
            if certificates.is_empty() {
                return Err(UrlError::Ca);
            }
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().map_err(|error| UrlError::Client(last_cause(&error)))?;
        Ok(Self { client, url, seen: None, accepted: None })
    }

    /// The URL for people: without its query, which may hold what is not for everybody.
    pub(super) fn name(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.to_string()
    }

    /// One GET; conditional once an answer was accepted.
    pub(super) async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let mut request = self.client.get(self.url.clone()).header(ACCEPT, MEDIA_TYPES);
        if let Some(etag) = &self.accepted {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| explain(&error))?;
        let max_age = age(response.headers());
        self.seen = response.headers().get(ETAG).cloned();
        match response.status() {
            StatusCode::OK => Ok(Fetched { body: Some(body(response).await?), max_age }),
            StatusCode::NOT_MODIFIED if self.accepted.is_some() => {
                self.seen.clone_from(&self.accepted);
                Ok(Fetched { body: None, max_age })
            }
            status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
                Err(FetchError::Redirect(status.as_u16()))
            }
            status => Err(FetchError::Status(status.as_u16())),
        }
    }

    /// What was fetched last is in force: from now on only something else is asked for.
    pub(super) fn accept(&mut self) {
        self.accepted = self.seen.take();
    }
}

/// The body, as far as it is no larger than a key set can be.
async fn body(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn age(headers: &HeaderMap) -> Option<Duration> {
    headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).and_then(max_age)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn explain(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    TlsFault::find(error).map_or_else(|| FetchError::Connection(last_cause(error)), FetchError::Tls)
}

/// The last cause: it says most, and names no URL.
fn last_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(url: &str) -> Result<String, UrlError> {
        UrlReader::new(url, None, Duration::from_secs(1)).map(|reader| reader.name())
    }

    #[test]
    fn only_the_loopback_is_asked_without_tls() {
        for url in ["https://auth.example.se/jwks", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/jwks"] {
            assert_eq!(new(url).unwrap(), url);
        }
        for url in ["http://auth.example.se/", "http://127.0.0.1.example.se/", "http://10.0.0.1/", "file:///etc/passwd"]
        {
            assert_eq!(new(url).unwrap_err(), UrlError::Insecure, "{url}");
        }
        assert!(matches!(new("auth.example.se"), Err(UrlError::Url(_))));
    }

    #[test]
    fn nothing_secret_of_a_url_is_shown() {
        assert_eq!(new("https://example.se/jwks?code=hush#part").unwrap(), "https://example.se/jwks");
        assert_eq!(new("https://me:hush@example.se/").unwrap_err(), UrlError::Credentials);
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_not_taken_for_no_ca_file() {
        for ca in ["", "-----BEGIN NONSENSE-----"] {
            let made = UrlReader::new("https://example.se/", Some(ca.as_bytes()), Duration::from_secs(1));
            assert_eq!(made.err(), Some(UrlError::Ca));
        }
    }
}
