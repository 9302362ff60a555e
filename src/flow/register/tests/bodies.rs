//! Bodies that are not taken: malformed ones, and well-formed ones that nobody could use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

async fn posted(path: &str, body: &Value) -> Refused {
    Home::without_anchor().await.asks(34).post(path, body).await.unwrap_err()
}

/// The reason why it is not acceptable.
async fn unacceptable(path: &str, body: &Value) -> String {
    match posted(path, body).await {
        Refused::Unacceptable(reason) => reason,
        other => panic!("{body}: {other:?}"),
    }
}

#[tokio::test]
async fn keys_that_check_nothing_or_are_known_to_everybody_are_not_taken() {
    let (a, b) = (jwk("a"), jwk("a"));
    let rfc_7517 = json!({"kty": "EC", "crv": "P-256", "kid": "a",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
    let modulus = openssl::rsa::Rsa::generate(1024).unwrap().n().to_vec();
    let short_rsa = json!({"kty": "RSA", "kid": "a", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(modulus)});
    for (body, words) in [
        (with(a.clone(), "y", b["y"].clone()), "curve"),
        (rfc_7517, "RFC 7517"),
        (short_rsa, "2048"),
        (with(a.clone(), "d", json!("AAAA")), "given away"),
        (with(a.clone(), "crv", json!("P-384")), "neither EC with P-256 nor RSA"),
        (json!({"kty": "oct", "kid": "a", "k": "AA"}), "given away"),
        (with(a.clone(), "use", json!("enc")), "not for checking"),
    ] {
        for path in ["34/authtokenPublicKey", "34/mtbPublicKey"] {
            let reason = unacceptable(path, &body).await;
            assert!(reason.contains(words), "{path} {body}: {reason}");
        }
    }
    for scope in [json!("other"), json!(1), json!(null)] {
        let reason = unacceptable("34/mtbPublicKey", &with(a.clone(), "bob_sc", scope)).await;
        assert_eq!(reason, "bob_sc is id or ticket");
    }
}

#[tokio::test]
async fn what_is_no_key_is_malformed() {
    for body in
        [json!([]), json!("a"), json!({}), with(jwk("a"), "kid", json!("a b")), with(jwk("a"), "x", json!("AQ=="))]
    {
        let refusal = posted("34/authtokenPublicKey", &body).await;
        assert!(matches!(refusal, Refused::Malformed(_)), "{body}: {refusal:?}");
    }
    let home = Home::without_anchor().await;
    for bytes in [b"" as &[u8], b"{", b"\xff", br#"{"kid":"a","kid":"a"}"#] {
        let refusal = home.asks(34).perform(Verb::Post, "34/mtbPublicKey", bytes).await.unwrap_err();
        assert!(matches!(refusal, Refused::Malformed(_)), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_body_speaks_of_the_thing_in_the_path() {
    let home = Home::without_anchor().await;
    let asks = home.asks(34);
    for (path, body) in [
        ("34/authtokenPublicKey/b", jwk("a")),
        ("34/interfaceEndpoint/2", with(endpoint(), "endpointId", json!(1))),
        ("34/issuerSignatureConstraint/7", json!({"pid": 41, "signatureLifetime": "P3W"})),
    ] {
        let refusal = asks.put(path, &body).await.unwrap_err();
        assert!(matches!(&refusal, Refused::Unacceptable(reason) if reason.contains("in the path")), "{refusal:?}");
    }
}

#[tokio::test]
async fn an_endpoint_is_of_a_known_type_and_has_an_https_uri() {
    let reason = unacceptable("34/interfaceEndpoint", &with(endpoint(), "type", json!("telegraph"))).await;
    assert!(reason.contains("telegraph") && reason.contains("account, authentication, booking"), "{reason}");
    for uri in [
        "http://api.example.se/",
        "https:///v1",
        "https://",
        "https:api.example.se",
        "mailto:a@example.se",
        "https://a@example.se/",
        "https://example.se:0/",
        "https://example.se:65536/",
        "https://example.se:/",
        "https://example..se/",
        "https://-a.se/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[x]/",
        "https://example.se/#a",
    ] {
        let reason = unacceptable("34/interfaceEndpoint", &with(endpoint(), "uri", json!(uri))).await;
        assert!(reason.contains("uri"), "{uri}: {reason}");
    }
    let home = Home::without_anchor().await;
    for uri in ["https://example.se", "HTTPS://Example.se:8443/a?b=c", "https://127.0.0.1/", "https://[::1]:8443/"] {
        home.asks(34).post("34/interfaceEndpoint", &with(endpoint(), "uri", json!(uri))).await.unwrap();
    }
}

#[tokio::test]
async fn versions_and_tlsa_records_have_their_ranges() {
    let tlsa = |matching_type: i64, data: &str| json!({"usage": 3, "selector": 1, "type": matching_type, "data": data});
    for (member, value) in [
        ("version", json!(0)),
        ("version", json!(-1)),
        ("version", json!(2_147_483_648_i64)),
        ("version", json!("1")),
        ("version", json!(1.5)),
        ("uri", json!("nothing")),
        ("uri", json!("https://a\"b/")),
        ("tlsa", tlsa(256, "ab")),
        ("tlsa", tlsa(0, "abc")),
        ("tlsa", tlsa(0, "xy")),
        ("tlsa", tlsa(0, "")),
        ("tlsa", json!([])),
        ("tlsa", json!({"usage": -1, "selector": 1, "type": 1, "data": "ab"})),
    ] {
        let refusal = posted("34/interfaceEndpoint", &with(endpoint(), member, value.clone())).await;
        assert!(matches!(refusal, Refused::Malformed(_)), "{member} {value}: {refusal:?}");
    }
    for (matching_type, data) in [(1, "ab".to_owned()), (2, "ab".repeat(32)), (0, "ab".repeat(4097))] {
        let reason = unacceptable("34/interfaceEndpoint", &with(endpoint(), "tlsa", tlsa(matching_type, &data))).await;
        assert!(reason.contains("tlsa"), "{reason}");
    }
}

#[tokio::test]
async fn a_domain_name_is_a_name_below_another_one() {
    let home = Home::without_anchor().await;
    for name in
        ["se", "example.se.", "-a.se", "a-.se", "127.0.0.1", "::1", "a b.se", "", "https://a.se", "å.se", "a_b.se"]
    {
        let refusal = home.asks(34).put("34/domainName", &json!(name)).await.unwrap_err();
        assert!(matches!(refusal, Refused::Unacceptable(_)), "{name}: {refusal:?}");
    }
    for body in [json!(1), json!(null), json!(["a.se"]), json!({"domainName": "a.se"})] {
        let refusal = home.asks(34).put("34/domainName", &body).await.unwrap_err();
        assert!(matches!(refusal, Refused::Malformed(_)), "{body}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_constraint_names_an_issuer_and_a_lifetime() {
    for (issuer, lifetime) in [(json!(0), json!("P3W")), (json!("41"), json!("P3W")), (json!(41), json!("3 weeks"))] {
        let refusal =
            posted("34/issuerSignatureConstraint", &json!({"pid": issuer, "signatureLifetime": lifetime})).await;
        assert!(matches!(refusal, Refused::Malformed(_)), "{refusal:?}");
    }
    let nothing = json!({"pid": 41, "signatureLifetime": "PT0S"});
    assert!(unacceptable("34/issuerSignatureConstraint", &nothing).await.contains("longer than nothing"));
    let home = Home::without_anchor().await;
    let two = json!([{"pid": 41, "signatureLifetime": "P3W"}, {"pid": 42, "signatureLifetime": "P3W"}]);
    for body in [two, json!([])] {
        let refusal = home.asks(34).put("34/issuerSignatureConstraint/41", &body).await.unwrap_err();
        assert!(matches!(refusal, Refused::Malformed(_)), "{body}: {refusal:?}");
    }
}

#[tokio::test]
async fn participant_info_is_an_object_that_names_nothing_twice() {
    let home = Home::without_anchor().await;
    for body in [b"[]" as &[u8], b"null", b"1", br#"{"a":{"b":1,"b":2}}"#, b"{} {}"] {
        let refusal = home.asks(34).perform(Verb::Put, "34/participantInfo", body).await.unwrap_err();
        assert!(matches!(refusal, Refused::Malformed(_)), "{refusal:?}");
    }
}
