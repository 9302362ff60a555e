//! [`KeyLife`]: what became of a token key at the registry, and since when it waits. Noting it is `key_steps`' task.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::value::{SteadyTime, Timestamp};

use super::error::Result;
use super::key_state::KeyState;
use super::rows;

/// What became of a key at the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyLife {
    /// When the registry had it, last.
    pub published: Option<Timestamp>,
    /// When it was first in a verified metadata set.
    pub seen: Option<Timestamp>,
    /// The serial of that set.
    pub seen_serial: Option<u64>,
    /// No token that it signed is valid after that; `None` if it signed none, or before this was kept.
    pub last_exp: Option<Timestamp>,
    /// When it was taken out of the registry.
    pub withdrawn: Option<Timestamp>,
    /// When the registry said that it will never have it.
    pub refused: Option<Timestamp>,
    /// When somebody said that others may know its private half.
    pub distrusted: Option<Timestamp>,
    /// How long it has been in its state.
    pub waited: Waited,
}

/// A span of time that no change of the calendar's clock makes longer or shorter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waited {
    /// What was measured up to the reading.
    pub measured: Duration,
    /// The reading of the steady clock; `None` if there was none yet.
    pub at: Option<SteadyTime>,
}

/// What is to be noted of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNews {
    /// The registry has it. `before` is when it had it last, as far as is known.
    Published {
        /// [`KeyLife::published`] as it was.
        before: Option<Timestamp>,
    },
    /// It was in a verified set of this serial.
    Seen {
        /// The serial.
        serial: u64,
    },
    /// The registry has it no more.
    Withdrawn,
    /// The registry said that it will never have it.
    Refused,
    /// Others may know it.
    Distrusted,
}

/// How a key comes to sign.
#[derive(Debug, Clone)]
pub struct Activation<'a> {
    /// The states from which it may.
    pub from: &'a [KeyState],
    /// After that no token of the key that signed before is valid.
    pub last_exp: Timestamp,
    /// From which reading on the wait of the other key is measured.
    pub steady: Option<SteadyTime>,
}

impl Activation<'_> {
    /// By somebody who knows what he does: any key that is on its way may sign, and nobody measures.
    pub const fn by_hand(last_exp: Timestamp) -> Self {
        Self { from: &[KeyState::Pending, KeyState::Published, KeyState::Seen], last_exp, steady: None }
    }
}

impl Waited {
    /// How long it is at this reading: never more than really passed.
    pub fn until(&self, now: &SteadyTime) -> Duration {
        let since = self.at.as_ref().map_or(Duration::ZERO, |at| now.since(&at.clock, at.millis));
        self.measured + since
    }
}

/// Reads the columns from `published` on.
pub(super) fn decode(row: &SqliteRow, first: usize) -> Result<KeyLife> {
    let clock: Option<String> = row.try_get(first + 8)?;
    let millis: Option<i64> = row.try_get(first + 9)?;
    let measured = u64::try_from(row.try_get::<i64, _>(first + 7)?).map_err(|_| rows::damaged("span"))?;
    let serial: Option<i64> = row.try_get(first + 2)?;
    Ok(KeyLife {
        published: rows::optional_time(row, first)?,
        seen: rows::optional_time(row, first + 1)?,
        seen_serial: serial.map(u64::try_from).transpose().map_err(|_| rows::damaged("serial"))?,
        last_exp: rows::optional_time(row, first + 3)?,
        withdrawn: rows::optional_time(row, first + 4)?,
        refused: rows::optional_time(row, first + 5)?,
        distrusted: rows::optional_time(row, first + 6)?,
        waited: Waited {
            measured: Duration::from_millis(measured),
            at: clock.zip(millis).map(|(clock, millis)| SteadyTime { clock, millis }),
        },
    })
}
