//! Everything about a configuration that only opening shows: store, active keys, server certificates. Faults of the text
//! itself are found by `config`.

use std::path::PathBuf;
use std::sync::Arc;

use ring::rand::SecureRandom;

use super::agreements::lax;
use super::hardening::system_random;
use super::registry_source::check_trust;
use super::verification::{check_keys, laxities};
use crate::config::{
    Config, Fault, Faults, InternalListener, Place, RegistryListener, RegistryServerConfig, RegistryServerSettings,
    TlsFiles, VerifyConfig, VerifyListener, VerifyMode, VerifySettings,
};
use crate::flow::load_key::load_token_key;
use crate::flow::register::{AnchorRoom, Limits, Register};
use crate::store::key_files::KeyFiles;
use crate::store::register::{Anchor, AnchorRole, AnchorState};
use crate::store::{Access, AuthtokenKey, KeyState, Store, StoreError};
use crate::value::{Timestamp, TrustedPeers};
use crate::web::tls::ServerIdentity;

/// What a look at everything found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What keeps the service from working.
    pub faults: Vec<Fault>,
    /// What it works with all the same, one sentence each.
    pub warnings: Vec<String>,
    /// One line for each listener.
    pub listeners: Vec<ListenerSummary>,
}

/// A listener in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSummary {
    /// Its table in the configuration: `token`, `behind_proxy`, `verify`, `registry` or `internal`.
    pub name: &'static str,
    /// Where it listens.
    pub listen: Vec<String>,
    /// How it speaks, in words.
    pub speaks: &'static str,
    /// Until when its certificate counts.
    pub certificate_until: Option<Timestamp>,
}

/// A server certificate that ends sooner is worth a warning.
const SOON: i64 = 30 * 86_400;

/// Opens everything that the configuration refers to, and changes nothing.
pub async fn check(config: &Config, now: Timestamp, rng: &dyn SecureRandom) -> Findings {
    let mut findings = Findings { faults: config.check_files().iter().cloned().collect(), ..Findings::default() };
    findings.check_listeners(config, now);
    findings.warnings.extend(lax(Some(&config.rotation), config.registry_server.as_ref()));
    if let Some(settings) = &config.verify {
        let listener = config.listeners.verify.as_ref();
        findings.check_verification(settings, listener, now, &|key| config.place(key)).await;
    }
    if let Some((key, problem, remedy)) = config.registry.as_ref().and_then(|registry| check_trust(&registry.origin()))
        && !findings.knows("registry.")
    {
        findings.add(config.place(&key), problem, remedy);
    }
    if findings.knows("store.") {
        return findings;
    }
    match Store::open(&config.store.path, Access::Look).await {
        Ok(store) => {
            let looked = findings.check_store(config, &store, now, rng).await;
            let looked = match &config.registry_server {
                Some(settings) if looked.is_ok() => {
                    findings.check_anchors(settings, &store, system_random(), &|key| config.place(key)).await
                }
                _ => looked,
            };
            store.close().await;
            if let Err(error) = looked {
                findings.add(config.place("store.path"), error.to_string(), remedy_of(&error));
            }
        }
        Err(StoreError::OlderSchema { found, known }) => {
            let warning = format!("the store has schema {found}; the next start upgrades it to {known}");
            findings.warnings.push(warning);
        }
        Err(error) => findings.add(config.place("store.path"), error.to_string(), remedy_of(&error)),
    }
    findings
}

impl Findings {
    fn add(&mut self, place: Place, problem: String, remedy: &str) {
        self.faults.push(Fault { place, problem, remedy: remedy.to_owned() });
    }

    /// Whether something was found about a table already, so that its consequences need no telling.
    fn knows(&self, table: &str) -> bool {
        self.faults.iter().any(|fault| fault.place.key.starts_with(table))
    }

    fn check_listeners(&mut self, config: &Config, now: Timestamp) {
        let listeners = &config.listeners;
        if let Some(token) = &listeners.token {
            let certificate_until = self.check_tls("listener.token", Some(&token.tls), now, &|key| config.place(key));
            let listen = token.listen.iter().map(ToString::to_string).collect();
            self.listeners.push(ListenerSummary { name: "token", listen, speaks: "mutual TLS", certificate_until });
        }
        if let Some(proxy) = listeners.behind_proxy.as_ref().map(|listener| &listener.proxy) {
            let certificate_until =
                self.check_tls("listener.behind_proxy", proxy.tls.as_ref(), now, &|key| config.place(key));
            let listen = proxy.listen.iter().map(ToString::to_string).collect();
            let speaks = if proxy.tls.is_some() { "TLS, for proxies" } else { "plain HTTP, for proxies" };
            self.listeners.push(ListenerSummary { name: "behind_proxy", listen, speaks, certificate_until });
        }
        if let Some(registry) = &listeners.registry {
            self.check_registry_listener(registry, now, &|key| config.place(key));
        }
        if config.registry_server.is_some() && listeners.registry.is_none() {
            let warning =
                "[registry_server] is written and [listener.registry] is not: `bob-auth serve` serves no registry";
            self.warnings.push(warning.to_owned());
        }
        self.listeners.extend(listeners.internal.as_ref().map(internal));
    }

    fn check_registry_listener(&mut self, listener: &RegistryListener, now: Timestamp, place: &dyn Fn(&str) -> Place) {
        let certificate_until = self.check_tls("listener.registry", listener.tls.as_ref(), now, place);
        let listen = listener.listen.iter().map(ToString::to_string).collect();
        let speaks = match listener.tls {
            Some(_) => "TLS, for participants and whoever reads the set",
            None => "plain HTTP, for a proxy in front of the registry",
        };
        self.listeners.push(ListenerSummary { name: "registry", listen, speaks, certificate_until });
    }

    /// The keys of the administering body: whether sets and answers can be signed.
    async fn check_anchors(
        &mut self,
        settings: &RegistryServerSettings,
        store: &Store,
        rng: Arc<dyn SecureRandom + Send + Sync>,
        place: &dyn Fn(&str) -> Place,
    ) -> Result<(), StoreError> {
        if self.knows("registry_server.") {
            return Ok(());
        }
        let register = Register::new(store.clone(), Limits::DEFAULT);
        let files = KeyFiles::new(settings.anchors.clone());
        let room = AnchorRoom { files, passphrase: settings.passphrase.clone(), rng };
        for (kid, fault) in register.unusable_anchors(&room).await? {
            let problem = format!("the anchor {kid} cannot sign: {fault}");
            self.add(place("registry_server.anchors"), problem, "put its file back, or rotate the anchor");
        }
        let active = |role| move |anchor: &Anchor| anchor.role == role && anchor.state == AnchorState::Active;
        let anchors = register.anchors().await?;
        for (role, what) in
            [(AnchorRole::Primary, "no set can be signed"), (AnchorRole::Response, "no answer can be signed")]
        {
            if !anchors.iter().any(active(role)) {
                let remedy = format!("`bob-auth registry-admin anchor generate --role {role}` makes it");
                self.warnings.push(format!("the register has no active {role} anchor: {what}; {remedy}"));
            }
        }
        if register.participants().await?.is_empty() {
            self.warnings.push("the register has no participant: there is no set until there is one".to_owned());
        }
        Ok(())
    }

    /// Until when the certificate of this listener counts; `place` tells where a key of the configuration stands.
    fn check_tls(
        &mut self,
        table: &str,
        files: Option<&TlsFiles>,
        now: Timestamp,
        place: &dyn Fn(&str) -> Place,
    ) -> Option<Timestamp> {
        let files = files?;
        if self.knows(table) {
            return None;
        }
        let place = || place(&format!("{table}.certificate"));
        match ServerIdentity::read(files) {
            Err(error) => {
                self.add(place(), error.to_string(), "name a certificate and the key that belongs to it");
                None
            }
            Ok(identity) if identity.not_after < now => {
                let problem = format!("{} expired {}", files.certificate.display(), identity.not_after);
                self.add(place(), problem, "renew it");
                Some(identity.not_after)
            }
            Ok(identity) => {
                if identity.not_after < now.plus_seconds(SOON) {
                    self.warnings.push(format!("{} ends {}", files.certificate.display(), identity.not_after));
                }
                Some(identity.not_after)
            }
        }
    }

    /// The listener that proxies ask, and the keys that it verifies with.
    async fn check_verification(
        &mut self,
        settings: &VerifySettings,
        listener: Option<&VerifyListener>,
        now: Timestamp,
        place: &dyn Fn(&str) -> Place,
    ) {
        if let Some(listener) = listener {
            let certificate_until = self.check_tls("listener.verify", listener.proxy.tls.as_ref(), now, place);
            let listen = listener.proxy.listen.iter().map(ToString::to_string).collect();
            let speaks = match listener.mode {
                VerifyMode::Enforce => "whether requests may pass, for proxies",
                VerifyMode::Shadow => "whether requests may pass, for proxies; in the shadow: everything passes",
            };
            if listener.proxy.trusted_peers == TrustedPeers::nobody() {
                let nobody =
                    "listener.verify.trusted_peers names nobody: every request will be refused (untrusted_peer)";
                self.warnings.push(nobody.to_owned());
            }
            self.listeners.push(ListenerSummary { name: "verify", listen, speaks, certificate_until });
        }
        for (key, problem, remedy) in check_keys(&settings.origins).await {
            if !self.knows(&key) {
                self.add(place(&key), problem, remedy);
            }
        }
        self.warnings.extend(laxities(settings).into_iter().map(str::to_owned));
    }

    async fn check_store(
        &mut self,
        config: &Config,
        store: &Store,
        now: Timestamp,
        rng: &dyn SecureRandom,
    ) -> Result<(), StoreError> {
        let participants = store.participants().await?;
        let default = config.default_participant;
        if !participants.iter().any(|participant| participant.pid == default) {
            let problem = format!("there is no participant {default} in the store");
            self.add(
                config.place("default_participant"),
                problem,
                "add it with `bob-auth participant add`, or name another",
            );
        }
        let keys = store.keys(None).await?;
        let active: Vec<&AuthtokenKey> = keys.iter().filter(|key| key.state == KeyState::Active).collect();
        for participant in &participants {
            match active.iter().find(|key| key.pid == participant.pid) {
                Some(key) => self.check_key(config, key, now, rng),
                None => self.warnings.push(format!(
                    "participant {} has no active key and issues no tokens; `bob-auth key activate KID` gives it one",
                    participant.pid
                )),
            }
        }
        Ok(())
    }

    fn check_key(&mut self, config: &Config, row: &AuthtokenKey, now: Timestamp, rng: &dyn SecureRandom) {
        let (pid, kid) = (row.pid, &row.kid);
        if let Some(not_after) = row.not_after.filter(|not_after| *not_after < now) {
            let problem = format!("the active key {kid} of participant {pid} was to sign until {not_after} only");
            self.add(
                config.place("keys.directory"),
                problem,
                "make another with `bob-auth key generate` and activate it",
            );
        }
        if self.knows("keys.") {
            return;
        }
        let files = KeyFiles::new(config.keys.directory.clone());
        if let Err(error) = load_token_key(&files, config.keys.passphrase.as_ref(), row, rng) {
            let path: PathBuf = config.keys.directory.join(&row.file);
            let problem =
                format!("the active key {kid} of participant {pid} ({}) cannot sign: {error}", path.display());
            let remedy = "put its file back, or activate another with `bob-auth key activate`";
            self.add(config.place("keys.directory"), problem, remedy);
        }
    }
}

fn remedy_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing(_) => "correct the path",
        StoreError::NotAStore(_) => "name the store that `bob-auth init` made",
        StoreError::Corrupt(_) => "restore a backup",
        _ => "",
    }
}

/// The faults of the text, or what a look at everything found.
pub async fn check_loaded(loaded: Result<Config, Faults>, now: Timestamp, rng: &dyn SecureRandom) -> Findings {
    match loaded {
        Ok(config) => check(&config, now, rng).await,
        Err(faults) => Findings { faults: faults.iter().cloned().collect(), ..Findings::default() },
    }
}

/// The same for a process that only verifies: neither store nor signing keys are looked at.
pub async fn check_verify_server(loaded: Result<VerifyConfig, Faults>, now: Timestamp) -> Findings {
    let config = match loaded {
        Ok(config) => config,
        Err(faults) => return Findings { faults: faults.iter().cloned().collect(), ..Findings::default() },
    };
    let mut findings = Findings { faults: config.check_files().iter().cloned().collect(), ..Findings::default() };
    findings.check_verification(&config.verify, Some(&config.listener), now, &|key| config.place(key)).await;
    findings.listeners.extend(config.internal.as_ref().map(internal));
    findings
}

/// The same for a process that is only a registry.
pub async fn check_registry_server(loaded: Result<RegistryServerConfig, Faults>, now: Timestamp) -> Findings {
    let config = match loaded {
        Ok(config) => config,
        Err(faults) => return Findings { faults: faults.iter().cloned().collect(), ..Findings::default() },
    };
    let mut findings = Findings { faults: config.check_files().iter().cloned().collect(), ..Findings::default() };
    let place = |key: &str| config.place(key);
    findings.check_registry_listener(&config.listener, now, &place);
    findings.warnings.extend(lax(None, Some(&config.registry)));
    findings.listeners.extend(config.internal.as_ref().map(internal));
    if findings.knows("store.") {
        return findings;
    }
    match Store::open(&config.store.path, Access::Look).await {
        Ok(store) => {
            let looked = findings.check_anchors(&config.registry, &store, system_random(), &place).await;
            store.close().await;
            if let Err(error) = looked {
                findings.add(place("store.path"), error.to_string(), remedy_of(&error));
            }
        }
        Err(StoreError::OlderSchema { found, known }) => {
            let warning = format!("the store has schema {found}; the next start upgrades it to {known}");
            findings.warnings.push(warning);
        }
        Err(error) => findings.add(place("store.path"), error.to_string(), remedy_of(&error)),
    }
    findings
}

fn internal(listener: &InternalListener) -> ListenerSummary {
    let listen = listener.listen.iter().map(ToString::to_string).collect();
    ListenerSummary { name: "internal", listen, speaks: "plain HTTP, for operators", certificate_until: None }
}
