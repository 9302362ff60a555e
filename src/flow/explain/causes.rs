//! What is likely behind a no, in words. Guesses, each from evidence that it names; nothing is decided here.

use super::question::Question;
use crate::crypto::digest::sha1_fingerprint;
use crate::flow::verify::{VerifiedCaller, Verifier, VerifyError};
use crate::protocol::key_set::KeySet;
use crate::protocol::token_claims::{ClaimSource, TokenTimes};
use crate::protocol::unverified::{DecodedToken, FormError, PeekedClaims, SignatureError, UnverifiedToken};
use crate::value::{Kid, Pid, Sha1Fingerprint, Timestamp};

/// The likely causes of a verdict, the likeliest first.
pub(super) fn of(
    verifier: &Verifier,
    question: &Question<'_>,
    verdict: &Result<VerifiedCaller, VerifyError>,
) -> Vec<String> {
    let held = verifier.keys().load();
    match verdict {
        Ok(_) => of_a_yes(question),
        Err(VerifyError::Form(error)) => of_form(question.token, error),
        Err(VerifyError::Expired { exp, now, .. }) => of_lateness(*exp, *now),
        Err(VerifyError::NotYet { from, now, .. }) => {
            let seconds = from.seconds_since(*now);
            vec![format!(
                "clocks: the clock here is at least {seconds} s behind, or the issuer's is {seconds} s ahead; a leeway of \
                 {seconds} s would let it pass, a time server would mend it"
            )]
        }
        Err(VerifyError::UnknownIssuer(issuer)) => vec![of_unknown_issuer(&held.set, *issuer)],
        Err(VerifyError::UnknownKey { issuer, kid }) => of_unknown_key(&held.set, *issuer, kid),
        Err(VerifyError::Signature(SignatureError::Bad(_))) => of_bad_signature(&held.set, question.token),
        Err(VerifyError::HolderMismatch { bound, presented }) => of_other_holder(question, *bound, *presented),
        Err(VerifyError::NothingPresented) => vec![
            "give the certificate with --cert or its fingerprint with --fingerprint; if a verifier says this of a request, \
             its proxy did not hand over the client's certificate"
                .to_owned(),
        ],
        Err(VerifyError::NotBound) => vec![
            "the issuer does not write bobHok; ask it to, or accept bearer tokens (holder_of_key = \"if-present\")".to_owned(),
        ],
        Err(error) => of_policy(error),
    }
}

fn of_a_yes(question: &Question<'_>) -> Vec<String> {
    let Some(written) = claim(question.token, "bobHok") else { return Vec::new() };
    if written.bytes().any(|b| b.is_ascii_uppercase()) {
        return vec![
            "bobHok is written in upper case: a verifier that compares texts and not bytes would refuse this token"
                .to_owned(),
        ];
    }
    Vec::new()
}

fn of_form(token: &str, error: &FormError) -> Vec<String> {
    let trimmed = token.trim();
    let cause = match error {
        _ if trimmed.starts_with('{') => {
            "this is the JSON answer of the Authentication API; the token is its member jwtCompact"
        }
        FormError::Parts(5) => "five parts are an encrypted token (JWE), which BoB does not know",
        FormError::Parts(1 | 2) => "the token was cut short, perhaps at a line's end or by a header limit",
        FormError::Base64(_) if token.starts_with("Bearer ") => {
            "X-BoB-AuthToken holds the bare token, without a scheme"
        }
        FormError::Base64(_) if token != trimmed || token.contains(['\n', '\r', ' ']) => {
            "there is white space in or around the token"
        }
        FormError::Base64(_) if token.contains(['+', '/', '=']) => {
            "it is written in plain base64, or with padding; tokens use base64url without padding"
        }
        FormError::Issuer => "iss must be the participant id as a string: \"34\", not 34",
        FormError::Kid => "the issuer signs without a kid, so its key cannot be found",
        FormError::Type => "this is another kind of token, not one for BoB's APIs",
        _ => return Vec::new(),
    };
    vec![cause.to_owned()]
}

fn of_lateness(exp: Timestamp, now: Timestamp) -> Vec<String> {
    let late = now.seconds_since(exp);
    let mut causes =
        vec![format!("the client went on using a token that ended {late} s ago: it is to fetch a new one before")];
    if late < 600 {
        causes.push(format!("or clocks: the clock here is {late} s ahead, or the issuer's as much behind"));
    }
    causes
}

fn of_unknown_issuer(set: &KeySet, issuer: Pid) -> String {
    let mut known: Vec<Pid> = set.issuers().collect();
    known.sort_unstable();
    let known: Vec<String> = known.iter().take(SHOWN).map(ToString::to_string).collect();
    format!(
        "participant {issuer} is not in this key set (which knows {}): a set of another environment, one that is too old, or \
         an issuer that nobody agreed upon",
        if known.is_empty() { "nobody".to_owned() } else { known.join(", ") }
    )
}

fn of_unknown_key(set: &KeySet, issuer: Pid, kid: &Kid) -> Vec<String> {
    let elsewhere: Vec<String> =
        set.issuers().filter(|other| set.find(*other, kid).is_ok()).map(|other| other.to_string()).collect();
    if !elsewhere.is_empty() {
        return vec![format!(
            "the kid {kid} is known under participant {}, and a key serves its own participant only: the token names the \
             wrong issuer, or the key was published for the wrong one",
            elsewhere.join(" and ")
        )];
    }
    let known: Vec<&str> = set.keys_of(issuer).iter().take(SHOWN).map(|key| key.kid.as_str()).collect();
    vec![format!(
        "participant {issuer} is known with {}: the key was not published yet, was withdrawn, or this set is too old",
        if known.is_empty() { "no key".to_owned() } else { known.join(", ") }
    )]
}

fn of_bad_signature(set: &KeySet, token: &str) -> Vec<String> {
    match signed_by(set, token) {
        Some((pid, kid)) => {
            vec![format!("the signature is that of the key {kid} of participant {pid}: the token names the wrong key")]
        }
        None => vec![
            "the issuer signs with another key than it published under this kid, or the token was changed on its way"
                .to_owned(),
        ],
    }
}

/// Whose signature it is, if it is that of any key we know. Only to tell people; a verifier never searches.
fn signed_by(set: &KeySet, token: &str) -> Option<(Pid, Kid)> {
    let decoded = DecodedToken::decode(token, token.len()).ok()?;
    let mut issuers = set.issuers().flat_map(|pid| set.keys_of(pid).iter().map(move |key| (pid, key)));
    let (pid, key) = issuers
        .find(|(_, key)| UnverifiedToken::read(&decoded).is_ok_and(|unverified| unverified.verify(&key.key).is_ok()))?;
    Some((pid, key.kid.clone()))
}

fn of_other_holder(question: &Question<'_>, bound: Sha1Fingerprint, presented: Sha1Fingerprint) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some(certificate) = question.certificate {
        let pem = [pem_of(&certificate.der, ""), pem_of(&certificate.der, "\n")];
        if pem.iter().any(|pem| sha1_fingerprint(pem.as_bytes()) == bound) {
            causes.push(
                "bobHok is the SHA-1 of the certificate's PEM text; it must be that of its DER (a proxy that hashes the text \
                 does this)"
                    .to_owned(),
            );
        }
        if issued(question.token).is_some_and(|issued| certificate.not_before > issued) {
            causes.push(format!(
                "the certificate was renewed: it begins at {}, after the token was issued; the client is to fetch a new token",
                certificate.not_before
            ));
        }
    }
    causes.push(format!(
        "the token was issued to the holder of {bound}, and {presented} was presented: two different certificates"
    ));
    causes
}

fn of_policy(error: &VerifyError) -> Vec<String> {
    let cause = match error {
        VerifyError::LivesTooLong { seconds, .. } => {
            format!("the issuer grants {seconds} s; agree on less, or raise max_lifetime")
        }
        VerifyError::NotAllowed { issuer, class } => format!("allow {issuer}:{class}, if that was agreed"),
        VerifyError::ThumbprintMismatch { presented: None, .. } => {
            "the token is bound by SHA-256 only, and the proxy hands over a SHA-1; let it hand over the certificate itself".to_owned()
        }
        VerifyError::KeySetExpired { .. } => {
            "the set has not been fetched for days: look at what fetches it, or at the clock here".to_owned()
        }
        VerifyError::Audience => "set the audience that was agreed upon, or ask the issuer to leave aud out".to_owned(),
        _ => return Vec::new(),
    };
    vec![cause]
}

/// The most names that a sentence lists.
const SHOWN: usize = 8;

/// A claim as text, as it stands there.
fn claim(token: &str, name: &str) -> Option<String> {
    let decoded = DecodedToken::decode(token, token.len()).ok()?;
    PeekedClaims::of(&decoded).ok()?.claim(name)?.as_text().map(str::to_owned)
}

fn issued(token: &str) -> Option<Timestamp> {
    let decoded = DecodedToken::decode(token, token.len()).ok()?;
    let times = TokenTimes::read(&PeekedClaims::of(&decoded).ok()?).ok()?;
    times.iat.or(times.nbf)
}

/// PEM as OpenSSL writes it, with this at its end.
fn pem_of(der: &[u8], end: &str) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----{end}", lines.join("\n"))
}
