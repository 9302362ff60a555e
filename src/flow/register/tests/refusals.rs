//! Who may not do what, and why.

use super::*;
use crate::crypto::digest::sha256;

#[tokio::test]
async fn a_participant_acts_and_reads_under_its_own_pid_only() {
    let home = Home::new().await;
    let asks = home.asks(41);
    for path in ["34", "34/domainName", "34/authtokenPublicKey", "34/authtokenPublicKey/a", "34/participantInfo", "99"]
    {
        let refusal = asks.get(path).await.unwrap_err();
        assert!(matches!(refusal, Refused::NotYours(_)), "{path}: {refusal}");
    }
    assert!(matches!(asks.put("34/domainName", &json!("example.se")).await, Err(Refused::NotYours(_))));
    assert!(matches!(home.asks(34).get("34/domainName").await, Err(Refused::NotFound(_))));
    // Also where the place has no such operation: what others have is nobody's business.
    assert!(matches!(asks.delete("34").await, Err(Refused::NotYours(_))));
}

#[tokio::test]
async fn a_place_has_its_operations_and_no_others() {
    let home = Home::new().await;
    let asks = home.asks(34);
    for (verb, path) in [
        (Verb::Delete, "34"),
        (Verb::Put, "34"),
        (Verb::Put, "34/mtbPublicKey"),
        (Verb::Delete, "34/interfaceEndpoint"),
        (Verb::Post, "34/domainName"),
        (Verb::Post, "34/authtokenPublicKey/a"),
    ] {
        let refusal = asks.perform(verb, path, b"{}").await.unwrap_err();
        assert!(matches!(refusal, Refused::MethodNotHere(_)), "{verb:?} {path}: {refusal}");
    }
}

#[tokio::test]
async fn a_kid_is_never_used_again_for_another_key_nor_after_its_deletion() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let path = "34/authtokenPublicKey";
    let (key, other) = (jwk("a"), jwk("a"));
    asks.post(path, &key).await.unwrap();
    let reused = |done: Result<Done, Refused>| matches!(done, Err(Refused::KidReused(kid)) if kid.as_str() == "a");
    assert!(reused(asks.post(path, &other).await));
    assert!(reused(asks.put("34/authtokenPublicKey/a", &other).await));
    asks.delete("34/authtokenPublicKey/a").await.unwrap();
    assert!(reused(asks.post(path, &other).await));
    assert!(reused(asks.post(path, &key).await));
    // Each list and each participant has ids of its own.
    asks.post("34/mtbPublicKey", &other).await.unwrap();
    home.asks(41).post("41/authtokenPublicKey", &other).await.unwrap();
}

#[tokio::test]
async fn a_key_that_proves_who_asks_signs_nothing_else() {
    let home = Home::new().await;
    let key = jwk("34:metadata_1");
    home.register.add_metadata_key(pid(34), key.to_string().as_bytes(), &now()).await.unwrap();
    for path in ["34/authtokenPublicKey", "34/mtbPublicKey"] {
        let refusal = home.asks(34).post(path, &with(key.clone(), "kid", json!("other"))).await.unwrap_err();
        assert!(matches!(&refusal, Refused::Unacceptable(reason) if reason.contains("metadata key")), "{refusal}");
    }
}

#[tokio::test]
async fn a_kid_that_no_path_can_name_is_not_taken() {
    let home = Home::new().await;
    for kid in [".", ".."] {
        let refusal = home.asks(34).post("34/authtokenPublicKey", &jwk(kid)).await.unwrap_err();
        assert!(matches!(refusal, Refused::Unacceptable(_)), "{refusal}");
    }
}

#[tokio::test]
async fn of_two_processes_that_take_one_kid_at_once_one_gets_it() {
    let home = Home::new().await;
    let store = Store::open(home.directory.path().join("store"), crate::store::Access::ReadWrite).await.unwrap();
    let other = Register::new(store, Limits::DEFAULT);
    for round in 0..10 {
        let kid = format!("34:{round}");
        let (one, two) = (jwk(&kid), jwk(&kid));
        let (asks, rival) = (home.asks(34), Ask { register: &other, ..home.asks(34) });
        let (first, second) =
            tokio::join!(asks.post("34/authtokenPublicKey", &one), rival.post("34/authtokenPublicKey", &two));
        let winner = if first.is_ok() { &one } else { &two };
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let loser = first.and(second).unwrap_err();
        assert!(matches!(loser, Refused::KidReused(_)), "{loser:?}");
        assert_eq!(asks.get(&format!("34/authtokenPublicKey/34%3A{round}")).await.unwrap(), *winner);
    }
}

#[tokio::test]
async fn kids_stay_used_when_a_participant_leaves_and_comes_back() {
    let home = Home::new().await;
    home.asks(34).post("34/authtokenPublicKey", &jwk("a")).await.unwrap();
    home.asks(34).put("34/domainName", &json!("example.se")).await.unwrap();
    home.register.remove_participant(pid(34), &now()).await.unwrap();
    assert!(matches!(home.asks(34).get("34").await, Err(Refused::NotFound(_))));
    assert!(matches!(home.asks(34).get("34/mtbPublicKey").await, Err(Refused::NotFound(_))));
    assert!(matches!(home.asks(34).put("34/domainName", &json!("example.se")).await, Err(Refused::NotFound(_))));
    home.register.add_participant(pid(34), "Again", &now()).await.unwrap();
    assert_eq!(home.asks(34).get("34").await.unwrap(), json!({"pid": 34, "organisationName": "Again"}));
    let refusal = home.asks(34).post("34/authtokenPublicKey", &jwk("a")).await.unwrap_err();
    assert!(matches!(refusal, Refused::KidReused(_)), "{refusal}");
}

#[tokio::test]
async fn what_changed_meanwhile_is_not_overwritten() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let key = with(jwk("a"), "bob_sc", json!("id"));
    let made = with(endpoint(), "endpointId", json!(1));
    asks.put("34/domainName", &json!("a.example.se")).await.unwrap();
    asks.put("34/participantInfo", &json!({})).await.unwrap();
    asks.post("34/mtbPublicKey", &key).await.unwrap();
    asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
    asks.post("34/issuerSignatureConstraint", &json!({"pid": 41, "signatureLifetime": "P3W"})).await.unwrap();
    for (path, body) in [
        ("34/domainName", json!("b.example.se")),
        ("34/participantInfo", json!({"x": 1})),
        ("34/mtbPublicKey/a", with(key, "bob_sc", json!("ticket"))),
        ("34/interfaceEndpoint/1", with(made, "version", json!(2))),
        ("34/issuerSignatureConstraint/41", json!({"pid": 41, "signatureLifetime": "P1D"})),
    ] {
        let old = asks.etag(path).await;
        home.asks(34).if_match(&old).put(path, &body).await.unwrap();
        let stale = home.asks(34).if_match(&old);
        assert!(matches!(stale.put(path, &body).await, Err(Refused::PreconditionFailed)), "{path}");
        assert!(matches!(stale.delete(path).await, Err(Refused::PreconditionFailed)), "{path}");
        let fresh = home.asks(34).if_match(&asks.etag(path).await);
        assert!(matches!(fresh.delete(path).await, Ok(Done::Removed)), "{path}");
        assert!(matches!(fresh.delete(path).await, Err(Refused::NotFound(_))), "{path}");
    }
    let any = Ask { if_match: Some(IfMatch::Any), ..home.asks(34) };
    assert!(matches!(any.put("34/domainName", &json!("c.example.se")).await, Err(Refused::PreconditionFailed)));
}

#[tokio::test]
async fn the_validator_in_an_answer_is_that_of_the_thing() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let Done::Replaced { etag } = asks.put("34/domainName", &json!("a.example.se")).await.unwrap() else { panic!() };
    assert_eq!(etag, asks.etag("34/domainName").await);
    let Done::Created { etag, .. } = asks.post("34/authtokenPublicKey", &jwk("a")).await.unwrap() else { panic!() };
    assert_eq!(etag, asks.etag("34/authtokenPublicKey/a").await);
    let Done::Created { etag, .. } = asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap() else { panic!() };
    assert_eq!(etag, asks.etag("34/interfaceEndpoint/1").await);
}

#[tokio::test]
async fn a_proof_counts_once_also_when_its_request_was_refused_and_in_another_process() {
    let home = Home::new().await;
    let proof = |text: &str| Some(ProofMark { sha256: sha256(text.as_bytes()), until: NOW.plus_seconds(300) });
    let asks = Ask { proof: proof("one"), ..home.asks(34) };
    asks.put("34/domainName", &json!("a.example.se")).await.unwrap();
    assert!(matches!(asks.put("34/domainName", &json!("a.example.se")).await, Err(Refused::Replayed)));
    assert!(matches!(asks.delete("34/domainName").await, Err(Refused::Replayed)));
    let refused = Ask { proof: proof("two"), ..home.asks(34) };
    assert!(matches!(refused.delete("34/participantInfo").await, Err(Refused::NotFound(_))));
    home.asks(34).put("34/participantInfo", &json!({})).await.unwrap();
    assert!(matches!(refused.delete("34/participantInfo").await, Err(Refused::Replayed)));
    let other = Store::open(home.directory.path().join("store"), crate::store::Access::ReadWrite).await.unwrap();
    let other = Register::new(other, Limits::DEFAULT);
    let again = Ask { register: &other, proof: proof("one"), ..home.asks(34) };
    assert!(matches!(again.delete("34/domainName").await, Err(Refused::Replayed)));
    assert_eq!(home.asks(34).get("34/domainName").await.unwrap(), json!("a.example.se"));
}

#[tokio::test]
async fn a_participant_has_a_bounded_number_of_everything() {
    let home = Home::new().await;
    let limits = Limits { keys: 2, kids: 3, endpoints: 1, constraints: 1, info_bytes: 20 };
    let register = Register::new(home.register.store.clone(), limits);
    let asks = Ask { register: &register, ..home.asks(34) };
    let (first, path) = (jwk("a"), "34/authtokenPublicKey");
    asks.post(path, &first).await.unwrap();
    asks.post(path, &jwk("b")).await.unwrap();
    let refusal = asks.post(path, &jwk("c")).await.unwrap_err();
    assert_eq!(refusal.to_string(), "a participant has at most 2 keys in this list");
    asks.post(path, &first).await.unwrap();
    asks.delete("34/authtokenPublicKey/a").await.unwrap();
    asks.post(path, &jwk("c")).await.unwrap();
    asks.delete("34/authtokenPublicKey/b").await.unwrap();
    let refusal = asks.post(path, &jwk("d")).await.unwrap_err();
    assert!(matches!(refusal, Refused::TooMany { most: 3, .. }), "{refusal}");
    asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
    let second = asks.post("34/interfaceEndpoint", &with(endpoint(), "version", json!(2))).await;
    assert!(matches!(second, Err(Refused::TooMany { most: 1, .. })), "{second:?}");
    asks.post("34/issuerSignatureConstraint", &json!({"pid": 1, "signatureLifetime": "P1D"})).await.unwrap();
    let second = asks.post("34/issuerSignatureConstraint", &json!({"pid": 2, "signatureLifetime": "P1D"})).await;
    assert!(matches!(second, Err(Refused::TooMany { most: 1, .. })), "{second:?}");
    let large = asks.put("34/participantInfo", &json!({"x": "long enough to be too long"})).await;
    assert!(matches!(large, Err(Refused::Unacceptable(_))), "{large:?}");
}

#[tokio::test]
async fn a_refused_change_leaves_no_trace_but_its_proof() {
    let home = Home::new().await;
    let before = (home.register.revisions().await.unwrap(), home.actions().await);
    let asks = home.asks(34);
    asks.delete("34/domainName").await.unwrap_err();
    asks.put("34/domainName", &json!("not a name")).await.unwrap_err();
    asks.put("34/interfaceEndpoint/1", &with(endpoint(), "endpointId", json!(1))).await.unwrap_err();
    assert_eq!((home.register.revisions().await.unwrap(), home.actions().await), before);
}
