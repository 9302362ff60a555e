//! The steps in the life of a token key that `keys` has not: what became of it at the registry is noted.
//!
//! A step is taken only from where it was planned, so that of two who plan the same one only one takes it: the other gets
//! a [`Conflict`].

use crate::value::{Kid, Pid, SteadyTime, Timestamp};

use super::error::{Conflict, Result};
use super::key_life::{KeyLife, KeyNews};
use super::key_state::KeyState;
use super::keys::{AuthtokenKey, expect_state, need, row};
use super::rows::Tx;
use super::schema::{Change, Store};

impl KeyNews {
    const fn action(self) -> &'static str {
        match self {
            Self::Published { .. } => "key.publish",
            Self::Seen { .. } => "key.seen",
            Self::Withdrawn => "key.withdraw",
            Self::Refused => "key.refused",
            Self::Distrusted => "key.distrust",
        }
    }

    /// Each is news once.
    fn is_taken(self, life: &KeyLife) -> bool {
        match self {
            Self::Published { before } => life.published != before,
            Self::Seen { .. } => life.seen.is_some(),
            Self::Withdrawn => life.withdrawn.is_some(),
            Self::Refused => life.refused.is_some(),
            Self::Distrusted => life.distrusted.is_some(),
        }
    }
}

impl Store {
    /// Notes what became of a key, and moves it from pending to published, or to seen. [`Conflict::StepTaken`] if that
    /// was noted meanwhile, [`Conflict::KeyState`] if it cannot be true of a key in its state.
    pub async fn note_key(
        &self,
        pid: Pid,
        kid: &Kid,
        news: KeyNews,
        (steady, change): (&SteadyTime, &Change),
    ) -> Result<AuthtokenKey> {
        use KeyState::{Active, Pending, Published, Retired, Retiring, Seen};
        let mut tx = self.begin().await?;
        let key = need(&mut tx, pid, kid).await?;
        let (from, to): (&[KeyState], KeyState) = match news {
            KeyNews::Published { .. } => (&[Pending, Published, Seen, Active], Published),
            KeyNews::Seen { .. } => (&[Pending, Published, Active], Seen),
            KeyNews::Withdrawn => (&[Pending, Published, Seen, Retiring, Retired], Retired),
            KeyNews::Refused => (&[Pending, Published, Seen, Active], Retired),
            KeyNews::Distrusted => (&[Pending, Published, Seen, Active, Retiring], Retired),
        };
        expect_state(&key, from, to)?;
        if news.is_taken(&key.life) {
            return Err(Conflict::StepTaken { kid: kid.clone(), step: news.action() }.into());
        }
        write(&mut tx, &key, news, (steady, change)).await?;
        self.finish_step(tx, row(pid, kid, news.action(), change)).await
    }

    /// Keeps how long the keys of a participant have waited, so that a start of the machine loses little of it. No
    /// administrative change: it leaves no audit row and moves no revision.
    pub async fn measure_keys(&self, pid: Pid, now: &SteadyTime) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE authtoken_key SET \
             waited_ms = waited_ms + CASE WHEN steady_clock = ?1 THEN max(?2 - steady_ms, 0) ELSE 0 END, \
             steady_ms = CASE WHEN steady_clock = ?1 THEN max(?2, steady_ms) ELSE ?2 END, steady_clock = ?1 \
             WHERE pid = ?3 AND (state IN ('published', 'seen', 'retiring') \
             OR state = 'active' AND seen IS NULL \
             OR state = 'retired')",
        )
        .bind(now.clock.clone())
        .bind(now.millis)
        .bind(pid.get())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps that the active key may have signed tokens that are valid until then. No administrative change either.
    pub async fn raise_last_exp(&self, pid: Pid, last_exp: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE authtoken_key SET last_exp = max(coalesce(last_exp, ?1), ?1) WHERE pid = ?2 AND state = 'active'",
        )
        .bind(last_exp.as_seconds())
        .bind(pid.get())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The state moves only where the life of the key goes on by it.
async fn write(tx: &mut Tx, key: &AuthtokenKey, news: KeyNews, at: (&SteadyTime, &Change)) -> Result<()> {
    let (steady, change) = at;
    let serial = match news {
        KeyNews::Seen { serial } => Some(i64::try_from(serial).unwrap_or(i64::MAX)),
        _ => None,
    };
    let statement = match news {
        KeyNews::Published { .. } => {
            "UPDATE authtoken_key SET published = ?1, seen = NULL, seen_serial = NULL, waited_ms = 0, steady_clock = ?2, \
             steady_ms = ?3, state = CASE WHEN state = 'active' THEN state ELSE 'published' END \
             WHERE pid = ?4 AND kid = ?5"
        }
        KeyNews::Seen { .. } => {
            "UPDATE authtoken_key SET seen = ?1, seen_serial = ?6, published = coalesce(published, ?1), waited_ms = 0, \
             steady_clock = ?2, steady_ms = ?3, state = CASE WHEN state = 'active' THEN state ELSE 'seen' END \
             WHERE pid = ?4 AND kid = ?5"
        }
        KeyNews::Withdrawn => {
            "UPDATE authtoken_key SET withdrawn = ?1, waited_ms = 0, steady_clock = ?2, steady_ms = ?3 \
             WHERE pid = ?4 AND kid = ?5"
        }
        KeyNews::Refused => "UPDATE authtoken_key SET refused = ?1 WHERE pid = ?4 AND kid = ?5",
        KeyNews::Distrusted => "UPDATE authtoken_key SET distrusted = ?1 WHERE pid = ?4 AND kid = ?5",
    };
    sqlx::query(statement)
        .bind(change.at.as_seconds())
        .bind(steady.clock.clone())
        .bind(steady.millis)
        .bind(key.pid.get())
        .bind(key.kid.as_str().to_owned())
        .bind(serial)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
