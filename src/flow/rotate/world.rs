//! [`World`]: what a round needs, and [`Room`], the real one: store, key files, registry and the metadata set.

use crate::crypto::algorithm::Algorithm;
use crate::flow::new_key::{self, ActivateError, KeyRoom, NewKey, NewKeyError};
use crate::flow::publish::{PublishError, Publisher};
use crate::key_source::{KeySource, OriginKind, OriginStatus};
use crate::protocol::jwk::{JwkSet, PublicJwk};
use crate::registry_client::ClientError;
use crate::store::{Activation, AuthtokenKey, Change, Conflict, KeyNews, KeyState, StoreError};
use crate::value::{Clock, Kid, Pid, SteadyClock, SteadyTime, Timestamp};

use super::plan::SetView;

/// What a round needs of the world. Every effect may fail, and may have happened all the same.
#[expect(async_fn_in_trait, reason = "a round stays in the task that runs it")]
pub trait World {
    /// The time of the calendar.
    fn now(&self) -> Timestamp;
    /// The time that nobody sets.
    fn steady(&self) -> SteadyTime;
    /// What the verified metadata set says of these keys; `None` if there is no set.
    fn set(&self, keys: &[AuthtokenKey]) -> Option<SetView>;
    /// All keys of the participant.
    async fn keys(&self) -> Result<Vec<AuthtokenKey>, StepError>;
    /// Makes a key, unless one is on its way.
    async fn generate(&self) -> Result<Kid, StepError>;
    /// Has the registry know a key.
    async fn publish(&self, key: &AuthtokenKey) -> Result<(), StepError>;
    /// Has the registry forget a key.
    async fn withdraw(&self, kid: &Kid) -> Result<(), StepError>;
    /// Notes what became of a key.
    async fn note(&self, kid: &Kid, news: KeyNews) -> Result<(), StepError>;
    /// Makes a seen key the one that signs; no token of the one before is valid after `last_exp`.
    async fn activate(&self, kid: &Kid, last_exp: Timestamp) -> Result<(), StepError>;
    /// Is done with a key.
    async fn retire(&self, kid: &Kid) -> Result<(), StepError>;
    /// Keeps how long keys have waited.
    async fn measure(&self) -> Result<(), StepError>;
    /// Keeps until when tokens of the key that signs may be valid.
    async fn raise_last_exp(&self, last_exp: Timestamp) -> Result<(), StepError>;
}

/// The real world of one participant.
pub struct Room<'a> {
    /// Whose keys.
    pub pid: Pid,
    /// Where keys are kept.
    pub keys: KeyRoom<'a>,
    /// Where they are published.
    pub publisher: &'a Publisher,
    /// The verified set.
    pub source: &'a KeySource,
    /// What new keys are for.
    pub algorithm: Algorithm,
    /// The calendar.
    pub clock: &'a dyn Clock,
    /// The clock that nobody sets.
    pub steady: &'a dyn SteadyClock,
    /// Who does it, as the audit trail has it.
    pub actor: &'a str,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// No key could be made.
    #[error(transparent)]
    NewKey(#[from] NewKeyError),
    /// The key would not sign.
    #[error(transparent)]
    Activate(#[from] ActivateError),
    /// What the store has is no public key.
    #[error("the public key {0} in the store is no JWK that could be published")]
    NoJwk(Kid),
    /// A reload took the registry's set away.
    #[error("nobody reads the registry's metadata set any more: start the service again")]
    NoSource,
    /// The key is gone from the store; does not happen.
    #[error("there is no key {0} any more")]
    NoKey(Kid),
}

impl StepError {
    /// Whether somebody else took the step, or a later one, meanwhile.
    pub const fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Conflict(conflict))
            | Self::NewKey(NewKeyError::Store(StoreError::Conflict(conflict)))
            | Self::Activate(ActivateError::Store(StoreError::Conflict(conflict)))
                if matches!(
                    conflict,
                    Conflict::StepTaken { .. }
                        | Conflict::SuccessorExists { .. }
                        | Conflict::KeyState { .. }
                        | Conflict::Distrusted(_)
                        | Conflict::KidUsed { .. }
                )
        )
    }

    /// Whether the registry will never take the key, because its id is used up.
    pub const fn is_refused_for_good(&self) -> bool {
        matches!(self, Self::Publish(PublishError::Client(ClientError::KidUsedUp { .. })))
    }

    /// Whether it may work later without anything being done here.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Publish(error) => error.is_temporary(),
            Self::Store(error) => matches!(error, StoreError::Busy | StoreError::Full),
            _ => false,
        }
    }
}

impl Room<'_> {
    fn change(&self) -> Change {
        Change { at: self.clock.now(), actor: self.actor.to_owned() }
    }

    /// The serial of the registry's set, and whether what is known of the participant is from there.
    fn edition(&self) -> Option<(u64, bool)> {
        let of_registry = |origin: &OriginStatus| origin.kind == OriginKind::MetadataUrl;
        let origin = self.source.status().into_iter().find(of_registry)?;
        Some((origin.metadata?.serial, origin.issuers.contains(&self.pid)))
    }
}

impl World for Room<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn steady(&self) -> SteadyTime {
        self.steady.read()
    }

    fn set(&self, keys: &[AuthtokenKey]) -> Option<SetView> {
        let current = self.source.keys();
        // A set may come into force between the two looks.
        let ((serial, speaks), held) = loop {
            let edition = self.edition()?;
            let held = current.load();
            if self.edition() == Some(edition) {
                break (edition, held);
            }
        };
        let mut view = SetView { serial, ..SetView::default() };
        if !speaks {
            return Some(view);
        }
        for key in keys {
            let Ok(found) = held.set.find(self.pid, &key.kid) else { continue };
            let same = public_jwk(key).is_some_and(|ours| ours.key == *found);
            let side = if same { &mut view.same } else { &mut view.other };
            side.insert(key.kid.clone());
        }
        Some(view)
    }

    async fn keys(&self) -> Result<Vec<AuthtokenKey>, StepError> {
        Ok(self.keys.store.keys(Some(self.pid)).await?)
    }

    async fn generate(&self) -> Result<Kid, StepError> {
        let new = NewKey {
            pid: self.pid,
            algorithm: self.algorithm,
            bits: None,
            kid: None,
            not_after: None,
            among_others: false,
        };
        Ok(new_key::generate(self.keys, &new, &self.change()).await?.kid)
    }

    async fn publish(&self, key: &AuthtokenKey) -> Result<(), StepError> {
        let jwk = public_jwk(key).ok_or_else(|| StepError::NoJwk(key.kid.clone()))?;
        self.publisher.publish_authtoken_key(&jwk).await?;
        Ok(())
    }

    async fn withdraw(&self, kid: &Kid) -> Result<(), StepError> {
        self.publisher.withdraw_authtoken_key(kid).await?;
        Ok(())
    }

    async fn note(&self, kid: &Kid, news: KeyNews) -> Result<(), StepError> {
        self.keys.store.note_key(self.pid, kid, news, (&self.steady.read(), &self.change())).await?;
        Ok(())
    }

    async fn activate(&self, kid: &Kid, last_exp: Timestamp) -> Result<(), StepError> {
        let activation = Activation { from: &[KeyState::Seen], last_exp, steady: Some(self.steady.read()) };
        new_key::activate(self.keys, self.pid, kid, &activation, &self.change()).await?;
        Ok(())
    }

    async fn retire(&self, kid: &Kid) -> Result<(), StepError> {
        self.keys.store.retire_key(self.pid, kid, &self.change()).await?;
        Ok(())
    }

    async fn measure(&self) -> Result<(), StepError> {
        Ok(self.keys.store.measure_keys(self.pid, &self.steady.read()).await?)
    }

    async fn raise_last_exp(&self, last_exp: Timestamp) -> Result<(), StepError> {
        Ok(self.keys.store.raise_last_exp(self.pid, last_exp).await?)
    }
}

/// The public half as the store has it.
fn public_jwk(key: &AuthtokenKey) -> Option<PublicJwk> {
    let set = JwkSet::parse(format!("{{\"keys\":[{}]}}", key.public_jwk).as_bytes()).ok()?;
    set.keys.into_iter().next().filter(|jwk| jwk.kid == key.kid)
}
