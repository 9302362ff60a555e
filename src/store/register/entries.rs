//! What participants publish: single things, lists, and the kids that were ever used in them.

use std::fmt;
use std::str::FromStr;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::protocol::registry::operation::{KeyList, Place};
use crate::store::error::{Result, StoreError};
use crate::store::rows::{self, Tx, damaged};
use crate::store::schema::Store;
use crate::value::{Kid, Pid, Timestamp};

use super::change::RegisterChange;
use super::participants::{self, Registered};

/// What kind of thing a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A domain name, a JSON string.
    Domain,
    /// A key that checks tickets.
    Mtb,
    /// A key that checks tokens.
    Authtoken,
    /// An endpoint.
    Endpoint,
    /// A signature constraint.
    Constraint,
    /// What else a participant tells.
    Info,
}

/// One thing that a participant publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub pid: Pid,
    /// What.
    pub kind: Kind,
    /// The id of an endpoint, the pid of a constraint's issuer; else 0.
    pub number: i64,
    /// The id of a key; else empty.
    pub kid: String,
    /// The JSON, as it is answered.
    pub body: String,
    /// When it came to be what it is.
    pub changed: Timestamp,
}

/// A kid that is or was in one of the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKid {
    /// Whose.
    pub pid: Pid,
    /// Where.
    pub list: KeyList,
    /// The kid.
    pub kid: Kid,
    /// The RFC 7638 thumbprint of the only key that it ever names.
    pub thumbprint: String,
    /// Since when.
    pub added: Timestamp,
    /// When its key was deleted.
    pub removed: Option<Timestamp>,
}

/// One participant and all that it publishes, in the order of [`Kind`], number and kid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Who.
    pub participant: Registered,
    /// What.
    pub entries: Vec<Entry>,
}

/// Where a single thing is in the table.
struct Slot<'p> {
    pid: Pid,
    kind: Kind,
    number: i64,
    kid: &'p str,
}

impl Kind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Mtb => "mtb",
            Self::Authtoken => "authtoken",
            Self::Endpoint => "endpoint",
            Self::Constraint => "constraint",
            Self::Info => "info",
        }
    }

    /// The kind of the keys of a list.
    pub const fn of(list: KeyList) -> Self {
        match list {
            KeyList::Mtb => Self::Mtb,
            KeyList::Authtoken => Self::Authtoken,
        }
    }

    /// The list of keys that it is.
    pub const fn list(self) -> Option<KeyList> {
        match self {
            Self::Mtb => Some(KeyList::Mtb),
            Self::Authtoken => Some(KeyList::Authtoken),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Domain, Self::Mtb, Self::Authtoken, Self::Endpoint, Self::Constraint, Self::Info]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| damaged("kind"))
    }
}

impl Store {
    /// The body of a single thing, if it is there.
    pub async fn register_entry(&self, place: &Place) -> Result<Option<String>> {
        let mut tx = self.read().await?;
        body(&mut tx, place).await
    }

    /// The bodies of a list; `None` if its participant is not in the register.
    pub async fn register_list(&self, pid: Pid, kind: Kind) -> Result<Option<Vec<Entry>>> {
        let mut tx = self.read().await?;
        if participants::find(&mut tx, pid).await?.is_none() {
            return Ok(None);
        }
        list(&mut tx, pid, kind).await.map(Some)
    }

    /// Everything of one participant; `None` if it is not in the register.
    pub async fn register_content(&self, pid: Pid) -> Result<Option<Content>> {
        let mut tx = self.read().await?;
        let Some(participant) = participants::find(&mut tx, pid).await? else { return Ok(None) };
        let found = sqlx::query(
            "SELECT pid, kind, number, kid, body, changed FROM register_entry WHERE pid = ? ORDER BY kind, number, kid",
        )
        .bind(pid.get())
        .fetch_all(&mut *tx)
        .await?;
        let entries = found.iter().map(decode).collect::<Result<_>>()?;
        Ok(Some(Content { participant, entries }))
    }
}

impl RegisterChange {
    /// The body of a single thing, if it is there.
    pub async fn entry(&mut self, place: &Place) -> Result<Option<String>> {
        body(&mut self.tx, place).await
    }

    /// What is in a list.
    pub async fn entries(&mut self, pid: Pid, kind: Kind) -> Result<Vec<Entry>> {
        list(&mut self.tx, pid, kind).await
    }

    /// Puts a thing in its place, whatever was there.
    pub async fn put_entry(&mut self, place: &Place, body: &str, at: Timestamp) -> Result<()> {
        let slot = slot(place)?;
        sqlx::query(
            "INSERT INTO register_entry (pid, kind, number, kid, body, changed) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (pid, kind, number, kid) DO UPDATE SET body = excluded.body, changed = excluded.changed",
        )
        .bind(slot.pid.get())
        .bind(slot.kind.as_str())
        .bind(slot.number)
        .bind(slot.kid)
        .bind(body)
        .bind(at.as_seconds())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Takes a thing out of its place. The kid of a key stays used.
    pub async fn remove_entry(&mut self, place: &Place, at: Timestamp) -> Result<()> {
        let slot = slot(place)?;
        sqlx::query("DELETE FROM register_entry WHERE pid = ? AND kind = ? AND number = ? AND kid = ?")
            .bind(slot.pid.get())
            .bind(slot.kind.as_str())
            .bind(slot.number)
            .bind(slot.kid)
            .execute(&mut *self.tx)
            .await?;
        if let Some(list) = slot.kind.list() {
            sqlx::query("UPDATE register_kid SET removed = ? WHERE pid = ? AND list = ? AND kid = ?")
                .bind(at.as_seconds())
                .bind(slot.pid.get())
                .bind(Kind::of(list).as_str())
                .bind(slot.kid)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// What is known of a kid, if it was ever used.
    pub async fn used_kid(&mut self, pid: Pid, list: KeyList, kid: &Kid) -> Result<Option<UsedKid>> {
        let found = sqlx::query(
            "SELECT pid, list, kid, thumbprint, added, removed FROM register_kid WHERE pid = ? AND list = ? AND kid = ?",
        )
        .bind(pid.get())
        .bind(Kind::of(list).as_str())
        .bind(kid.as_str())
        .fetch_optional(&mut *self.tx)
        .await?;
        found.as_ref().map(decode_kid).transpose()
    }

    /// How many kids were ever used in a list.
    pub async fn count_kids(&mut self, pid: Pid, list: KeyList) -> Result<i64> {
        let count = sqlx::query_scalar("SELECT count(*) FROM register_kid WHERE pid = ? AND list = ?")
            .bind(pid.get())
            .bind(Kind::of(list).as_str())
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(count)
    }

    /// Remembers a kid for good.
    pub async fn use_kid(&mut self, used: &UsedKid) -> Result<()> {
        insert_kid(&mut self.tx, used).await
    }

    /// An id for an endpoint that no endpoint of anybody ever had.
    pub async fn new_endpoint_id(&mut self) -> Result<i64> {
        let id = sqlx::query_scalar(
            "UPDATE register SET last_endpoint_id = last_endpoint_id + 1 RETURNING last_endpoint_id",
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(id)
    }
}

pub(super) async fn insert_kid(tx: &mut Tx, used: &UsedKid) -> Result<()> {
    sqlx::query("INSERT INTO register_kid (pid, list, kid, thumbprint, added, removed) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(used.pid.get())
        .bind(Kind::of(used.list).as_str())
        .bind(used.kid.as_str())
        .bind(&used.thumbprint)
        .bind(used.added.as_seconds())
        .bind(used.removed.map(Timestamp::as_seconds))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, entry: &Entry) -> Result<()> {
    sqlx::query("INSERT INTO register_entry (pid, kind, number, kid, body, changed) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(entry.pid.get())
        .bind(entry.kind.as_str())
        .bind(entry.number)
        .bind(&entry.kid)
        .bind(&entry.body)
        .bind(entry.changed.as_seconds())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn all_kids(tx: &mut Tx) -> Result<Vec<UsedKid>> {
    let found =
        sqlx::query("SELECT pid, list, kid, thumbprint, added, removed FROM register_kid ORDER BY pid, list, kid")
            .fetch_all(&mut **tx)
            .await?;
    found.iter().map(decode_kid).collect()
}

/// All entries of all participants, by pid, kind, number and kid.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Entry>> {
    let found =
        sqlx::query("SELECT pid, kind, number, kid, body, changed FROM register_entry ORDER BY pid, kind, number, kid")
            .fetch_all(&mut **tx)
            .await?;
    found.iter().map(decode).collect()
}

async fn list(tx: &mut Tx, pid: Pid, kind: Kind) -> Result<Vec<Entry>> {
    let found = sqlx::query(
        "SELECT pid, kind, number, kid, body, changed FROM register_entry WHERE pid = ? AND kind = ? \
         ORDER BY number, kid",
    )
    .bind(pid.get())
    .bind(kind.as_str())
    .fetch_all(&mut **tx)
    .await?;
    found.iter().map(decode).collect()
}

async fn body(tx: &mut Tx, place: &Place) -> Result<Option<String>> {
    let slot = slot(place)?;
    let found =
        sqlx::query_scalar("SELECT body FROM register_entry WHERE pid = ? AND kind = ? AND number = ? AND kid = ?")
            .bind(slot.pid.get())
            .bind(slot.kind.as_str())
            .bind(slot.number)
            .bind(slot.kid)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found)
}

/// Where the single thing at a place is; a list is none.
fn slot(place: &Place) -> Result<Slot<'_>> {
    let slot = |pid: &Pid, kind, number, kid| Slot { pid: *pid, kind, number, kid };
    Ok(match place {
        Place::DomainName(pid) => slot(pid, Kind::Domain, 0, ""),
        Place::Key(pid, list, kid) => slot(pid, Kind::of(*list), 0, kid.as_str()),
        Place::Endpoint(pid, id) => slot(pid, Kind::Endpoint, *id, ""),
        Place::Constraint(pid, issuer) => slot(pid, Kind::Constraint, issuer.get(), ""),
        Place::Info(pid) => slot(pid, Kind::Info, 0, ""),
        Place::WholeSet | Place::Participant(_) | Place::Keys(..) | Place::Endpoints(_) | Place::Constraints(_) => {
            return Err(StoreError::Invalid { field: "place", rule: "that of a single thing" });
        }
    })
}

fn decode(row: &SqliteRow) -> Result<Entry> {
    Ok(Entry {
        pid: rows::pid(row, 0)?,
        kind: rows::parsed(row, 1)?,
        number: row.try_get(2)?,
        kid: row.try_get(3)?,
        body: row.try_get(4)?,
        changed: rows::time(row, 5)?,
    })
}

fn decode_kid(row: &SqliteRow) -> Result<UsedKid> {
    Ok(UsedKid {
        pid: rows::pid(row, 0)?,
        list: rows::parsed::<Kind>(row, 1)?.list().ok_or_else(|| damaged("list"))?,
        kid: rows::parsed(row, 2)?,
        thumbprint: row.try_get(3)?,
        added: rows::time(row, 4)?,
        removed: rows::optional_time(row, 5)?,
    })
}
