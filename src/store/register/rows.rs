//! What several tables of the register have in common.

use sqlx::Row as _;

use crate::store::error::Result;
use crate::store::rows::Tx;

/// The numbers that the register never takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) revision: i64,
    pub(super) last_serial: i64,
    pub(super) last_endpoint_id: i64,
}

pub(super) async fn counters(tx: &mut Tx) -> Result<Counters> {
    let row = sqlx::query("SELECT revision, last_serial, last_endpoint_id FROM register").fetch_one(&mut **tx).await?;
    Ok(Counters { revision: row.try_get(0)?, last_serial: row.try_get(1)?, last_endpoint_id: row.try_get(2)? })
}
