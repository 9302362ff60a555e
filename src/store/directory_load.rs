//! Reading the [`Directory`] out of the store, in one transaction.
//!
//! A row at a time through the driver would cost more than the reading itself, so SQLite packs some thousand rows
//! into one blob, which is taken apart here while it packs the next.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use sqlx::Row as _;

use crate::value::{Class, Sha1Fingerprint};

use super::directory::{
    CertificateEntry, Directory, EntityEntry, Expiry, OWNER_PARTICIPANT, OWNER_REMOVED, ParticipantDirectory,
};
use super::error::{Result, StoreError};
use super::rows::{self, Tx};
use super::schema::Store;
use super::{Participant, participants, revision};

/// How many row keys one blob covers.
const STEP: i64 = 1024;

/// How much there is of each participant. Read from indexes alone; what is made to measure leaves no holes in memory.
const SIZES: &str = "SELECT pid, (SELECT count(*) FROM entity e WHERE e.pid = p.pid), \
    (SELECT coalesce(sum(length(id)), 0) FROM entity e WHERE e.pid = p.pid), \
    (SELECT count(*) FROM certificate c WHERE c.pid = p.pid) FROM participant p";

/// Per row: `key pid lifetime suspended class id` and a line end. None of the texts may contain a blank.
const PACKED_ENTITIES: &str = "SELECT CAST(group_concat(key || ' ' || pid || ' ' || coalesce(lifetime, 0) || ' ' || \
    (state = 'suspended') || ' ' || class || ' ' || id || '\n', '') AS BLOB) FROM entity WHERE key BETWEEN ?1 AND ?2";

/// Per row: 20 and 32 bytes, `pid owner revoked not_after` and a line end; the owner is the key of an entity, 0 for the
/// participant, -1 for an entity that is no more.
const PACKED_CERTIFICATES: &str = "SELECT CAST(group_concat(sha1 || sha256 || pid || ' ' || \
    CASE WHEN entity_key IS NOT NULL THEN entity_key WHEN entity_id IS NULL THEN 0 ELSE -1 END || ' ' || \
    (state = 'revoked') || ' ' || not_after || '\n', '') AS BLOB) FROM certificate WHERE key BETWEEN ?1 AND ?2";

impl Directory {
    /// Reads the whole snapshot. What takes the processor for long is done on a thread of its own.
    pub async fn load(store: &Store) -> Result<Self> {
        let mut tx = store.read().await?;
        let mut loading = Loading::new(revision::read(&mut tx).await?, participants::all(&mut tx).await?);
        for row in sqlx::query(SIZES).fetch_all(&mut *tx).await? {
            loading.reserve(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        }
        let last = last_key(&mut tx, "SELECT max(key) FROM entity").await?;
        unpack(&mut tx, PACKED_ENTITIES, last, |packed| loading.entities(packed)).await?;
        let last = last_key(&mut tx, "SELECT max(key) FROM certificate").await?;
        unpack(&mut tx, PACKED_CERTIFICATES, last, |packed| loading.certificates(packed)).await?;
        drop(tx);
        let finished = tokio::task::spawn_blocking(move || loading.finish()).await;
        finished.map_err(|error| StoreError::Corrupt(format!("the snapshot could not be built: {error}")))?
    }
}

async fn last_key(tx: &mut Tx, query: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar::<_, Option<i64>>(query).fetch_one(&mut **tx).await?.unwrap_or(0))
}

/// Hands over blob after blob, each while SQLite packs the one after it.
async fn unpack(
    tx: &mut Tx,
    query: &'static str,
    last: i64,
    mut each: impl FnMut(Packed<'_>) -> Option<()>,
) -> Result<()> {
    let mut ready: Option<Vec<u8>> = None;
    let mut first = 1;
    while first <= last || ready.is_some() {
        let next = async {
            if first > last {
                return Ok(None);
            }
            let row = sqlx::query(query).bind(first).bind(first + STEP - 1).fetch_one(&mut **tx).await?;
            row.try_get::<Option<Vec<u8>>, _>(0)
        };
        let digest = async { ready.as_deref().map_or(Some(()), |blob| each(Packed(blob))) };
        let (packed, digested) = tokio::join!(biased; next, digest);
        digested.ok_or_else(|| rows::damaged("text"))?;
        ready = packed?;
        first = first.saturating_add(STEP);
    }
    Ok(())
}

/// A snapshot in the making.
struct Loading {
    revision: i64,
    participants: Vec<Growing>,
    by_pid: HashMap<i64, usize>,
    classes: Vec<Class>,
    by_class: HashMap<Box<str>, u16>,
    /// Row key of each entity with its place in `Growing::entities`, by key.
    places: Vec<(i64, u32)>,
}

/// What is known of one participant so far.
struct Growing {
    participant: Participant,
    ids: String,
    entities: Vec<EntityEntry>,
    certificates: Vec<CertificateEntry>,
}

impl Loading {
    fn new(revision: i64, participants: Vec<Participant>) -> Self {
        let grow =
            |participant| Growing { participant, ids: String::new(), entities: Vec::new(), certificates: Vec::new() };
        let by_pid = participants.iter().enumerate().map(|(at, p)| (p.pid.get(), at)).collect();
        Self {
            revision,
            participants: participants.into_iter().map(grow).collect(),
            by_pid,
            classes: Vec::new(),
            by_class: HashMap::new(),
            places: Vec::new(),
        }
    }

    fn reserve(&mut self, pid: i64, entities: i64, id_bytes: i64, certificates: i64) {
        let Some(growing) = self.by_pid.get(&pid).and_then(|at| self.participants.get_mut(*at)) else { return };
        let size = |count: i64| usize::try_from(count).unwrap_or(0);
        growing.ids.reserve_exact(size(id_bytes));
        growing.entities.reserve_exact(size(entities));
        growing.certificates.reserve_exact(size(certificates));
        self.places.reserve_exact(size(entities));
    }

    fn entities(&mut self, mut packed: Packed<'_>) -> Option<()> {
        while !packed.0.is_empty() {
            let (key, pid) = (packed.number(b' ')?, packed.number(b' ')?);
            let lifetime = u32::try_from(packed.number(b' ')?).ok()?;
            let suspended = packed.number(b' ')? != 0;
            let class = packed.text(b' ')?;
            let id = packed.text(b'\n')?;
            let class = self.class(class)?;
            let growing = self.participants.get_mut(*self.by_pid.get(&pid)?)?;
            self.places.push((key, u32::try_from(growing.entities.len()).ok()?));
            growing.ids.push_str(id);
            let id_end = u32::try_from(growing.ids.len()).ok()?;
            growing.entities.push(EntityEntry { id_end, lifetime, class, suspended, has_certificate: false });
        }
        Some(())
    }

    fn class(&mut self, text: &str) -> Option<u16> {
        if let Some(number) = self.by_class.get(text) {
            return Some(*number);
        }
        let number = u16::try_from(self.classes.len()).ok()?;
        self.classes.push(text.parse().ok()?);
        self.by_class.insert(text.into(), number);
        Some(number)
    }

    fn certificates(&mut self, mut packed: Packed<'_>) -> Option<()> {
        while !packed.0.is_empty() {
            let (sha1, sha256) = (packed.bytes()?, packed.bytes()?);
            let (pid, owner) = (packed.number(b' ')?, packed.number(b' ')?);
            let revoked = packed.number(b' ')?;
            let not_after = packed.number(b'\n')?.clamp(i64::MIN / 2, i64::MAX / 2);
            let growing = self.participants.get_mut(*self.by_pid.get(&pid)?)?;
            let owner = match owner {
                0 => OWNER_PARTICIPANT,
                -1 => OWNER_REMOVED,
                key => self.places.get(self.places.binary_search_by_key(&key, |(key, _)| *key).ok()?)?.1,
            };
            let not_after_and_state = not_after << 1 | revoked & 1;
            growing.certificates.push(CertificateEntry { sha1, owner, sha256, not_after_and_state });
        }
        Some(())
    }

    fn finish(self) -> Result<Directory> {
        let classes: Arc<[Class]> = self.classes.into();
        let mut directory = Directory { revision: self.revision, ..Directory::default() };
        for (at, growing) in self.participants.into_iter().enumerate() {
            for host in &growing.participant.hosts {
                directory.by_host.insert(host.as_str().into(), at);
            }
            if let Some(base_path) = &growing.participant.base_path {
                directory.by_base_path.insert(base_path.as_str().into(), at);
            }
            let finished = growing.finish(Arc::clone(&classes)).ok_or_else(|| rows::damaged("owner"))?;
            directory.participants.push(finished);
        }
        directory.soonest = soonest(&directory.participants);
        Ok(directory)
    }
}

impl Growing {
    /// Sorts, and turns places before sorting into places after it.
    fn finish(self, classes: Arc<[Class]>) -> Option<ParticipantDirectory> {
        let Self { participant, ids, mut entities, mut certificates } = self;
        for certificate in &certificates {
            let owned = !matches!(certificate.owner, OWNER_PARTICIPANT | OWNER_REMOVED);
            if owned && certificate.is_active() {
                entities.get_mut(certificate.owner as usize)?.has_certificate = true;
            }
        }
        let starts = |at: usize| at.checked_sub(1).map_or(0, |before| entities[before].id_end as usize);
        let id = |at: u32| &ids[starts(at as usize)..entities[at as usize].id_end as usize];
        let mut order: Vec<u32> = (0..u32::try_from(entities.len()).ok()?).collect();
        order.sort_unstable_by(|a, b| id(*a).cmp(id(*b)));
        let mut sorted_ids = String::with_capacity(ids.len());
        let mut sorted = Vec::with_capacity(entities.len());
        let mut place_of = vec![0_u32; entities.len()];
        for (place, old) in (0_u32..).zip(&order) {
            sorted_ids.push_str(id(*old));
            sorted.push(EntityEntry { id_end: u32::try_from(sorted_ids.len()).ok()?, ..entities[*old as usize] });
            place_of[*old as usize] = place;
        }
        for certificate in &mut certificates {
            if !matches!(certificate.owner, OWNER_PARTICIPANT | OWNER_REMOVED) {
                certificate.owner = *place_of.get(certificate.owner as usize)?;
            }
        }
        certificates.sort_unstable_by_key(|certificate| certificate.sha1);
        Some(ParticipantDirectory {
            pid: participant.pid,
            name: participant.name.into(),
            hosts: participant.hosts,
            base_path: participant.base_path.map(String::into_boxed_str),
            classes,
            ids: sorted_ids.into(),
            entities: sorted,
            certificates,
        })
    }
}

/// The active certificates that end first, over all participants.
fn soonest(participants: &[ParticipantDirectory]) -> Vec<(usize, Expiry)> {
    let mut heap = BinaryHeap::with_capacity(Directory::EXPIRING + 1);
    for (at, participant) in participants.iter().enumerate() {
        for (place, certificate) in participant.certificates.iter().enumerate().filter(|(_, c)| c.is_active()) {
            let candidate = (certificate.not_after(), at, place);
            if heap.len() < Directory::EXPIRING {
                heap.push(candidate);
            } else if heap.peek().is_some_and(|latest| candidate < *latest) {
                heap.pop();
                heap.push(candidate);
            }
        }
    }
    let expiry = |(not_after, at, place): (_, usize, usize)| {
        let participant = participants.get(at)?;
        let certificate = participant.certificates.get(place)?;
        let entity = participant.id(certificate.owner as usize).and_then(|id| id.parse().ok());
        Some((at, Expiry { entity, sha1: Sha1Fingerprint::from_bytes(certificate.sha1), not_after }))
    };
    heap.into_sorted_vec().into_iter().filter_map(expiry).collect()
}

/// What is left of a blob.
struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn text(&mut self, end: u8) -> Option<&'a str> {
        let length = self.0.iter().position(|b| *b == end)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest.get(1..)?;
        std::str::from_utf8(text).ok()
    }

    fn number(&mut self, end: u8) -> Option<i64> {
        self.text(end)?.parse().ok()
    }
}
