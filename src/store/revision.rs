//! The revision: a number that moves with every administrative change. Watching it is somebody else's affair.

use super::error::Result;
use super::rows::Tx;
use super::schema::Store;

const READ: &str = "SELECT value FROM revision";

impl Store {
    /// The revision now; a cheap read, made for polling.
    pub async fn revision(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(READ).fetch_one(self.reader()).await?)
    }
}

/// The revision that the transaction sees.
pub(super) async fn read(tx: &mut Tx) -> Result<i64> {
    Ok(sqlx::query_scalar(READ).fetch_one(&mut **tx).await?)
}

/// One step on.
pub(super) async fn step(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE revision SET value = value + 1").execute(&mut **tx).await?;
    Ok(())
}
