//! The payload: what is read, what is left out, and what is no payload.

use proptest::prelude::*;

use super::super::participant::{Interface, MtbScope, WhySkipped};
use super::super::payload::Payload;
use super::*;
use crate::crypto::public_key::PublicKeyError;
use crate::protocol::jwk::Unusable;
use crate::protocol::strict_json::JsonFault;

/// A participant with everything that there is.
fn whole() -> Value {
    let mut mtb = jwk(&p256(), "34:20190101_bob_mtb");
    mtb["bob_sc"] = json!("ticket");
    json!({
        "pid": 34,
        "organisationName": "Östtrafiken \"Ö\" AB",
        "domainName": "bob.example.se",
        "mtbPublicKeys": [mtb],
        "authtokenPublicKeys": [jwk(rsa(), "34:rsa"), jwk(&p256(), "34:ec")],
        "interfaceEndpoints": [
            {"endpointId": 1, "version": 1, "type": "authentication", "uri": "https://bob.example.se/auth",
             "tlsa": {"usage": 3, "selector": 1, "type": 1, "data": "00FF"}},
            {"endpointId": 2, "version": 2, "type": "teleport", "uri": "https://bob.example.se/t", "colour": "blue"},
        ],
        "issuerSignatureConstraints": [{"pid": 1, "signatureLifetime": "P3W"}],
        "participantInfo": {"b": [1.50, {"a": null}], "a": "x"},
        "somethingNew": {"x": [1]},
    })
}

/// What is said about the only entry of a list that is left out.
fn skipped(list: &str, entry: &Value) -> WhySkipped {
    let mut participant = one(34);
    participant[list] = json!([entry]);
    let set = verify(&signed(&json!([participant]))).unwrap();
    let [skipped] = set.skipped() else { panic!("{:?}", set.skipped()) };
    assert_eq!((skipped.pid, skipped.list), (pid(34), list));
    skipped.why.clone()
}

fn key_skipped(member: &str, value: Value) -> WhySkipped {
    let mut key = jwk(&p256(), "34:1");
    key[member] = value;
    skipped("authtokenPublicKeys", &key)
}

#[test]
fn everything_about_a_participant_is_read() {
    let set = verify(&signed(&json!([one(99), whole()]))).unwrap();
    assert_eq!(set.skipped(), []);
    assert_eq!(set.participants().iter().map(|one| one.pid.get()).collect::<Vec<_>>(), [34, 99]);
    let read = set.participant(pid(34)).unwrap();
    assert_eq!(
        (&*read.organisation_name, read.domain_name.as_deref()),
        ("Östtrafiken \"Ö\" AB", Some("bob.example.se"))
    );
    assert_eq!(read.mtb_keys[0].scope, Some(MtbScope::Ticket));
    assert_eq!(read.authtoken_keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["34:ec", "34:rsa"]);
    assert_eq!(read.endpoints[0].call.interface, Interface::Authentication);
    assert_eq!(&*read.endpoints[0].call.tlsa.as_ref().unwrap().data, "00ff");
    assert_eq!(read.endpoints[1].call.interface, Interface::Other("teleport".into()));
    assert_eq!(read.signature_constraints[0].signature_lifetime.as_seconds(), Some(1_814_400));
    let info: Value = serde_json::from_str(read.info.as_ref().unwrap().as_str()).unwrap();
    assert_eq!(info, whole()["participantInfo"]);
    assert_eq!(set.participant(pid(35)), None);
}

#[test]
fn what_is_read_is_written_again() {
    let first = verify(&signed(&json!([whole()]))).unwrap();
    let written = serde_json::to_value(first.participants()).unwrap();
    assert_eq!(verify(&signed(&written)).unwrap().participants(), first.participants());
    let jwk = written[0]["mtbPublicKeys"][0].as_object().unwrap();
    let mut members: Vec<_> = jwk.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["bob_sc", "crv", "kid", "kty", "x", "y"]);
    let bare = verify(&signed(&json!([one(1)]))).unwrap();
    assert_eq!(serde_json::to_value(bare.participants()).unwrap(), json!([one(1)]));
}

#[test]
fn one_key_that_is_no_good_is_left_out_and_told_of() {
    assert_eq!(key_skipped("kty", json!("OKP")), Unusable::Type.into());
    assert_eq!(key_skipped("crv", json!("P-384")), Unusable::Type.into());
    assert_eq!(key_skipped("use", json!("enc")), Unusable::Purpose("use").into());
    assert_eq!(key_skipped("kid", json!("with blank")), Unusable::Member("kid").into());
    assert_eq!(key_skipped("y", jwk(&p256(), "")["y"].clone()), Unusable::Key(PublicKeyError::NotOnCurve).into());
    let weak = json!({"kty": "RSA", "kid": "34:1", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128])});
    let expected = Unusable::Key(PublicKeyError::RsaSize { bits: 1024 });
    assert_eq!(skipped("authtokenPublicKeys", &weak), expected.clone().into());
    assert_eq!(skipped("mtbPublicKeys", &weak), expected.into());
    assert_eq!(skipped("authtokenPublicKeys", &json!("key")), WhySkipped::Malformed);
}

#[test]
fn other_entries_that_are_no_good_are_left_out_too() {
    let endpoint = |member: &str, value: Value| {
        let mut endpoint = whole()["interfaceEndpoints"][0].clone();
        endpoint[member] = value;
        skipped("interfaceEndpoints", &endpoint)
    };
    for (member, values) in [
        ("endpointId", vec![json!("1"), json!(1.5), json!(null)]),
        ("version", vec![json!(0), json!(-1), json!(2_147_483_648_u32), json!("1")]),
        ("type", vec![json!(1)]),
        ("uri", vec![json!(""), json!("no uri"), json!("https://a b"), json!("https://a\n"), json!("//a"), json!(1)]),
        ("tlsa", vec![json!("00")]),
    ] {
        for value in values {
            assert_eq!(endpoint(member, value.clone()), WhySkipped::Member(member), "{member} {value}");
        }
    }
    for tlsa in [
        json!({"usage": 256, "selector": 1, "type": 1, "data": "00"}),
        json!({"usage": 3, "selector": 1, "type": 1, "data": "0g"}),
    ] {
        assert_eq!(endpoint("tlsa", tlsa), WhySkipped::Member("tlsa"));
    }
    let constraint = |entry: Value| skipped("issuerSignatureConstraints", &entry);
    assert_eq!(constraint(json!({"pid": 0, "signatureLifetime": "P3W"})), WhySkipped::Member("pid"));
    assert_eq!(constraint(json!({"pid": 1, "signatureLifetime": "3W"})), WhySkipped::Member("signatureLifetime"));
    for (member, value) in [("domainName", json!("a b")), ("domainName", json!(1)), ("participantInfo", json!([]))] {
        let mut participant = one(34);
        participant[member] = value;
        let set = verify(&signed(&json!([participant]))).unwrap();
        assert_eq!((set.skipped()[0].list, &set.skipped()[0].why), (member, &WhySkipped::Malformed));
    }
}

#[test]
fn null_is_the_same_as_nothing() {
    let mut participant = one(34);
    for member in ["domainName", "mtbPublicKeys", "authtokenPublicKeys", "interfaceEndpoints", "participantInfo"] {
        participant[member] = Value::Null;
    }
    let set = verify(&signed(&json!([participant]))).unwrap();
    assert_eq!(set, verify(&signed(&json!([participant]))).unwrap());
    assert_eq!((set.participants().len(), set.skipped().len()), (1, 0));
}

#[test]
fn a_pid_is_there_once_and_a_kid_once_in_a_list() {
    let twice = json!([one(1), one(2), one(1)]);
    assert_eq!(refusal(&signed(&twice)), MetadataError::DuplicatePid(pid(1)));
    for list in ["authtokenPublicKeys", "mtbPublicKeys"] {
        let mut participant = one(34);
        participant[list] = json!([jwk(&p256(), "b"), jwk(&p256(), "a"), jwk(&p256(), "b")]);
        let expected = MetadataError::DuplicateKid { pid: pid(34), list, kid: kid("b") };
        assert_eq!(refusal(&signed(&json!([participant]))), expected);
    }
    let mut both = one(34);
    both["authtokenPublicKeys"] = json!([jwk(&p256(), "a")]);
    both["mtbPublicKeys"] = json!([jwk(&p256(), "a")]);
    assert!(verify(&signed(&json!([both]))).is_ok());
}

#[test]
fn a_payload_that_is_no_array_of_participants_is_refused() {
    assert_eq!(payload_refusal("[]"), MetadataError::Empty);
    assert_eq!(payload_refusal("{}"), MetadataError::NotAnArray);
    for text in ["", "[", "[] x", "null", "1", "\"[]\"", "\u{feff}[]", "[{}"] {
        assert!(
            matches!(
                payload_refusal(text),
                MetadataError::Payload(JsonFault::Syntax) | MetadataError::Participant { .. }
            ),
            "{text:?}"
        );
    }
    let fault = |payload: &str| match payload_refusal(payload) {
        MetadataError::Participant { index, member, .. } => (index, member),
        other => panic!("{other}"),
    };
    assert_eq!(fault(r#"[{"organisationName":"a"}]"#), (0, "pid"));
    assert_eq!(fault(r#"[{"pid":"1","organisationName":"a"}]"#), (0, "pid"));
    assert_eq!(fault(&format!(r#"[{},{{"pid":2}}]"#, one(1))), (1, "organisationName"));
    assert_eq!(fault(r#"[{"pid":1,"organisationName":"a","authtokenPublicKeys":{}}]"#), (0, "authtokenPublicKeys"));
    assert_eq!(fault(r#"[{"pid":1,"organisationName":"a","authtokenPublicKeys":"x"}]"#), (0, "authtokenPublicKeys"));
    assert_eq!(fault("[1]"), (0, "the object itself"));
    assert_eq!(fault("[[]]"), (0, "the object itself"));
}

#[test]
fn a_free_object_may_be_large() {
    let info: serde_json::Map<_, _> = (0..5_000).map(|n| (n.to_string(), json!([n]))).collect();
    let mut participant = one(1);
    participant["participantInfo"] = info.clone().into();
    participant["unknown"] = info.into();
    assert!(verify(&signed(&json!([participant]))).unwrap().participants()[0].info.is_some());
}

proptest! {
    #[test]
    fn no_payload_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Payload::read(&bytes);
    }

    #[test]
    fn no_text_like_a_payload_makes_the_reader_panic(
        text in r#"\[(\{("(pid|organisationName|authtokenPublicKeys|interfaceEndpoints|participantInfo|x)":("a"|[0-9]{1,20}|null|\[\{\}\]|\{"kty":"EC"\}),?){0,4}\},?){0,3}\]?"#,
    ) {
        let _ = Payload::read(text.as_bytes());
    }
}
