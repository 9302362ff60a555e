//! Walk 1: a token is issued. Certificate first, entity second, so that nobody learns from the answers who exists; then
//! class and lifetime, the active key, the claims, the signature, and a look at our own product.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;

use super::key_ring::KeyRing;
use super::policy::{CertificateBinding, ExpiredCertificates, Policies, TokenPolicy};
use super::rate_limit::RateLimiter;
use super::refusal::{ExpiredButPinned, Refusal};
use crate::protocol::claims::{Claims, Subject, Window};
use crate::protocol::presented::Presented;
use crate::protocol::token::{MintError, MintedToken, TokenKey};
use crate::store::{
    CertificateState, CertificateView, Directory, EntityState, EntityView, OwnerView, ParticipantDirectory,
};
use crate::value::{Class, Clock, EntityId, Pid, Sha1Fingerprint, Timestamp};

/// What a request reads. Made from the store and the configuration, replaced whole when either changes.
#[derive(Debug)]
pub struct Snapshot {
    /// Participants, entities, certificates.
    pub directory: Directory,
    /// Keys.
    pub keys: KeyRing,
    /// What tokens look like.
    pub policies: Policies,
}

/// What issuing needs besides the snapshot: the world.
pub struct Context {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for signatures and token ids.
    pub rng: Arc<dyn SecureRandom + Send + Sync>,
    /// Which of our own products are looked at.
    pub self_check: SelfCheck,
}

/// Takes samples of what was minted: the first of every `every`, beginning with the first of all. Checking each one
/// would cost three signatures' time per token.
#[derive(Debug)]
pub struct SelfCheck {
    every: u32,
    count: AtomicU32,
}

/// A request for a token.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The participant that is asked.
    pub pid: Pid,
    /// The entity id as the caller wrote it, percent-decoded; `None` if that gave no text.
    pub entity: Option<&'a str>,
    /// The certificate that the caller proved possession of.
    pub presented: Option<Presented>,
}

/// A token, and what the audit log wants to know of it.
#[derive(Debug)]
pub struct Issued {
    /// The key that signed, which also writes the answer.
    pub key: Arc<TokenKey>,
    /// The token.
    pub token: MintedToken,
    /// Its class.
    pub class: Class,
    /// The entity.
    pub entity: EntityId,
    /// Whether the certificate's dates are over.
    pub expired: Option<ExpiredButPinned>,
}

/// Issues a token, or says why not. Costs a signature only when every answer before it was yes.
pub fn issue(
    context: &Context,
    snapshot: &Snapshot,
    limiter: Option<&RateLimiter<Sha1Fingerprint>>,
    request: &Request<'_>,
) -> Result<Issued, Refusal> {
    let now = context.clock.now();
    let policy = snapshot.policies.of(request.pid);

    let presented = request.presented.ok_or(Refusal::NoCertificate)?;
    let participant = snapshot.directory.participant(request.pid).ok_or(Refusal::UnknownCertificate)?;
    let certificate = admit_certificate(participant, &presented)?;
    let expired = judge_dates(&certificate, &presented, policy, now)?;
    if let Some(limiter) = limiter {
        limiter.check(&presented.sha1).map_err(|retry_after| Refusal::FingerprintRate { retry_after })?;
    }
    let entity = admit_entity(participant, &certificate, request.entity)?;

    let id = entity.id.parse::<EntityId>().map_err(|_| Refusal::MalformedEntityId)?;
    let key = active_key(&snapshot.keys, request.pid, now)?;
    let claims = make_claims(context, policy, &Grant { pid: request.pid, id: &id, entity: &entity, presented, now })?;
    let token = key.mint(&claims, &*context.rng).map_err(|error| as_refusal(&error))?;
    if context.self_check.is_due() {
        key.check(&token, &claims).map_err(|error| as_refusal(&error))?;
    }
    Ok(Issued { key: Arc::clone(key), token, class: entity.class.clone(), entity: id, expired })
}

fn active_key(keys: &KeyRing, pid: Pid, now: Timestamp) -> Result<&Arc<TokenKey>, Refusal> {
    let active = keys.active(pid).ok_or(Refusal::NoActiveKey)?;
    match active.not_after {
        Some(not_after) if now > not_after => Err(Refusal::KeyExpired { not_after }),
        _ => Ok(&active.key),
    }
}

/// Whose certificate is this? Revoked ones and impostors are told apart for the audit log.
fn admit_certificate(participant: &ParticipantDirectory, presented: &Presented) -> Result<CertificateView, Refusal> {
    let certificate = participant.certificate(&presented.sha1).ok_or(Refusal::UnknownCertificate)?;
    if presented.sha256.is_some_and(|sha256| sha256 != certificate.sha256) {
        return Err(Refusal::Impostor);
    }
    match certificate.state {
        CertificateState::Active => Ok(certificate),
        CertificateState::Revoked => Err(Refusal::RevokedCertificate),
    }
}

fn judge_dates(
    certificate: &CertificateView,
    presented: &Presented,
    policy: &TokenPolicy,
    now: Timestamp,
) -> Result<Option<ExpiredButPinned>, Refusal> {
    let not_after = certificate.not_after;
    if now <= not_after {
        return Ok(None);
    }
    match policy.expired_certificates {
        ExpiredCertificates::Accept => Ok(Some(ExpiredButPinned { sha1: presented.sha1, not_after })),
        ExpiredCertificates::Refuse => Err(Refusal::ExpiredCertificate { not_after }),
    }
}

/// May this certificate ask for this entity? All four kinds of no look the same from outside.
fn admit_entity<'a>(
    participant: &'a ParticipantDirectory,
    certificate: &CertificateView,
    asked: Option<&str>,
) -> Result<EntityView<'a>, Refusal> {
    let asked = asked.ok_or(Refusal::MalformedEntityId)?;
    asked.parse::<EntityId>().map_err(|_| Refusal::MalformedEntityId)?;
    let entity = participant.entity(asked).ok_or(Refusal::UnknownEntity)?;
    match certificate.owner {
        OwnerView::Entity(owner) if owner != entity.index => return Err(Refusal::NotYourEntity),
        OwnerView::Participant if entity.has_certificate => return Err(Refusal::OwnCertificateTakesPrecedence),
        OwnerView::Removed => return Err(Refusal::UnknownEntity),
        OwnerView::Entity(_) | OwnerView::Participant => {}
    }
    match entity.state {
        EntityState::Active => Ok(entity),
        EntityState::Suspended => Err(Refusal::SuspendedEntity),
    }
}

/// Everything that a token says, before it is written down.
struct Grant<'a> {
    pid: Pid,
    id: &'a EntityId,
    entity: &'a EntityView<'a>,
    presented: Presented,
    now: Timestamp,
}

fn make_claims(context: &Context, policy: &TokenPolicy, grant: &Grant<'_>) -> Result<Claims, Refusal> {
    let both = policy.certificate_binding == CertificateBinding::Sha1AndSha256;
    let subject = Subject {
        pid: grant.pid,
        entity: grant.id,
        class: grant.entity.class,
        sha1: grant.presented.sha1,
        confirm: grant.presented.sha256.filter(|_| both),
    };
    let window = Window {
        now: grant.now,
        lifetime: policy.lifetime_for(grant.entity.class, grant.entity.lifetime),
        backdate: u32::try_from(policy.nbf_backdate.as_secs()).unwrap_or(u32::MAX),
    };
    let mut claims = Claims::new(&subject, &window, policy.hok_case);
    claims.aud.clone_from(&policy.audience);
    if policy.jti {
        let mut id = [0_u8; 16];
        context.rng.fill(&mut id).map_err(|_| Refusal::SigningFailed)?;
        claims.jti = Some(URL_SAFE_NO_PAD.encode(id));
    }
    Ok(claims)
}

fn as_refusal(error: &MintError) -> Refusal {
    match error {
        MintError::SelfCheck => Refusal::SelfCheckFailed,
        MintError::Claims(_) | MintError::Signer(_) => Refusal::SigningFailed,
    }
}

impl SelfCheck {
    /// Looks at one token of every so many; at none if that is zero.
    pub const fn one_of(every: u32) -> Self {
        Self { every, count: AtomicU32::new(0) }
    }

    fn is_due(&self) -> bool {
        self.every > 0 && self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("self_check", &self.self_check).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
