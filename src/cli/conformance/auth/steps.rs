//! [`Examination`]: the requests to an Authentication API in their order. What the answers show is said in `door_rules` and
//! `token_rules`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::token_rules::{self, Wanted};
use super::{door_rules as door, rules as rule};
use crate::cli::conformance::asker::{Ask, Asker, Heard, in_words};
use crate::cli::conformance::check::Check;
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::conformance::published::Published;
use crate::cli::error::CliError;
use crate::cli::wire::{Answer, Header, Reply, Shown, Victim};
use crate::crypto::tls_client::TlsVersion;
use crate::value::{Clock as _, SystemClock};

/// Nobody has such an entity.
const NO_SUCH: &str = "no-such-entity-7f3a9c";
/// What needs no escape in a path segment (RFC 3986 section 3.3).
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@').remove(b'+');

/// What cannot be an entity id, as it is written in a path.
const ODD: [(&str, &str); 6] = [
    ("nothing at all", ""),
    ("encoded slashes", "..%2f..%2fetc%2fpasswd"),
    ("an encoded NUL", "x%00"),
    ("an encoded line end", "x%0d%0aX-A:%20b"),
    ("bytes that are no UTF-8", "%ff%fe"),
    ("quotes", "%27%20OR%20%271%27=%271"),
];

/// Who asks, and for what.
pub(super) struct Parties {
    /// Whose token may be had.
    pub(super) entity: String,
    pub(super) own: Shown,
    /// An entity that `own` may not ask for.
    pub(super) other_entity: Option<String>,
    /// An enrolled certificate that may not ask for `entity`.
    pub(super) other: Option<Shown>,
    pub(super) stranger: Shown,
    pub(super) namesake: Shown,
    pub(super) expired: Shown,
    /// Headers in which some proxy or other hands over `own`.
    pub(super) forged: Vec<Header>,
    /// Public keys.
    pub(super) keys: Option<Published>,
    /// The server's own certificate is not looked at.
    pub(super) any_server: bool,
}

pub(super) struct Examination<'a> {
    pub(super) asker: Asker,
    pub(super) ledger: Ledger,
    /// Everything before an entity id.
    pub(super) base: String,
    pub(super) parties: &'a Parties,
}

impl Examination<'_> {
    /// All of it, or as far as it goes.
    pub(super) async fn run(&mut self) -> Result<(), CliError> {
        if !self.reach().await? {
            return Ok(());
        }
        self.strangers().await?;
        self.forged_headers().await?;
        if self.tokens().await? {
            self.sessions().await?;
            self.known().await?;
            self.odd_requests().await?;
        }
        Ok(())
    }

    /// The first request, without a certificate: whether there is a server at all, and whether it speaks TLS.
    async fn reach(&mut self) -> Result<bool, CliError> {
        let heard = self.ask(self.entity(), Ask::default()).await?;
        heard.reached()?;
        heard.listened_to()?;
        if has_no_tls(&heard) {
            // Some break off only those who show nothing.
            let own = self.ask(self.entity(), Ask { who: Some(&self.parties.own), ..Ask::default() }).await?;
            if has_no_tls(&own) {
                self.enter(&rule::TLS, &own, |_| Judgement::holds(""));
                return Ok(false);
            }
        }
        let trusted = match &heard.reply {
            Some(reply @ Reply::ServerNotVerified(_)) => Judgement::broken(in_words(reply)),
            _ if self.parties.any_server => Judgement::not_applicable("was not looked at (--insecure)"),
            _ => Judgement::holds("it does"),
        };
        let reached = !matches!(trusted, Judgement::Broken(_));
        self.ledger.enter(&rule::TLS_CERTIFICATE, &*heard.sent, trusted);
        if reached {
            self.enter(&rule::NO_CERTIFICATE, &heard, door::status(401));
        }
        Ok(reached)
    }

    async fn strangers(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        for (check, stranger) in [
            (&rule::STRANGER, &parties.stranger),
            (&rule::NAMESAKE, &parties.namesake),
            (&rule::EXPIRED_STRANGER, &parties.expired),
        ] {
            let heard = self.ask(self.entity(), Ask { who: Some(stranger), ..Ask::default() }).await?;
            self.enter(check, &heard, door::status(401));
        }
        let heard = self.ask(NO_SUCH.to_owned(), Ask { who: Some(&parties.stranger), ..Ask::default() }).await?;
        self.enter(&rule::CERTIFICATE_FIRST, &heard, door::status(401));
        Ok(())
    }

    async fn forged_headers(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        let (first, others) = parties.forged.split_at(1);
        for headers in [first, others] {
            for (check, who) in [(&rule::FORGED_ALONE, None), (&rule::FORGED_STRANGER, Some(&parties.stranger))] {
                let ask = Ask { who, headers: as_sent(headers), ..Ask::default() };
                let heard = self.ask(self.entity(), ask).await?;
                self.enter(check, &heard, door::not_believed);
            }
        }
        Ok(())
    }

    /// What can be seen only where a token was given: that somebody who is known is refused something else.
    async fn known(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        let theirs = Victim::of(&parties.other.as_ref().unwrap_or(&parties.stranger).certificate)?;
        let forged = theirs.sha1;
        let headers = vec![("X-SSL-Client-SHA1", forged.clone())];
        let heard = self.ask(self.entity(), Ask { who: Some(&parties.own), headers, ..Ask::default() }).await?;
        let own = parties.own.certificate.sha1.to_string();
        self.enter(&rule::FORGED_OWN, &heard, |answer| door::own_counts(answer, &own, &forged));
        let own = || Ask { who: Some(&parties.own), ..Ask::default() };
        let unknown = self.ask(NO_SUCH.to_owned(), own()).await?;
        self.enter(&rule::UNKNOWN_ENTITY, &unknown, door::status(404));
        if let Some(entity) = &parties.other_entity {
            let other = self.ask(encoded(entity), own()).await?;
            self.enter(&rule::OTHER_ENTITY, &other, door::status(404));
            if let (Some(unknown), Some(answer)) = (unknown.answer(), other.answer()) {
                let judgement = door::alike((unknown, NO_SUCH), (answer, entity));
                self.ledger.enter(&rule::OTHER_ENTITY_ALIKE, &*other.sent, judgement);
            }
        } else {
            for check in [&rule::OTHER_ENTITY, &rule::OTHER_ENTITY_ALIKE] {
                self.ledger.enter(check, "", Judgement::not_applicable("no such entity was given (--other-entity)"));
            }
        }
        if let Some(other) = &parties.other {
            let heard = self.ask(self.entity(), Ask { who: Some(other), ..Ask::default() }).await?;
            self.enter(&rule::OTHER_CERTIFICATE, &heard, door::status(404));
        } else {
            let none = Judgement::not_applicable("no such certificate was given (--other-cert, --other-key)");
            self.ledger.enter(&rule::OTHER_CERTIFICATE, "", none);
        }
        Ok(())
    }

    /// A token, and another one. Whether there was one.
    async fn tokens(&mut self) -> Result<bool, CliError> {
        let parties = self.parties;
        let own = || Ask { who: Some(&parties.own), ..Ask::default() };
        let first = self.ask(self.entity(), own()).await?;
        first.listened_to()?;
        let given = match first.answer() {
            Some(answer) => self.token(answer),
            None => vec![(&rule::TOKEN_GIVEN, first.judged(|_| Judgement::holds("")))],
        };
        for (check, judgement) in &given {
            self.ledger.enter(check, &*first.sent, judgement.clone());
        }
        if first.answer().is_none_or(|answer| answer.status != 200) {
            return Ok(false);
        }
        let second = self.ask(self.entity(), own()).await?;
        let judgement = second.judged(|answer| token_rules::as_good_as(&given, &self.token(answer)));
        self.ledger.enter(&rule::SECOND_TOKEN, &*second.sent, judgement);
        let newest = self.ask(self.entity(), Ask { version: Some(TlsVersion::Tls13), ..own() }).await?;
        self.enter(&rule::TLS_1_3, &newest, |answer| Judgement::holds(format!("status {}", answer.status)));
        Ok(true)
    }

    /// Clients offer the session of an earlier connection as a rule; the certificate is not shown again then.
    async fn sessions(&mut self) -> Result<(), CliError> {
        let (parties, target) = (self.parties, self.base.clone() + &self.entity());
        for (version, name) in [(TlsVersion::Tls12, "TLS 1.2"), (TlsVersion::Tls13, "TLS 1.3")] {
            let ask = Ask { target: &target, who: Some(&parties.own), version: Some(version), ..Ask::default() };
            let [begun, heard] = self.asker.ask_on_its_session(&ask).await?;
            // Somebody who speaks one of the two versions only is told so elsewhere.
            if let Some(given) = begun.answer().filter(|answer| answer.status == 200) {
                let judge = |answer: &Answer| door::in_a_session(answer, heard.resumed, given);
                let judgement = heard.judged(judge).about(name);
                self.ledger.enter(&rule::RESUMED_SESSION, &*heard.sent, judgement);
            }
        }
        Ok(())
    }

    fn token(&self, answer: &Answer) -> Vec<token_rules::Finding> {
        let now = SystemClock.now();
        let Parties { entity, own, keys, .. } = self.parties;
        token_rules::judged(answer, &Wanted { entity, certificate: &own.certificate, now, keys: keys.as_ref() })
    }

    async fn odd_requests(&mut self) -> Result<(), CliError> {
        let parties = self.parties;
        let own = || Ask { who: Some(&parties.own), ..Ask::default() };
        for (what, segment) in ODD {
            let heard = self.ask(segment.to_owned(), own()).await?;
            self.enter(&rule::ODD_ENTITIES, &heard, |answer| door::refused(answer).about(what));
        }
        let heard = self.ask("a".repeat(4_000), own()).await?;
        self.enter(&rule::LONG_ENTITY, &heard, door::refused);
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let body = matches!(method, "POST" | "PUT" | "PATCH").then(Vec::new);
            let heard = self.ask(self.entity(), Ask { method, body, ..own() }).await?;
            self.enter(&rule::OTHER_METHODS, &heard, |answer| door::no_such_method(answer).about(method));
            self.enter(&rule::ALLOW, &heard, door::allow);
        }
        let heard = self.ask(self.entity(), Ask { method: "HEAD", ..own() }).await?;
        self.enter(&rule::HEAD, &heard, door::head);
        Ok(())
    }

    /// Asks for this path segment, and looks at what holds for every answer.
    async fn ask(&mut self, segment: String, ask: Ask<'_>) -> Result<Heard, CliError> {
        let target = self.base.clone() + &segment;
        let heard = self.asker.ask(&Ask { target: &target, ..ask }).await?;
        if let Some(version) = heard.version {
            self.ledger.enter(&rule::TLS, &*heard.sent, Judgement::holds(version));
        }
        if let Some(answer) = heard.answer() {
            self.ledger.enter(&rule::NO_REDIRECT, &*heard.sent, door::no_redirect(answer));
            self.ledger.enter(&rule::NO_PRIVATE_KEY, &*heard.sent, door::no_private_key(answer));
            self.ledger.enter(&rule::WWW_AUTHENTICATE, &*heard.sent, door::www_authenticate(answer));
        }
        Ok(heard)
    }

    fn enter(&mut self, check: &'static Check, heard: &Heard, judge: impl FnOnce(&Answer) -> Judgement) {
        self.ledger.enter(check, &*heard.sent, heard.judged(judge));
    }

    fn entity(&self) -> String {
        encoded(&self.parties.entity)
    }
}

/// It was broken off before there was a version of TLS.
const fn has_no_tls(heard: &Heard) -> bool {
    matches!((&heard.reply, heard.version), (Some(Reply::BrokenOff(_)), None))
}

/// An entity id as it is written in a path.
pub(in crate::cli::conformance) fn encoded(entity: &str) -> String {
    utf8_percent_encode(entity, SEGMENT).to_string()
}

fn as_sent(headers: &[Header]) -> Vec<(&str, String)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}
