//! From columns to values. What does not parse is damage: it was valid when it was written.

use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use crate::value::{Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::Page;
use super::error::{Result, StoreError};

/// A transaction on a connection of one of the pools.
pub(super) type Tx = Transaction<'static, Sqlite>;

pub(super) fn pid(row: &SqliteRow, column: usize) -> Result<Pid> {
    Pid::new(row.try_get(column)?).map_err(|_| damaged("pid"))
}

pub(super) fn time(row: &SqliteRow, column: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_seconds(row.try_get(column)?))
}

pub(super) fn optional_time(row: &SqliteRow, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_seconds))
}

pub(super) fn lifetime(row: &SqliteRow, column: usize) -> Result<Option<Lifetime>> {
    let Some(seconds) = row.try_get::<Option<i64>, _>(column)? else { return Ok(None) };
    let lifetime = u32::try_from(seconds).ok().and_then(Lifetime::from_seconds);
    lifetime.map(Some).ok_or_else(|| damaged("lifetime"))
}

pub(super) fn parsed<T: FromStr>(row: &SqliteRow, column: usize) -> Result<T> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| damaged("text"))
}

pub(super) fn optional_parsed<T: FromStr>(row: &SqliteRow, column: usize) -> Result<Option<T>> {
    let Some(text) = row.try_get::<Option<&str>, _>(column)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| damaged("text"))
}

pub(super) fn sha1(row: &SqliteRow, column: usize) -> Result<Sha1Fingerprint> {
    bytes(row, column)?.map(Sha1Fingerprint::from_bytes).ok_or_else(|| damaged("sha1"))
}

pub(super) fn sha256(row: &SqliteRow, column: usize) -> Result<Sha256Fingerprint> {
    bytes(row, column)?.map(Sha256Fingerprint::from_bytes).ok_or_else(|| damaged("sha256"))
}

pub(super) fn bytes<const N: usize>(row: &SqliteRow, column: usize) -> Result<Option<[u8; N]>> {
    let Some(blob) = row.try_get::<Option<&[u8]>, _>(column)? else { return Ok(None) };
    blob.try_into().map(Some).map_err(|_| damaged("digest"))
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt(format!("a row holds an impossible {what}"))
}

/// Cuts off the item that was read to see whether there are more.
pub(super) fn page<T, C>(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Page<T, C> {
    let limit = limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(cursor) } else { None };
    Page { items, next }
}
