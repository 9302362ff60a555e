//! What each of the operations does.

use super::*;

#[tokio::test]
async fn a_domain_name_is_put_read_and_removed() {
    let home = Home::new().await;
    let asks = home.asks(34);
    assert!(matches!(asks.get("34/domainName").await, Err(Refused::NotFound(_))));
    assert!(matches!(asks.put("34/domainName", &json!("auth.example.se")).await, Ok(Done::Replaced { .. })));
    assert_eq!(asks.get("34/domainName").await.unwrap(), json!("auth.example.se"));
    assert!(matches!(asks.put("34/domainName", &json!("b.example.se")).await, Ok(Done::Replaced { .. })));
    assert_eq!(asks.get("34").await.unwrap()["domainName"], json!("b.example.se"));
    assert!(matches!(asks.delete("34/domainName").await, Ok(Done::Removed)));
    assert!(matches!(asks.delete("34/domainName").await, Err(Refused::NotFound(_))));
}

#[tokio::test]
async fn keys_of_both_lists_are_posted_listed_read_repaired_and_removed() {
    let home = Home::new().await;
    let asks = home.asks(34);
    for (list, path) in [("mtbPublicKey", "34/mtbPublicKey"), ("authtokenPublicKey", "34/authtokenPublicKey")] {
        assert_eq!(asks.get(path).await.unwrap(), json!([]));
        let (one, two) = (jwk("34:2"), jwk("34:1"));
        assert_eq!(location(asks.post(path, &one).await), format!("/participantMetadata/34/{list}/34%3A2"));
        asks.post(path, &two).await.unwrap();
        assert_eq!(asks.get(path).await.unwrap(), json!([two, one]));
        let item = format!("{path}/34%3A2");
        assert_eq!(asks.get(&item).await.unwrap(), one);
        assert_eq!(location(asks.put(&item, &one).await), format!("/participantMetadata/34/{list}/34%3A2"));
        assert!(matches!(asks.delete(&item).await, Ok(Done::Removed)));
        assert!(matches!(asks.get(&item).await, Err(Refused::NotFound(_))));
        assert!(matches!(asks.put(&item, &one).await, Err(Refused::NotFound(_))));
        assert_eq!(asks.get(path).await.unwrap(), json!([two]));
    }
}

#[tokio::test]
async fn what_stands_beside_an_mtb_key_can_be_repaired() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let key = with(jwk("a"), "bob_sc", json!("id"));
    asks.post("34/mtbPublicKey", &key).await.unwrap();
    let mended = with(key.clone(), "bob_sc", json!("ticket"));
    let refusal = asks.post("34/mtbPublicKey", &mended).await.unwrap_err();
    assert!(matches!(&refusal, Refused::Unacceptable(reason) if reason.contains("PUT repairs")), "{refusal}");
    assert!(matches!(asks.put("34/mtbPublicKey/a", &mended).await, Ok(Done::Repaired { .. })));
    assert_eq!(asks.get("34/mtbPublicKey/a").await.unwrap(), mended);
}

#[tokio::test]
async fn endpoints_get_ids_that_are_never_used_again() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let Done::Created { location, body, .. } = asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap() else {
        panic!("not created")
    };
    assert_eq!(location, Place::Endpoint(pid(34), 1));
    let made: Value = serde_json::from_str(&body.unwrap()).unwrap();
    assert_eq!(made, with(endpoint(), "endpointId", json!(1)));
    assert!(matches!(asks.delete("34/interfaceEndpoint/1").await, Ok(Done::Removed)));
    let other = home.asks(41);
    let second = other.post("41/interfaceEndpoint", &endpoint()).await.unwrap();
    assert!(matches!(second, Done::Created { location: Place::Endpoint(_, 2), .. }), "{second:?}");
    let moved = json!({"endpointId": 2, "version": 2, "type": "device", "uri": "https://b.example.se/",
        "tlsa": {"usage": 3, "selector": 1, "type": 1, "data": "ab".repeat(32)}});
    assert!(matches!(other.put("41/interfaceEndpoint/2", &moved).await, Ok(Done::Replaced { .. })));
    assert_eq!(other.get("41/interfaceEndpoint/2").await.unwrap(), moved);
    assert_eq!(other.get("41/interfaceEndpoint").await.unwrap(), json!([moved]));
    assert!(matches!(asks.put("34/interfaceEndpoint/2", &moved).await, Err(Refused::NotFound(_))));
}

#[tokio::test]
async fn constraints_are_posted_once_and_put_as_array_or_object() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let three_weeks = json!({"pid": 41, "signatureLifetime": "P3W"});
    let path = "34/issuerSignatureConstraint";
    assert_eq!(location(asks.post(path, &three_weeks).await), "/participantMetadata/34/issuerSignatureConstraint/41");
    let day = json!({"pid": 41, "signatureLifetime": "P1D"});
    let refusal = asks.post(path, &day).await.unwrap_err();
    assert!(matches!(&refusal, Refused::Unacceptable(reason) if reason.contains("PUT replaces it")), "{refusal}");
    let item = "34/issuerSignatureConstraint/41";
    assert!(matches!(asks.put(item, &json!([day])).await, Ok(Done::Replaced { .. })));
    assert_eq!(asks.get(item).await.unwrap(), day);
    assert!(matches!(asks.put(item, &three_weeks).await, Ok(Done::Replaced { .. })));
    assert_eq!(asks.get(path).await.unwrap(), json!([three_weeks]));
    let nobody = json!({"pid": 7, "signatureLifetime": "P1D"});
    let missing = asks.put("34/issuerSignatureConstraint/7", &nobody).await;
    assert!(matches!(missing, Err(Refused::NotFound(_))), "{missing:?}");
    assert!(matches!(asks.delete(item).await, Ok(Done::Removed)));
    assert_eq!(asks.get(path).await.unwrap(), json!([]));
}

#[tokio::test]
async fn participant_info_is_put_with_created_and_kept_as_it_is() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let info = br#"{ "b": 1.0, "a": {"z": [null]} }"#;
    let done = asks.perform(Verb::Put, "34/participantInfo", info).await.unwrap();
    assert!(matches!(done, Done::Created { location: Place::Info(_), body: None, .. }), "{done:?}");
    let Done::Read { json, .. } = asks.perform(Verb::Get, "34/participantInfo", b"").await.unwrap() else { panic!() };
    assert_eq!(json, r#"{"b":1.0,"a":{"z":[null]}}"#);
    assert!(matches!(asks.delete("34/participantInfo").await, Ok(Done::Removed)));
}

#[tokio::test]
async fn a_participant_reads_all_that_it_published_and_lists_that_are_empty() {
    let home = Home::new().await;
    let asks = home.asks(34);
    assert_eq!(asks.get("34").await.unwrap(), json!({"pid": 34, "organisationName": "Östgötatrafiken"}));
    for path in ["34/mtbPublicKey", "34/authtokenPublicKey", "34/interfaceEndpoint", "34/issuerSignatureConstraint"] {
        assert_eq!(asks.get(path).await.unwrap(), json!([]), "{path}");
    }
    let (mtb, auth) = (with(jwk("m"), "bob_sc", json!("ticket")), jwk("a"));
    let constraint = json!({"pid": 41, "signatureLifetime": "PT12H"});
    asks.post("34/mtbPublicKey", &mtb).await.unwrap();
    asks.post("34/authtokenPublicKey", &auth).await.unwrap();
    asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
    asks.post("34/issuerSignatureConstraint", &constraint).await.unwrap();
    asks.put("34/participantInfo", &json!({"x": 1})).await.unwrap();
    asks.put("34/domainName", &json!("example.se")).await.unwrap();
    let whole = json!({
        "pid": 34, "organisationName": "Östgötatrafiken", "domainName": "example.se", "participantInfo": {"x": 1},
        "mtbPublicKeys": [mtb], "authtokenPublicKeys": [auth],
        "interfaceEndpoints": [with(endpoint(), "endpointId", json!(1))],
        "issuerSignatureConstraints": [constraint],
    });
    assert_eq!(asks.get("34").await.unwrap(), whole);
}

#[tokio::test]
async fn what_is_there_already_is_a_success_and_no_change() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let (key, constraint) = (jwk("a"), json!({"pid": 41, "signatureLifetime": "P3W"}));
    let all = async || {
        let first = asks.post("34/authtokenPublicKey", &key).await.unwrap();
        let second = asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
        let third = asks.post("34/issuerSignatureConstraint", &constraint).await.unwrap();
        let fourth = asks.put("34/participantInfo", &json!({"x": 1})).await.unwrap();
        [first, second, third, fourth, asks.put("34/domainName", &json!("example.se")).await.unwrap()]
    };
    let before = all().await;
    let (revision, actions) = (home.register.revisions().await.unwrap().register, home.actions().await);
    assert_eq!(all().await, before);
    assert_eq!((home.register.revisions().await.unwrap().register, home.actions().await), (revision, actions));
}

#[tokio::test]
async fn every_change_has_its_audit_row_and_its_step_of_the_revision() {
    let home = Home::new().await;
    let asks = home.asks(34);
    let (revision, rows) = (home.register.revisions().await.unwrap().register, home.actions().await.len());
    let key = with(jwk("a"), "bob_sc", json!("id"));
    asks.post("34/mtbPublicKey", &key).await.unwrap();
    asks.put("34/mtbPublicKey/a", &with(key, "bob_sc", json!("ticket"))).await.unwrap();
    asks.delete("34/mtbPublicKey/a").await.unwrap();
    asks.post("34/authtokenPublicKey", &jwk("a")).await.unwrap();
    asks.delete("34/authtokenPublicKey/a").await.unwrap();
    asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
    asks.put("34/interfaceEndpoint/1", &with(with(endpoint(), "endpointId", json!(1)), "version", json!(2)))
        .await
        .unwrap();
    asks.delete("34/interfaceEndpoint/1").await.unwrap();
    asks.post("34/issuerSignatureConstraint", &json!({"pid": 41, "signatureLifetime": "P3W"})).await.unwrap();
    asks.put("34/issuerSignatureConstraint/41", &json!({"pid": 41, "signatureLifetime": "P4W"})).await.unwrap();
    asks.delete("34/issuerSignatureConstraint/41").await.unwrap();
    asks.put("34/participantInfo", &json!({})).await.unwrap();
    asks.delete("34/participantInfo").await.unwrap();
    asks.put("34/domainName", &json!("example.se")).await.unwrap();
    asks.delete("34/domainName").await.unwrap();
    let actions = home.actions().await.split_off(rows);
    assert_eq!(
        actions,
        [
            "registry.mtb-key.add",
            "registry.mtb-key.repair",
            "registry.mtb-key.remove",
            "registry.authtoken-key.add",
            "registry.authtoken-key.remove",
            "registry.endpoint.add",
            "registry.endpoint.put",
            "registry.endpoint.remove",
            "registry.constraint.add",
            "registry.constraint.put",
            "registry.constraint.remove",
            "registry.info.put",
            "registry.info.remove",
            "registry.domain-name.put",
            "registry.domain-name.remove",
        ]
    );
    let after = home.register.revisions().await.unwrap().register;
    assert_eq!(after, revision + i64::try_from(actions.len()).unwrap());
}
