//! Nothing is in the way: keys come and go, and nobody notices.

use std::time::Duration;

use bob_auth::store::KeyState;

use crate::process::{Service, until};
use crate::union::Union;

#[test]
fn while_keys_go_through_their_whole_life_no_token_is_refused() {
    let union = Union::new();
    let service = union.serve();
    union.settle();
    let clients = union.partner.clients(&union.services());
    union.through_a_life(|| {});
    let seen = clients.content();
    union.check_stories();
    assert!(seen.kids.len() >= 2 && seen.verified > 20, "{seen:?}");
    let first = union.keys()[0].kid.to_string();
    until("the partner forgets the key that was withdrawn", || (!union.partner.knows(&first)).then_some(()));

    let gauge = |name: &str| service.metric_sum(&format!("bob_auth_rotation_{name}"));
    assert_eq!((gauge("leader"), gauge("blocked")), (1.0, 0.0));
    assert!(
        gauge("last_success_timestamp_seconds") > 1.0
            && service.metric_sum("bob_auth_rotation_next_step_seconds") < 9.0
    );
    for step in ["generate", "publish", "mark-seen", "activate", "withdraw", "retire"] {
        until(&format!("the log tells of {step}"), || {
            let told =
                |line: &serde_json::Value| line["message"] == "a step in the life of a key" && line["step"] == step;
            service.lines().iter().any(told).then_some(())
        });
    }
    assert!(service.stop().success());
}

#[test]
fn of_two_services_on_one_store_one_leads_and_the_other_takes_over() {
    let union = Union::new();
    let (one, two) = (union.serve(), union.serve());
    union.settle();
    let clients = union.partner.clients(&union.services());
    let leads = |service: &Service| service.metric_sum("bob_auth_rotation_leader") > 0.5;
    until("one leads", || (leads(&one) || leads(&two)).then_some(()));
    assert!(leads(&one) != leads(&two));
    let (leader, other) = if leads(&one) { (one, two) } else { (two, one) };
    union.until("a successor is on its way", |keys| keys.iter().any(|key| key.state == KeyState::Published));
    union.kill(leader);
    until("the other one leads", || leads(&other).then_some(()));
    let third = union.serve();
    union.through_a_life(|| {
        // One that stops in order lets another one lead at once.
        assert!(!(leads(&other) && leads(&third)));
    });
    let seen = clients.content();
    union.check_stories();
    assert!(seen.kids.len() >= 2, "{seen:?}");
    assert!(other.stop().success());
    until("the third one leads", || leads(&third).then_some(()));
    drop(third);
}

#[test]
fn a_service_that_stops_in_order_leaves_the_rest_to_the_next_start() {
    let union = Union::new();
    let mut service = Some(union.serve());
    union.settle();
    union.through_a_life(|| {
        assert!(service.take().unwrap().stop().success());
        std::thread::sleep(Duration::from_millis(200));
        service = Some(union.serve());
    });
    union.check_stories();
}
