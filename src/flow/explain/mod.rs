//! The flow `explain`: every check of a verification with its outcome, and the likely cause of a no, for people. The verdict
//! is the verifier's own; what follows a failed check is looked at all the same, and opens no door.

mod causes;
mod question;
#[cfg(test)]
mod tests;

pub use self::question::Question;
use super::verify::{VerifiedCaller, Verifier, VerifyError, checks};
use crate::protocol::token_claims::{ClaimSource, TokenClaims, TokenTimes};
use crate::protocol::unverified::{DecodedToken, PeekedClaims, UnverifiedToken};
use crate::value::Pid;

/// The answer.
#[derive(Debug)]
pub struct Explanation {
    /// What the verifier says.
    pub verdict: Result<VerifiedCaller, VerifyError>,
    /// Every check, in order.
    pub checks: Vec<Checked>,
    /// What is likely behind a no, or worth knowing about a yes; the likeliest first.
    pub causes: Vec<String>,
}

/// A check and what came of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was checked.
    pub check: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well; what was found.
    Passed(String),
    /// It fails.
    Failed(VerifyError),
    /// It could not be made.
    NotReached,
}

/// The checks, in order.
const CHECKS: [&str; 9] =
    ["form", "key set", "key", "signature", "times", "claims", "holder of key", "audience", "permission"];

/// Explains what the verifier does with this token.
pub fn explain(verifier: &Verifier, question: &Question<'_>) -> Explanation {
    let verdict = verifier.verify(question.token, question.presented, question.now);
    let mut outcomes = outcomes(verifier, question);
    outcomes.resize_with(CHECKS.len(), || Outcome::NotReached);
    let checks = CHECKS.into_iter().zip(outcomes).map(|(check, outcome)| Checked { check, outcome }).collect();
    let causes = causes::of(verifier, question, &verdict);
    Explanation { verdict, checks, causes }
}

/// What came of the checks, as far as they could be made.
fn outcomes(verifier: &Verifier, question: &Question<'_>) -> Vec<Outcome> {
    let (policy, held) = (verifier.policy(), verifier.keys().load());
    let decoded = match DecodedToken::decode(question.token, policy.max_token_bytes) {
        Ok(decoded) => decoded,
        Err(error) => return vec![Outcome::Failed(error.into())],
    };
    let unverified = match UnverifiedToken::read(&decoded) {
        Ok(unverified) => unverified,
        Err(error) => return vec![Outcome::Failed(error.into())],
    };
    let issuer = unverified.issuer();
    let mut outcomes = vec![Outcome::Passed(format!("{} bytes in three parts", question.token.len()))];
    let fresh = checks::set_is_fresh(&held.set, question.now);
    outcomes
        .push(outcome(fresh.map(|()| format!("{} keys of {} issuers", held.set.len(), held.set.issuers().count()))));
    match checks::key_of(&held.set, policy, &unverified) {
        Ok(key) => {
            let (kid, algorithm) = (unverified.kid().clone(), key.algorithm());
            outcomes.push(Outcome::Passed(format!("{kid} of participant {issuer}, {algorithm}")));
            let signed = unverified.verify(key);
            outcomes.push(outcome(signed.map(|_| "made with that key".to_owned()).map_err(VerifyError::from)));
        }
        Err(error) => outcomes.extend([Outcome::Failed(error), Outcome::NotReached]),
    }
    if let Ok(claims) = PeekedClaims::of(&decoded) {
        outcomes.extend(outcomes_of_claims(verifier, question, issuer, &claims));
    }
    outcomes
}

/// Times, claims, holder, audience, permission: whether or not anybody signed them.
fn outcomes_of_claims(
    verifier: &Verifier,
    question: &Question<'_>,
    issuer: Pid,
    claims: &impl ClaimSource,
) -> Vec<Outcome> {
    let policy = verifier.policy();
    let times = TokenTimes::read(claims).map_err(VerifyError::from);
    let times = times.and_then(|times| checks::counts_now(&times, policy, question.now).map(|()| times));
    let mut outcomes = vec![outcome(times.map(|times| format!("until {}", times.exp)))];
    let claims = match TokenClaims::read(claims) {
        Ok(claims) => claims,
        Err(error) => {
            outcomes.push(Outcome::Failed(error.into()));
            return outcomes;
        }
    };
    outcomes.push(Outcome::Passed(format!("entity {}, class {}", claims.entity, claims.class)));
    let holder = checks::holder(&claims, policy, question.presented.as_ref())
        .and_then(|compared| checks::certificate_is_trusted(policy, question.presented.as_ref()).map(|()| compared));
    outcomes.push(outcome(holder.map(|compared| match compared {
        Some(sha1) => format!("the certificate {sha1}"),
        None => "not asked for".to_owned(),
    })));
    outcomes.push(outcome(checks::is_for_us(&claims, policy).map(|()| "as it should be".to_owned())));
    let allowed = checks::may_call(&policy.allow, issuer, &claims.class);
    outcomes.push(outcome(allowed.map(|()| format!("class {} of participant {issuer} may call", claims.class))));
    outcomes
}

fn outcome(result: Result<String, VerifyError>) -> Outcome {
    result.map_or_else(Outcome::Failed, Outcome::Passed)
}
