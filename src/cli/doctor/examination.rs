//! [`Examination`]: the checks in their order. What is sent is data of `forgery` and `crypto::probe_cert`; what it means is
//! `judge`'s word.

use ring::rand::SecureRandom;

use super::finding::Finding;
use super::forgery::{ODD_REQUESTS, Spelling, odd_request};
use super::judge::{self, Usual, Verdict, worst};
use super::prober::{AGENT, Prober};
use super::reply::{Answer, Arrived, Reply};
use crate::cli::error::CliError;
use crate::cli::wire::{Header, Shown, Victim, is_known};
use crate::crypto::cert::Certificate;
use crate::crypto::probe_cert::Nature;
use crate::crypto::tls_client::TlsVersion;
use crate::value::Timestamp;

/// Headers of the proxy's own that are forged besides those that everybody knows; at most so many.
const DISCOVERED: usize = 4;

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// What was sent.
    pub(super) check: String,
    pub(super) verdict: Verdict,
}

/// A client whose certificate comes through, and what arrives for it.
struct Carrier {
    shown: Shown,
    usual: Vec<Arrived>,
}

pub(super) struct Examination {
    pub(super) prober: Prober,
    pub(super) checked: Vec<Checked>,
    victim: Certificate,
    forged: Victim,
    /// What arrives for a client without a certificate.
    nobody: Vec<Arrived>,
    carrier: Option<Carrier>,
}

impl Examination {
    pub(super) fn new(prober: Prober, now: Timestamp, rng: &dyn SecureRandom) -> Result<Self, CliError> {
        let (victim, _) = Nature::Leaf.make(now, rng).map_err(CliError::new)?;
        let forged = Victim::of(&victim)?;
        Ok(Self { prober, checked: Vec::new(), victim, forged, nobody: Vec::new(), carrier: None })
    }

    /// All checks, or as far as they go. `own` is the operator's certificate.
    pub(super) async fn run(
        &mut self,
        own: Option<Shown>,
        now: Timestamp,
        rng: &dyn SecureRandom,
    ) -> Result<(), CliError> {
        let leaf = Shown::made(Nature::Leaf, now, rng)?;
        if !self.reach(&leaf).await? {
            return Ok(());
        }
        if let Some(own) = own {
            self.certificate("your certificate", own, None).await?;
        }
        self.certificate(words(Nature::Leaf), leaf, Some(Nature::Leaf)).await?;
        for nature in Nature::ALL.into_iter().filter(|nature| *nature != Nature::Leaf) {
            self.certificate(words(nature), Shown::made(nature, now, rng)?, Some(nature)).await?;
        }
        if self.carrier.is_none() {
            let verdict = Verdict { finding: Some(Finding::NotTried), seen: "no certificate came through".to_owned() };
            self.note("forged headers beside a certificate, sessions, versions of TLS", verdict);
        }
        self.versions().await?;
        self.sessions(&Shown::made(Nature::Leaf, now, rng)?).await?;
        self.forged_headers().await?;
        self.connection_options().await?;
        self.odd_requests().await?;
        self.tokens().await
    }

    fn note(&mut self, check: impl Into<String>, verdict: Verdict) {
        self.checked.push(Checked { check: check.into(), verdict });
    }

    /// Whether there is anything to examine: without a certificate, or else with one.
    async fn reach(&mut self, leaf: &Shown) -> Result<bool, CliError> {
        let nobody = self.prober.ask(None, &[]).await?;
        let mut reached = judge::reached(&nobody);
        // The proxy may refuse clients without a certificate by itself, in one way or another.
        let refused = match &nobody {
            Reply::BrokenOff(_) => true,
            Reply::Answer(answer) => answer.probe.is_none() && matches!(answer.status, 400 | 401 | 403 | 496),
            _ => false,
        };
        if refused {
            let with_certificate = judge::reached(&self.prober.ask(Some(&leaf.identity), &[]).await?);
            if with_certificate.is_ok() || !matches!(nobody, Reply::Answer(_)) {
                reached = with_certificate;
            }
        }
        if let Err(verdict) = reached {
            self.note("the probe", verdict);
            return Ok(false);
        }
        self.nobody = headers_of(&nobody);
        self.note("no certificate", judge::nobody(&nobody));
        Ok(true)
    }

    async fn certificate(&mut self, check: &str, shown: Shown, nature: Option<Nature>) -> Result<(), CliError> {
        let reply = self.prober.ask(Some(&shown.identity), &[]).await?;
        let verdict = judge::certificate(&reply, &shown.certificate, nature, self.prober.proxy);
        if verdict.finding.is_none() && self.carrier.is_none() {
            self.carrier = Some(Carrier { shown, usual: headers_of(&reply) });
        }
        self.note(check, verdict);
        Ok(())
    }

    async fn versions(&mut self) -> Result<(), CliError> {
        let Some(carrier) = &self.carrier else { return Ok(()) };
        let (shown, request) = (carrier.shown.clone(), self.prober.request(&[]));
        for (check, version) in [("TLS 1.2", TlsVersion::Tls12), ("TLS 1.3", TlsVersion::Tls13)] {
            let reply = self.prober.ask_word_for_word(Some(&shown.identity), Some(version), &request).await?;
            let verdict = judge::version(&reply, &shown.certificate, self.prober.proxy);
            self.note(check, verdict);
        }
        Ok(())
    }

    /// A session that one certificate began, offered with the same one, with another one and with none.
    async fn sessions(&mut self, other: &Shown) -> Result<(), CliError> {
        let Some(carrier) = &self.carrier else { return Ok(()) };
        let (first, request) = (carrier.shown.clone(), self.prober.request(&[]));
        let offers = [
            ("with the same certificate", Some((0, &first))),
            ("with another certificate", Some((1, other))),
            ("without a certificate", None),
        ];
        for (version, name) in [(TlsVersion::Tls12, "1.2"), (TlsVersion::Tls13, "1.3")] {
            for (how, offer) in offers {
                // A line of its own: what is offered is the first client's session, whatever the one before has left.
                let mut line = self.prober.line(Some(version), vec![first.identity.clone(), other.identity.clone()])?;
                let begun = self.prober.ask_on(&mut line, Some(0), &request).await.reply;
                if judge::version(&begun, &first.certificate, self.prober.proxy).finding.is_some() {
                    break;
                }
                let exchange = self.prober.ask_on(&mut line, offer.map(|(number, _)| number), &request).await;
                let shown = offer.map(|(_, shown)| &shown.certificate);
                let verdict = judge::session(&exchange.reply, exchange.resumed, &first.certificate, shown);
                self.note(format!("a TLS {name} session, offered {how}"), verdict);
            }
        }
        Ok(())
    }

    async fn forged_headers(&mut self) -> Result<(), CliError> {
        let headers = self.forged.headers();
        for header in &headers {
            self.forged(format!("a forged {}", header.0), std::slice::from_ref(header)).await?;
        }
        for name in self.discovered() {
            for header in self.forged.forms_of(&name) {
                let start: String = header.1.chars().take(12).collect();
                self.forged(format!("a forged {name} ({start}...)"), &[header]).await?;
            }
        }
        for spelling in Spelling::ALL {
            let respelled: Vec<Header> = headers.iter().flat_map(|header| spelling.of(header)).collect();
            self.forged(spelling.words().to_owned(), &respelled).await?;
        }
        Ok(())
    }

    /// Identity headers that this proxy sets and that are not among the known ones.
    fn discovered(&self) -> Vec<String> {
        let usual = self.carrier.iter().flat_map(|carrier| &carrier.usual);
        let names = usual.map(|one| one.name.clone()).filter(|name| !is_known(name));
        names.take(DISCOVERED).collect()
    }

    /// Names that the proxy sets, declared to be for the next hop only.
    async fn connection_options(&mut self) -> Result<(), CliError> {
        let set = self.carrier.iter().flat_map(|carrier| &carrier.usual).chain(&self.nobody);
        let mut names: Vec<String> = set.map(|one| one.name.clone()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            names.push("X-SSL-Client-SHA1".to_owned());
        }
        let connection = |value: String| ("Connection".to_owned(), value);
        let all = names.join(", ");
        let beside: Vec<Header> = std::iter::once(connection(all.clone())).chain(self.forged.headers()).collect();
        self.forged(format!("Connection: {all}"), &[connection(all.clone())]).await?;
        self.forged(format!("Connection: close, {all}"), &[connection(format!("close, {all}"))]).await?;
        self.forged(
            "Connection: keep-alive, and another with these names".to_owned(),
            &[connection("keep-alive".to_owned()), connection(all)],
        )
        .await?;
        self.forged("Connection with these names, and all of them forged".to_owned(), &beside).await
    }

    async fn odd_requests(&mut self) -> Result<(), CliError> {
        let agent = format!("User-Agent: {AGENT}\r\n");
        for (check, template) in ODD_REQUESTS {
            let request = odd_request(&self.forged, template, (self.prober.host(), &agent), self.prober.path());
            self.word_for_word(check, &request).await?;
        }
        Ok(())
    }

    async fn tokens(&mut self) -> Result<(), CliError> {
        let identity = self.carrier.as_ref().map(|carrier| carrier.shown.identity.clone());
        let token = |text: &str| ("X-BoB-AuthToken".to_owned(), text.to_owned());
        for (check, tokens) in
            [("one token", vec![token("a.b.c")]), ("two tokens", vec![token("a.b.c"), token("d.e.f")])]
        {
            let reply = self.prober.ask(identity.as_ref(), &tokens).await?;
            self.note(check, judge::tokens(&reply, tokens.len()));
        }
        Ok(())
    }

    async fn forged(&mut self, check: String, headers: &[Header]) -> Result<(), CliError> {
        let request = self.prober.request(headers);
        self.word_for_word(&check, &request).await
    }

    /// This request without a certificate and with one.
    async fn word_for_word(&mut self, check: &str, request: &str) -> Result<(), CliError> {
        let reply = self.prober.ask_word_for_word(None, None, request).await?;
        let usual = Usual { own: None, headers: &self.nobody };
        let mut verdicts = vec![("without a certificate", judge::forgery(&reply, usual, &self.victim))];
        if let Some(carrier) = &self.carrier {
            let reply = self.prober.ask_word_for_word(Some(&carrier.shown.identity), None, request).await?;
            let usual = Usual { own: Some(&carrier.shown.certificate), headers: &carrier.usual };
            verdicts.push(("with one", judge::forgery(&reply, usual, &self.victim)));
        }
        self.note(check, worst(verdicts));
        Ok(())
    }
}

fn headers_of(reply: &Reply) -> Vec<Arrived> {
    match reply {
        Reply::Answer(Answer { probe: Some(probe), .. }) => probe.identity_headers.clone(),
        _ => Vec::new(),
    }
}

const fn words(nature: Nature) -> &'static str {
    match nature {
        Nature::Leaf => "a self-signed certificate",
        Nature::Authority => "a self-signed certificate with CA:TRUE",
        Nature::Version1 => "an X.509 v1 certificate",
        Nature::Expired => "an expired certificate",
        Nature::NotYetValid => "a certificate that is not valid yet",
        Nature::ServerOnly => "a certificate for servers only",
        Nature::Large => "a certificate of 11 KB",
        Nature::Rsa => "an RSA certificate",
        Nature::UnknownIssuer => "a certificate of an unknown CA, alone",
    }
}
