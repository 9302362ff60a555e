//! [`Refusal`]: every reason for which a request to the registry is refused, and the one table from it to the wire.
//!
//! Who proved nothing is told the id of a reason and no more, and the ids do not tell which participants and keys there are:
//! what stands before a signature that verifies has one id. Who proved himself is told what is wrong in words.

use std::time::Duration;

use actix_web::http::header;
use serde_json::json;

use super::reply::Reply;
use crate::flow::register::Refused;
use crate::protocol::pop::PopError;
use crate::protocol::wire;
use crate::store::StoreError;
use crate::web::problem::{HEADERS_TOO_LARGE, METHOD_NOT_ALLOWED, NOT_FOUND, Problem, TOO_MANY_REQUESTS, TYPE_PREFIX};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No place of the API.
    #[error("there is nothing at this path")]
    NothingHere,
    /// A place without this operation; it has these.
    #[error("at this path there are {0} only")]
    MethodNotAllowed(String),
    /// Too many bytes of headers.
    #[error("the headers are longer than limits.header_bytes")]
    HeadersTooLarge,
    /// Too many requests from one address.
    #[error("one address asks more often than limits.requests_per_source allows")]
    SourceRate(Duration),
    /// Too many requests of one participant.
    #[error("the participant asks more often than registry_server.requests_per_participant allows")]
    ParticipantRate(Duration),
    /// A body of more bytes than are read.
    #[error("the body is longer than registry_server.body_bytes")]
    BodyTooLarge,
    /// A body that did not come, or not in time.
    #[error("the body did not arrive")]
    BodyUnread,
    /// `If-Match` in another form than it has, or more than once; or a signed header more than once.
    #[error("a header stands there twice or is not written as it should be")]
    MalformedHeader,
    /// Nobody proved anything.
    #[error(transparent)]
    Unproven(#[from] PopError),
    /// No room for another proof.
    #[error("no more proofs can be remembered (registry_server.proofs)")]
    ProofsFull,
    /// Changes are being folded into the set.
    #[error("changes are being folded into the set")]
    Folding(Duration),
    /// There is no set, or none that could be used.
    #[error("there is no set that may be used")]
    NoSet,
    /// There is no key that signs answers, and nobody would believe one without.
    #[error("there is no key that signs answers; `bob-auth registry-admin anchor generate --role response` makes one")]
    NoAnswerKey,
    /// The register says no.
    #[error(transparent)]
    Register(#[from] Refused),
}

/// The proof is missing.
const PROOF_REQUIRED: Problem = Problem {
    id: "proof-required",
    status: 401,
    title: "A proof of possession is required",
    detail: "The request has no proof of possession of a metadata key of the participant in the path.",
};
/// It does not count.
const PROOF_NOT_ACCEPTED: Problem = Problem {
    id: "proof-not-accepted",
    status: 401,
    title: "The proof of possession is not accepted",
    detail: "The proof does not count for this participant, this request and this time; the reason says why.",
};
/// The id of a key is taken.
const KEY_ID_USED: Problem = Problem {
    id: "key-id-used",
    status: 403,
    title: "The key id has been used",
    detail: "The id names or named another key. A new key needs a new id, also after the old one was deleted.",
};
/// The body does not read.
const MALFORMED_BODY: Problem = Problem {
    id: "malformed-body",
    status: 400,
    title: "The body is malformed",
    detail: "The body is not what this operation takes.",
};
/// A header does not read.
const MALFORMED_HEADER: Problem = Problem {
    id: "malformed-header",
    status: 400,
    title: "A header is malformed",
    detail: "If-Match is not written as it should be, or a header that is signed stands there more than once.",
};
/// The set is about to change.
const SET_CHANGING: Problem = Problem {
    id: "set-changing",
    status: 409,
    title: "The set is being updated",
    detail: "Changes are being folded into the set. Wait for the time in Retry-After.",
};
/// It is not what it was.
const PRECONDITION_FAILED: Problem = Problem {
    id: "precondition-failed",
    status: 412,
    title: "It has changed meanwhile",
    detail: "What is there is not, or no longer, what If-Match names. Read it again.",
};
/// Too many bytes of body.
const BODY_TOO_LARGE: Problem = Problem {
    id: "body-too-large",
    status: 413,
    title: "The body is too large",
    detail: "The body is longer than this registry accepts.",
};
/// The registry cannot work.
const REGISTRY_UNAVAILABLE: Problem = Problem {
    id: "registry-unavailable",
    status: 503,
    title: "The registry is not available at the moment",
    detail: "The request was in order as far as it was looked at, and nothing was changed. Try again later.",
};
const NOTHING_HERE: Problem = Problem {
    detail: "There is nothing at this path. The Participant Metadata API is at /api/v2/participantMetadata.",
    ..NOT_FOUND
};
const NO_SUCH_THING: Problem = Problem { detail: "The participant has nothing at this path.", ..NOT_FOUND };
const NO_SUCH_METHOD: Problem = Problem { detail: "Allow says what can be done at this path.", ..METHOD_NOT_ALLOWED };
const SLOWER: Problem = Problem { detail: "Wait for the time in Retry-After.", ..TOO_MANY_REQUESTS };

/// Every problem of the registry, for the documentation. What is not acceptable (422) is told in a JSON string.
pub const ALL: [Problem; 13] = [
    MALFORMED_BODY,
    MALFORMED_HEADER,
    PROOF_REQUIRED,
    PROOF_NOT_ACCEPTED,
    KEY_ID_USED,
    NO_SUCH_THING,
    NO_SUCH_METHOD,
    SET_CHANGING,
    PRECONDITION_FAILED,
    BODY_TOO_LARGE,
    SLOWER,
    HEADERS_TOO_LARGE,
    REGISTRY_UNAVAILABLE,
];

/// Every reason id with the status of its answer, for the documentation.
pub const REASONS: [(&str, u16); 29] = [
    ("malformed_body", 400),
    ("malformed_header", 400),
    ("body_unread", 400),
    ("pop_missing", 401),
    ("pop_malformed", 401),
    ("pop_unknown_key", 401),
    ("pop_algorithm", 401),
    ("pop_signature", 401),
    ("pop_unsigned_part", 401),
    ("pop_other_request", 401),
    ("pop_time", 401),
    ("pop_replayed", 401),
    ("not_yours", 401),
    ("kid_reused", 403),
    ("nothing_here", 404),
    ("not_found", 404),
    ("method_not_allowed", 405),
    ("set_changing", 409),
    ("precondition_failed", 412),
    ("body_too_large", 413),
    ("unacceptable", 422),
    ("too_many_entries", 422),
    ("participant_rate", 429),
    ("source_rate", 429),
    ("headers_too_large", 431),
    ("proofs_full", 503),
    ("no_set", 503),
    ("store_failed", 503),
    ("no_answer_key", 503),
];

/// When to come again after an answer 503.
const LATER: Duration = Duration::from_secs(5);

impl Refusal {
    /// The stable id of the reason, for log and metrics.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::NothingHere => "nothing_here",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::HeadersTooLarge => "headers_too_large",
            Self::SourceRate(_) => "source_rate",
            Self::ParticipantRate(_) => "participant_rate",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyUnread => "body_unread",
            Self::MalformedHeader => "malformed_header",
            Self::Unproven(error) => error.reason(),
            Self::ProofsFull => "proofs_full",
            Self::Folding(_) => "set_changing",
            Self::NoSet => "no_set",
            Self::NoAnswerKey => "no_answer_key",
            Self::Register(refused) => refused.reason(),
        }
    }

    /// The id that the caller is told. A stranger who guesses ids of keys must not learn which ones there are.
    pub(super) const fn told(&self) -> &'static str {
        match self {
            Self::Unproven(PopError::Algorithm | PopError::Signature | PopError::UnknownKey)
            | Self::Register(Refused::NotYours(_)) => PopError::UnknownKey.reason(),
            other => other.reason(),
        }
    }

    const fn problem(&self) -> Problem {
        match self {
            Self::NothingHere => NOTHING_HERE,
            Self::MethodNotAllowed(_) | Self::Register(Refused::MethodNotHere(_)) => NO_SUCH_METHOD,
            Self::HeadersTooLarge => HEADERS_TOO_LARGE,
            Self::SourceRate(_) | Self::ParticipantRate(_) => SLOWER,
            Self::BodyTooLarge => BODY_TOO_LARGE,
            Self::MalformedHeader => MALFORMED_HEADER,
            Self::Unproven(PopError::Missing) => PROOF_REQUIRED,
            Self::Unproven(_) | Self::Register(Refused::NotYours(_) | Refused::Replayed) => PROOF_NOT_ACCEPTED,
            Self::Folding(_) => SET_CHANGING,
            Self::ProofsFull | Self::NoSet | Self::NoAnswerKey | Self::Register(Refused::Store(_)) => {
                REGISTRY_UNAVAILABLE
            }
            Self::Register(Refused::NotFound(_)) => NO_SUCH_THING,
            Self::Register(Refused::KidReused(_)) => KEY_ID_USED,
            Self::BodyUnread
            | Self::Register(Refused::Malformed(_) | Refused::Unacceptable(_) | Refused::TooMany { .. }) => {
                MALFORMED_BODY
            }
            Self::Register(Refused::PreconditionFailed) => PRECONDITION_FAILED,
        }
    }

    /// What the caller is told in words besides.
    fn words(&self) -> Option<String> {
        match self {
            Self::Register(refused @ (Refused::Malformed(_) | Refused::KidReused(_))) => Some(refused.to_string()),
            _ => None,
        }
    }

    /// The answer.
    pub(super) fn reply(&self) -> Reply {
        if let Self::Register(refused @ (Refused::Unacceptable(_) | Refused::TooMany { .. })) = self {
            return Reply::of(422).content(wire::JSON, json!(refused.to_string()).to_string());
        }
        let problem = self.problem();
        let detail = self.words().unwrap_or_else(|| problem.detail.to_owned());
        let body = json!({
            "type": format!("{TYPE_PREFIX}{}", problem.id),
            "title": problem.title,
            "status": problem.status,
            "detail": detail,
            "reason": self.told(),
        });
        let reply = Reply::of(problem.status).content(wire::PROBLEM_JSON, body.to_string());
        match self {
            Self::MethodNotAllowed(allowed) => reply.with(header::ALLOW, allowed.clone()),
            Self::SourceRate(wait) | Self::ParticipantRate(wait) | Self::Folding(wait) => {
                reply.with(header::RETRY_AFTER, (wait.as_secs() + 1).to_string())
            }
            Self::ProofsFull | Self::NoSet | Self::NoAnswerKey | Self::Register(Refused::Store(_)) => {
                reply.with(header::RETRY_AFTER, LATER.as_secs().to_string())
            }
            _ => reply,
        }
    }

    /// Whether somebody must look after the registry itself.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::ProofsFull | Self::NoSet | Self::NoAnswerKey | Self::Register(Refused::Store(_)))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Register(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::pop::Part;
    use crate::protocol::registry::body::BodyError;
    use crate::protocol::registry::operation::Place;
    use crate::value::Timestamp;

    fn refusals() -> Vec<Refusal> {
        let place = Place::parse("/participantMetadata/34").unwrap();
        let now = Timestamp::from_seconds(0);
        let kid = "34:1".parse().unwrap();
        let proofs = [
            PopError::Missing,
            PopError::Malformed,
            PopError::Algorithm,
            PopError::Signature,
            PopError::Unsigned(Part::Body),
            PopError::Differs(Part::Host),
            PopError::Time { signed_at: now, now },
            PopError::UnknownKey,
            PopError::Replayed,
        ];
        let register = [
            Refused::NotFound(place.clone()),
            Refused::NotYours(place.clone()),
            Refused::MethodNotHere(place),
            Refused::KidReused(kid),
            Refused::Malformed(BodyError::DomainName),
            Refused::Unacceptable("so".to_owned()),
            Refused::TooMany { what: "keys", most: 1 },
            Refused::PreconditionFailed,
            Refused::Replayed,
            Refused::Store(StoreError::Full),
        ];
        let second = Duration::from_secs(1);
        let own = [
            Refusal::NothingHere,
            Refusal::MethodNotAllowed("GET".to_owned()),
            Refusal::HeadersTooLarge,
            Refusal::SourceRate(second),
            Refusal::ParticipantRate(second),
            Refusal::BodyTooLarge,
            Refusal::BodyUnread,
            Refusal::MalformedHeader,
            Refusal::ProofsFull,
            Refusal::Folding(second),
            Refusal::NoSet,
            Refusal::NoAnswerKey,
        ];
        own.into_iter()
            .chain(proofs.into_iter().map(Refusal::from))
            .chain(register.into_iter().map(Refusal::from))
            .collect()
    }

    #[test]
    fn every_reason_is_in_the_table_with_its_status_and_its_problem_too() {
        let mut seen = std::collections::BTreeSet::new();
        for refusal in refusals() {
            let status = refusal.reply().status;
            assert!(REASONS.contains(&(refusal.reason(), status)), "{} {status}", refusal.reason());
            let known = ALL.iter().any(|problem| problem.id == refusal.problem().id && problem.status == status);
            assert!(known || status == 422, "{refusal}");
            seen.insert(refusal.reason());
        }
        assert_eq!(seen.len(), REASONS.len());
    }

    #[test]
    fn what_stands_before_a_signature_that_verifies_is_told_alike() {
        let told: Vec<Reply> = refusals()
            .iter()
            .filter(|refusal| {
                matches!(refusal.reason(), "pop_unknown_key" | "pop_signature" | "pop_algorithm" | "not_yours")
            })
            .map(Refusal::reply)
            .collect();
        assert_eq!(told.len(), 4);
        assert!(told.iter().all(|reply| *reply == told[0]));
    }
}
