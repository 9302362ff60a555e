//! Floor 2: asking other services over HTTP, protected, bounded in time and size. The only room (besides the client of the
//! command line) that names reqwest. What is asked for and what an answer means is known above.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::tls::Version;
use reqwest::{Certificate, Client, Method, Response, StatusCode, Url};

use crate::crypto::tls_fault::TlsFault;

/// A URL that may be asked: https, or http on this machine, without name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsUrl(Url);

/// Asks over TLS, trusting one CA or the system's.
#[derive(Debug, Clone)]
pub struct HttpsClient(Client);

/// A request.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// Whom, and for what.
    pub url: &'a HttpsUrl,
    /// Headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// The most bytes that are read of the answer, unpacked.
    pub most: usize,
}

/// An answer of any status, but for redirects.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

/// Why a URL is never asked.
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

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Too slow.
    #[error("there was no whole answer in time")]
    Timeout,
    /// No connection: nothing was sent.
    #[error("there is no connection: {0}")]
    Unreachable(String),
    /// A connection that broke off: what was asked may have been done.
    #[error("the connection broke off: {0}")]
    Connection(String),
    /// No common TLS.
    #[error("there is no TLS: {0}")]
    Tls(TlsFault),
    /// It is somewhere else now.
    #[error("the answer is a redirect ({0}), which is not followed; name the new URL if it is right")]
    Redirect(u16),
    /// A status that is of no use here.
    #[error("the answer has status {0}")]
    Status(u16),
    /// More than such an answer ever has.
    #[error("the answer is larger than {most} bytes, which none of its kind is")]
    TooLarge {
        /// How many are read.
        most: usize,
    },
    /// A method or header that HTTP does not have.
    #[error("the request cannot be written: {0}")]
    Request(String),
}

impl HttpsUrl {
    /// Reads a URL; a fragment means nothing and is left out.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let mut url = Url::parse(text).map_err(|error| UrlError::Url(error.to_string()))?;
        if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
            return Err(UrlError::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL for people: without its query, which may hold what is not for everybody.
    pub fn name(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.to_string()
    }

    /// Host, and port if it is not the usual one: what a request's `Host` says.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The query without its question mark, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.0.query()
    }

    /// The URL below this one whose path goes on with `path`, percent-encoded already. There is no query.
    pub fn below(&self, path: &str) -> Result<Self, UrlError> {
        let mut url = self.0.clone();
        url.set_query(None);
        let base = url.as_str().trim_end_matches('/').to_owned();
        Self::parse(&format!("{base}{path}"))
    }
}

impl HttpsClient {
    /// Trusts this CA (PEM) and no other, or the system's. Gives up an answer after `patience`.
    pub fn new(ca: Option<&[u8]>, patience: Duration) -> Result<Self, UrlError> {
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
        builder.build().map(Self).map_err(|error| UrlError::Client(last_cause(&error)))
    }

    /// Asks once, and reads the whole answer.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answer, FetchError> {
        let method = Method::from_bytes(ask.method.as_bytes()).map_err(|e| FetchError::Request(e.to_string()))?;
        let mut request = self.0.request(method, ask.url.0.clone());
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = ask.body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|error| explain(&error))?;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(FetchError::Redirect(status.as_u16()));
        }
        let headers = response.headers().clone();
        let body = body(response, ask.most).await?;
        Ok(Answer { status: status.as_u16(), body, headers })
    }
}

impl Answer {
    /// The header with this name; none if it is there twice, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }
}

/// The body, as far as it is no larger than it may be.
async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > most {
            return Err(FetchError::TooLarge { most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
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
    let without_tls = || {
        let cause = last_cause(error);
        if error.is_connect() { FetchError::Unreachable(cause) } else { FetchError::Connection(cause) }
    };
    TlsFault::find(error).map_or_else(without_tls, FetchError::Tls)
}

/// The last cause: it says most, and names no URL.
fn last_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// Without its query.
impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_is_asked_without_tls() {
        for url in ["https://auth.example.se/jwks", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/jwks"] {
            assert_eq!(HttpsUrl::parse(url).unwrap().name(), url);
        }
        for url in ["http://auth.example.se/", "http://127.0.0.1.example.se/", "http://10.0.0.1/", "file:///etc/passwd"]
        {
            assert_eq!(HttpsUrl::parse(url).unwrap_err(), UrlError::Insecure, "{url}");
        }
        assert!(matches!(HttpsUrl::parse("auth.example.se"), Err(UrlError::Url(_))));
    }

    #[test]
    fn nothing_secret_of_a_url_is_shown() {
        let url = HttpsUrl::parse("https://example.se/jwks?code=hush#part").unwrap();
        assert_eq!(url.name(), "https://example.se/jwks");
        assert_eq!(format!("{url:?}"), "HttpsUrl(https://example.se/jwks)");
        assert_eq!(HttpsUrl::parse("https://me:hush@example.se/").unwrap_err(), UrlError::Credentials);
    }

    #[test]
    fn a_place_below_a_url_keeps_its_spelling() {
        let base = HttpsUrl::parse("https://registry.example.se:8443/bob/api/v2/").unwrap();
        let below = base.below("/participantMetadata/34/mtbPublicKey/34%3A1").unwrap();
        assert_eq!(below.path(), "/bob/api/v2/participantMetadata/34/mtbPublicKey/34%3A1");
        assert_eq!(below.authority(), "registry.example.se:8443");
        assert_eq!(HttpsUrl::parse("https://example.se:443/").unwrap().authority(), "example.se");
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_not_taken_for_no_ca_file() {
        for ca in ["", "-----BEGIN NONSENSE-----"] {
            assert_eq!(HttpsClient::new(Some(ca.as_bytes()), Duration::from_secs(1)).err(), Some(UrlError::Ca));
        }
    }

    #[cfg(feature = "service")]
    #[tokio::test]
    async fn a_compressed_answer_counts_by_what_is_in_it_and_a_bomb_ends_where_it_is_too_large() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = HttpsUrl::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            for (mut stream, size) in listener.incoming().flatten().zip([1_000, 100 << 20]) {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                assert!(String::from_utf8_lossy(&head[..length]).to_lowercase().contains("accept-encoding: gzip"));
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                std::io::copy(&mut std::io::repeat(b' ').take(size), &mut packed).unwrap();
                let packed = packed.finish().unwrap();
                let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nETag: \"1\"\r\n";
                write!(stream, "{head}Content-Length: {}\r\n\r\n", packed.len()).unwrap();
                // Whoever has seen enough hangs up.
                let _ = stream.write_all(&packed);
            }
        });
        let client = HttpsClient::new(None, Duration::from_mins(1)).unwrap();
        let ask = || Ask { method: "GET", url: &url, headers: &[], body: None, most: 1 << 20 };
        let answer = client.ask(ask()).await.unwrap();
        assert_eq!((answer.body.len(), answer.header("etag")), (1_000, Some("\"1\"")));
        assert_eq!(client.ask(ask()).await.unwrap_err(), FetchError::TooLarge { most: 1 << 20 });
    }
}
