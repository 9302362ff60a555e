//! [`Asker`]: asks politely. One request after the other, each on a connection of its own, no more than a bounded number of them,
//! with a `User-Agent` that says who asks; it gives up on a server that does not answer.

use std::fmt::Write as _;
use std::time::Duration;

use super::ledger::Judgement;
use crate::cli::error::CliError;
use crate::cli::wire::{Answer, Line, Reply, Shown, Wiring};
use crate::crypto::tls_client::TlsVersion;

/// After so many requests without an answer, one behind the other, nothing more is asked.
const SILENCES: usize = 3;
/// No examination sends more requests than these, besides those that are sent again.
const MOST: usize = 120;
/// How often a request is sent again to a server that wants fewer of them.
const PATIENT: usize = 2;
/// How long is waited before that, if the server does not say, and at most.
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long one examination waits in all because a server wants fewer requests.
const WAITS: Duration = Duration::from_mins(2);
/// Values longer than this are shown shortened: they may be tokens.
const SHOWN: usize = 48;
/// Too many requests (RFC 6585 section 4).
const TOO_MANY: u16 = 429;
/// Who asks.
const AGENT: &str = concat!("bob-auth-conformance/", env!("CARGO_PKG_VERSION"));

pub(super) struct Asker {
    wiring: Wiring,
    /// For requests that show nobody's certificate. A line of its own for each would read the system's CAs each time.
    plain: Option<Line>,
    /// The least time between two requests.
    pace: Duration,
    asked: usize,
    silences: usize,
    /// How many of them were sent before, and how long was waited for that.
    again: usize,
    waited: Duration,
}

/// A request as a check wants it.
#[derive(Clone, Default)]
pub(super) struct Ask<'a> {
    /// `GET` if it is empty.
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// Headers besides Host, User-Agent, Connection and Content-Length.
    pub(super) headers: Vec<(&'a str, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// Whose certificate is shown; nobody's if there is none.
    pub(super) who: Option<&'a Shown>,
    /// 1.2 or later if there is none.
    pub(super) version: Option<TlsVersion>,
}

/// What a request brought.
pub(super) struct Heard {
    /// The request for the evidence, secrets shortened.
    pub(super) sent: String,
    /// Nothing if it was not asked.
    pub(super) reply: Option<Reply>,
    /// The version of TLS, as OpenSSL calls it.
    pub(super) version: Option<&'static str>,
    /// A session was taken up again.
    pub(super) resumed: bool,
}

impl Asker {
    pub(super) const fn new(wiring: Wiring, pace: Duration) -> Self {
        Self { wiring, plain: None, pace, asked: 0, silences: 0, again: 0, waited: Duration::ZERO }
    }

    /// Host and port that are asked.
    pub(super) fn authority(&self) -> &str {
        &self.wiring.authority
    }

    /// How many requests were sent.
    pub(super) const fn asked(&self) -> usize {
        self.asked
    }

    /// Asks again though nobody answered: for what must be tried, such as a clean-up.
    pub(super) const fn insist(&mut self) {
        self.silences = 0;
    }

    /// Asks, and asks again a little later if the server wants fewer requests.
    pub(super) async fn ask(&mut self, ask: &Ask<'_>) -> Result<Heard, CliError> {
        let mut heard = self.ask_once(ask).await?;
        for _ in 0..PATIENT {
            let Some(wait) = heard.asked_for_patience().filter(|_| self.waited < WAITS) else { break };
            self.waited += wait;
            self.again += 1;
            tokio::time::sleep(wait).await;
            heard = self.ask_once(ask).await?;
        }
        Ok(heard)
    }

    /// Asks, on a connection of its own.
    async fn ask_once(&mut self, ask: &Ask<'_>) -> Result<Heard, CliError> {
        let mut kept = self.plain.take();
        let line = match (&mut kept, ask.who, ask.version) {
            (Some(plain), None, None) => plain,
            (none, None, None) => none.insert(self.wiring.line(None, Vec::new())?),
            _ => &mut self.line(ask)?,
        };
        let heard = self.ask_on(line, ask).await;
        self.plain = kept;
        Ok(heard)
    }

    /// Asks, and then asks the same without a certificate, on a connection that offers the session of the first one.
    pub(super) async fn ask_on_its_session(&mut self, ask: &Ask<'_>) -> Result<[Heard; 2], CliError> {
        let mut line = self.line(ask)?;
        let first = self.ask_on(&mut line, ask).await;
        let mut second = self.ask_on(&mut line, &Ask { who: None, ..ask.clone() }).await;
        second.sent.push_str("\n(in the TLS session of a connection with a certificate)");
        Ok([first, second])
    }

    /// A line of its own for this client.
    fn line(&self, ask: &Ask<'_>) -> Result<Line, CliError> {
        self.wiring.line(ask.version, ask.who.map(|who| who.identity.clone()).into_iter().collect())
    }

    async fn ask_on(&mut self, line: &mut Line, ask: &Ask<'_>) -> Heard {
        let sent = self.shown(ask);
        if self.silences >= SILENCES || self.asked - self.again >= MOST {
            return Heard { sent, reply: None, version: None, resumed: false };
        }
        if self.asked > 0 {
            tokio::time::sleep(self.pace).await;
        }
        self.asked += 1;
        let exchange = line.ask(ask.who.map(|_| 0), &self.bytes(ask)).await;
        self.silences = if exchange.reply == Reply::Silent { self.silences + 1 } else { 0 };
        Heard { sent, reply: Some(exchange.reply), version: exchange.version, resumed: exchange.resumed }
    }

    fn bytes(&self, ask: &Ask<'_>) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", method(ask), ask.target);
        let _ = write!(head, "Host: {}\r\nUser-Agent: {AGENT}\r\nConnection: close\r\n", self.wiring.authority);
        for (name, value) in &ask.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(body) = &ask.body {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(ask.body.as_deref().unwrap_or_default());
        bytes
    }

    fn shown(&self, ask: &Ask<'_>) -> String {
        let mut shown = format!("{} https://{}{}", method(ask), self.wiring.authority, ask.target);
        for (name, value) in &ask.headers {
            let _ = write!(shown, "\n{name}: {}", shortened(value));
        }
        if let Some(body) = &ask.body {
            let _ = write!(shown, "\n({} bytes of body)", body.len());
        }
        match ask.who.map(|who| &who.certificate) {
            Some(who) => _ = write!(shown, "\n(with the certificate {}, {})", who.sha1, shortened(&who.subject)),
            None => shown.push_str("\n(no client certificate)"),
        }
        shown
    }
}

impl Heard {
    /// What the answer shows of a rule; without an answer the rule is broken, or was not asked about.
    pub(super) fn judged(&self, judge: impl FnOnce(&Answer) -> Judgement) -> Judgement {
        match &self.reply {
            Some(Reply::Answer(answer)) if answer.status == TOO_MANY => {
                Judgement::not_applicable("status 429: the server wants fewer requests, also after a while")
            }
            Some(Reply::Answer(answer)) => judge(answer),
            Some(other) => Judgement::broken(in_words(other)),
            None => {
                Judgement::not_applicable("was not asked: too many requests, or too many of them without an answer")
            }
        }
    }

    /// The answer, if there was one that is one: that there are too many requests says nothing of this one.
    pub(super) const fn answer(&self) -> Option<&Answer> {
        match &self.reply {
            Some(Reply::Answer(answer)) if answer.status != TOO_MANY => Some(answer),
            _ => None,
        }
    }

    /// How long is to be waited before the request is sent again, if the server wants that (RFC 6585 section 4).
    fn asked_for_patience(&self) -> Option<Duration> {
        let Some(Reply::Answer(answer)) = &self.reply else { return None };
        let said = answer.field("retry-after").and_then(|said| said.parse().ok()).map(Duration::from_secs);
        (answer.status == TOO_MANY).then(|| said.unwrap_or(WAIT).clamp(WAIT, LONGEST_WAIT))
    }
}

impl Heard {
    /// An error of its own, if there is nobody to be examined.
    pub(super) fn reached(&self) -> Result<(), CliError> {
        match &self.reply {
            Some(reply @ (Reply::NoConnection(_) | Reply::Silent)) => {
                let what = format!("nothing was examined: {}", in_words(reply));
                Err(CliError::new(what).next("check that the server runs, and that host and port are right"))
            }
            _ => Ok(()),
        }
    }

    /// An error of its own, if the server wants so few requests that nothing can be found out.
    pub(super) fn listened_to(&self) -> Result<(), CliError> {
        match &self.reply {
            Some(Reply::Answer(answer)) if answer.status == TOO_MANY => {
                let what = "nothing could be found out: the server answers 429, it wants fewer requests";
                Err(CliError::new(what).next("let it take a hundred requests a minute from this client, or ask later"))
            }
            _ => Ok(()),
        }
    }
}

/// Why there is no answer.
pub(super) fn in_words(reply: &Reply) -> String {
    match reply {
        Reply::NoConnection(why) => format!("no connection: {why}"),
        Reply::ServerNotVerified(why) => format!("the server's own certificate does not verify: {why}"),
        Reply::BrokenOff(why) => format!("the connection was broken off: {why}"),
        Reply::Silent => "no answer in time".to_owned(),
        Reply::Answer(answer) => format!("status {}", answer.status),
    }
}

/// A value for the evidence: a token is recognised in it, and cannot be used.
pub(super) fn shortened(value: &str) -> String {
    let Some((end, _)) = value.char_indices().nth(SHOWN) else { return value.to_owned() };
    format!("{}... ({} characters)", &value[..end], value.chars().count())
}

const fn method<'a>(ask: &Ask<'a>) -> &'a str {
    if ask.method.is_empty() { "GET" } else { ask.method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::tls_client::Trust;

    fn asker() -> Asker {
        let wiring = Wiring {
            authority: "a.example".to_owned(),
            trust: Trust::System,
            patience: Duration::from_secs(1),
            largest: 1024,
        };
        Asker::new(wiring, Duration::ZERO)
    }

    #[test]
    fn a_request_says_who_asks_and_its_evidence_holds_no_whole_token() {
        let token = "eyJhbGciOiJFUzI1NiJ9.".repeat(9);
        let ask = Ask { target: "/x", headers: vec![("X-BoB-AuthToken", token.clone())], ..Ask::default() };
        let bytes = String::from_utf8(asker().bytes(&ask)).unwrap();
        assert!(
            bytes.starts_with("GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: bob-auth-conformance/"),
            "{bytes}"
        );
        assert!(bytes.contains(&token) && bytes.ends_with("\r\n\r\n"));
        let shown = asker().shown(&ask);
        assert!(shown.starts_with("GET https://a.example/x\nX-BoB-AuthToken: eyJhbGci") && !shown.contains(&token));
        assert!(shown.contains("(189 characters)") && shown.ends_with("(no client certificate)"), "{shown}");
    }

    #[test]
    fn too_many_requests_is_no_answer_and_asks_for_patience() {
        let heard = |status, fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let answer = Answer { status, fields, body: Vec::new(), complete: true };
            Heard { sent: String::new(), reply: Some(Reply::Answer(answer)), version: None, resumed: false }
        };
        let waits = |fields: &[(&str, &str)]| heard(429, fields).asked_for_patience();
        assert_eq!(waits(&[("Retry-After", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(waits(&[("retry-after", "86400")]), Some(LONGEST_WAIT));
        assert_eq!((waits(&[]), waits(&[("Retry-After", "0")])), (Some(WAIT), Some(WAIT)));
        assert!(heard(429, &[]).answer().is_none());
        assert!(matches!(heard(429, &[]).judged(|_| Judgement::broken("")), Judgement::NotApplicable(_)));
        assert_eq!(heard(503, &[("Retry-After", "2")]).asked_for_patience(), None);
    }

    #[tokio::test]
    async fn nothing_is_asked_of_a_server_that_stays_silent() {
        let mut asker = Asker { silences: SILENCES, ..asker() };
        let heard = asker.ask(&Ask { target: "/", ..Ask::default() }).await.unwrap();
        assert_eq!((asker.asked(), heard.reply.is_none()), (0, true));
        assert!(matches!(heard.judged(|_| Judgement::holds("")), Judgement::NotApplicable(_)));
        let mut asker = Asker { asked: MOST, silences: 0, ..asker };
        assert!(asker.ask(&Ask { target: "/", ..Ask::default() }).await.unwrap().reply.is_none());
    }
}
