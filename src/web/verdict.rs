//! [`Denial`]: every reason for which a request does not pass a verifier, and the one table from it to the wire.
//!
//! 401 says that nobody knows who is calling, 403 that the caller may not. The answer tells the reason id and nothing else:
//! the evidence goes to the log.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};

use super::auth_token::TokenHeaderFault;
use super::identity::IdentityFault;
use super::problem::{IDENTITY_NOT_ESTABLISHED, Problem};
use crate::flow::route_rules::RouteRefusal;
use crate::flow::verify::{Culprit, VerifyError};
use crate::value::{Class, Pid};

/// Why a request does not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// There is not exactly one token.
    #[error(transparent)]
    Token(#[from] TokenHeaderFault),
    /// It cannot be told which certificate was presented.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// The token does not count.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The caller is known and may not make this request.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// The caller is known, and the rules by route do not let him pass.
    #[error(transparent)]
    Route(#[from] RouteRefusal),
}

/// Why a caller whose token was verified may not make this request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Issuer and class are not among those that may.
    #[error("class {class} of participant {issuer} may not make this request")]
    NotAllowed {
        /// Who issued the token.
        issuer: Pid,
        /// The class in it.
        class: Class,
    },
}

/// No token came along.
pub const TOKEN_REQUIRED: Problem = Problem {
    id: "token-required",
    status: 401,
    title: "A token is required",
    detail: "The request has no token. Send the one that your authentication service issued in X-BoB-AuthToken.",
};
/// One came along that does not count, or more than one.
pub const TOKEN_NOT_ACCEPTED: Problem = Problem {
    id: "token-not-accepted",
    status: 401,
    title: "The token is not accepted",
    detail: "The token does not count here and now, or not with this client certificate; the reason says why.",
};
/// The token counts, but not for this.
pub const NOT_ALLOWED: Problem = Problem {
    id: "not-allowed",
    status: 403,
    title: "Not allowed",
    detail: "The token is in order, but its issuer and class may not make this request.",
};

/// Every problem of a verification, for the documentation.
pub const ALL: [Problem; 4] = [TOKEN_REQUIRED, TOKEN_NOT_ACCEPTED, IDENTITY_NOT_ESTABLISHED, NOT_ALLOWED];

impl PolicyFault {
    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "not_allowed",
        }
    }
}

impl Denial {
    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Token(fault) => fault.reason(),
            Self::Identity(fault) => fault.reason(),
            Self::Verify(error) => error.reason(),
            Self::Policy(fault) => fault.reason(),
            Self::Route(refusal) => refusal.reason(),
        }
    }

    /// Whose doing it is.
    pub const fn culprit(&self) -> Culprit {
        match self {
            Self::Token(_) | Self::Route(RouteRefusal::PathMalformed(_)) => Culprit::Caller,
            Self::Identity(_) | Self::Route(RouteRefusal::OriginalRequestMissing) => Culprit::Proxy,
            Self::Verify(error) => error.culprit(),
            Self::Policy(PolicyFault::NotAllowed { .. })
            | Self::Route(RouteRefusal::NoRule | RouteRefusal::NotAllowed { .. }) => Culprit::Policy,
        }
    }

    /// What the caller is told.
    pub const fn problem(&self) -> Problem {
        match self {
            Self::Token(TokenHeaderFault::Missing) => TOKEN_REQUIRED,
            Self::Identity(_) => IDENTITY_NOT_ESTABLISHED,
            Self::Verify(VerifyError::NotAllowed { .. }) | Self::Policy(_) | Self::Route(_) => NOT_ALLOWED,
            Self::Token(TokenHeaderFault::Duplicate(_) | TokenHeaderFault::NotAscii) | Self::Verify(_) => {
                TOKEN_NOT_ACCEPTED
            }
        }
    }

    /// The answer: the problem with its reason, which a 401 has in its challenge too (RFC 9110 section 11.6.1).
    pub fn response(&self) -> HttpResponse {
        let (problem, reason) = (self.problem(), self.reason());
        let mut builder = problem.builder();
        if problem.status == 401 {
            let challenge = format!(r#"BoB error="invalid_token", reason="{reason}""#);
            builder.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        builder.body(problem.body_with_reason(reason))
    }
}

impl ResponseError for Denial {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem().status).unwrap_or(StatusCode::UNAUTHORIZED)
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::unverified::FormError;

    fn denials() -> Vec<Denial> {
        let (issuer, class): (Pid, Class) = ("1".parse().unwrap(), "val".parse().unwrap());
        vec![
            TokenHeaderFault::Missing.into(),
            TokenHeaderFault::Duplicate(2).into(),
            IdentityFault::UntrustedPeer.into(),
            VerifyError::Form(FormError::Kid).into(),
            VerifyError::NotAllowed { issuer, class: class.clone() }.into(),
            PolicyFault::NotAllowed { issuer, class }.into(),
            RouteRefusal::NoRule.into(),
        ]
    }

    #[test]
    fn a_denial_is_401_with_a_challenge_or_403_without_and_tells_the_reason_id() {
        for denial in denials() {
            let problem = denial.problem();
            assert!(ALL.contains(&problem));
            let response = denial.response();
            let reason = denial.reason();
            let challenge = response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            let expected = format!(r#"BoB error="invalid_token", reason="{reason}""#);
            assert_eq!(challenge, (problem.status == 401).then_some(expected.as_str()), "{denial}");
            assert!(matches!(response.status().as_u16(), 401 | 403));
            assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
            let body: serde_json::Value = serde_json::from_str(&problem.body_with_reason(reason)).unwrap();
            assert_eq!(body["reason"], reason);
            assert_eq!(body.as_object().unwrap().len(), 5);
        }
    }

    #[test]
    fn a_caller_that_a_verifier_does_not_allow_and_one_that_a_route_does_not_look_the_same() {
        let all = denials();
        assert_eq!(all[4].problem(), all[5].problem());
        assert_eq!(all[4].reason(), all[5].reason());
    }
}
