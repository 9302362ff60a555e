//! [`VerifyError`]: every reason for which a token does not open the door, each with its evidence, whose fault it is, and a
//! stable id. What a caller is told of it is decided at the face.

use crate::protocol::strict_json::JsonFault;
use crate::protocol::token_claims::ClaimError;
use crate::protocol::unverified::{FormError, SignatureError};
use crate::value::{Class, Kid, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

/// Why a token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Size and form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The key set is past the date after which it must not be used.
    #[error("the key set was valid until {not_valid_after} and must not be used any more")]
    KeySetExpired {
        /// Until when it was.
        not_valid_after: Timestamp,
    },
    /// An issuer that policy distrusts.
    #[error("participant {0} is distrusted here")]
    DistrustedIssuer(Pid),
    /// A key that policy distrusts.
    #[error("the key {kid} of participant {issuer} is distrusted here")]
    DistrustedKey {
        /// Whose.
        issuer: Pid,
        /// Which.
        kid: Kid,
    },
    /// An issuer that the key set does not know.
    #[error("no keys of participant {0} are known")]
    UnknownIssuer(Pid),
    /// An issuer that the key set knows, with a key that it does not.
    #[error("participant {issuer} has no key {kid} that is known")]
    UnknownKey {
        /// Whose.
        issuer: Pid,
        /// Which.
        kid: Kid,
    },
    /// Algorithm and signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The token is over.
    #[error("the token expired at {exp}, it is {now}, and {leeway} s are granted")]
    Expired {
        /// When it ceased to count.
        exp: Timestamp,
        /// Our time.
        now: Timestamp,
        /// The seconds that clocks may be apart.
        leeway: u32,
    },
    /// The token does not count yet, or comes from the future.
    #[error("the token counts from {from} on ({claim}), it is {now}, and {leeway} s are granted")]
    NotYet {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// From when on it counts.
        from: Timestamp,
        /// Our time.
        now: Timestamp,
        /// The seconds that clocks may be apart.
        leeway: u32,
    },
    /// It begins to count when it is over already.
    #[error("the token begins at {nbf} and ends at {exp}")]
    TimesContradict {
        /// When it begins.
        nbf: Timestamp,
        /// When it ends.
        exp: Timestamp,
    },
    /// It lives longer than policy accepts.
    #[error("the token lives {seconds} s, at most {most} s are accepted")]
    LivesTooLong {
        /// How long.
        seconds: i64,
        /// How long it may.
        most: u32,
    },
    /// A claim that is missing or of another form.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A token without `bobHok`, where that is required.
    #[error("the token is bound to no certificate (bobHok), and only bound tokens are accepted")]
    NotBound,
    /// A bound token, and nothing to compare with.
    #[error("the token is bound to a certificate, and none was presented")]
    NothingPresented,
    /// A bound token with another certificate (`bobHok`).
    #[error("the token is bound to the certificate {bound}, presented was {presented}")]
    HolderMismatch {
        /// What the token says.
        bound: Sha1Fingerprint,
        /// What was presented.
        presented: Sha1Fingerprint,
    },
    /// A bound token with another certificate (`cnf.x5t#S256`), or none to compare with.
    #[error("the token is bound to the certificate with SHA-256 {bound}, which was not presented")]
    ThumbprintMismatch {
        /// What the token says.
        bound: Sha256Fingerprint,
        /// What was presented, if the certificate itself was seen.
        presented: Option<Sha256Fingerprint>,
    },
    /// A certificate that policy distrusts.
    #[error("the certificate {0} is distrusted here")]
    DistrustedCertificate(Sha1Fingerprint),
    /// A token for somebody else.
    #[error("the token is for somebody else (aud)")]
    Audience,
    /// Issuer and class may not call here.
    #[error("class {class} of participant {issuer} may not call here")]
    NotAllowed {
        /// Who issued the token.
        issuer: Pid,
        /// The class in it.
        class: Class,
    },
}

/// Whose doing it is that a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// Whoever presented the token, or issued it.
    Caller,
    /// What stands between the caller and the verifier.
    Proxy,
    /// The key set: who publishes it, or who fetches it.
    KeySet,
    /// This verifier's policy, which works as it was told.
    Policy,
}

impl VerifyError {
    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Form(form) => form_reason(form),
            Self::KeySetExpired { .. } => "key_set_expired",
            Self::DistrustedIssuer(_) => "distrusted_issuer",
            Self::DistrustedKey { .. } => "distrusted_key",
            Self::UnknownIssuer(_) => "unknown_issuer",
            Self::UnknownKey { .. } => "unknown_key",
            Self::Signature(SignatureError::Algorithm { .. }) => "algorithm_mismatch",
            Self::Signature(SignatureError::Bad(_)) => "bad_signature",
            Self::Expired { .. } => "expired",
            Self::NotYet { claim: "iat", .. } => "issued_in_future",
            Self::NotYet { .. } => "not_yet_valid",
            Self::TimesContradict { .. } => "times_contradict",
            Self::LivesTooLong { .. } => "lives_too_long",
            Self::Claim(ClaimError::Missing(_)) => "claim_missing",
            Self::Claim(ClaimError::Form { .. }) => "claim_form",
            Self::NotBound => "not_bound",
            Self::NothingPresented => "nothing_presented",
            Self::HolderMismatch { .. } => "holder_mismatch",
            Self::ThumbprintMismatch { .. } => "thumbprint_mismatch",
            Self::DistrustedCertificate(_) => "distrusted_certificate",
            Self::Audience => "audience",
            Self::NotAllowed { .. } => "not_allowed",
        }
    }

    /// Whose doing it is.
    pub const fn culprit(&self) -> Culprit {
        match self {
            Self::Form(_)
            | Self::Signature(_)
            | Self::Expired { .. }
            | Self::NotYet { .. }
            | Self::TimesContradict { .. }
            | Self::LivesTooLong { .. }
            | Self::Claim(_)
            | Self::NotBound
            | Self::HolderMismatch { .. }
            | Self::ThumbprintMismatch { presented: Some(_), .. }
            | Self::Audience => Culprit::Caller,
            Self::NothingPresented | Self::ThumbprintMismatch { presented: None, .. } => Culprit::Proxy,
            Self::KeySetExpired { .. } | Self::UnknownIssuer(_) | Self::UnknownKey { .. } => Culprit::KeySet,
            Self::DistrustedIssuer(_)
            | Self::DistrustedKey { .. }
            | Self::DistrustedCertificate(_)
            | Self::NotAllowed { .. } => Culprit::Policy,
        }
    }
}

const fn form_reason(form: &FormError) -> &'static str {
    match form {
        FormError::TooLong { .. } => "token_too_long",
        FormError::Parts(_) => "token_parts",
        FormError::Base64(_) => "token_base64url",
        FormError::Json(_, JsonFault::Duplicate { .. }) => "duplicate_member",
        FormError::Json(..) => "token_json",
        FormError::HeaderMember(_) => "header_member",
        FormError::Type => "token_type",
        FormError::Kid => "no_key_id",
        FormError::Issuer => "no_issuer",
    }
}
