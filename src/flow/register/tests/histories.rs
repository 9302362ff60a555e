//! Random histories: whatever is asked in whatever order, a kid names one key for good, and serials rise.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::protocol::registry::operation::KeyList;

/// One step of somebody.
#[derive(Debug, Clone)]
enum Step {
    Post { list: KeyList, kid: usize, key: usize },
    Put { list: KeyList, kid: usize, key: usize },
    Delete { list: KeyList, kid: usize },
    Leave,
    Return,
    Move,
    Build { clock: i64 },
}

const KIDS: [&str; 3] = ["a", "34:1", "x/y"];

fn step() -> impl Strategy<Value = Step> {
    let list = || prop_oneof![Just(KeyList::Mtb), Just(KeyList::Authtoken)];
    let (kid, key) = (0..KIDS.len(), 0..3_usize);
    prop_oneof![
        6 => (list(), kid.clone(), key.clone()).prop_map(|(list, kid, key)| Step::Post { list, kid, key }),
        2 => (list(), kid.clone(), key).prop_map(|(list, kid, key)| Step::Put { list, kid, key }),
        3 => (list(), kid).prop_map(|(list, kid)| Step::Delete { list, kid }),
        1 => Just(Step::Leave),
        2 => Just(Step::Return),
        1 => Just(Step::Move),
        3 => (-100_000..100_000_i64).prop_map(|clock| Step::Build { clock }),
    ]
}

/// What may never be otherwise.
#[derive(Default)]
struct Known {
    /// Which key a kid of a list names.
    named: BTreeMap<(KeyList, usize), usize>,
    /// Kids that are gone.
    gone: BTreeSet<(KeyList, usize)>,
    last: Option<BuiltSet>,
}

impl Known {
    async fn follow(&mut self, home: &mut Home, keys: &[Value], step: &Step) {
        let asks = home.asks(34);
        let jwk = |kid: usize, key: usize| with(keys[key].clone(), "kid", json!(KIDS[kid]));
        match *step {
            Step::Post { list, kid, key } => {
                let done = asks.post(&format!("34/{}", list.segment()), &jwk(kid, key)).await;
                if done.is_ok() {
                    assert!(!self.gone.contains(&(list, kid)), "a kid came back");
                    assert_eq!(*self.named.entry((list, kid)).or_insert(key), key, "a kid names two keys");
                }
            }
            Step::Put { list, kid, key } => {
                let place = Place::Key(pid(34), list, KIDS[kid].parse().unwrap()).to_string();
                let path = place.strip_prefix("/participantMetadata/").unwrap();
                if asks.put(path, &jwk(kid, key)).await.is_ok() {
                    assert_eq!(self.named.get(&(list, kid)), Some(&key), "a repair made another key of it");
                }
            }
            Step::Delete { list, kid } => {
                let place = Place::Key(pid(34), list, KIDS[kid].parse().unwrap()).to_string();
                let path = place.strip_prefix("/participantMetadata/").unwrap();
                if asks.delete(path).await.is_ok() {
                    assert!(self.gone.insert((list, kid)), "it was gone");
                }
            }
            Step::Leave => {
                if home.register.remove_participant(pid(34), &now()).await.is_ok() {
                    self.gone.extend(self.named.keys());
                }
            }
            Step::Return => drop(home.register.add_participant(pid(34), "Again", &now()).await),
            Step::Move => *home = moved(home).await,
            Step::Build { clock } => self.build(home, clock).await,
        }
        self.check_lists(home, keys).await;
    }

    async fn build(&mut self, home: &Home, clock: i64) {
        let built = home.register.build_set(&home.room, &rules(), &at(NOW.plus_seconds(clock))).await.unwrap();
        match (built, &self.last) {
            (Built::New(set), last) => {
                assert!(last.as_ref().is_none_or(|last| set.serial > last.serial), "a serial fell");
                self.last = Some(set);
            }
            (Built::Kept(set), last) => assert_eq!(last.as_ref(), Some(&set)),
        }
    }

    async fn check_lists(&self, home: &Home, keys: &[Value]) {
        for list in [KeyList::Mtb, KeyList::Authtoken] {
            let Ok(there) = home.asks(34).get(&format!("34/{}", list.segment())).await else { continue };
            for jwk in there.as_array().unwrap() {
                let kid = KIDS.iter().position(|kid| jwk["kid"] == **kid).unwrap();
                assert!(!self.gone.contains(&(list, kid)));
                assert_eq!(jwk["x"], keys[self.named[&(list, kid)]]["x"]);
            }
        }
    }
}

/// The same register in another store, by way of its document.
async fn moved(home: &Home) -> Home {
    let document = home.register.export(NOW).await.unwrap();
    let new = Home::empty().await;
    new.register.import(document.as_bytes(), &now()).await.unwrap();
    assert_eq!(new.register.export(NOW).await.unwrap(), document);
    Home { room: home.room.clone(), ..new }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_a_kid_name_two_keys_or_a_serial_fall(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // The anchors stay where they are when the register moves.
            let first = Home::new().await;
            let mut home = moved(&first).await;
            let keys = [jwk("0"), jwk("1"), jwk("2")];
            let mut known = Known::default();
            for step in &steps {
                known.follow(&mut home, &keys, step).await;
            }
        });
    }
}
