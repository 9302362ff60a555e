//! Somebody has a hand in it at the registry.

use bob_auth::store::KeyState;

use crate::process::until;
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
    let service = union.serve();
    union.settle();
    union.until("a successor is made", |keys| keys.len() > 1);
    union.until("it was seen", |keys| keys[1].state == KeyState::Seen);
    let keys = union.keys();
    let forged = format!("{{\"kid\":\"{}\",", keys[1].kid);
    let jwk = keys[0].public_jwk.replacen(&format!("\"kid\":\"{}\"", keys[0].kid), forged.trim_matches(['{', ',']), 1);
    std::fs::write(union.site.path("forged.jwk"), jwk).unwrap();
    let file = union.site.path("forged.jwk");
    union.site.run(&["registry", "authtoken-key", "replace", "--jwk", file.to_str().unwrap()]);
    until("it is an alarm", || {
        let told = |line: &serde_json::Value| line["alarm"].as_str().is_some_and(|alarm| alarm.contains("ANOTHER key"));
        service.lines().iter().any(told).then_some(())
    });
    assert_eq!(union.states()[keys[1].kid.as_str()], KeyState::Seen);
    assert!(service.metric_sum("bob_auth_rotation_blocked") > 0.5);
    assert!(service.internal("/health/ready").status == 200);
}
