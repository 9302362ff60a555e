//! [`Prober`]: asks the probe through the proxy, each time on a connection of its own, and counts. It gives up on a proxy that
//! does not answer.

use std::fmt::Write as _;

use super::remedy::Proxy;
use super::reply::Reply;
use crate::cli::error::CliError;
use crate::cli::wire::{Header, Line, Wiring};
use crate::crypto::tls_client::{ClientIdentity, TlsVersion};

/// After so many requests without an answer nothing more is asked.
const SILENCES: usize = 3;
/// No examination sends more requests than these.
const MOST: usize = 200;
/// Who asks.
pub(super) const AGENT: &str = concat!("bob-auth-doctor/", env!("CARGO_PKG_VERSION"));

/// What a request brought, if it was sent.
pub(super) struct Asked {
    pub(super) reply: Reply,
    /// A session was taken up again.
    pub(super) resumed: bool,
}

pub(super) struct Prober {
    wiring: Wiring,
    path: String,
    pub(super) asked: usize,
    silences: usize,
    /// Which proxy it is: as was said, or as it says of itself.
    pub(super) proxy: Option<Proxy>,
}

impl Prober {
    pub(super) const fn new(wiring: Wiring, path: String, proxy: Option<Proxy>) -> Self {
        Self { wiring, path, asked: 0, silences: 0, proxy }
    }

    pub(super) fn host(&self) -> &str {
        &self.wiring.authority
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn line(&self, version: Option<TlsVersion>, identities: Vec<ClientIdentity>) -> Result<Line, CliError> {
        self.wiring.line(version, identities)
    }

    /// Asks with these headers besides, as this client.
    pub(super) async fn ask(&mut self, who: Option<&ClientIdentity>, headers: &[Header]) -> Result<Reply, CliError> {
        let request = self.request(headers);
        self.ask_word_for_word(who, None, &request).await
    }

    /// Sends exactly this, as this client, in this version of TLS.
    pub(super) async fn ask_word_for_word(
        &mut self,
        who: Option<&ClientIdentity>,
        version: Option<TlsVersion>,
        request: &str,
    ) -> Result<Reply, CliError> {
        let mut line = self.line(version, who.into_iter().cloned().collect())?;
        Ok(self.ask_on(&mut line, who.map(|_| 0), request).await.reply)
    }

    /// Sends exactly this on this line, as the client of this number.
    pub(super) async fn ask_on(&mut self, line: &mut Line, who: Option<usize>, request: &str) -> Asked {
        if self.silences >= SILENCES || self.asked >= MOST {
            return Asked { reply: Reply::NotAsked, resumed: false };
        }
        self.asked += 1;
        let exchange = line.ask(who, request.as_bytes()).await;
        let asked = Asked { reply: exchange.reply.into(), resumed: exchange.resumed };
        match &asked.reply {
            Reply::Silent => self.silences += 1,
            Reply::Answer(answer) if self.proxy.is_none() => {
                self.proxy = answer.server.as_deref().and_then(Proxy::of_server);
            }
            _ => {}
        }
        asked
    }

    /// A probe with these headers.
    pub(super) fn request(&self, headers: &[Header]) -> String {
        let has = |name: &str| headers.iter().any(|(own, _)| own == name);
        let mut request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {AGENT}\r\n", self.path, self.host());
        if !has("Connection") {
            request.push_str("Connection: close\r\n");
        }
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request + "\r\n"
    }
}
