//! [`KeySource`]: keys that are kept fresh. Requests ask it and wait, boundedly; only its own task reads origins.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::board::{Board, OriginStatus};
use super::current::CurrentKeys;
use super::origin::{Origin, OriginError};
use crate::value::{Clock, Kid, Pid};

/// Keys from files and URLs, read again when they change, on a schedule, and when a token names a key that is not known yet.
///
/// The set in force is replaced whole. An origin that fails leaves its last good keys in force and says so in
/// [`status`](Self::status).
///
/// ```no_run
/// use std::sync::Arc;
///
/// use bob_auth::flow::verify::{Allowed, Verifier};
/// use bob_auth::flow::verify_live::LiveVerifier;
/// use bob_auth::key_source::KeySource;
/// use bob_auth::value::{Pid, SystemClock};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let source = KeySource::builder()
///     .jwks_file(Pid::new(34)?, "partner-34.jwks.json")
///     .jwks_url(Pid::new(41)?, "https://auth.example.se/jwks.json", None)
///     .build(Arc::new(SystemClock), u64::from(std::process::id()))
///     .await?;
/// tokio::spawn(source.clone().run());
///
/// let verifier = Verifier::builder(source.keys()).allow(Allowed::class("val".parse()?)).build()?;
/// let verifier = LiveVerifier::new(verifier, source)?;
/// # Ok(())
/// # }
/// ```
pub struct KeySource {
    pub(super) origins: Vec<Origin>,
    keys: Arc<CurrentKeys>,
    board: Mutex<Board>,
    clock: Arc<dyn Clock>,
    /// The most that a request waits for a key.
    patience: Duration,
    /// Whether somebody reads the origins, so that waiting is of use.
    running: AtomicBool,
    one_run_at_a_time: tokio::sync::Mutex<()>,
}

impl KeySource {
    pub(super) fn new(origins: Vec<Origin>, board: Board, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self {
            origins,
            keys: board.keys().clone(),
            board: Mutex::new(board),
            clock,
            patience,
            running: AtomicBool::new(false),
            one_run_at_a_time: tokio::sync::Mutex::default(),
        }
    }

    /// The set in force, for verifiers.
    pub fn keys(&self) -> Arc<CurrentKeys> {
        self.keys.clone()
    }

    /// The most that anybody waits for an origin.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// How every origin is doing, for metrics and whoever asks.
    pub fn status(&self) -> Vec<OriginStatus> {
        self.board().status()
    }

    /// Has the origin of this issuer read again, unless it was a moment ago, and says whether the key is known now.
    ///
    /// Whoever asks for the same origin meanwhile waits for the same reading, and nobody longer than was set. For an issuer
    /// that no origin speaks for nothing is read, nor while [`run`](Self::run) does not run.
    pub async fn refresh_for(&self, issuer: Pid, kid: &Kid) -> bool {
        let known = || self.keys.load().set.find(issuer, kid).is_ok();
        if known() {
            return true;
        }
        let Some(origin) = self.board().origin_of(issuer).and_then(|index| self.origins.get(index)) else {
            return false;
        };
        if !self.running.load(Ordering::Acquire) {
            return false;
        }
        let Some(place) = origin.gate.ask(issuer, kid, Instant::now()) else {
            // A reading may have ended since the first look.
            return known();
        };
        let over = place.wait(self.patience).await;
        if known() {
            return true;
        }
        if over {
            origin.gate.remember_absent(issuer, kid, Instant::now());
        }
        false
    }

    /// Reads the origins when they are due or asked for, each in a task of its own. Runs for ever; drop it to stop.
    pub async fn run(self: Arc<Self>) -> Infallible {
        let _alone = self.one_run_at_a_time.lock().await;
        let _running = Running::new(&self.running);
        let mut tasks = JoinSet::new();
        for index in 0..self.origins.len() {
            tasks.spawn(self.clone().follow(index));
        }
        while let Some(ended) = tasks.join_next().await {
            // They do not end, and nobody aborts them: one that panicked must not go unnoticed.
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        std::future::pending().await
    }

    async fn follow(self: Arc<Self>, index: usize) {
        let Some(origin) = self.origins.get(index) else { return };
        let mut pause = origin.reader.lock().await.pause(self.clock.now());
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = origin.gate.asked() => {}
            }
            // What is wrong is noted on the board.
            let _ = self.read_again(index).await;
            pause = origin.reader.lock().await.pause(self.clock.now());
        }
    }

    /// Puts the last good set in force that an origin has on disk. Says whether it may be used.
    pub(super) async fn take_up(&self, index: usize) -> bool {
        let Some(origin) = self.origins.get(index) else { return false };
        let mut reader = origin.reader.lock().await;
        let Ok(Some(kept)) = reader.read_kept(self.clock.now()).await else { return false };
        let settled = self.board().settle(index, Ok(kept), self.clock.now());
        reader.hold(settled.as_ref().err().is_none_or(OriginError::is_in_force));
        settled.is_ok()
    }

    /// Reads an origin, puts in force what it holds, and lets those go who waited for it.
    pub(super) async fn read_again(&self, index: usize) -> Result<(), OriginError> {
        let Some(origin) = self.origins.get(index) else { return Ok(()) };
        let mut reader = origin.reader.lock().await;
        let reading = origin.gate.begin();
        let read = reader.read(self.clock.now()).await;
        let settled = self.board().settle(index, read, self.clock.now());
        reader.settled(settled.as_ref().err());
        // Nobody waits for a disk.
        drop(reading);
        if let Some(kept) = reader.keep().await {
            self.board().kept(index, kept);
        }
        settled
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("keys", &self.keys).field("origins", &self.status()).finish_non_exhaustive()
    }
}

/// Says that the origins are read, for as long as it lives.
struct Running<'s>(&'s AtomicBool);

impl<'s> Running<'s> {
    fn new(flag: &'s AtomicBool) -> Self {
        flag.store(true, Ordering::Release);
        Self(flag)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
