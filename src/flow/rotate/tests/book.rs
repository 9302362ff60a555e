//! [`Book`]: the store's keys of one participant, in memory. `same_as_store` holds it against the real one.

use std::time::Duration;

use super::*;
use crate::store::{Conflict, KeyNews, StoreError, Waited};

type Result = std::result::Result<(), StoreError>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) keys: Vec<AuthtokenKey>,
}

impl Book {
    pub(super) fn key(&mut self, kid: &Kid) -> &mut AuthtokenKey {
        self.keys.iter_mut().find(|key| key.kid == *kid).unwrap()
    }

    pub(super) fn active(&self) -> Option<&AuthtokenKey> {
        self.keys.iter().find(|key| key.state == KeyState::Active)
    }

    pub(super) fn add(&mut self, key: AuthtokenKey, only: bool) -> Result {
        if let Some(coming) = self.keys.iter().find(|key| only && key.is_successor()) {
            return Err(Conflict::SuccessorExists { pid: pid(), kid: coming.kid.clone() }.into());
        }
        if self.keys.iter().any(|other| other.kid == key.kid) {
            return Err(Conflict::KidUsed { pid: pid(), kid: key.kid }.into());
        }
        self.keys.push(key);
        Ok(())
    }

    pub(super) fn note(&mut self, kid: &Kid, news: KeyNews, now: (SteadyTime, Timestamp)) -> Result {
        use KeyState::{Active, Pending, Published, Retired, Retiring, Seen};
        let (steady, at) = now;
        let key = self.key(kid);
        let life = &mut key.life;
        let (from, taken): (&[KeyState], bool) = match news {
            KeyNews::Published { before } => (&[Pending, Published, Seen, Active], life.published != before),
            KeyNews::Seen { .. } => (&[Pending, Published, Active], life.seen.is_some()),
            KeyNews::Withdrawn => (&[Pending, Published, Seen, Retiring, Retired], life.withdrawn.is_some()),
            KeyNews::Refused => (&[Pending, Published, Seen, Active], life.refused.is_some()),
            KeyNews::Distrusted => (&[Pending, Published, Seen, Active, Retiring], life.distrusted.is_some()),
        };
        if !from.contains(&key.state) || taken {
            return Err(Conflict::StepTaken { kid: kid.clone(), step: "" }.into());
        }
        let afresh = Waited { measured: Duration::ZERO, at: Some(steady) };
        let goes_on = key.state != Active;
        match news {
            KeyNews::Published { .. } => {
                (life.published, life.seen, life.seen_serial, life.waited) = (Some(at), None, None, afresh);
                key.state = if goes_on { Published } else { Active };
            }
            KeyNews::Seen { serial } => {
                (life.seen, life.seen_serial, life.waited) = (Some(at), Some(serial), afresh);
                life.published.get_or_insert(at);
                key.state = if goes_on { Seen } else { Active };
            }
            KeyNews::Withdrawn => (life.withdrawn, life.waited) = (Some(at), afresh),
            KeyNews::Refused => life.refused = Some(at),
            KeyNews::Distrusted => life.distrusted = Some(at),
        }
        Ok(())
    }

    pub(super) fn activate(
        &mut self,
        kid: &Kid,
        from: &[KeyState],
        last_exp: Timestamp,
        now: (Option<&SteadyTime>, Timestamp),
    ) -> Result {
        let key = self.key(kid);
        if !from.contains(&key.state) {
            let (state, wanted) = (key.state, KeyState::Active);
            return Err(Conflict::KeyState { kid: kid.clone(), state, wanted }.into());
        }
        if key.life.distrusted.is_some() {
            return Err(Conflict::Distrusted(kid.clone()).into());
        }
        for old in self.keys.iter_mut().filter(|key| key.state == KeyState::Active) {
            (old.state, old.retiring_since) = (KeyState::Retiring, Some(now.1));
            old.life.last_exp = Some(old.life.last_exp.map_or(last_exp, |kept| kept.max(last_exp)));
            old.life.waited = Waited { measured: Duration::ZERO, at: now.0.cloned() };
        }
        let key = self.key(kid);
        (key.state, key.activated) = (KeyState::Active, Some(now.1));
        Ok(())
    }

    pub(super) fn retire(&mut self, kid: &Kid, at: Timestamp) -> Result {
        let key = self.key(kid);
        if matches!(key.state, KeyState::Active | KeyState::Retired) {
            let (state, wanted) = (key.state, KeyState::Retired);
            return Err(Conflict::KeyState { kid: kid.clone(), state, wanted }.into());
        }
        (key.state, key.retired) = (KeyState::Retired, Some(at));
        Ok(())
    }

    pub(super) fn measure(&mut self, now: &SteadyTime) {
        for key in &mut self.keys {
            let waits = match key.state {
                KeyState::Published | KeyState::Seen | KeyState::Retiring | KeyState::Retired => true,
                KeyState::Active => key.life.seen.is_none(),
                KeyState::Pending => false,
            };
            if waits {
                let measured = key.life.waited.until(now);
                let before = key.life.waited.at.take().filter(|at| at.clock == now.clock && at.millis > now.millis);
                key.life.waited = Waited { measured, at: Some(before.unwrap_or_else(|| now.clone())) };
            }
        }
    }

    pub(super) fn raise_last_exp(&mut self, last_exp: Timestamp) {
        for key in self.keys.iter_mut().filter(|key| key.state == KeyState::Active) {
            key.life.last_exp = Some(key.life.last_exp.map_or(last_exp, |kept| kept.max(last_exp)));
        }
    }
}
