//! [`Policy`]: what a verifier accepts besides a good signature. Strict by default; what is laxer has to be written.

use crate::protocol::unverified::MAX_TOKEN_BYTES;
use crate::value::{Class, Kid, Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint};

/// What a verifier accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The most bytes of a token.
    pub max_token_bytes: usize,
    /// How many seconds the issuer's clock and ours may be apart, for `exp`, `nbf` and `iat` alike.
    pub leeway: u32,
    /// The longest life of a token, from `iat` to `exp`.
    pub max_lifetime: Lifetime,
    /// Whether a token must be bound to the certificate that is presented.
    pub holder_of_key: HolderOfKey,
    /// Who may call at all; a route may ask for more.
    pub allow: Vec<Allowed>,
    /// Whom tokens may be for. BoB has no audience: without one here, a token that names any is refused (RFC 7519 section 4.1.3).
    pub audience: Vec<String>,
    /// What is refused ahead of the registry.
    pub distrust: Distrust,
}

/// What `bobHok` means to a verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HolderOfKey {
    /// Every token must have one, and it must be that of the certificate presented.
    #[default]
    Required,
    /// A token that has one must be presented with that certificate; one without is a bearer token, as the standard allows.
    IfPresent,
    /// It is not looked at: whoever gets hold of a token can use it. For finding faults, never for a door.
    DangerouslyOff,
}

/// A pair of issuer and class that may call; either may be any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    issuer: Option<Pid>,
    class: Option<Class>,
}

/// What is refused although the key set says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distrust {
    /// Issuers.
    pub issuers: Vec<Pid>,
    /// Keys: of one issuer, or of every issuer that has a key of that id.
    pub kids: Vec<(Option<Pid>, Kid)>,
    /// Certificates by SHA-1.
    pub sha1: Vec<Sha1Fingerprint>,
    /// Certificates by SHA-256, where the certificate itself is seen.
    pub sha256: Vec<Sha256Fingerprint>,
}

impl Allowed {
    /// Every caller whose token verifies.
    pub const ANYONE: Self = Self { issuer: None, class: None };

    /// Callers of this class, of any issuer.
    pub const fn class(class: Class) -> Self {
        Self { issuer: None, class: Some(class) }
    }

    /// Callers of this issuer, of any class.
    pub const fn issuer(issuer: Pid) -> Self {
        Self { issuer: Some(issuer), class: None }
    }

    /// The same, of this issuer only.
    #[must_use]
    pub fn from(self, issuer: Pid) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Whether this pair lets the caller pass.
    pub fn permits(&self, issuer: Pid, class: &Class) -> bool {
        self.issuer.is_none_or(|one| one == issuer) && self.class.as_ref().is_none_or(|one| one == class)
    }
}

/// `PID:CLASS`, with `*` for any.
impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.issuer {
            Some(issuer) => write!(f, "{issuer}:")?,
            None => f.write_str("*:")?,
        }
        f.write_str(self.class.as_ref().map_or("*", Class::as_str))
    }
}

/// Why a text is no [`Allowed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write PID:CLASS, for example 1:val; * stands for any participant or any class")]
pub struct AllowedError;

impl std::str::FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let (issuer, class) = text.split_once(':').ok_or(AllowedError)?;
        let issuer = if issuer == "*" { None } else { Some(issuer.parse().map_err(|_| AllowedError)?) };
        let class = if class == "*" { None } else { Some(class.parse().map_err(|_| AllowedError)?) };
        Ok(Self { issuer, class })
    }
}

impl Policy {
    /// The strict default, which allows nobody yet.
    pub fn strict() -> Self {
        Self {
            max_token_bytes: MAX_TOKEN_BYTES,
            leeway: 60,
            max_lifetime: Lifetime::DAY,
            holder_of_key: HolderOfKey::Required,
            allow: Vec::new(),
            audience: Vec::new(),
            distrust: Distrust::default(),
        }
    }
}

impl Distrust {
    /// Whether this key of this issuer is distrusted.
    pub fn covers_key(&self, issuer: Pid, kid: &Kid) -> bool {
        self.kids.iter().any(|(of, one)| one == kid && of.is_none_or(|of| of == issuer))
    }
}
