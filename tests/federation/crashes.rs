//! `kill -9` at every stage of a life.

use crate::front::Fault;
use crate::union::Union;

#[test]
fn a_service_that_is_killed_at_every_stage_takes_no_step_twice_and_no_token_is_refused() {
    let union = Union::new();
    let mut service = Some(union.serve());
    union.settle();
    let clients = union.partner.clients(&union.services());
    // So that it is killed while it waits for an answer, too.
    union.front.set(Fault::Slow);
    let mut kills = 0;
    union.through_a_life(|| {
        union.kill(service.take().unwrap());
        service = Some(union.serve());
        kills += 1;
    });
    let seen = clients.content();
    union.check_stories();
    // Made and published, active, retired: the first two steps may follow each other too closely to be told apart.
    assert!(kills >= 3 && seen.kids.len() >= 2, "{kills}: {seen:?}");
}
