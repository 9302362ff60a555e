//! [`Union`]: a registry, a token service whose keys move by themselves within seconds, and a partner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bob_auth::store::{Access, AuditFilter, AuthtokenKey, KeyState, Store};

use crate::front::Front;
use crate::moved_clock::MovedClock;
use crate::partner::{Partner, Services};
use crate::process::Service;
use crate::registry_site::{self, Running, pid, wait_for};
use crate::site::Site;

/// All that belongs together.
pub(crate) struct Union {
    pub(crate) registry_site: registry_site::Site,
    /// `None` while it is down.
    pub(crate) registry: Option<Running>,
    pub(crate) front: Front,
    pub(crate) site: Site,
    pub(crate) partner: Partner,
    pub(crate) services: Services,
}

/// A key takes over after five seconds; a partner that fetches once a second knows it two seconds before at the latest.
const SHORT: &str = "[rotation]\nautomatic = true\nevery = '5s'\nwait = '3s'\nleeway = '1s'\ncheck_every = '1s'\n\
                     alarm_after = '2s'\n[token]\nlifetime = '1s'\nmax_lifetime = '1s'\n[shutdown]\ndelay = '0s'\ndrain = '1s'\n\
                     [limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'\n";

/// How long a whole life may take where everything is in the way.
const LONG: Duration = Duration::from_mins(3);

impl Union {
    /// With short times; nothing runs but the registry.
    pub(crate) fn new() -> Self {
        let mut registry_site = registry_site::Site::new();
        let files = registry_site.files();
        let front = Front::new(&files.ca, &registry_site.path("server.key"));
        registry_site.configure(&format!("[registry_server]\nhosts = ['{}']\n", front.address()));
        let registry = registry_site.start();
        front.leads_to(registry.address());
        let site = Site::with_entities();
        let key = registry_site.key_file("34:metadata_1");
        site.configure(&format!(
            "[registry]\nurl = 'https://{}/api/v2'\nca = '{}'\ntrust = '{}'\nanswer_trust = '{}'\ncache = 'metadata.jws'\n\
             refresh = '1s'\ntimeout = '2s'\n\
             [registry.participant.34]\nmetadata_key = '{}'\nmetadata_kid = '34:metadata_1'\n{SHORT}",
            front.address(),
            files.ca.display(),
            files.trust.display(),
            files.answer_trust.display(),
            key.display()
        ));
        let partner = Partner::new(&registry.url(), &files);
        Self { registry_site, registry: Some(registry), front, site, partner, services: Services::default() }
    }

    /// Starts a service, and has the clients ask it from now on.
    pub(crate) fn serve(&self) -> Service {
        let service = Service::start(&self.site);
        self.services.lock().unwrap().push(service.token());
        service
    }

    /// SIGKILL to a service; the clients forget it before.
    pub(crate) fn kill(&self, service: Service) {
        let address = service.token();
        self.services.lock().unwrap().retain(|known| *known != address);
        service.kill();
    }

    /// The keys of participant 34 as the store has them.
    pub(crate) fn keys(&self) -> Vec<AuthtokenKey> {
        wait_for(async {
            let store = Store::open(self.site.file("bob-auth.sqlite"), Access::Look).await.unwrap();
            let keys = store.keys(Some(pid(34))).await.unwrap();
            store.close().await;
            keys
        })
    }

    /// The state of every key, by its id.
    pub(crate) fn states(&self) -> BTreeMap<String, KeyState> {
        self.keys().into_iter().map(|key| (key.kid.to_string(), key.state)).collect()
    }

    /// Waits until the partner knows the key that signs, so that from then on nothing may be refused.
    pub(crate) fn settle(&self) {
        self.until("the partner knows the key that signs", |keys| {
            keys.iter().any(|key| key.state == KeyState::Active && self.partner.knows(key.kid.as_str()))
        });
    }

    /// Waits until the keys are so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut(&[AuthtokenKey]) -> bool) {
        let began = Instant::now();
        while !so(&self.keys()) {
            assert!(began.elapsed() < LONG, "waited {LONG:?} in vain: {what}: {:#?}", self.states());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Goes on until the first key is retired and its successor was made, published, seen and activated by the service. Each
    /// time that a key is in another state, `at` is called.
    pub(crate) fn through_a_life(&self, mut at: impl FnMut()) {
        let mut before = self.states();
        self.until("a key was retired", |keys| {
            let now = self.states();
            if now != before {
                before = now;
                at();
            }
            keys.iter().any(|key| key.state == KeyState::Retired)
        });
    }

    /// What was done with a key, in its order.
    pub(crate) fn story(&self, kid: &str) -> Vec<String> {
        let rows = wait_for(async {
            let store = Store::open(self.site.file("bob-auth.sqlite"), Access::Look).await.unwrap();
            let rows = store.audit(&AuditFilter::default(), None, 10_000).await.unwrap().items;
            store.close().await;
            rows
        });
        let of_key = rows.into_iter().rev().map(|entry| entry.row).filter(|row| {
            row.action.starts_with("key.") && row.kid.as_ref().is_some_and(|known| known.as_str() == kid)
        });
        of_key.map(|row| row.action.into_owned()).collect()
    }

    /// No key did anything twice, and the first two lived as they should.
    pub(crate) fn check_stories(&self) {
        let keys = self.keys();
        let [first, second] = [&keys[0], &keys[1]].map(|key| self.story(key.kid.as_str()));
        let whole = ["key.add", "key.activate", "key.publish", "key.seen", "key.withdraw", "key.retire"];
        assert_eq!(first, whole, "the key that `init` made");
        assert_eq!(second[..4], ["key.add", "key.publish", "key.seen", "key.activate"], "its successor");
        for key in &keys {
            let story = self.story(key.kid.as_str());
            let mut once = story.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), story.len(), "{}: {story:?}", key.kid);
        }
        let active = keys.iter().filter(|key| key.state == KeyState::Active).count();
        assert_eq!(active, 1);
    }

    /// The registry ends at once.
    pub(crate) fn kill_registry(&mut self) {
        self.registry.take().unwrap().kill();
    }

    /// It comes back where it was.
    pub(crate) fn start_registry(&mut self) {
        let running = self.registry_site.start();
        self.come_back(running);
    }

    /// It comes back on a machine with this clock.
    pub(crate) fn start_registry_by(&mut self, clock: &MovedClock) {
        let running = Running::spawn(clock.shown_to(&mut self.registry_site.command(&["registry-server"])));
        self.come_back(running);
    }

    fn come_back(&mut self, running: Running) {
        self.front.leads_to(running.address());
        self.registry = Some(running);
    }

    /// What the clients look at.
    pub(crate) fn services(&self) -> Services {
        Arc::clone(&self.services)
    }
}
