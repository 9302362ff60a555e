//! [`Lease`]: who does what only one should do, where several services share a store. It is measured by the steady clock of
//! the machine, which they share as well; nothing that must not happen twice relies on it.

use std::time::Duration;

use sqlx::Row as _;

use crate::value::SteadyTime;

use super::error::Result;
use super::schema::Store;

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The holder, as it named itself.
    pub holder: String,
    /// How much longer.
    pub rest: Duration,
}

impl Store {
    /// Takes the lease, or keeps it, for so long from now; says whether it is `holder`'s. One that ran out, or is measured
    /// by a clock of before the machine was started, is anybody's. No administrative change.
    pub async fn take_lease(&self, name: &str, holder: &str, now: &SteadyTime, span: Duration) -> Result<bool> {
        let until = now.millis.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let mut tx = self.begin().await?;
        let taken = sqlx::query(
            "INSERT INTO lease (name, holder, steady_clock, until_ms) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (name) DO UPDATE SET holder = ?2, steady_clock = ?3, until_ms = ?4 \
             WHERE holder = ?2 OR steady_clock <> ?3 OR until_ms <= ?5",
        )
        .bind(name.to_owned())
        .bind(holder.to_owned())
        .bind(now.clock.clone())
        .bind(until)
        .bind(now.millis)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Gives the lease up, if it is `holder`'s.
    pub async fn give_lease(&self, name: &str, holder: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM lease WHERE name = ? AND holder = ?")
            .bind(name.to_owned())
            .bind(holder.to_owned())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who holds the lease at this reading.
    pub async fn lease(&self, name: &str, now: &SteadyTime) -> Result<Option<Lease>> {
        let mut tx = self.read().await?;
        let found = sqlx::query("SELECT holder, steady_clock, until_ms FROM lease WHERE name = ?")
            .bind(name.to_owned())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = found else { return Ok(None) };
        let (clock, until): (String, i64) = (row.try_get(1)?, row.try_get(2)?);
        let rest = SteadyTime { clock, millis: until }.since(&now.clock, now.millis);
        Ok((!rest.is_zero()).then_some(Lease { holder: row.try_get(0)?, rest }))
    }
}
