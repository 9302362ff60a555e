//! Whatever is asked of the book and of the store in one order, both say and hold the same.

use proptest::prelude::*;

use super::book::Book;
use super::*;
use crate::store::{Activation, Change, KeyNews, Participant, Store};

#[derive(Debug, Clone)]
enum Ask {
    Add(u8, bool),
    Note(u8, u8),
    Activate(u8, bool),
    Retire(u8),
    Measure,
    Raise(i64),
    Pass(i64),
    Reboot,
}

fn ask() -> impl Strategy<Value = Ask> {
    let key = 0_u8..4;
    prop_oneof![
        3 => (key.clone(), any::<bool>()).prop_map(|(key, only)| Ask::Add(key, only)),
        6 => (key.clone(), 0_u8..6).prop_map(|(key, news)| Ask::Note(key, news)),
        3 => (key.clone(), any::<bool>()).prop_map(|(key, by_hand)| Ask::Activate(key, by_hand)),
        1 => key.prop_map(Ask::Retire),
        2 => Just(Ask::Measure),
        1 => (-500_i64..5_000).prop_map(Ask::Raise),
        3 => (-50_i64..900).prop_map(Ask::Pass),
        1 => Just(Ask::Reboot),
    ]
}

struct Both {
    store: Store,
    book: Book,
    seconds: i64,
    boots: u32,
}

impl Both {
    fn steady(&self) -> SteadyTime {
        SteadyTime { clock: format!("boot {}", self.boots), millis: self.seconds * 1000 }
    }

    async fn note(&mut self, kid: &Kid, news: u8, change: &Change) -> (bool, bool) {
        let (steady, serial, before) = (self.steady(), 7, self.book.key(kid).life.published);
        let news = match news {
            0 => KeyNews::Published { before },
            1 => KeyNews::Published { before: None },
            2 => KeyNews::Seen { serial },
            3 => KeyNews::Withdrawn,
            4 => KeyNews::Refused,
            _ => KeyNews::Distrusted,
        };
        let noted = self.store.note_key(pid(), kid, news, (&steady, change)).await;
        (noted.is_ok(), self.book.note(kid, news, (steady, change.at)).is_ok())
    }

    async fn activate(&mut self, kid: &Kid, by_hand: bool, change: &Change) -> (bool, bool) {
        let now = change.at;
        let activation = if by_hand {
            Activation::by_hand(now.plus_seconds(3600))
        } else {
            let steady = Some(self.steady());
            Activation { from: &[KeyState::Seen], last_exp: now.plus_seconds(60), steady }
        };
        let (from, last_exp) = (activation.from, activation.last_exp);
        let booked = self.book.activate(kid, from, last_exp, (activation.steady.as_ref(), now));
        (self.store.activate_key(pid(), kid, &activation, change).await.is_ok(), booked.is_ok())
    }

    async fn ask(&mut self, ask: Ask) -> (bool, bool) {
        let (now, steady) = (at(self.seconds), self.steady());
        let change = Change { at: now, actor: "service".into() };
        let name = |key: u8| format!("34:{key}");
        let there = |book: &Book, key: u8| book.keys.iter().any(|known| known.kid == kid(&name(key)));
        match ask {
            Ask::Note(key, _) | Ask::Activate(key, _) | Ask::Retire(key) if !there(&self.book, key) => (true, true),
            Ask::Add(key, only) => {
                let new = pending(&name(key), now);
                let added = if only {
                    self.store.add_successor(&new, &change).await
                } else {
                    self.store.add_key(&new, &change).await
                };
                (added.is_ok(), self.book.add(new, only).is_ok())
            }
            Ask::Note(key, news) => self.note(&kid(&name(key)), news, &change).await,
            Ask::Activate(key, by_hand) => self.activate(&kid(&name(key)), by_hand, &change).await,
            Ask::Retire(key) => {
                let kid = kid(&name(key));
                (self.store.retire_key(pid(), &kid, &change).await.is_ok(), self.book.retire(&kid, now).is_ok())
            }
            Ask::Measure => {
                self.book.measure(&steady);
                (self.store.measure_keys(pid(), &steady).await.is_ok(), true)
            }
            Ask::Raise(by) => {
                self.book.raise_last_exp(now.plus_seconds(by));
                (self.store.raise_last_exp(pid(), now.plus_seconds(by)).await.is_ok(), true)
            }
            Ask::Pass(seconds) => {
                self.seconds += seconds;
                (true, true)
            }
            Ask::Reboot => {
                self.boots += 1;
                (true, true)
            }
        }
    }
}

async fn compare(asks: Vec<Ask>) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::create(directory.path().join("store")).await.unwrap();
    let participant = Participant { pid: pid(), name: "a".into(), hosts: vec![], base_path: None, created: at(0) };
    let change = Change { at: at(0), actor: "service".into() };
    store.add_participant(&participant, &change).await.unwrap();
    let mut both = Both { store, book: Book::default(), seconds: 100_000, boots: 0 };
    for ask in asks {
        let (stored, booked) = both.ask(ask.clone()).await;
        prop_assert_eq!(stored, booked, "{:?}", ask);
        let mut held = both.store.keys(None).await.unwrap();
        held.sort_by(|a, b| a.kid.cmp(&b.kid));
        both.book.keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        prop_assert_eq!(&held, &both.book.keys, "{:?}", ask);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_book_of_the_histories_behaves_as_the_store_does(asks in prop::collection::vec(ask(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(asks))?;
    }
}
