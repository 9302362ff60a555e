//! [`Host`]: a machine with a store, two instances of the service, a registry, and the truth about all of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::book::Book;
use super::*;
use crate::flow::publish::PublishError;
use crate::flow::rotate::{Round, SetView, StepError, World, round};
use crate::registry_client::ClientError;
use crate::store::{KeyNews, StoreError};

/// How the registry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    Up,
    /// Nothing gets through.
    Down,
    /// Changes are made, and the answers are lost or not to be believed.
    AnswersLost,
    /// No new key is taken.
    UsedUp,
}

/// The truth. Times in milliseconds that really pass.
pub(super) struct Truth {
    pub(super) time: i64,
    pub(super) boot: u32,
    pub(super) booted: i64,
    /// By how many seconds the calendar is wrong.
    pub(super) offset: i64,
    pub(super) book: Book,
    pub(super) made: u32,
    pub(super) store_fails: u32,
    pub(super) registry: Registry,
    /// What the registry has; the set it has signed, its serial, and since when each key is in the sets.
    pub(super) there: BTreeSet<Kid>,
    used: BTreeSet<Kid>,
    pub(super) signed: (u64, BTreeSet<Kid>),
    pub(super) known_since: BTreeMap<Kid, i64>,
    /// What both instances hold.
    pub(super) held: Option<(u64, BTreeSet<Kid>)>,
    /// When the last token that was ever accepted ends, per key.
    pub(super) tokens: BTreeMap<Kid, i64>,
    /// Keys that somebody interfered with by force.
    pub(super) forced: BTreeSet<Kid>,
    pub(super) activations: BTreeMap<Kid, u32>,
}

#[derive(Clone)]
pub(super) struct Host(pub(super) Rc<RefCell<Truth>>);

/// An instance that may be in the middle of something.
#[derive(Default)]
pub(super) struct Instance(Option<Running>);

type Running = Pin<Box<dyn Future<Output = Result<Round, StepError>>>>;

/// Ready when asked for the second time: between two effects others have their turn, or everything ends.
struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Truth {
    pub(super) fn now(&self) -> Timestamp {
        at(1_800_000_000 + self.time / 1000 + self.offset)
    }

    pub(super) fn steady(&self) -> SteadyTime {
        SteadyTime { clock: format!("boot {}", self.boot), millis: self.time - self.booted }
    }

    /// The registry signs what it has.
    pub(super) fn sign_set(&mut self) {
        if self.there != self.signed.1 {
            self.signed = (self.signed.0 + 1, self.there.clone());
            let (there, time) = (&self.there, self.time);
            self.known_since.retain(|kid, _| there.contains(kid));
            for kid in there {
                self.known_since.entry(kid.clone()).or_insert(time);
            }
        }
    }

    fn write(&mut self) -> Result<(), StepError> {
        if self.store_fails > 0 {
            self.store_fails -= 1;
            return Err(StoreError::Full.into());
        }
        Ok(())
    }
}

impl Host {
    pub(super) fn new() -> Self {
        Self(Rc::new(RefCell::new(Truth {
            time: 0,
            boot: 0,
            booted: 0,
            offset: 0,
            book: Book::default(),
            made: 0,
            store_fails: 0,
            registry: Registry::Up,
            there: BTreeSet::new(),
            used: BTreeSet::new(),
            signed: (1, BTreeSet::new()),
            known_since: BTreeMap::new(),
            held: None,
            tokens: BTreeMap::new(),
            forced: BTreeSet::new(),
            activations: BTreeMap::new(),
        })))
    }

    /// Fetches the set, if the registry can be asked.
    pub(super) fn fetch(&self) {
        let mut truth = self.0.borrow_mut();
        if matches!(truth.registry, Registry::Up | Registry::UsedUp) {
            truth.sign_set();
            truth.held = Some(truth.signed.clone());
        }
    }

    async fn effect<T>(&self, effect: impl FnOnce(&mut Truth) -> Result<T, StepError>) -> Result<T, StepError> {
        Turn(false).await;
        let result = effect(&mut self.0.borrow_mut());
        Turn(false).await;
        result
    }
}

impl Instance {
    /// Goes on by one turn with the round that it is in, or begins one. Says what came of a round that ended.
    pub(super) fn turn(&mut self, host: &Host) -> Option<Result<Round, StepError>> {
        let host = host.clone();
        let running = self.0.get_or_insert_with(|| Box::pin(async move { round(&host, TERMS).await }));
        match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                self.0 = None;
                Some(ended)
            }
        }
    }

    /// `kill -9`
    pub(super) fn crash(&mut self) {
        self.0 = None;
    }

    /// Goes on until its round ends.
    pub(super) fn finish(&mut self, host: &Host) -> Result<Round, StepError> {
        loop {
            if let Some(ended) = self.turn(host) {
                return ended;
            }
        }
    }
}

fn refused(error: ClientError) -> StepError {
    PublishError::from(error).into()
}

impl World for Host {
    fn now(&self) -> Timestamp {
        self.0.borrow().now()
    }

    fn steady(&self) -> SteadyTime {
        self.0.borrow().steady()
    }

    fn set(&self, keys: &[AuthtokenKey]) -> Option<SetView> {
        let (serial, held) = self.0.borrow().held.clone()?;
        let same = keys.iter().map(|key| key.kid.clone()).filter(|kid| held.contains(kid)).collect();
        Some(SetView { serial, same, ..SetView::default() })
    }

    async fn keys(&self) -> Result<Vec<AuthtokenKey>, StepError> {
        self.effect(|truth| Ok(truth.book.keys.clone())).await
    }

    async fn generate(&self) -> Result<Kid, StepError> {
        self.effect(|truth| {
            truth.write()?;
            let new = pending(&format!("34:{}", truth.made), truth.now());
            let kid = new.kid.clone();
            truth.book.add(new, true)?;
            truth.made += 1;
            Ok(kid)
        })
        .await
    }

    async fn publish(&self, key: &AuthtokenKey) -> Result<(), StepError> {
        self.effect(|truth| {
            let new = !truth.there.contains(&key.kid);
            match truth.registry {
                Registry::Down => return Err(refused(ClientError::TooMany { retry_after: None })),
                Registry::UsedUp if new => return Err(refused(ClientError::KidUsedUp { reason: None })),
                _ if new && truth.used.contains(&key.kid) => {
                    return Err(refused(ClientError::KidUsedUp { reason: None }));
                }
                _ => {}
            }
            truth.there.insert(key.kid.clone());
            truth.used.insert(key.kid.clone());
            match truth.registry {
                Registry::AnswersLost => Err(refused(ClientError::TooMany { retry_after: None })),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn withdraw(&self, kid: &Kid) -> Result<(), StepError> {
        self.effect(|truth| {
            if truth.registry == Registry::Down {
                return Err(refused(ClientError::TooMany { retry_after: None }));
            }
            truth.there.remove(kid);
            match truth.registry {
                Registry::AnswersLost => Err(refused(ClientError::TooMany { retry_after: None })),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn note(&self, kid: &Kid, news: KeyNews) -> Result<(), StepError> {
        self.effect(|truth| {
            truth.write()?;
            let now = (truth.steady(), truth.now());
            Ok(truth.book.note(kid, news, now)?)
        })
        .await
    }

    async fn activate(&self, kid: &Kid, last_exp: Timestamp) -> Result<(), StepError> {
        self.effect(|truth| {
            truth.write()?;
            let (steady, now) = (truth.steady(), truth.now());
            if truth.book.active().is_some_and(|active| active.life.distrusted.is_some()) {
                // Nobody waits then, on purpose.
                truth.forced.insert(kid.clone());
            }
            truth.book.activate(kid, &[KeyState::Seen], last_exp, (Some(&steady), now))?;
            *truth.activations.entry(kid.clone()).or_default() += 1;
            Ok(())
        })
        .await
    }

    async fn retire(&self, kid: &Kid) -> Result<(), StepError> {
        self.effect(|truth| {
            truth.write()?;
            let now = truth.now();
            Ok(truth.book.retire(kid, now)?)
        })
        .await
    }

    async fn measure(&self) -> Result<(), StepError> {
        self.effect(|truth| {
            truth.write()?;
            let now = truth.steady();
            truth.book.measure(&now);
            Ok(())
        })
        .await
    }

    async fn raise_last_exp(&self, last_exp: Timestamp) -> Result<(), StepError> {
        self.effect(|truth| {
            truth.write()?;
            truth.book.raise_last_exp(last_exp);
            Ok(())
        })
        .await
    }
}
