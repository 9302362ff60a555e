//! [`Examination`]: the requests to a service that takes tokens, in their order. What the answers show is said in
//! `refusal_rules`.

use super::forgery::Forgery;
use super::{refusal_rules as shown, rules as rule};
use crate::cli::conformance::asker::{Ask, Asker, Heard, in_words};
use crate::cli::conformance::auth::{no_redirect, www_authenticate};
use crate::cli::conformance::check::Check;
use crate::cli::conformance::compact::Compact;
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::wire::{Answer, Header, Reply, Shown};
use crate::crypto::tls_client::TlsVersion;

/// Where a token stands.
const TOKEN: &str = "X-BoB-AuthToken";
/// What is no token.
const GARBAGE: [&str; 6] = ["x", "a.b.c", "..", "null", "{\"alg\":\"ES256\"}", "eyJhbGciOiJFUzI1NiJ9.e30.%00%ff"];
/// Longer than any token.
const HUGE: usize = 20_000;

/// A token, and whose certificate it is bound to.
pub(super) struct Held {
    pub(super) token: Compact,
    pub(super) who: Shown,
}

/// Who calls, and with what.
pub(super) struct Parties {
    pub(super) good: Held,
    /// Another client, with a certificate of its own.
    pub(super) other: Option<Shown>,
    pub(super) stranger: Shown,
    pub(super) namesake: Shown,
    /// Headers in which some proxy or other hands over the good token's certificate.
    pub(super) forged: Vec<Header>,
    pub(super) expired: Option<Held>,
    pub(super) forbidden: Option<Held>,
    /// The issuer's public key is known.
    pub(super) with_key: bool,
    /// The server's own certificate is not looked at.
    pub(super) any_server: bool,
}

pub(super) struct Examination<'a> {
    pub(super) asker: Asker,
    pub(super) ledger: Ledger,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) parties: &'a Parties,
    /// What the good token got.
    pub(super) good: u16,
}

impl Examination<'_> {
    /// All of it, or as far as it goes.
    pub(super) async fn run(&mut self, forgeries: &[Forgery]) -> Result<(), CliError> {
        if !self.reach().await? {
            return Ok(());
        }
        self.no_token().await?;
        self.odd_tokens().await?;
        for Forgery { check, what, token } in forgeries {
            self.refused(check, what, token).await?;
        }
        if !self.parties.with_key {
            let why = "no public key of the issuer was given (--jwks, or --metadata and --trust)";
            self.ledger.enter(&rule::ALG_CONFUSION, "", Judgement::not_applicable(why));
        }
        self.other_holders().await?;
        self.sessions().await?;
        self.forged_headers().await?;
        self.given_tokens().await?;
        let (own, token) = (Some(&self.parties.good.who), self.token());
        let heard = self.with_token(own, &token, Vec::new()).await?;
        self.enter(&rule::STILL_GOOD, &heard, shown::let_in);
        Ok(())
    }

    /// The good token: whether there is a server at all, and what it says to somebody whom it should let in.
    async fn reach(&mut self) -> Result<bool, CliError> {
        let (own, token) = (Some(&self.parties.good.who), self.token());
        let heard = self.with_token(own, &token, Vec::new()).await?;
        heard.reached()?;
        heard.listened_to()?;
        match (&heard.reply, heard.version) {
            (Some(Reply::BrokenOff(_)), None) => {
                self.enter(&rule::TLS, &heard, |_| Judgement::holds(""));
                return Ok(false);
            }
            (Some(reply @ Reply::ServerNotVerified(_)), _) => {
                self.ledger.enter(&rule::TLS_CERTIFICATE, &*heard.sent, Judgement::broken(in_words(reply)));
                return Ok(false);
            }
            _ => {}
        }
        let trusted = if self.parties.any_server {
            Judgement::not_applicable("was not looked at (--insecure)")
        } else {
            Judgement::holds("it does")
        };
        self.ledger.enter(&rule::TLS_CERTIFICATE, &*heard.sent, trusted);
        self.ledger.enter(&rule::TLS, &*heard.sent, Judgement::holds(heard.version.unwrap_or_default()));
        self.enter(&rule::GOOD_TOKEN, &heard, shown::let_in);
        let Some(good) = heard.answer().filter(|answer| shown::is_let_in(answer)) else { return Ok(false) };
        self.good = good.status;
        for name in ["x-bob-authtoken", "X-BOB-AUTHTOKEN"] {
            let heard =
                self.ask(&token, Ask { who: own, headers: vec![(name, token.clone())], ..Ask::default() }).await?;
            self.enter(&rule::HEADER_NAME, &heard, |answer| shown::let_in(answer).about(name));
        }
        let newest =
            Ask { version: Some(TlsVersion::Tls13), who: own, headers: vec![(TOKEN, token.clone())], ..Ask::default() };
        let heard = self.ask(&token, newest).await?;
        self.enter(&rule::TLS_1_3, &heard, |answer| Judgement::holds(format!("status {}", answer.status)));
        Ok(true)
    }

    async fn no_token(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        let own = || Ask { who: Some(&parties.good.who), ..Ask::default() };
        let heard = self.ask("", own()).await?;
        self.enter(&rule::NO_TOKEN, &heard, shown::status(401));
        let heard = self.ask("", Ask { headers: as_sent(&parties.forged), ..own() }).await?;
        let good = self.good;
        self.enter(&rule::FORGED_RESULT, &heard, shown::refused(good));
        let token = self.token();
        for value in [token.clone(), format!("Bearer {token}"), format!("BoB {token}")] {
            let heard = self.ask(&token, Ask { headers: vec![("Authorization", value)], ..own() }).await?;
            self.enter(&rule::AUTHORIZATION, &heard, shown::refused(good));
        }
        Ok(())
    }

    async fn odd_tokens(&mut self) -> Result<(), CliError> {
        let (own, token, good) = (Some(&self.parties.good.who), self.token(), self.good);
        self.refused(&rule::EMPTY_TOKEN, "", "").await?;
        for garbage in GARBAGE {
            self.refused(&rule::GARBAGE, garbage, garbage).await?;
        }
        for (what, tokens) in
            [("the good one first", [&token, GARBAGE[1]]), ("the good one last", [GARBAGE[1], &token])]
        {
            let headers = tokens.iter().map(|token| (TOKEN, (*token).to_owned())).collect();
            let heard = self.ask(&token, Ask { who: own, headers, ..Ask::default() }).await?;
            self.enter(&rule::TWO_TOKENS, &heard, |answer| shown::refused(good)(answer).about(what));
        }
        self.refused(&rule::SCHEME, "Bearer", &format!("Bearer {token}")).await?;
        // What stands in the way of a header of this size refuses it with another 4xx.
        let huge = "a".repeat(HUGE);
        let heard = self.with_token(own, &huge, Vec::new()).await?;
        self.enter(&rule::HUGE_TOKEN, &heard, shown::refused(good));
        Ok(())
    }

    async fn other_holders(&mut self) -> Result<(), CliError> {
        let (parties, token) = (self.parties, self.token());
        for (check, who) in [
            (&rule::NO_CERTIFICATE, None),
            (&rule::OTHER_CERTIFICATE, Some(&parties.stranger)),
            (&rule::NAMESAKE, Some(&parties.namesake)),
        ] {
            let heard = self.with_token(who, &token, Vec::new()).await?;
            self.enter_bound(check, &heard, shown::status(401));
        }
        match &parties.other {
            Some(other) => {
                let heard = self.with_token(Some(other), &token, Vec::new()).await?;
                self.enter_bound(&rule::OTHER_CLIENT, &heard, shown::status(401));
            }
            None => self.not_given(&rule::OTHER_CLIENT, "--other-cert, --other-key"),
        }
        Ok(())
    }

    /// Clients offer the session of an earlier connection as a rule; the certificate is not shown again then.
    async fn sessions(&mut self) -> Result<(), CliError> {
        let (parties, token) = (self.parties, self.token());
        for (version, name) in [(TlsVersion::Tls12, "TLS 1.2"), (TlsVersion::Tls13, "TLS 1.3")] {
            let ask = self.as_method(Ask {
                who: Some(&parties.good.who),
                version: Some(version),
                headers: vec![(TOKEN, token.clone())],
                ..Ask::default()
            });
            let [begun, heard] = self.asker.ask_on_its_session(&ask).await?;
            // Somebody who speaks one of the two versions only is told so elsewhere.
            if begun.answer().is_some_and(shown::is_let_in) {
                let resumed = heard.resumed;
                self.enter_bound(&rule::RESUMED_SESSION, &heard, |answer| {
                    shown::in_a_session(answer, resumed).about(name)
                });
            }
        }
        Ok(())
    }

    async fn forged_headers(&mut self) -> Result<(), CliError> {
        let (parties, token, good) = (self.parties, self.token(), self.good);
        let (first, others) = parties.forged.split_at(1);
        for headers in [first, others] {
            for (check, who) in [(&rule::FORGED_ALONE, None), (&rule::FORGED_STRANGER, Some(&parties.stranger))] {
                let heard = self.with_token(who, &token, as_sent(headers)).await?;
                self.enter_bound(check, &heard, shown::refused(good));
            }
        }
        Ok(())
    }

    async fn given_tokens(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        for (check, held, wanted, option) in [
            (&rule::EXPIRED_TOKEN, &parties.expired, 401, "--expired-token"),
            (&rule::FORBIDDEN_TOKEN, &parties.forbidden, 403, "--forbidden-token"),
        ] {
            let Some(held) = held else {
                self.not_given(check, option);
                continue;
            };
            let heard = self.with_token(Some(&held.who), &held.token.text, Vec::new()).await?;
            self.enter(check, &heard, shown::status(wanted));
        }
        Ok(())
    }

    /// A token that is to be refused, with the good one's certificate.
    async fn refused(&mut self, check: &'static Check, what: &str, token: &str) -> Result<(), CliError> {
        let (own, good) = (Some(&self.parties.good.who), self.good);
        let heard = self.with_token(own, token, Vec::new()).await?;
        let told = |judgement: Judgement| if what.is_empty() { judgement } else { judgement.about(what) };
        self.enter(check, &heard, |answer| told(shown::refused(good)(answer)));
        if let Some(answer) = heard.answer() {
            self.ledger.enter(&rule::REFUSED_WITH_401, &*heard.sent, told(shown::with_401(answer)));
        }
        Ok(())
    }

    async fn with_token(
        &mut self,
        who: Option<&Shown>,
        token: &str,
        mut headers: Vec<(&str, String)>,
    ) -> Result<Heard, CliError> {
        headers.push((TOKEN, token.to_owned()));
        self.ask(token, Ask { headers, who, ..Ask::default() }).await
    }

    /// Asks, and looks at what holds for every answer.
    async fn ask(&mut self, token: &str, ask: Ask<'_>) -> Result<Heard, CliError> {
        let ask = self.as_method(ask);
        let heard = self.asker.ask(&ask).await?;
        if let Some(answer) = heard.answer() {
            self.ledger.enter(&rule::NO_REDIRECT, &*heard.sent, no_redirect(answer));
            self.ledger.enter(&rule::WWW_AUTHENTICATE, &*heard.sent, www_authenticate(answer));
            self.ledger.enter(&rule::NOT_CACHEABLE, &*heard.sent, shown::not_cacheable(answer));
            self.ledger.enter(&rule::NO_ECHO, &*heard.sent, shown::no_echo(token)(answer));
        }
        Ok(heard)
    }

    /// Of the resource, with the method that was given.
    fn as_method<'a>(&self, ask: Ask<'a>) -> Ask<'a>
    where
        Self: 'a,
    {
        let body = (!matches!(self.method, "GET" | "HEAD" | "DELETE")).then(Vec::new);
        Ask { method: self.method, target: self.target, body, ..ask }
    }

    fn enter(&mut self, check: &'static Check, heard: &Heard, judge: impl FnOnce(&Answer) -> Judgement) {
        self.ledger.enter(check, &*heard.sent, heard.judged(judge));
    }

    /// The same for a rule of tokens that are bound.
    fn enter_bound(&mut self, check: &'static Check, heard: &Heard, judge: impl FnOnce(&Answer) -> Judgement) {
        let judgement = if self.parties.good.token.payload.contains_key("bobHok") {
            heard.judged(judge)
        } else {
            Judgement::not_applicable("the token is bound to no certificate")
        };
        self.ledger.enter(check, &*heard.sent, judgement);
    }

    fn not_given(&mut self, check: &'static Check, option: &str) {
        self.ledger.enter(check, "", Judgement::not_applicable(format!("was not given ({option})")));
    }

    fn token(&self) -> String {
        self.parties.good.token.text.clone()
    }
}

fn as_sent(headers: &[Header]) -> Vec<(&str, String)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}
