//! A key's way through a real registry: published by the token service, believed by a verifier that knows nothing but the
//! registry's anchors, withdrawn again. And the same set by hand.

use std::fs;

use serde_json::json;

use crate::process::until;
use crate::registry_site;
use crate::verify_site::{Door, present, refusal};

const KEY: &str = "34:metadata_1";

/// A registry, and a token service whose own verifier believes it.
struct Federation {
    site: registry_site::Site,
    registry: registry_site::Running,
    door: Door,
    kid: String,
}

impl Federation {
    fn new() -> Self {
        let site = registry_site::Site::configured("[registry_server]\nmax_age = '1s'");
        let registry = site.start();
        let files = site.files();
        let door = Door::new("[verify]\nregistry = true");
        let text = fs::read_to_string(door.site.file("config.toml")).unwrap();
        let mut config: toml::Table = text.parse().unwrap();
        config["verify"].as_table_mut().unwrap().remove("issuer");
        fs::write(door.site.file("config.toml"), config.to_string()).unwrap();
        door.site.configure(&format!(
            "[registry]\nurl = '{}'\nca = '{}'\ntrust = '{}'\nanswer_trust = '{}'\nrefresh = '1s'\n\
             [registry.participant.34]\nmetadata_key = '{}'\nmetadata_kid = '{KEY}'\n",
            registry.url(),
            files.ca.display(),
            files.trust.display(),
            files.answer_trust.display(),
            site.key_file(KEY).display(),
        ));
        let kid = door.forger.kid.clone();
        Self { site, registry, door, kid }
    }

    /// The set by hand, until it has so many token keys; while updates are folded in the verb waits by itself.
    fn fetched(&self, out: &str, keys: u64) {
        let site = &self.door.site;
        let out = site.file(out);
        until("the set has the keys", || {
            let view = site.json(&["metadata", "fetch", "--out", out.to_str().unwrap()]);
            (view["authtoken_keys"] == keys).then_some(())
        });
    }
}

#[test]
fn a_key_counts_from_the_first_token_after_it_was_published_until_it_is_withdrawn() {
    let federation = Federation::new();
    let Federation { door, kid, .. } = &federation;
    // Nobody has published a key yet, and that is no reason not to start.
    let verifier = door.open();
    assert_eq!(refusal(&present(&verifier, &door.validator)), "unknown_key");
    federation.fetched("empty.jws", 0);

    door.site.run(&["registry", "authtoken-key", "publish", kid]);
    until("the key counts", || (present(&verifier, &door.validator).status == 200).then_some(()));
    assert!(verifier.metric_sum("bob_auth_metadata_rollbacks_total") < 0.5);
    federation.fetched("one.jws", 1);
    let [empty, one] = ["empty.jws", "one.jws"].map(|name| door.site.file(name));
    let changes = door.site.json(&["metadata", "diff", empty.to_str().unwrap(), one.to_str().unwrap()]);
    let change = &changes["changes"][0];
    assert_eq!((&change["pid"], &change["kind"], &change["id"]), (&json!(34), &json!("added"), &json!(kid)));
    let verdict = door.site.run(&["metadata", "verify", one.to_str().unwrap()]);
    assert!(verdict.contains("accepted: the set may be used"), "{verdict}");

    // The registry goes down: what it said last is enough, also for a new start.
    let Federation { site, registry, door, kid } = federation;
    drop(registry);
    drop(verifier);
    let verifier = door.open();
    assert_eq!(present(&verifier, &door.validator).status, 200);
    let registry = site.start();
    door.site.run(&["registry", "authtoken-key", "remove", &kid, "--force"]);
    until("the key counts no more", || (present(&verifier, &door.validator).status != 200).then_some(()));
    assert_eq!(refusal(&present(&verifier, &door.validator)), "unknown_key");
    drop(registry);
}
