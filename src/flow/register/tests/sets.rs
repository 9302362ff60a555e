//! The signed set: when it is built, what is in it, and which serial it has.

use std::io::Read as _;

use super::*;
use crate::protocol::metadata::MetadataError;
use crate::store::register::{SetFacts, SetRow, Whole};
use crate::store::{Access, AuditResult, AuditRow};

const HOUR: i64 = 3600;

#[tokio::test]
async fn a_set_says_what_the_register_has_in_the_order_of_pids() {
    let home = Home::new().await;
    home.asks(34).post("34/authtokenPublicKey", &jwk("34:1")).await.unwrap();
    home.asks(34).post("34/mtbPublicKey", &with(jwk("34:m"), "bob_sc", json!("id"))).await.unwrap();
    home.asks(41).put("41/domainName", &json!("example.se")).await.unwrap();
    home.asks(41).put("41/participantInfo", &json!({"x": [1.0]})).await.unwrap();
    let set = home.built(NOW).await;
    let read = read(&set, &home.trust().await);
    assert!(read.skipped().is_empty(), "{:?}", read.skipped());
    let pids: Vec<i64> = read.participants().iter().map(|one| one.pid.get()).collect();
    assert_eq!(pids, [16, 34, 41]);
    assert_eq!(read.participant(pid(34)).unwrap().authtoken_keys[0].kid.as_str(), "34:1");
    assert_eq!(read.participant(pid(41)).unwrap().domain_name.as_deref(), Some("example.se"));
    let header = read.header();
    assert_eq!((header.serial, header.authid, header.interval), (1_795_330_514, pid(16), None));
    assert_eq!(header.not_valid_after, NOW.plus_seconds(7 * 24 * HOUR));
    for number in [16, 34, 41] {
        let own = home.asks(number).get(&number.to_string()).await.unwrap();
        assert_eq!(serde_json::to_value(read.participant(pid(number)).unwrap()).unwrap(), own);
    }
}

#[tokio::test]
async fn what_is_removed_is_simply_absent() {
    let home = Home::new().await;
    home.asks(34).post("34/authtokenPublicKey", &jwk("a")).await.unwrap();
    home.asks(34).post("34/authtokenPublicKey", &jwk("b")).await.unwrap();
    home.built(NOW).await;
    home.asks(34).delete("34/authtokenPublicKey/a").await.unwrap();
    home.register.remove_participant(pid(41), &now()).await.unwrap();
    let set = read(&home.built(NOW).await, &home.trust().await);
    assert!(set.participant(pid(41)).is_none());
    let kids: Vec<&str> = set.participant(pid(34)).unwrap().authtoken_keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["b"]);
}

#[tokio::test]
async fn a_set_is_built_once_per_change_and_kept_until_its_end_is_near() {
    let home = Home::new().await;
    let first = home.built(NOW).await;
    assert!(!home.register.revisions().await.unwrap().is_behind());
    for later in [0, HOUR, 3 * 24 * HOUR] {
        let kept = home.register.build_set(&home.room, &rules(), &at(NOW.plus_seconds(later))).await.unwrap();
        assert_eq!(kept, Built::Kept(first.clone()));
    }
    home.asks(34).put("34/domainName", &json!("example.se")).await.unwrap();
    assert!(home.register.revisions().await.unwrap().is_behind());
    let second = home.built(NOW.plus_seconds(HOUR)).await;
    assert!(second.serial > first.serial);
    let due = NOW.plus_seconds(HOUR + 4 * 24 * HOUR);
    let third = home.built(due).await;
    assert!(third.serial > second.serial && third.not_valid_after > second.not_valid_after);
    assert_eq!(third.revision, second.revision);
}

#[tokio::test]
async fn other_rules_are_a_reason_to_build() {
    let home = Home::new().await;
    home.built(NOW).await;
    for rules in [
        SetRules { interval: Some(Duration::from_hours(24)), ..rules() },
        SetRules { valid_for: Duration::from_hours(24), renew_after: Duration::from_hours(12), ..rules() },
    ] {
        let built = home.register.build_set(&home.room, &rules, &now()).await.unwrap();
        let Built::New(set) = built else { panic!("{rules:?}") };
        let header = read(&set, &home.trust().await).header().clone();
        assert_eq!((header.authid, header.interval), (rules.authid, rules.interval));
        let kept = home.register.build_set(&home.room, &rules, &now()).await.unwrap();
        assert_eq!(kept, Built::Kept(set));
    }
}

#[tokio::test]
async fn another_authority_than_that_of_the_sets_before_is_not_taken_in_passing() {
    let home = Home::new().await;
    let set = home.built(NOW).await;
    let other = SetRules { authid: pid(17), ..rules() };
    let refusal = home.register.build_set(&home.room, &other, &now()).await.unwrap_err();
    assert!(matches!(refusal, BuildError::OtherAuthority { .. }), "{refusal}");
    assert_eq!(home.register.current_set().await.unwrap(), Some(set));
}

#[tokio::test]
async fn a_set_that_cannot_be_read_says_whose_fault_it_is() {
    let home = Home::new().await;
    let mut change = home.register.store.change_register().await.unwrap();
    let place = Place::Info(pid(34));
    // As no participant could send it.
    change.put_entry(&place, "{\"a\":1,\"a\":[}", NOW).await.unwrap();
    change.commit(AuditRow::new(NOW, "tester", "test", AuditResult::Done)).await.unwrap();
    let refusal = home.register.build_set(&home.room, &rules(), &now()).await.unwrap_err();
    assert!(matches!(refusal, BuildError::SelfCheck(_)), "{refusal}");
    let mut change = home.register.store.change_register().await.unwrap();
    change
        .put_entry(&place, &format!("{}{}", "{\"a\":".repeat(126), "1".to_owned() + &"}".repeat(126)), NOW)
        .await
        .unwrap();
    change.commit(AuditRow::new(NOW, "tester", "test", AuditResult::Done)).await.unwrap();
    let refusal = home.register.build_set(&home.room, &rules(), &now()).await.unwrap_err();
    assert!(refusal.to_string().contains("participant 34"), "{refusal}");
}

#[tokio::test]
async fn the_same_bytes_are_there_after_opening_again() {
    let home = Home::new().await;
    let built = home.built(NOW).await;
    assert_eq!(home.register.current_set().await.unwrap(), Some(built.clone()));
    // Not closed: what counts is in the file and its log already.
    let again = Store::open(home.directory.path().join("store"), Access::ReadWrite).await.unwrap();
    assert_eq!(Register::new(again, Limits::DEFAULT).current_set().await.unwrap(), Some(built.clone()));
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(&*built.gzip).read_to_end(&mut json).unwrap();
    assert_eq!(json, &*built.json);
    assert_ne!(built.etag, built.gzip_etag);
}

#[tokio::test]
async fn a_clock_that_steps_back_never_lowers_a_serial_nor_leaves_a_set_too_long() {
    let home = Home::new().await;
    let ahead = home.built(NOW.plus_seconds(30 * 24 * HOUR)).await;
    // Nothing changed, but that set would be good for longer than the rules allow.
    let back = home.built(NOW).await;
    assert_eq!(back.serial, ahead.serial + 1);
    assert_eq!(back.not_valid_after, NOW.plus_seconds(7 * 24 * HOUR));
    home.asks(34).put("34/domainName", &json!("example.se")).await.unwrap();
    assert_eq!(home.built(Timestamp::from_seconds(-5)).await.serial, ahead.serial + 2);
}

#[tokio::test]
async fn what_nobody_could_read_or_believe_is_not_built() {
    let home = Home::empty().await;
    home.anchor(AnchorRole::Response, Algorithm::Es256).await;
    let build = async || home.register.build_set(&home.room, &rules(), &now()).await;
    assert!(matches!(build().await, Err(BuildError::Empty)));
    home.register.add_participant(pid(16), "Samordnaren", &now()).await.unwrap();
    assert!(matches!(build().await, Err(BuildError::NoAnchor)));
    let anchor = home.anchor(AnchorRole::Primary, Algorithm::Es256).await;
    let set = home.built(NOW).await;
    home.register.remove_participant(pid(16), &now()).await.unwrap();
    assert!(matches!(build().await, Err(BuildError::Empty)));
    assert_eq!(home.register.current_set().await.unwrap(), Some(set));
    home.register.add_participant(pid(16), "Samordnaren", &now()).await.unwrap();
    std::fs::remove_file(home.directory.path().join("anchors").join(&anchor.file)).unwrap();
    let refusal = build().await.unwrap_err();
    assert!(matches!(&refusal, BuildError::Anchor { kid, .. } if *kid == anchor.kid), "{refusal}");
}

#[tokio::test]
async fn a_serial_beyond_what_readers_agree_about_is_not_given() {
    let full = Home::new().await;
    let whole = full.register.store.whole_register().await.unwrap();
    let home = Home { room: full.room.clone(), ..Home::empty().await };
    let whole = Whole { last_serial: 1 << 53, ..whole };
    home.register.store.take_whole_register(&whole, &now()).await.unwrap();
    let refusal = home.register.build_set(&home.room, &rules(), &now()).await.unwrap_err();
    assert!(matches!(refusal, BuildError::NoSerial(last) if last == 1 << 53), "{refusal}");
}

#[tokio::test]
async fn two_processes_that_build_at_once_never_give_one_serial_to_two_contents() {
    let home = Home::new().await;
    let store = Store::open(home.directory.path().join("store"), Access::ReadWrite).await.unwrap();
    let other = Register::new(store, Limits::DEFAULT);
    let builder = async |register: &Register, caller: i64, kind: &str| {
        let mut seen = Vec::new();
        for round in 0..12 {
            let asks = Ask { register, ..home.asks(caller) };
            asks.put(&format!("{caller}/domainName"), &json!(format!("{kind}{round}.example.se"))).await.unwrap();
            match register.build_set(&home.room, &rules(), &now()).await {
                Ok(Built::New(set) | Built::Kept(set)) => seen.push(set),
                Err(BuildError::Rivals) => {}
                Err(error) => panic!("{error}"),
            }
        }
        seen
    };
    let (one, two) = tokio::join!(builder(&home.register, 34, "a"), builder(&other, 41, "b"));
    assert!(!one.is_empty() && !two.is_empty());
    let mut contents = std::collections::HashMap::new();
    for set in one.iter().chain(&two) {
        assert_eq!(contents.entry(set.serial).or_insert_with(|| set.json.clone()), &set.json, "{}", set.serial);
    }
    for list in [one, two] {
        assert!(list.windows(2).all(|pair| pair[0].serial <= pair[1].serial));
    }
}

#[tokio::test]
async fn a_set_is_built_however_fast_the_register_changes() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let stop = std::cell::Cell::new(false);
    let writer = async {
        let mut written = 0;
        while !stop.get() {
            asks.put("34/participantInfo", &json!({ "written": written })).await.unwrap();
            written += 1;
        }
        written
    };
    let builder = async {
        let mut last = 0;
        for round in 0..5 {
            home.register.rename_participant(pid(41), &format!("Name {round}"), &now()).await.unwrap();
            let before = home.register.revisions().await.unwrap().register;
            let set = home.built(NOW).await;
            // Whatever came meanwhile, it has all that was there when the build began.
            assert!(set.revision >= before && set.serial > last);
            last = set.serial;
        }
        stop.set(true);
    };
    let (written, ()) = tokio::join!(writer, builder);
    assert!(written > 0, "nothing was written meanwhile");
}

#[tokio::test]
async fn what_was_made_of_an_older_register_takes_the_place_of_nothing_newer() {
    let home = Home::new().await;
    home.asks(34).put("34/domainName", &json!("a.example.se")).await.unwrap();
    home.built(NOW).await;
    let row = home.register.store.register_set().await.unwrap().unwrap();
    let state = home.register.store.register_state().await.unwrap();
    let facts = SetFacts { serial: row.facts.serial + 1, revision: row.facts.revision - 1, ..row.facts };
    let older = SetRow { facts, ..row };
    assert!(home.register.store.keep_set(&older, &state, &now()).await.is_err());
}

#[tokio::test]
async fn a_set_is_not_kept_if_another_one_was_built_meanwhile() {
    let home = Home::new().await;
    let source = home.register.store.set_source().await.unwrap();
    let set = home.built(NOW).await;
    let row = home.register.store.register_set().await.unwrap().unwrap();
    let late = SetRow { facts: SetFacts { serial: set.serial + 1, ..row.facts }, ..row.clone() };
    for row in [&row, &late] {
        let refusal = home.register.store.keep_set(row, &source.state, &now()).await.unwrap_err();
        assert_eq!(refusal.to_string(), "another set was built meanwhile");
    }
    // Nothing moved since, but the serial is one that was given.
    let fresh = home.register.store.set_source().await.unwrap();
    let other = SetRow { json: b"other".to_vec(), ..row };
    let refusal = home.register.store.keep_set(&other, &fresh.state, &now()).await.unwrap_err();
    assert_eq!(refusal.to_string(), "another set was built meanwhile");
    assert_eq!(home.register.current_set().await.unwrap(), Some(set));
}

#[tokio::test]
async fn a_set_that_ended_is_refused_by_its_readers() {
    let home = Home::new().await;
    let set = home.built(NOW).await;
    let late = set.not_valid_after.plus_seconds(1);
    let refusal = SignedSet::verify(&set.json, &home.trust().await, late).unwrap_err();
    assert!(matches!(refusal, MetadataError::Expired { .. }), "{refusal}");
}
