//! [`TokenPolicy`]: what the tokens of a participant look like and whom they are given. Applying it is `issue`'s task.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::protocol::claims::{Audience, HokCase};
use crate::value::{Class, Lifetime, Pid};

/// The rules of one participant for its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPolicy {
    /// How long a token lives where nothing more special is said.
    pub lifetime: Lifetime,
    /// The longest that any token may live, whatever a class or an entity says.
    pub max_lifetime: Lifetime,
    /// How long the tokens of a class live.
    pub lifetime_by_class: BTreeMap<Class, Lifetime>,
    /// How long before its issue a token starts to count, for partners whose clocks are behind.
    pub nbf_backdate: Duration,
    /// Whether every token has an id of its own.
    pub jti: bool,
    /// Whom tokens are for; BoB has no audience.
    pub audience: Option<Audience>,
    /// Which fingerprints of the certificate a token holds.
    pub certificate_binding: CertificateBinding,
    /// What an enrolled certificate whose dates are over is worth.
    pub expired_certificates: ExpiredCertificates,
    /// The letters of `bobHok`.
    pub hok_case: HokCase,
}

/// Which fingerprints of the certificate a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateBinding {
    /// `bobHok` only, as the standard says.
    Sha1,
    /// `bobHok` and, where the certificate itself was seen, `cnf.x5t#S256` (RFC 8705).
    Sha1AndSha256,
}

/// What an enrolled certificate whose dates are over is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiredCertificates {
    /// As much as before: it is known by its fingerprint. Logged and counted.
    Accept,
    /// Nothing.
    Refuse,
}

/// The policies of all participants.
#[derive(Debug, Clone)]
pub struct Policies {
    default: TokenPolicy,
    by_pid: HashMap<Pid, TokenPolicy>,
}

impl Policies {
    /// `default` for every participant that has no policy of its own in `by_pid`.
    pub const fn new(default: TokenPolicy, by_pid: HashMap<Pid, TokenPolicy>) -> Self {
        Self { default, by_pid }
    }

    /// The policy of this participant.
    pub fn of(&self, pid: Pid) -> &TokenPolicy {
        self.by_pid.get(&pid).unwrap_or(&self.default)
    }
}

impl TokenPolicy {
    /// How long a token for this entity lives: the entity's own lifetime, else its class's, else the participant's;
    /// never more than [`TokenPolicy::max_lifetime`].
    pub fn lifetime_for(&self, class: &Class, own: Option<Lifetime>) -> Lifetime {
        own.or_else(|| self.lifetime_by_class.get(class).copied()).unwrap_or(self.lifetime).min(self.max_lifetime)
    }
}

impl Default for TokenPolicy {
    /// What the standard and its users expect: an hour, SHA-1 binding, pinned certificates whatever their dates.
    fn default() -> Self {
        Self {
            lifetime: Lifetime::CUSTOMARY,
            max_lifetime: Lifetime::CUSTOMARY,
            lifetime_by_class: BTreeMap::new(),
            nbf_backdate: Duration::ZERO,
            jti: false,
            audience: None,
            certificate_binding: CertificateBinding::Sha1,
            expired_certificates: ExpiredCertificates::Accept,
            hok_case: HokCase::Lower,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_special_lifetime_counts_and_the_cap_above_all() {
        let seconds = |n| Lifetime::from_seconds(n).unwrap();
        let (inspector, validator): (Class, Class) = ("ins".parse().unwrap(), "val".parse().unwrap());
        let policy = TokenPolicy {
            lifetime: seconds(600),
            max_lifetime: seconds(1000),
            lifetime_by_class: BTreeMap::from([(inspector.clone(), seconds(900))]),
            ..TokenPolicy::default()
        };
        assert_eq!(policy.lifetime_for(&validator, None), seconds(600));
        assert_eq!(policy.lifetime_for(&inspector, None), seconds(900));
        assert_eq!(policy.lifetime_for(&inspector, Some(seconds(60))), seconds(60));
        assert_eq!(policy.lifetime_for(&validator, Some(seconds(5000))), seconds(1000));
    }
}
