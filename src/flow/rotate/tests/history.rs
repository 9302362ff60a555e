//! Histories: time passes, clocks are set, registries fail, processes die, people interfere. Whatever the order, no token
//! is signed that a verifier could not check, no key goes that a token needs, and in the end everything is in order.

use proptest::prelude::*;

use super::host::{Host, Instance, Registry};
use super::*;
use crate::flow::rotate::distrust;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// Seconds pass.
    Pass(i64),
    /// One more effect of an instance.
    Turn(usize),
    /// A whole round of an instance.
    Round(usize),
    /// An instance is killed.
    Crash(usize),
    /// The machine is started again.
    Reboot,
    /// The calendar is wrong by so many seconds from now on.
    SetClock(i64),
    Registry(Registry),
    /// The verified set is fetched again.
    Fetch,
    /// The last good set is lost.
    LoseSet,
    StoreFails(u32),
    /// Somebody makes a key by hand.
    Generate,
    /// Somebody activates a key that has waited long enough.
    ActivateReady,
    /// Somebody activates whatever is there.
    ActivateByForce,
    /// Somebody retires the first key that can be.
    Retire,
    /// Somebody deletes the key that signs at the registry.
    DeleteActive,
    /// The registry is restored from a backup: a key that was withdrawn is there again.
    Restore,
    Emergency,
}

fn event() -> impl Strategy<Value = Event> {
    let instance = 0_usize..2;
    let modes = [Registry::Up, Registry::Up, Registry::Down, Registry::AnswersLost, Registry::UsedUp];
    prop_oneof![
        10 => (1_i64..15_000).prop_map(Event::Pass),
        8 => (15_000_i64..100_000).prop_map(Event::Pass),
        2 => (100_000_i64..1_000_000).prop_map(Event::Pass),
        14 => instance.clone().prop_map(Event::Turn),
        14 => instance.clone().prop_map(Event::Round),
        3 => instance.prop_map(Event::Crash),
        1 => Just(Event::Reboot),
        2 => prop_oneof![Just(0), -5_i64..5, -400_000_i64..400_000, -100_000_000_i64..100_000_000]
            .prop_map(Event::SetClock),
        5 => prop::sample::select(modes.to_vec()).prop_map(Event::Registry),
        8 => Just(Event::Fetch),
        1 => Just(Event::LoseSet),
        2 => (1_u32..4).prop_map(Event::StoreFails),
        1 => Just(Event::Generate),
        1 => Just(Event::ActivateReady),
        1 => Just(Event::Retire),
        1 => Just(Event::Restore),
        1 => prop_oneof![Just(Event::ActivateByForce), Just(Event::DeleteActive), Just(Event::Emergency)],
    ]
}

struct Run {
    host: Host,
    instances: [Instance; 2],
    /// Whether there was a key that signs.
    signs: bool,
}

const WAIT: i64 = 86_400_000;
const LONGEST: i64 = 12 * 3_600_000;
const LEEWAY: i64 = 3_600_000;

impl Run {
    fn new() -> Self {
        Self { host: Host::new(), instances: [Instance::default(), Instance::default()], signs: false }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pass(seconds) => {
                self.sign();
                self.host.0.borrow_mut().time += seconds * 1000;
            }
            Event::Turn(one) => drop(self.instances[one].turn(&self.host)),
            Event::Round(one) => drop(self.instances[one].finish(&self.host)),
            Event::Crash(one) => self.instances[one].crash(),
            Event::Reboot => {
                self.instances.iter_mut().for_each(Instance::crash);
                let mut truth = self.host.0.borrow_mut();
                truth.boot += 1;
                truth.booted = truth.time;
            }
            Event::SetClock(offset) => self.host.0.borrow_mut().offset = offset,
            Event::Registry(how) => {
                let mut truth = self.host.0.borrow_mut();
                truth.registry = how;
                truth.sign_set();
            }
            Event::Fetch => self.host.fetch(),
            Event::LoseSet => self.host.0.borrow_mut().held = None,
            Event::StoreFails(times) => self.host.0.borrow_mut().store_fails = times,
            _ => self.interfere(event),
        }
        self.sign();
    }

    fn interfere(&mut self, event: Event) {
        let mut truth = self.host.0.borrow_mut();
        let (now, steady) = (truth.now(), truth.steady());
        match event {
            Event::Generate => {
                let key = pending(&format!("34:hand{}", truth.book.keys.len()), now);
                truth.book.add(key, false).unwrap();
            }
            Event::ActivateReady | Event::ActivateByForce => {
                let force = matches!(event, Event::ActivateByForce);
                let ready =
                    |key: &&AuthtokenKey| key.state == KeyState::Seen && key.life.waited.until(&steady) >= TERMS.wait;
                let found = truth
                    .book
                    .keys
                    .iter()
                    .find(|key| key.life.distrusted.is_none() && (ready(key) || force && key.state.is_coming()));
                let Some(kid) = found.map(|key| key.kid.clone()) else { return };
                if force {
                    truth.forced.insert(kid.clone());
                }
                let last_exp = now.plus_seconds(12 * 3600);
                truth.book.activate(&kid, &KeyState::ALL, last_exp, (None, now)).unwrap();
                *truth.activations.entry(kid).or_default() += 1;
            }
            Event::Retire => {
                let found = truth.book.keys.iter().find(|key| key.state.is_coming() || key.state == KeyState::Retiring);
                if let Some(kid) = found.map(|key| key.kid.clone()) {
                    truth.book.retire(&kid, now).unwrap();
                }
            }
            Event::Restore => {
                let gone =
                    truth.book.keys.iter().find(|key| key.life.withdrawn.is_some() && key.state != KeyState::Active);
                if let Some(kid) = gone.map(|key| key.kid.clone()) {
                    truth.there.insert(kid);
                }
            }
            Event::DeleteActive => {
                let Some(kid) = truth.book.active().map(|key| key.kid.clone()) else { return };
                truth.there.remove(&kid);
                truth.forced.insert(kid);
            }
            _ => {
                let all: Vec<_> = truth.book.keys.iter().map(|key| key.kid.clone()).collect();
                truth.forced.extend(all);
                drop(truth);
                self.emergency();
            }
        }
    }

    fn emergency(&mut self) {
        let host = self.host.clone();
        let mut all = Box::pin(async move { distrust(&host).await });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while all.as_mut().poll(&mut context).is_pending() {}
    }

    /// Tokens are issued all the time.
    fn sign(&mut self) {
        let mut truth = self.host.0.borrow_mut();
        let Some(kid) = truth.book.active().map(|key| key.kid.clone()) else { return };
        self.signs = true;
        // One that is not yet valid, or not any more, nobody accepted in the first place.
        if truth.offset.abs() * 1000 <= LEEWAY {
            let end = truth.time + truth.offset * 1000 + LONGEST;
            let known = truth.tokens.entry(kid).or_insert(end);
            *known = end.max(*known);
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let truth = self.host.0.borrow();
        let active: Vec<_> = truth.book.keys.iter().filter(|key| key.state == KeyState::Active).collect();
        prop_assert!(active.len() == usize::from(self.signs), "{} keys sign", active.len());
        for key in active.iter().filter(|key| !truth.forced.contains(&key.kid)) {
            let known = truth.known_since.get(&key.kid).is_some_and(|since| truth.time - since >= WAIT);
            prop_assert!(known, "{} signs, and a verifier may not know it: {:?}", key.kid, truth.known_since);
        }
        for (kid, end) in truth.tokens.iter().filter(|(kid, _)| !truth.forced.contains(*kid)) {
            let needed = truth.time <= *end;
            prop_assert!(!needed || truth.there.contains(kid), "{kid} is gone and its tokens are not");
        }
        let coming = truth.book.keys.iter().filter(|key| key.is_successor() && !key.kid.as_str().contains("hand"));
        prop_assert!(coming.count() <= 1, "one successor is enough");
        let twice = truth.activations.iter().find(|(_, times)| **times > 1);
        prop_assert!(twice.is_none(), "activated twice: {:?}", twice);
        Ok(())
    }

    /// From now on everything works.
    fn heal(&mut self) -> Result<(), TestCaseError> {
        {
            let mut truth = self.host.0.borrow_mut();
            (truth.offset, truth.registry, truth.store_fails) = (0, Registry::Up, 0);
        }
        for one in 0..2 {
            // What it is in the middle of may have failed before.
            drop(self.instances[one].finish(&self.host));
        }
        for _ in 0..200 {
            self.happen(Event::Pass(3 * 3600));
            self.happen(Event::Fetch);
            for one in 0..2 {
                let round = self.instances[one].finish(&self.host);
                self.sign();
                self.check()?;
                prop_assert!(round.is_ok(), "{:?}", round.err());
            }
        }
        self.is_in_order()
    }

    fn is_in_order(&self) -> Result<(), TestCaseError> {
        let truth = self.host.0.borrow();
        let Some(active) = truth.book.active() else { return Err(TestCaseError::fail("no key signs")) };
        prop_assert!(truth.signed.1.contains(&active.kid) && active.life.distrusted.is_none());
        let age = truth.now().seconds_since(active.activated.unwrap());
        let most = i64::try_from((TERMS.every + TERMS.wait * 2).as_secs()).unwrap();
        prop_assert!(age <= most, "the active key is {age} s old: {:#?}", truth.book.keys);
        for key in &truth.book.keys {
            let kept = matches!(key.state, KeyState::Active | KeyState::Retired | KeyState::Retiring);
            prop_assert!(kept || key.is_successor(), "left behind: {key:#?}");
            let needed = key.state != KeyState::Retired;
            prop_assert!(needed || !truth.there.contains(&key.kid), "left at the registry: {key:#?}");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(400), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_verifiers_know_the_keys_and_in_the_end_all_is_in_order(
        events in prop::collection::vec(event(), 1..250)
    ) {
        let mut run = Run::new();
        for event in events {
            run.happen(event);
            run.check()?;
        }
        run.heal()?;
    }
}
