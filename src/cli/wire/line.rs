//! [`Line`]: a way to a server, on which each request has a connection of its own.

use std::future::poll_fn;
use std::time::Duration;

use hyper_openssl::client::legacy::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tower_service::Service as _;

use super::answer::{Answer, Reply};
use crate::cli::error::CliError;
use crate::crypto::tls_client::{ClientIdentity, TlsVersion, Trust, client, expect_address, is_of_tls};
use crate::crypto::tls_fault::TlsFault;

/// How long the end of a connection may take: without it no session is taken up again.
const FAREWELL: Duration = Duration::from_millis(500);

/// A way to the proxy: connections made on it share their TLS sessions.
pub(in crate::cli) struct Line {
    connector: HttpsConnector<HttpConnector>,
    authority: String,
    patience: Duration,
    largest: usize,
}

/// What one connection brought.
pub(in crate::cli) struct Exchange {
    pub(in crate::cli) reply: Reply,
    /// A session was taken up again.
    pub(in crate::cli) resumed: bool,
    /// The version of TLS, as OpenSSL calls it (`TLSv1.3`), where there was a handshake.
    pub(in crate::cli) version: Option<&'static str>,
}

/// How lines are made.
pub(in crate::cli) struct Wiring {
    /// Host and port, as in a URL.
    pub(in crate::cli) authority: String,
    pub(in crate::cli) trust: Trust,
    /// How long one request may take.
    pub(in crate::cli) patience: Duration,
    /// The most bytes that are read of an answer.
    pub(in crate::cli) largest: usize,
}

impl Wiring {
    /// A new line; on it these identities can be shown.
    pub(in crate::cli) fn line(
        &self,
        version: Option<TlsVersion>,
        identities: Vec<ClientIdentity>,
    ) -> Result<Line, CliError> {
        let failed = |error| CliError::new(format!("TLS cannot be set up: {error}"));
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Certificate and request follow one another at once: neither is to wait for an acknowledgement.
        tcp.set_nodelay(true);
        let tls = client(&self.trust, version).map_err(failed)?;
        let mut connector = HttpsConnector::with_connector(tcp, tls).map_err(failed)?;
        // The path of the address says which identity is shown: a session that is taken up again sees only the place.
        connector.set_callback(move |ssl, address| {
            // An IPv6 address comes in its brackets, in which nobody would know it.
            let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
            if let Ok(host) = host.parse() {
                expect_address(ssl, host)?;
            }
            // The path says which identity is shown: a session that is taken up again sees only the place.
            let number = address.path().trim_start_matches('/').parse::<usize>();
            number.ok().and_then(|number| identities.get(number)).map_or(Ok(()), |identity| identity.show_on(ssl))
        });
        Ok(Line { connector, authority: self.authority.clone(), patience: self.patience, largest: self.largest })
    }
}

impl Line {
    /// Sends these bytes on a connection of its own, with the identity of this number or with none.
    pub(in crate::cli) async fn ask(&mut self, identity: Option<usize>, request: &[u8]) -> Exchange {
        let address = identity.map_or_else(
            || format!("https://{}/nobody", self.authority),
            |number| format!("https://{}/{number}", self.authority),
        );
        let patience = self.patience + FAREWELL;
        let silent = Exchange { reply: Reply::Silent, resumed: false, version: None };
        timeout(patience, self.converse(&address, request)).await.unwrap_or(silent)
    }

    async fn converse(&mut self, address: &str, request: &[u8]) -> Exchange {
        let ended = |reply| Exchange { reply, resumed: false, version: None };
        let Ok(address) = address.parse() else {
            return ended(Reply::NoConnection("this is no host and port".to_owned()));
        };
        if let Err(error) = poll_fn(|context| self.connector.poll_ready(context)).await {
            return ended(Reply::NoConnection(error.to_string()));
        }
        let stream = match self.connector.call(address).await {
            Ok(stream) => stream,
            Err(error) => return ended(failure(&*error)),
        };
        let (resumed, version) = match &stream {
            MaybeHttpsStream::Https(tls) => (tls.ssl().session_reused(), Some(tls.ssl().version_str())),
            MaybeHttpsStream::Http(_) => (false, None),
        };
        let mut stream = TokioIo::new(stream);
        let mut read = Vec::new();
        let reply = match stream.write_all(request).await {
            // What came in says more than that nothing more can be sent.
            Ok(()) | Err(_) => loop {
                if let Some(answer) = Answer::whole(&read) {
                    break Reply::Answer(answer);
                }
                match stream.read_buf(&mut read).await {
                    Ok(0) => break at_end(&read, "the connection was closed without an answer"),
                    Ok(_) if read.len() > self.largest => break at_end(&read, "the answer is too large"),
                    Ok(_) => {}
                    Err(error) => match TlsFault::find(&error) {
                        Some(fault) => break Reply::BrokenOff(fault.to_string()),
                        None => break at_end(&read, "the connection was cut"),
                    },
                }
            },
        };
        let _ = timeout(FAREWELL, stream.shutdown()).await;
        Exchange { reply, resumed, version }
    }
}

fn at_end(read: &[u8], what: &str) -> Reply {
    Answer::cut(read).map_or_else(|| Reply::BrokenOff(what.to_owned()), Reply::Answer)
}

fn failure(error: &(dyn std::error::Error + 'static)) -> Reply {
    let last = std::iter::successors(Some(error), |error| (*error).source()).last().map(ToString::to_string);
    let text = last.unwrap_or_default();
    match TlsFault::find(error) {
        // OpenSSL puts the reason behind its own numbers.
        Some(TlsFault::PeerNotVerified) => {
            Reply::ServerNotVerified(error.to_string().rsplit(": ").next().unwrap_or_default().to_owned())
        }
        Some(fault) => Reply::BrokenOff(fault.to_string()),
        None if is_of_tls(error) => Reply::BrokenOff("the connection was closed in the handshake".to_owned()),
        None => Reply::NoConnection(text),
    }
}
