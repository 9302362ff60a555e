//! The whole register exported, and taken in elsewhere.

use proptest::prelude::*;
use tokio::sync::OnceCell;

use super::*;
use crate::store::StoreError;
use crate::store::register::{AnchorState, RegisterFault};

/// A register with something of every kind in it, and something gone.
async fn full() -> Home {
    let home = Home::new().await;
    home.anchor(AnchorRole::Fallback, Algorithm::Rs256).await;
    home.anchor(AnchorRole::Response, Algorithm::Es256).await;
    home.register.rotate_anchor(&home.room, &wanted(AnchorRole::Primary, Algorithm::Es256), &now()).await.unwrap();
    home.register.finish_anchor_rotation(&home.room, AnchorRole::Primary, &now()).await.unwrap();
    let asks = home.asks(34);
    asks.put("34/domainName", &json!("example.se")).await.unwrap();
    asks.perform(Verb::Put, "34/participantInfo", br#"{"z":1.0,"a":[null,"\u0041"]}"#).await.unwrap();
    asks.post("34/mtbPublicKey", &with(jwk("m"), "bob_sc", json!("id"))).await.unwrap();
    asks.post("34/authtokenPublicKey", &jwk("a")).await.unwrap();
    asks.post("34/authtokenPublicKey", &jwk("b")).await.unwrap();
    asks.delete("34/authtokenPublicKey/a").await.unwrap();
    asks.post("34/interfaceEndpoint", &endpoint()).await.unwrap();
    asks.post("34/interfaceEndpoint", &with(endpoint(), "version", json!(2))).await.unwrap();
    asks.delete("34/interfaceEndpoint/2").await.unwrap();
    asks.post("34/issuerSignatureConstraint", &json!({"pid": 41, "signatureLifetime": "P3W"})).await.unwrap();
    home.asks(41).post("41/mtbPublicKey", &jwk("gone")).await.unwrap();
    home.register.add_metadata_key(pid(34), jwk("34:metadata").to_string().as_bytes(), &now()).await.unwrap();
    home.register.add_metadata_key(pid(41), jwk("41:metadata").to_string().as_bytes(), &now()).await.unwrap();
    home.register.remove_participant(pid(41), &now()).await.unwrap();
    home
}

async fn import(document: &Value) -> Result<usize, ImportError> {
    Home::empty().await.register.import(document.to_string().as_bytes(), &now()).await
}

#[tokio::test]
async fn a_register_that_moved_says_the_same_and_remembers_the_same() {
    let old = full().await;
    let before = old.built(NOW).await;
    let document = old.register.export(NOW).await.unwrap();
    let new = Home { room: old.room.clone(), ..Home::empty().await };
    assert_eq!(new.register.import(document.as_bytes(), &now()).await.unwrap(), 3);
    assert_eq!(new.register.export(NOW).await.unwrap(), document);
    let [one, other] = [old.asks(34), new.asks(34)];
    for path in ["34", "34/participantInfo", "34/authtokenPublicKey/b", "34/interfaceEndpoint/1"] {
        assert_eq!(one.etag(path).await, other.etag(path).await, "{path}");
    }
    assert_eq!(new.register.metadata_keys(pid(34)).await.unwrap(), old.register.metadata_keys(pid(34)).await.unwrap());
    assert!(matches!(other.post("34/authtokenPublicKey", &jwk("a")).await, Err(Refused::KidReused(_))));
    let next = other.post("34/interfaceEndpoint", &with(endpoint(), "version", json!(3))).await.unwrap();
    assert!(matches!(next, Done::Created { location: Place::Endpoint(_, 3), .. }), "{next:?}");
    let after = new.built(NOW).await;
    assert!(after.serial > before.serial);
    read(&after, &old.trust().await);
    let states: Vec<AnchorState> = new.register.anchors().await.unwrap().iter().map(|anchor| anchor.state).collect();
    assert_eq!(states, [AnchorState::Retired, AnchorState::Active, AnchorState::Active, AnchorState::Active]);
}

#[tokio::test]
async fn nothing_private_is_exported() {
    let home = full().await;
    let document = home.register.export(NOW).await.unwrap();
    assert!(!document.contains("PRIVATE") && !document.contains("\"d\":"), "{document}");
}

#[tokio::test]
async fn a_register_that_is_not_empty_takes_nothing_in() {
    let home = full().await;
    let document = home.register.export(NOW).await.unwrap();
    let refusal = home.register.import(document.as_bytes(), &now()).await.unwrap_err();
    assert!(matches!(refusal, ImportError::Store(StoreError::Register(RegisterFault::NotEmpty))), "{refusal}");
}

#[tokio::test]
async fn a_document_is_believed_no_more_than_a_participant() {
    let home = full().await;
    let document: Value = serde_json::from_str(&home.register.export(NOW).await.unwrap()).unwrap();
    import(&document).await.unwrap();
    let changed = |pointer: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    let of = |kind: &str| {
        let published = document["participants"][1]["published"].as_array().unwrap();
        let index = published.iter().position(|entry| entry["kind"] == kind).unwrap();
        format!("/participants/1/published/{index}/body")
    };
    let copied = |list: &str| {
        let mut document = document.clone();
        let list = document.pointer_mut(list).unwrap().as_array_mut().unwrap();
        list.push(list[0].clone());
        document
    };
    let private = with(jwk("34:metadata"), "d", json!("AAAA"));
    for (document, words) in [
        (changed("/format", json!("other")), "bob-auth register"),
        (changed("/version", json!(2)), "version"),
        (changed("/participants/1/pid", json!(0)), "participant id"),
        (changed("/participants/1/pid", json!(16)), "is there twice"),
        (changed("/participants/1/organisationName", json!("")), "1 to 200 characters"),
        (changed("/participants/1/added", json!("yesterday")), "a time is written like"),
        (changed(&of("domain"), json!("se")), "at least two labels"),
        (changed(&of("mtb"), jwk("m")), "key ids do not name"),
        (changed(&of("mtb"), json!({})), "kty"),
        (
            changed(&of("endpoint"), with(with(endpoint(), "endpointId", json!(1)), "uri", json!("http://a.se"))),
            "https",
        ),
        (changed(&of("endpoint"), with(endpoint(), "endpointId", json!(9))), "never given"),
        (changed("/participants/1/published", json!([])), "key id in force without its key"),
        (changed("/participants/1/removed", json!("2026-11-22T00:00:00Z")), "is gone and"),
        (changed("/participants/1/metadataKeys/0/jwk", private), "private half"),
        (changed("/participants/1/kids/0/list", json!("other")), "no list of keys"),
        (changed("/anchors/0/file", json!("../a.pem")), "file of another name"),
        (changed("/anchors/0/state", json!("active")), "is retired and is not"),
        (copied("/participants/1/kids"), "is there twice"),
        (copied("/participants/1/metadataKeys"), "is there twice"),
        (copied("/participants/1/published"), "is there twice"),
        (copied("/anchors"), "is there twice"),
        (with(document.clone(), "more", json!(1)), "unknown field"),
    ] {
        let refusal = import(&document).await.unwrap_err().to_string();
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_document_that_was_damaged_is_taken_whole_or_not_at_all(hits in prop::collection::vec((any::<prop::sample::Index>(), 32..127_u8), 1..3)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            static DOCUMENT: OnceCell<String> = OnceCell::const_new();
            let document = DOCUMENT.get_or_init(async || full().await.register.export(NOW).await.unwrap()).await;
            let mut bytes = document.clone().into_bytes();
            for (index, byte) in hits {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            let home = Home::empty().await;
            if home.register.import(&bytes, &now()).await.is_ok() {
                // What was taken in is a register like any other.
                let again = home.register.export(NOW).await.unwrap();
                Home::empty().await.register.import(again.as_bytes(), &now()).await.unwrap();
            } else {
                assert!(home.register.participants().await.unwrap().is_empty());
                assert!(home.register.anchors().await.unwrap().is_empty());
            }
        });
    }
}
