//! The revision: a number that moves with every administrative change. Watching it is somebody else's affair.

use super::error::Result;
use super::rows::Tx;

pub(super) const READ: &str = "SELECT value FROM revision";

/// The revision that the transaction sees.
pub(super) async fn read(tx: &mut Tx) -> Result<i64> {
    Ok(sqlx::query_scalar(READ).fetch_one(&mut **tx).await?)
}

/// One step on.
pub(super) async fn step(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE revision SET value = value + 1").execute(&mut **tx).await?;
    Ok(())
}
