//! What the answers of a service that takes tokens show of the rules. Pure: nothing is asked here.

use crate::cli::conformance::asker::shortened;
use crate::cli::conformance::ledger::Judgement;
use crate::cli::wire::Answer;

/// Parts of a token that are shorter may stand in an answer by chance.
const TELLING: usize = 20;

/// It got past the guard; what the service made of it is its own affair.
pub(super) fn let_in(answer: &Answer) -> Judgement {
    Judgement::of(is_let_in(answer), format!("status {}", answer.status))
}

/// Neither a refusal, nor a redirect, nor a failure.
pub(super) const fn is_let_in(answer: &Answer) -> bool {
    !matches!(answer.status, 300..=399 | 401 | 403 | 500..=599)
}

/// Refused by the guard: not what the good token got, and with no 5xx.
pub(super) fn refused(good: u16) -> impl FnOnce(&Answer) -> Judgement {
    move |answer| {
        let kept = (400..500).contains(&answer.status) && answer.status != good;
        Judgement::of(kept, format!("status {}", answer.status))
    }
}

/// This status and no other.
pub(super) fn status(wanted: u16) -> impl FnOnce(&Answer) -> Judgement {
    move |answer| Judgement::of(answer.status == wanted, format!("status {}", answer.status))
}

/// To somebody who shows no certificate, in a session that the token's certificate may have begun.
pub(super) fn in_a_session(answer: &Answer, resumed: bool) -> Judgement {
    let status = answer.status;
    if !resumed {
        return Judgement::holds(format!("status {status}: the session was not taken up again"));
    }
    let forgotten =
        if is_let_in(answer) { "" } else { ": the session was taken up again and its certificate forgotten" };
    Judgement::of(is_let_in(answer), format!("status {status}{forgotten}"))
}

/// A refusal for the token, as the standard has it.
pub(super) fn with_401(answer: &Answer) -> Judgement {
    match answer.status {
        401 => Judgement::holds("status 401"),
        other @ 400..=499 => Judgement::broken(format!("status {other}")),
        other => Judgement::not_applicable(format!("status {other}")),
    }
}

/// A refusal says nothing that lets a cache keep it. Without a word 401 and 403 are not kept (RFC 9110 section 15.1).
pub(super) fn not_cacheable(answer: &Answer) -> Judgement {
    if !matches!(answer.status, 401 | 403) {
        return Judgement::not_applicable(format!("status {}", answer.status));
    }
    let cache = answer.field("cache-control").unwrap_or_default().to_ascii_lowercase();
    let directives: Vec<&str> = cache.split(',').map(str::trim).collect();
    if directives.iter().any(|directive| matches!(*directive, "no-store" | "no-cache")) {
        return Judgement::holds(shortened(&cache));
    }
    let keeps = |directive: &str| {
        let age = directive.strip_prefix("max-age=").or_else(|| directive.strip_prefix("s-maxage="));
        directive == "public" || age.is_some_and(|age| age.trim_matches('"') != "0")
    };
    if directives.iter().any(|directive| keeps(directive)) {
        return Judgement::broken(format!("Cache-Control: {}", shortened(&cache)));
    }
    match answer.field("expires") {
        Some(expires) if answer.field("date").is_some_and(|date| date != expires) && expires.len() > 2 => {
            Judgement::broken(format!("Expires: {}", shortened(expires)))
        }
        _ => Judgement::holds("nothing lets a cache keep it"),
    }
}

/// A refusal repeats no part of the token that was sent.
pub(super) fn no_echo(token: &str) -> impl FnOnce(&Answer) -> Judgement {
    move |answer| {
        if answer.status < 400 {
            return Judgement::not_applicable(format!("status {}", answer.status));
        }
        let body = String::from_utf8_lossy(&answer.body);
        let repeats = |part: &str| {
            part.len() >= TELLING
                && (body.contains(part) || answer.fields.iter().any(|(_, value)| value.contains(part)))
        };
        let any = token.split('.').any(repeats);
        let seen = if any { "it repeats a part of the token" } else { "no part of a token in it" };
        Judgement::of(!any, format!("status {}: {seen}", answer.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_another_answer_than_the_good_token_got() {
        let of = |good, status| Judgement::is_kept(&refused(good)(&Answer::sample(status, &[], "")));
        assert!(of(200, 401) && of(200, 400) && of(422, 401));
        assert!(!of(422, 422) && !of(200, 200) && !of(200, 500) && !of(200, 302));
    }

    #[test]
    fn a_refusal_may_be_kept_only_if_it_says_so() {
        let of = |fields: &[(&str, &str)]| Judgement::is_kept(&not_cacheable(&Answer::sample(401, fields, "")));
        assert!(of(&[]) && of(&[("Cache-Control", "no-store, max-age=60")]) && of(&[("cache-control", "max-age=0")]));
        assert!(of(&[("Date", "a date"), ("Expires", "a date")]) && of(&[("Date", "a date"), ("Expires", "0")]));
        assert!(!of(&[("Cache-Control", "private, max-age=60")]) && !of(&[("Cache-Control", "Public")]));
        assert!(!of(&[("Date", "a date"), ("Expires", "a later date")]));
    }

    #[test]
    fn a_part_of_the_token_in_a_refusal_is_found_in_body_and_headers() {
        let token = format!("{}.{}.{}", "h".repeat(30), "p".repeat(30), "s".repeat(30));
        let of = |answer: &Answer| no_echo(&token)(answer);
        assert!(Judgement::is_kept(&of(&Answer::sample(401, &[], "hpsh"))));
        assert!(matches!(of(&Answer::sample(401, &[], &format!("bad: {}", "s".repeat(30)))), Judgement::Broken(_)));
        assert!(matches!(of(&Answer::sample(401, &[("X", &"p".repeat(31))], "")), Judgement::Broken(_)));
        assert!(matches!(of(&Answer::sample(200, &[], &token)), Judgement::NotApplicable(_)));
    }
}
