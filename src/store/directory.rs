//! [`Directory`], what a token request needs of the store, in memory and never changed. Reading it is in `directory_load`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::value::{Class, EntityId, Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::certificates::CertificateState;
use super::entities::EntityState;

/// A snapshot of participants, entities and certificates, as of one revision.
#[derive(Debug, Default)]
pub struct Directory {
    pub(super) revision: i64,
    pub(super) participants: Vec<ParticipantDirectory>,
    pub(super) by_host: HashMap<Box<str>, usize>,
    pub(super) by_base_path: HashMap<Box<str>, usize>,
    pub(super) soonest: Vec<(usize, Expiry)>,
}

/// The part of the snapshot that belongs to one participant.
#[derive(Debug)]
pub struct ParticipantDirectory {
    pub(super) pid: Pid,
    pub(super) name: Box<str>,
    pub(super) hosts: Vec<String>,
    pub(super) base_path: Option<Box<str>>,
    pub(super) classes: Arc<[Class]>,
    /// All ids in the order of `entities`, one after the other.
    pub(super) ids: Box<str>,
    /// Sorted by id.
    pub(super) entities: Vec<EntityEntry>,
    /// Sorted by SHA-1.
    pub(super) certificates: Vec<CertificateEntry>,
}

/// An entity in 12 bytes, without its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntityEntry {
    /// Where its id ends in `ids`; it starts where the one before ends.
    pub(super) id_end: u32,
    /// In seconds; 0 is none.
    pub(super) lifetime: u32,
    pub(super) class: u16,
    pub(super) suspended: bool,
    pub(super) has_certificate: bool,
}

/// A certificate in 64 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct CertificateEntry {
    pub(super) sha1: [u8; 20],
    /// An index into the entities, or one of the two constants.
    pub(super) owner: u32,
    pub(super) sha256: [u8; 32],
    /// The end of the validity in seconds, doubled, plus one if revoked.
    pub(super) not_after_and_state: i64,
}

pub(super) const OWNER_PARTICIPANT: u32 = u32::MAX;
pub(super) const OWNER_REMOVED: u32 = u32::MAX - 1;

/// Which entity of a participant, inside one snapshot: equal indexes are the same entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntityIndex(u32);

/// Who proves itself with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerView {
    /// This entity.
    Entity(EntityIndex),
    /// Any entity of the participant that has no active certificate of its own.
    Participant,
    /// An entity that has been removed; such a certificate is always revoked.
    Removed,
}

/// A certificate in the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct CertificateView {
    /// Who proves itself with it.
    pub owner: OwnerView,
    /// Its SHA-256, to be compared with the certificate seen, if it was seen.
    pub sha256: Sha256Fingerprint,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// Whether it serves.
    pub state: CertificateState,
}

/// An entity in the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct EntityView<'a> {
    /// To be compared with the owner of a certificate.
    pub index: EntityIndex,
    /// Its id.
    pub id: &'a str,
    /// Its class.
    pub class: &'a Class,
    /// How long its tokens live, where that differs from its class and participant.
    pub lifetime: Option<Lifetime>,
    /// Whether it gets tokens.
    pub state: EntityState,
    /// Whether it has an active certificate of its own, so that one of the participant does not serve it.
    pub has_certificate: bool,
}

/// An active certificate and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Whose it is; `None` for one of the participant.
    pub entity: Option<EntityId>,
    /// Its name.
    pub sha1: Sha1Fingerprint,
    /// The end of its validity.
    pub not_after: Timestamp,
}

impl Directory {
    /// For how many certificates a snapshot keeps the order of expiry.
    pub const EXPIRING: usize = 100;

    /// The revision of the store that this is a snapshot of.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// All participants, by pid.
    pub fn participants(&self) -> &[ParticipantDirectory] {
        &self.participants
    }

    /// The participant with this pid.
    pub fn participant(&self, pid: Pid) -> Option<&ParticipantDirectory> {
        let at = self.participants.binary_search_by_key(&pid, ParticipantDirectory::pid).ok()?;
        self.participants.get(at)
    }

    /// The participant that is reached under this host name, given in lower case and without a port.
    pub fn participant_by_host(&self, host: &str) -> Option<&ParticipantDirectory> {
        self.participants.get(*self.by_host.get(host)?)
    }

    /// The participant that is reached under this base path, exactly as it was set, for example `/p/74`.
    pub fn participant_by_base_path(&self, base_path: &str) -> Option<&ParticipantDirectory> {
        self.participants.get(*self.by_base_path.get(base_path)?)
    }

    /// The active certificates that end first, at most `limit` and at most [`Directory::EXPIRING`], the soonest first;
    /// those that have ended already come first of all.
    pub fn expiring(&self, limit: usize) -> impl Iterator<Item = (Pid, &Expiry)> {
        let pid = |at: usize| self.participants.get(at).map(ParticipantDirectory::pid);
        self.soonest.iter().take(limit).filter_map(move |(at, expiry)| Some((pid(*at)?, expiry)))
    }

    /// How many certificates there are, revoked ones included.
    pub fn certificate_count(&self) -> usize {
        self.participants.iter().map(|p| p.certificates.len()).sum()
    }
}

impl ParticipantDirectory {
    /// Its id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host names under which it is reached.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The path before its routes.
    pub fn base_path(&self) -> Option<&str> {
        self.base_path.as_deref()
    }

    /// How many entities it has.
    pub fn entity_count(&self) -> usize {
        self.entities.len()
    }

    /// The certificate with this fingerprint, whatever its state.
    pub fn certificate(&self, sha1: &Sha1Fingerprint) -> Option<CertificateView> {
        let at = self.certificates.binary_search_by(|entry| entry.sha1.cmp(sha1.as_bytes())).ok()?;
        let entry = self.certificates.get(at)?;
        // The search above led to at most one candidate; whether it is the one is decided in constant time.
        (Sha1Fingerprint::from_bytes(entry.sha1) == *sha1).then(|| entry.view())
    }

    /// The entity with this id.
    pub fn entity(&self, id: &str) -> Option<EntityView<'_>> {
        let (mut low, mut high) = (0, self.entities.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle)?.cmp(id) {
                Ordering::Equal => return self.view(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The entity of this index, which must come from the same snapshot and participant.
    pub fn entity_at(&self, index: EntityIndex) -> Option<EntityView<'_>> {
        self.view(index.0 as usize)
    }

    pub(super) fn id(&self, at: usize) -> Option<&str> {
        let end = self.entities.get(at)?.id_end as usize;
        let start = at.checked_sub(1).and_then(|before| self.entities.get(before)).map_or(0, |e| e.id_end as usize);
        self.ids.get(start..end)
    }

    fn view(&self, at: usize) -> Option<EntityView<'_>> {
        let entry = self.entities.get(at)?;
        Some(EntityView {
            index: EntityIndex(u32::try_from(at).ok()?),
            id: self.id(at)?,
            class: self.classes.get(usize::from(entry.class))?,
            lifetime: Lifetime::from_seconds(entry.lifetime),
            state: if entry.suspended { EntityState::Suspended } else { EntityState::Active },
            has_certificate: entry.has_certificate,
        })
    }
}

impl CertificateEntry {
    pub(super) const fn is_active(&self) -> bool {
        self.not_after_and_state & 1 == 0
    }

    pub(super) const fn not_after(&self) -> Timestamp {
        Timestamp::from_seconds(self.not_after_and_state >> 1)
    }

    fn view(&self) -> CertificateView {
        CertificateView {
            owner: match self.owner {
                OWNER_PARTICIPANT => OwnerView::Participant,
                OWNER_REMOVED => OwnerView::Removed,
                index => OwnerView::Entity(EntityIndex(index)),
            },
            sha256: Sha256Fingerprint::from_bytes(self.sha256),
            not_after: self.not_after(),
            state: if self.is_active() { CertificateState::Active } else { CertificateState::Revoked },
        }
    }
}
