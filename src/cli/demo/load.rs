//! [`Load`]: clients that ask for tokens and call the partner API without a pause, and what became of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::caller::Caller;

/// Clients at work. They stop with this value.
pub(super) struct Load {
    goes_on: Arc<AtomicBool>,
    counted: Arc<Mutex<Counted>>,
    clients: JoinSet<()>,
}

/// Whom they ask.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The token service.
    pub(super) tokens: String,
    /// What they call.
    pub(super) api: String,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) tokens: u64,
    pub(super) calls: u64,
    pub(super) refused: Vec<String>,
    /// Calls that were accepted, by the key that had signed their token.
    by_kid: BTreeMap<String, u64>,
}

/// So many calls are made with one token.
const CALLS: usize = 5;
/// Between two of them: a laptop is to stay a laptop.
const PAUSE: Duration = Duration::from_millis(10);
/// Nobody goes on for longer.
const LONGEST: Duration = Duration::from_mins(2);

impl Load {
    /// Starts these clients, each an entity with its certificate.
    pub(super) fn start(target: &Target, clients: impl IntoIterator<Item = (&'static str, Caller)>) -> Self {
        let (goes_on, counted) = (Arc::new(AtomicBool::new(true)), Arc::default());
        let mut set = JoinSet::new();
        for (entity, caller) in clients {
            let (target, goes_on, counted) = (target.clone(), Arc::clone(&goes_on), Arc::clone(&counted));
            set.spawn(async move {
                let began = Instant::now();
                while goes_on.load(Ordering::Relaxed) && began.elapsed() < LONGEST {
                    round(&target, (entity, &caller), &counted).await;
                }
            });
        }
        Self { goes_on, counted, clients: set }
    }

    /// What came of it so far.
    pub(super) fn counted(&self) -> Counted {
        locked(&self.counted).clone()
    }

    /// Ends it; what was begun is finished.
    pub(super) async fn stop(mut self) -> Counted {
        self.goes_on.store(false, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.counted()
    }
}

impl Counted {
    /// Calls with tokens of this key.
    pub(super) fn of_kid(&self, kid: &str) -> u64 {
        self.by_kid.get(kid).copied().unwrap_or_default()
    }
}

/// A token, and a few calls with it.
async fn round(target: &Target, (entity, caller): (&str, &Caller), counted: &Mutex<Counted>) {
    let token = match caller.ask_token(&target.tokens, entity).await.and_then(|answer| answer.token()) {
        Ok(token) => token,
        Err(failure) => return locked(counted).refused.push(format!("no token for {entity}: {}", failure.what)),
    };
    locked(counted).tokens += 1;
    for _ in 0..CALLS {
        if token.is_nearly_over() {
            break;
        }
        let answer = caller.get(&target.api, &token.text, &[]).await;
        match answer {
            Ok(answer) if answer.status == 200 => {
                let mut counted = locked(counted);
                counted.calls += 1;
                *counted.by_kid.entry(token.kid.clone()).or_default() += 1;
            }
            Ok(answer) => locked(counted).refused.push(format!("{entity} with {}: {}", token.kid, answer.verdict())),
            Err(failure) => locked(counted).refused.push(format!("{entity}: {}", failure.what)),
        }
        sleep(PAUSE).await;
    }
}

fn locked(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}
