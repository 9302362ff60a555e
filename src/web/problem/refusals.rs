//! The one table from refusals of the token service to the wire: status, problem type, and a sentence for people.
//!
//! A caller learns which *kind* of answer this is, never which entities exist nor what is configured: refusals with
//! different reasons share a problem. The reason id itself goes to log, metrics and audit trail only.

use actix_web::http::{Method, header};
use actix_web::{HttpResponse, HttpResponseBuilder};

use super::{IDENTITY_NOT_ESTABLISHED, Problem};
use crate::flow::refusal::Refusal;

/// The challenge of a 401 (RFC 9110 section 15.5.2 wants one); TLS client authentication has no registered scheme.
const CHALLENGE: &str = r#"TLS-Client-Certificate realm="BoB""#;

/// No certificate came along.
pub const CERTIFICATE_REQUIRED: Problem = Problem {
    id: "certificate-required",
    status: 401,
    title: "A client certificate is required",
    detail: "The connection presented no client certificate. Connect with the certificate that is enrolled for you.",
};
/// One came along that does not count.
pub const CERTIFICATE_NOT_ACCEPTED: Problem = Problem {
    id: "certificate-not-accepted",
    status: 401,
    title: "The client certificate is not accepted",
    detail: "The client certificate is not enrolled here, or no longer. Ask the operator of this service to enrol it.",
};
/// No such entity, or not for this certificate.
pub const ENTITY_NOT_FOUND: Problem = Problem {
    id: "entity-not-found",
    status: 404,
    title: "No such entity",
    detail: "There is no entity with this id that the client certificate may ask for.",
};
/// No such path.
pub const NOT_FOUND: Problem = Problem {
    id: "not-found",
    status: 404,
    title: "Not found",
    detail: "There is nothing at this path. Tokens are at /api/v1/auth/{entityId}.",
};
/// A method other than GET and HEAD.
pub const METHOD_NOT_ALLOWED: Problem = Problem {
    id: "method-not-allowed",
    status: 405,
    title: "Method not allowed",
    detail: "This resource is read with GET or HEAD.",
};
/// Too many requests.
pub const TOO_MANY_REQUESTS: Problem = Problem {
    id: "too-many-requests",
    status: 429,
    title: "Too many requests",
    detail: "Wait for the time in Retry-After. A token may be kept and used until shortly before it expires.",
};
/// Too many bytes of headers.
pub const HEADERS_TOO_LARGE: Problem = Problem {
    id: "headers-too-large",
    status: 431,
    title: "Request header fields too large",
    detail: "The headers of the request are longer than this service accepts.",
};
/// The service cannot sign.
pub const TOKENS_UNAVAILABLE: Problem = Problem {
    id: "tokens-unavailable",
    status: 503,
    title: "Tokens cannot be issued at the moment",
    detail: "The request was in order, but this service cannot sign tokens now. Try again later.",
};

/// Every problem, for the documentation.
pub const ALL: [Problem; 9] = [
    CERTIFICATE_REQUIRED,
    CERTIFICATE_NOT_ACCEPTED,
    IDENTITY_NOT_ESTABLISHED,
    ENTITY_NOT_FOUND,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TOO_MANY_REQUESTS,
    HEADERS_TOO_LARGE,
    TOKENS_UNAVAILABLE,
];

/// What a caller is told of a refusal.
pub const fn of_refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::NoCertificate => CERTIFICATE_REQUIRED,
        Refusal::UnknownCertificate
        | Refusal::RevokedCertificate
        | Refusal::Impostor
        | Refusal::ExpiredCertificate { .. } => CERTIFICATE_NOT_ACCEPTED,
        Refusal::UntrustedPeer
        | Refusal::ProxySecret
        | Refusal::DuplicateHeader
        | Refusal::IdentityHeader { .. }
        | Refusal::HeaderMismatch => IDENTITY_NOT_ESTABLISHED,
        Refusal::MalformedEntityId
        | Refusal::UnknownEntity
        | Refusal::NotYourEntity
        | Refusal::OwnCertificateTakesPrecedence
        | Refusal::SuspendedEntity => ENTITY_NOT_FOUND,
        Refusal::NothingHere => NOT_FOUND,
        Refusal::MethodNotAllowed => METHOD_NOT_ALLOWED,
        Refusal::HeadersTooLarge => HEADERS_TOO_LARGE,
        Refusal::FingerprintRate { .. } | Refusal::SourceRate { .. } => TOO_MANY_REQUESTS,
        Refusal::NoActiveKey | Refusal::KeyExpired { .. } | Refusal::SigningFailed | Refusal::SelfCheckFailed => {
            TOKENS_UNAVAILABLE
        }
    }
}

impl Problem {
    /// The problem document. It depends on the problem alone, so that equal problems look equal to the last byte.
    pub fn response(self) -> HttpResponse {
        self.challenging_builder().body(self.body())
    }

    /// The answer to a refused request: the problem, and for a limit the time to wait.
    pub fn of(refusal: &Refusal) -> HttpResponse {
        let problem = of_refusal(refusal);
        let mut builder = problem.challenging_builder();
        if let Refusal::FingerprintRate { retry_after } | Refusal::SourceRate { retry_after } = refusal {
            builder.insert_header((header::RETRY_AFTER, retry_after.as_secs() + 1));
        }
        builder.body(problem.body())
    }

    fn challenging_builder(self) -> HttpResponseBuilder {
        let mut builder = self.builder();
        if self.status == 401 {
            builder.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
        }
        if self.status == 405 {
            let allowed = format!("{}, {}", Method::GET, Method::HEAD);
            builder.insert_header((header::ALLOW, allowed));
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_document_is_json_with_its_own_type_and_the_status_of_the_answer() {
        let mut types = std::collections::BTreeSet::new();
        for problem in ALL {
            let body: serde_json::Value = serde_json::from_str(&problem.body()).unwrap();
            assert_eq!(body["status"], problem.response().status().as_u16());
            assert!(types.insert(body["type"].as_str().unwrap().to_owned()), "{}", problem.id);
        }
    }

    #[test]
    fn the_kinds_of_no_that_concern_an_entity_cannot_be_told_apart() {
        let refusals = [
            Refusal::MalformedEntityId,
            Refusal::UnknownEntity,
            Refusal::NotYourEntity,
            Refusal::OwnCertificateTakesPrecedence,
            Refusal::SuspendedEntity,
        ];
        for refusal in refusals {
            assert_eq!(of_refusal(&refusal), ENTITY_NOT_FOUND, "{refusal}");
        }
    }
}
