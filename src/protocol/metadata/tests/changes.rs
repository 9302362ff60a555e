//! What two sets say differently, and what each signature of one is worth.

use super::*;

fn read(payload: &Value) -> MetadataSet {
    SignedSet::verify_at_any_time(signed(payload).as_bytes(), &anchors()).unwrap()
}

fn changes(old: &Value, new: &Value) -> Vec<(i64, &'static str, Option<String>, &'static str)> {
    let changes = read(new).changes_since(&read(old));
    changes.iter().map(|change| (change.pid.get(), change.member, change.id.clone(), change.kind())).collect()
}

fn with(member: &str, value: Value) -> Value {
    let mut one = one(1);
    one[member] = value;
    json!([one])
}

#[test]
fn the_same_set_has_no_changes_in_whatever_order_it_was_written() {
    let keys = [jwk(ec(), "1:a"), jwk(rsa(), "1:b")];
    let turned = [keys[1].clone(), keys[0].clone()];
    let (old, new) = (with("authtokenPublicKeys", json!(keys)), with("authtokenPublicKeys", json!(turned)));
    assert_eq!(changes(&old, &new), []);
}

#[test]
fn entries_that_come_and_go_are_told_by_their_ids() {
    let old = with("authtokenPublicKeys", json!([jwk(ec(), "1:a"), jwk(rsa(), "1:b")]));
    let new = with("authtokenPublicKeys", json!([jwk(rsa(), "1:b"), jwk(ec(), "1:c")]));
    let told = |id: &str, kind| (1, "authtokenPublicKeys", Some(id.to_owned()), kind);
    assert_eq!(changes(&old, &new), [told("1:a", "removed"), told("1:c", "added")]);
    assert_eq!(changes(&with("domainName", json!("a.se")), &json!([one(1)])), [(1, "domainName", None, "removed")]);
}

#[test]
fn a_participant_that_comes_is_told_with_all_that_it_brings() {
    let mut comes = one(2);
    comes["issuerSignatureConstraints"] = json!([{"pid": 1, "signatureLifetime": "P3W"}]);
    let told = changes(&json!([one(1)]), &json!([one(1), comes]));
    let constraint = (2, "issuerSignatureConstraints", Some("1".to_owned()), "added");
    assert_eq!(told, [(2, "participant", None, "added"), constraint]);
}

#[test]
fn another_key_with_the_same_id_is_told_from_a_key_that_is_used_for_something_else() {
    let old = with("mtbPublicKeys", json!([jwk(ec(), "1:a")]));
    let swapped = with("mtbPublicKeys", json!([jwk(rsa(), "1:a")]));
    let changes = read(&swapped).changes_since(&read(&old));
    assert!(changes.len() == 1 && changes[0].is_key_swap(), "{changes:?}");
    let moved = with("authtokenPublicKeys", json!([jwk(ec(), "1:a")]));
    let changes = read(&moved).changes_since(&read(&old));
    assert!(changes.len() == 2 && !changes.iter().any(Change::is_key_swap), "{changes:?}");
}

#[test]
fn each_signature_is_worth_what_it_is_whatever_the_others_are() {
    let mut set = signed_twice();
    set["signatures"][0]["signature"] = json!("AAAA");
    let stranger = json!({"alg": "none", "kid": "9:stranger"});
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(set["payload"].as_str().unwrap()).unwrap()).unwrap();
    set["signatures"].as_array_mut().unwrap().push(signature(&stranger, &payload, ec()));
    let (form, views) = SignatureView::of_set(set.to_string().as_bytes(), &anchors()).unwrap();
    assert_eq!(form, Form::General);
    assert!(matches!(views[0].verdict, SignatureVerdict::Refused(MetadataError::Signature { .. })), "{views:?}");
    assert_eq!(views[1].verdict, SignatureVerdict::Anchor(kid(RSA)));
    let nobody = SignatureView {
        kid: Some("9:stranger".to_owned()),
        alg: Some("none".to_owned()),
        verdict: SignatureVerdict::Stranger,
    };
    assert_eq!(views[2], nobody);
}
