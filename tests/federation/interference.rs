//! Somebody has a hand in it at the registry.

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::store::KeyState;
use bob_auth::value::{Clock as _, SystemClock};

use crate::process::until;
use crate::registry_site;
use crate::union::Union;

#[test]
fn a_key_that_somebody_deleted_at_the_registry_is_an_alarm_and_gets_a_successor() {
    let union = Union::new();
    union.site.configure("[rotation]\nevery = '90d'\n");
    let service = union.serve();
    union.settle();
    let first = union.keys()[0].kid.to_string();
    union.until("it was seen", |keys| keys[0].life.seen.is_some());
    union.site.run(&["registry", "authtoken-key", "remove", &first, "--force"]);
    until("it is an alarm", || {
        let lines = service.lines();
        lines.iter().any(|line| line["message"] == "the life of keys needs somebody").then_some(())
    });
    union.until("another key signs", |keys| keys.len() > 1 && keys[1].state == KeyState::Active);
    let second = union.keys()[1].kid.to_string();
    assert!(union.partner.knows(&second));
    assert_eq!(union.story(&second)[..4], ["key.add", "key.publish", "key.seen", "key.activate"]);
}

#[test]
fn another_key_under_our_id_stops_everything_but_tokens() {
    let union = Union::new();
    // Ours is there before: a service that knows of the stranger at its first look publishes nothing any more.
    let first = union.keys()[0].kid.to_string();
    union.site.run(&["registry", "authtoken-key", "publish", &first]);
    // The next one of today; the first one of tomorrow, should it be midnight meanwhile.
    let tomorrow = SystemClock.now().plus_seconds(86_400).to_string()[..10].replace('-', "");
    let nexts = [first.replace("_1", "_2"), format!("34:{tomorrow}_1")];
    for next in &nexts {
        let stranger = registry_site::public_jwk(&registry_site::new_key(next, Algorithm::Es256));
        let file = union.site.path("stranger.jwk");
        std::fs::write(&file, stranger.to_string()).unwrap();
        union.site.run(&["registry", "authtoken-key", "publish", "--jwk", file.to_str().unwrap()]);
    }

    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    until("it is an alarm", || {
        let told = |line: &serde_json::Value| line["alarm"].as_str().is_some_and(|alarm| alarm.contains("ANOTHER key"));
        service.lines().iter().any(told).then_some(())
    });
    union.until("the active key is older than it should be", |keys| {
        keys[0].activated.unwrap().plus_seconds(7) < SystemClock.now()
    });
    let states = union.states();
    assert!(nexts.iter().any(|next| states.get(next) == Some(&KeyState::Pending)), "{states:?}");
    assert!(service.metric_sum("bob_auth_rotation_blocked") > 0.5);
    assert_eq!(service.internal("/health/ready").status, 200);
    clients.content();
}
