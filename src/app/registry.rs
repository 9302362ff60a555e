//! [`Registry`]: from `[registry_server]` to a registry that runs, in a process of its own or beside the token service, and
//! to other settings while it does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;
use tokio::sync::watch;

use super::error::AppError;
use super::hardening::system_random;
use super::listeners::{Started, bind_registry, start_registry};
use super::set_builder::{Orders, SetBuilder};
use super::tls_slot::TlsSlot;
use crate::config::{ByteSize, Config, Limits, RegistryListener, RegistryServerSettings};
use crate::flow::rate_limit::{RateLimit, RateLimiter};
use crate::flow::register::{AnchorRoom, Limits as RegisterLimits, Register, SetRules};
use crate::store::Store;
use crate::store::key_files::KeyFiles;
use crate::value::SystemClock;
use crate::web::listener::{Bound, Running};
use crate::web::metrics::{ProcessMetrics, RegistryMetrics};
use crate::web::registry::{Folding, InForce, Parts, RegistryFace, ReplayGuard, RequestLimits};

/// A registry that runs, for as long as this lives.
pub(super) struct Registry {
    pub(super) state: web::Data<RegistryFace>,
    orders: watch::Sender<Orders>,
    /// The names that it has by its addresses.
    addresses: Vec<String>,
    limited_by: LimitSettings,
    task: JoinHandle<()>,
}

/// The limits per source and per participant, as they are configured.
type LimitSettings = [Option<crate::config::RateLimit>; 2];

/// What the configuration says of it.
#[derive(Clone, Copy)]
pub(super) struct RegistryTables<'c> {
    pub(super) settings: &'c RegistryServerSettings,
    pub(super) listener: &'c RegistryListener,
    pub(super) limits: &'c Limits,
    /// `reload.poll_store`
    pub(super) poll: Duration,
    pub(super) access_log: bool,
}

/// A source that goes on beyond its limit is logged once in ten seconds.
const FLOOD_NOTES: RateLimit = RateLimit { interval: Duration::from_secs(10), burst: NonZeroU32::MIN };
/// How long a body may take if `limits.header_time` is off.
const BODY_TIME: Duration = Duration::from_secs(30);

impl<'c> RegistryTables<'c> {
    /// Of a token service that is a registry besides.
    pub(super) fn of(config: &'c Config) -> Option<Self> {
        Some(Self {
            settings: config.registry_server.as_ref()?,
            listener: config.listeners.registry.as_ref()?,
            limits: &config.limits,
            poll: config.reload.poll_store,
            access_log: config.log.access,
        })
    }
}

impl Registry {
    /// Opens the listener, with the set that there is, or a new one.
    pub(super) async fn start(
        tables: RegistryTables<'_>,
        store: Store,
        process: &Arc<ProcessMetrics>,
        running: &Running,
    ) -> Result<(Self, Started, Option<TlsSlot>), AppError> {
        let sockets = bind_registry(tables.listener)?;
        let addresses: Vec<String> = sockets.iter().flat_map(hosts_of).collect();
        let parts = parts(tables, Register::new(store, RegisterLimits::DEFAULT))?;
        let state = web::Data::new(RegistryFace::new(parts, in_force(tables.settings, &addresses)));
        state.replace_limits(request_limits(tables));
        state.access_log.store(tables.access_log, Ordering::Relaxed);
        let (orders, followed) = watch::channel(orders(tables));
        let mut builder = SetBuilder::new(state.clone(), followed);
        builder.begin().await?;
        report_readiness(&state);
        let (started, slot) = start_registry(tables.listener, sockets, &state, process, running)?;
        let task = actix_web::rt::spawn(async move { match builder.run().await {} });
        Ok((Self { state, orders, addresses, limited_by: limits_of(tables), task }, started, slot))
    }

    /// Puts other settings in force.
    pub(super) fn reload(&mut self, tables: RegistryTables<'_>) {
        self.state.replace(in_force(tables.settings, &self.addresses));
        // The same ones would only forget what was counted.
        if limits_of(tables) != self.limited_by {
            self.limited_by = limits_of(tables);
            self.state.replace_limits(request_limits(tables));
        }
        self.state.folding().set(tables.settings.fold);
        self.state.access_log.store(tables.access_log, Ordering::Relaxed);
        // Nobody follows any more only when everything ends.
        let _ = self.orders.send(orders(tables));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn parts(tables: RegistryTables<'_>, register: Register) -> Result<Parts, AppError> {
    let settings = tables.settings;
    Ok(Parts {
        register,
        listener: tables.listener.clone(),
        metrics: RegistryMetrics::new().map_err(|error| AppError::Metrics(error.to_string()))?,
        clock: Arc::new(SystemClock),
        rng: system_random(),
        header_bytes: tables.limits.header_bytes.map(ByteSize::as_usize),
        body_bytes: settings.body_bytes.as_usize(),
        body_time: tables.limits.header_time.unwrap_or(BODY_TIME),
        folding: Folding::new(settings.fold),
        proofs: ReplayGuard::new(settings.proofs),
    })
}

fn in_force(settings: &RegistryServerSettings, addresses: &[String]) -> InForce {
    let hosts = if settings.hosts.is_empty() { addresses.to_vec() } else { settings.hosts.clone() };
    InForce { profile: settings.pop.clone(), hosts, max_age: settings.set.max_age }
}

fn orders(tables: RegistryTables<'_>) -> Orders {
    let settings = tables.settings;
    let files = KeyFiles::new(settings.anchors.clone());
    let room = AnchorRoom { files, passphrase: settings.passphrase.clone(), rng: system_random() };
    let set = settings.set;
    let rules = SetRules {
        authid: settings.authid,
        valid_for: set.valid_for,
        interval: set.interval,
        renew_after: set.renew_after,
    };
    Orders { room, rules, poll: tables.poll }
}

const fn limits_of(tables: RegistryTables<'_>) -> LimitSettings {
    [tables.limits.requests_per_source, tables.settings.requests_per_participant]
}

fn request_limits(tables: RegistryTables<'_>) -> RequestLimits {
    let limit =
        |setting: crate::config::RateLimit| RateLimit { interval: setting.rate.interval(), burst: setting.burst };
    let [source, participant] = limits_of(tables);
    RequestLimits {
        source: source.and_then(|setting| RateLimiter::new(limit(setting))),
        flood_notes: RateLimiter::new(FLOOD_NOTES),
        participant: participant.and_then(|setting| RateLimiter::new(limit(setting))),
    }
}

/// What stands in a URL that leads here.
fn hosts_of(socket: &Bound) -> Vec<String> {
    let Bound::Tcp(listener) = socket else { return Vec::new() };
    let Ok(address) = listener.local_addr() else { return Vec::new() };
    let localhost = address.ip().is_loopback().then(|| format!("localhost:{}", address.port()));
    std::iter::once(address.to_string()).chain(localhost).collect()
}

fn report_readiness(state: &RegistryFace) {
    if state.set().is_none() {
        tracing::error!(
            "there is no signed set, and nothing is served: `bob-auth registry-admin anchor generate` makes a key that signs \
             it, `bob-auth registry-admin participant add` the first participant"
        );
    }
    if state.answer_key().is_none() {
        tracing::error!(
            "no key signs answers: every operation of participants is refused until `bob-auth registry-admin anchor generate \
             --role response` made one"
        );
    }
}
