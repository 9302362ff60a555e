//! From a question to yes or no: identity, token, rules, in this order. Every decision is counted, and logged with what was
//! found out on the way.

use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::HttpRequest;
use actix_web::http::Version;

use super::state::ForwardAuth;
use crate::flow::route_rules::{OriginalRequest, Rule};
use crate::flow::verify::{VerifiedCaller, VerifyError};
use crate::protocol::presented::Presented;
use crate::store::Source;
use crate::value::{Kid, Pid};
use crate::web::auth_token::TokenHeaderFault;
use crate::web::identity::{IdentityFault, connection_address};
use crate::web::metrics::Outcome;
use crate::web::verdict::Denial;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Question<'a> {
    pub(super) presented: Result<Option<Presented>, IdentityFault>,
    pub(super) token: Result<&'a str, TokenHeaderFault>,
    pub(super) original: Option<OriginalRequest<'a>>,
}

/// What was found out, and what follows from it.
#[derive(Debug)]
pub(super) struct Decision {
    /// Who calls, as far as that was proven.
    caller: Option<VerifiedCaller>,
    /// The rule that covers the request.
    rule: Option<Box<str>>,
    presented: Option<Presented>,
    denial: Option<Denial>,
}

/// What the log says of the request besides.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) action: &'static str,
    pub(super) method: &'a str,
    pub(super) version: Version,
    pub(super) source: Source,
    pub(super) began: Instant,
    /// Whether a refusal is only watched.
    pub(super) shadow: bool,
}

impl<'a> Circumstances<'a> {
    /// Of this request, which is not only watched.
    pub(super) fn of(state: &ForwardAuth, http: &'a HttpRequest, began: Instant) -> Self {
        let address = state.identity.claimed_source(http).or_else(|| connection_address(http));
        Self {
            action: "token.verify",
            method: http.method().as_str(),
            version: http.version(),
            source: address.map_or(Source::Unix, Source::Address),
            began,
            shadow: false,
        }
    }
}

impl Decision {
    /// The caller, if the request may pass; else why not.
    pub(super) fn verdict(&self) -> Result<&VerifiedCaller, &Denial> {
        match (&self.denial, &self.caller) {
            (None, Some(caller)) => Ok(caller),
            (Some(denial), _) => Err(denial),
            // Without a denial there is a caller; if ever not, nobody passes.
            (None, None) => Err(&Denial::Token(TokenHeaderFault::Missing)),
        }
    }

    fn denied(presented: Option<Presented>, denial: impl Into<Denial>) -> Self {
        Self { caller: None, rule: None, presented, denial: Some(denial.into()) }
    }
}

/// Decides, by what is in force now.
pub(super) async fn decide(state: &ForwardAuth, question: &Question<'_>) -> Decision {
    let presented = match &question.presented {
        Ok(presented) => *presented,
        Err(fault) => return Decision::denied(None, fault.clone()),
    };
    let token = match question.token {
        Ok(token) => token,
        Err(fault) => return Decision::denied(presented, fault),
    };
    let in_force = state.in_force();
    let caller = match in_force.verifier.verify(token, presented, state.now()).await {
        Ok(caller) => caller,
        Err(error) => return Decision::denied(presented, error),
    };
    let rule_of = |rule: Option<&Rule>| rule.map(|rule| rule.name().into());
    let (rule, denial) = match in_force.rules.permit(&caller, question.original) {
        Ok(rule) => (rule_of(rule), None),
        Err(refusal) => (refusal.rule().map(Into::into), Some(Denial::from(refusal))),
    };
    Decision { caller: Some(caller), rule, presented, denial }
}

/// Counts and logs a decision. The path is not repeated: it may hold anything.
pub(super) fn record(
    state: &ForwardAuth,
    question: &Question<'_>,
    decision: &Decision,
    status: u16,
    circumstances: &Circumstances<'_>,
) {
    let denial = decision.verdict().err();
    let outcome = match (denial, circumstances.shadow) {
        (None, _) => Outcome::Accepted,
        (Some(_), false) => Outcome::Refused,
        (Some(_), true) => Outcome::Shadow,
    };
    let took = circumstances.began.elapsed();
    state.metrics.verified(outcome, denial.map_or("", Denial::reason), took);
    if !state.access_log.load(Ordering::Relaxed) {
        return;
    }
    let caller = decision.caller.as_ref();
    let (issuer, key) = denial.map_or((None, None), named);
    tracing::info!(
        target: "access",
        method = circumstances.method,
        version = ?circumstances.version,
        action = circumstances.action,
        status,
        result = outcome.as_str(),
        reason = denial.map(Denial::reason),
        evidence = denial.map(evidence),
        pid = caller.map(VerifiedCaller::pid).or(issuer).map(tracing::field::display),
        entity = caller.map(|caller| tracing::field::display(caller.entity())),
        class = caller.map(|caller| tracing::field::display(caller.class())),
        kid = caller.map(VerifiedCaller::kid).or(key).map(tracing::field::display),
        sha1 = decision.presented.map(|presented| tracing::field::display(presented.sha1)),
        original_method = question.original.and_then(known_method),
        rule = decision.rule.as_deref(),
        source = %circumstances.source,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
}

/// What was found wrong, in words. A token's own words may be among them: nothing in them may look like another line.
fn evidence(denial: &Denial) -> String {
    denial
        .to_string()
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Whom a token that was refused claimed to be from, where the refusal hangs on it.
const fn named(denial: &Denial) -> (Option<Pid>, Option<&Kid>) {
    match denial {
        Denial::Verify(VerifyError::UnknownKey { issuer, kid } | VerifyError::DistrustedKey { issuer, kid }) => {
            (Some(*issuer), Some(kid))
        }
        Denial::Verify(VerifyError::UnknownIssuer(issuer) | VerifyError::DistrustedIssuer(issuer)) => {
            (Some(*issuer), None)
        }
        _ => (None, None),
    }
}

/// The method as a log line may have it: a proxy may hand over any text.
fn known_method(original: OriginalRequest<'_>) -> Option<&str> {
    let method = original.method;
    (method.len() <= 16 && method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')).then_some(method)
}
