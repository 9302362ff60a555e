//! What somebody does who would like to have his key believed, or to keep an old one believed.

use super::*;
use crate::crypto::algorithm::Algorithm;
use crate::protocol::key_set::Missing;
use crate::protocol::strict_json::JsonFault;

fn untrusted(signers: &[&str]) -> MetadataError {
    MetadataError::NoTrustedSignature { signers: signers.iter().map(|&name| name.to_owned()).collect() }
}

fn forbidden(member: &str) -> MetadataError {
    MetadataError::Forbidden { kid: kid(EC), member: member.to_owned() }
}

#[test]
fn one_trusted_signature_is_enough_and_a_stripped_one_leaves_no_more_than_the_others_vouch_for() {
    let mut set = signed_twice();
    assert_eq!(verify(&set.to_string()).unwrap().header().anchors, [kid(EC), kid(RSA)]);
    set["signatures"].as_array_mut().unwrap().remove(0);
    assert_eq!(verify(&set.to_string()).unwrap().header().anchors, [kid(RSA)]);
    let only_primary = anchors_of(&[jwk(ec(), EC)], Environment::Production).unwrap();
    let refusal = SignedSet::verify(set.to_string().as_bytes(), &only_primary, NOW).unwrap_err();
    assert_eq!(refusal, untrusted(&[RSA]));
}

#[test]
fn a_signature_in_an_anchors_name_that_does_not_verify_refuses_the_set_whatever_else_signed_it() {
    for (index, kid) in [(0, kid(EC)), (1, kid(RSA))] {
        let mut set = signed_twice();
        set["signatures"][index]["signature"] = set["signatures"][1 - index]["signature"].clone();
        assert_eq!(refusal(&set.to_string()), MetadataError::Signature { kid });
    }
    let mut set = signed_twice();
    set["signatures"][0]["signature"] = json!("");
    assert_eq!(refusal(&set.to_string()), MetadataError::Signature { kid: kid(EC) });
    let mut set = signed_twice();
    set["payload"] = json!(URL_SAFE_NO_PAD.encode(json!([one(2)]).to_string()));
    assert_eq!(refusal(&set.to_string()), MetadataError::Signature { kid: kid(EC) });
}

#[test]
fn the_trusted_signature_may_stand_among_signatures_of_strangers() {
    let payload = json!([one(1)]).to_string();
    let stranger = signature(&protected_with("kid", json!("99:key")), &payload, &p256());
    let nameless = json!({"header": {"kid": EC, "alg": "ES256"}, "signature": "AAAA"});
    let trusted = signature(&protected(), &payload, ec());
    let set = general(&payload, &[stranger.clone(), nameless.clone(), trusted]);
    assert_eq!(verify(&set.to_string()).unwrap().header().anchors, [kid(EC)]);
    assert_eq!(refusal(&general(&payload, &[stranger, nameless]).to_string()), untrusted(&["99:key"]));
}

#[test]
fn a_participants_key_inside_the_set_does_not_sign_the_set() {
    let participant = p256();
    let mut entry = one(34);
    entry["authtokenPublicKeys"] = json!([jwk(&participant, "34:1")]);
    let payload = json!([entry]).to_string();
    let sign = |kid: &str| signature(&protected_with("kid", json!(kid)), &payload, &participant);
    assert_eq!(refusal(&general(&payload, &[sign("34:1")]).to_string()), untrusted(&["34:1"]));
    assert_eq!(refusal(&general(&payload, &[sign(EC)]).to_string()), MetadataError::Signature { kid: kid(EC) });
}

#[test]
fn the_kid_of_the_unprotected_header_counts_for_nothing() {
    let payload = json!([one(1)]).to_string();
    let mut without_kid = protected();
    without_kid.as_object_mut().unwrap().remove("kid");
    let mut entry = signature(&without_kid, &payload, ec());
    entry["header"] = json!({"kid": EC});
    assert_eq!(refusal(&general(&payload, &[entry]).to_string()), untrusted(&[]));
    let mut doubled = signature(&protected(), &payload, ec());
    doubled["header"] = json!({"kid": EC});
    assert_eq!(refusal(&general(&payload, &[doubled.clone()]).to_string()), forbidden("kid"));
    doubled["header"] = json!({"note": "nobody signed this"});
    assert!(verify(&general(&payload, &[doubled]).to_string()).is_ok());
}

#[test]
fn what_the_set_is_about_is_read_from_the_protected_header_only() {
    let payload = json!([one(1)]).to_string();
    let mut without_serial = protected();
    without_serial.as_object_mut().unwrap().remove("serial");
    let mut entry = signature(&without_serial, &payload, ec());
    entry["header"] = json!({"serial": 9});
    let refused = refusal(&general(&payload, &[entry]).to_string());
    assert_eq!(refused, MetadataError::Header { kid: kid(EC), member: "serial" });
}

#[test]
fn the_algorithm_is_that_of_the_anchor() {
    let payload = json!([one(1)]).to_string();
    let expected = MetadataError::Algorithm { kid: kid(EC), expected: Algorithm::Es256 };
    for alg in
        [json!("none"), json!("None"), json!("HS256"), json!("RS256"), json!("es256"), json!(null), json!(["ES256"])]
    {
        assert_eq!(refusal(&signed_with(&protected_with("alg", alg.clone()))), expected, "{alg}");
    }
    // A MAC with the public key as its secret.
    let mac_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, jwk(ec(), EC).to_string().as_bytes());
    let mut entry = signature(&protected_with("alg", json!("HS256")), &payload, ec());
    let input = format!("{}.{}", entry["protected"].as_str().unwrap(), URL_SAFE_NO_PAD.encode(&payload));
    entry["signature"] = json!(URL_SAFE_NO_PAD.encode(ring::hmac::sign(&mac_key, input.as_bytes())));
    assert_eq!(refusal(&general(&payload, &[entry]).to_string()), expected);
    let rs256 = signature(&terms(7).protected("ES256", &kid(RSA)), &payload, rsa());
    let expected = MetadataError::Algorithm { kid: kid(RSA), expected: Algorithm::Rs256 };
    assert_eq!(refusal(&general(&payload, &[rs256]).to_string()), expected);
}

#[test]
fn headers_that_bring_a_key_or_change_the_meaning_are_refused() {
    for (member, value) in [
        ("crit", json!(["serial"])),
        ("crit", json!([])),
        ("zip", json!("DEF")),
        ("b64", json!(true)),
        ("jwk", jwk(ec(), EC)),
        ("jku", json!("https://example.org/keys")),
        ("x5c", json!(["MAA="])),
        ("x5u", json!("https://example.org/cert")),
    ] {
        assert_eq!(refusal(&signed_with(&protected_with(member, value.clone()))), forbidden(member));
        let payload = json!([one(1)]).to_string();
        let mut entry = signature(&protected(), &payload, ec());
        entry["header"] = json!({member: value});
        assert_eq!(refusal(&general(&payload, &[entry]).to_string()), forbidden(member));
    }
}

#[test]
fn no_object_of_envelope_header_or_payload_names_a_member_twice() {
    let twice = |name: &str| JsonFault::Duplicate { name: name.to_owned() };
    let set = signed(&json!([one(1)]));
    let with_second_payload = set.replacen('{', r#"{"p\u0061yload":"W10","#, 1);
    assert_eq!(refusal(&with_second_payload), MetadataError::Envelope(twice("payload")));
    let inside = set.replacen(r#""protected":"#, r#""header":{"a":[{"b":1,"b":1}]},"protected":"#, 1);
    assert_eq!(refusal(&inside), MetadataError::Envelope(twice("b")));

    let payload = json!([one(1)]).to_string();
    let header = protected().to_string().replacen('{', r#"{"s\u0065rial":9007199254740992,"#, 1);
    let entry = raw_signature(&header, &payload, ec());
    assert!(matches!(refusal(&general(&payload, &[entry]).to_string()), MetadataError::Protected { index: 0, .. }));

    for (payload, name) in [
        (r#"[{"pid":1,"pid":2,"organisationName":"a"}]"#, "pid"),
        (r#"[{"pid":1,"organisationName":"a","x":{"y":[{"z":1,"z":2}]}}]"#, "z"),
        (r#"[{"pid":1,"organisationName":"a","x":1,"\u0078":1}]"#, "x"),
        (r#"[{"pid":1,"organisationName":"a","participantInfo":{"y":{"z":1,"z":2}}}]"#, "z"),
        (r#"[{"pid":1,"organisationName":"a","authtokenPublicKeys":[{"kty":"EC","kty":"RSA"}]}]"#, "kty"),
        (r#"[{"pid":1,"organisationName":"a","interfaceEndpoints":[{"tlsa":{"usage":1,"usage":3}}]}]"#, "usage"),
    ] {
        assert_eq!(payload_refusal(payload), MetadataError::Payload(twice(name)), "{payload}");
    }
}

#[test]
fn a_set_of_another_environment_is_not_believed() {
    let theirs = p256();
    let payload = json!([one(1)]).to_string();
    let same_name = signature(&protected(), &payload, &theirs);
    assert_eq!(refusal(&general(&payload, &[same_name]).to_string()), MetadataError::Signature { kid: kid(EC) });
    let own_name = signature(&protected_with("kid", json!("16:test")), &payload, &theirs);
    assert_eq!(refusal(&general(&payload, &[own_name]).to_string()), untrusted(&["16:test"]));
}

/// RFC 7515 appendix A.3: the anchor of a BoB test environment.
fn published_anchor() -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": EC,
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

/// A set that anybody can make who has read the RFC.
fn signed_by_the_published_anchor() -> String {
    let payload = json!([one(1)]).to_string();
    let mut entry = signature(&protected(), &payload, ec());
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let anchor = published_anchor();
    let point = [&[4][..], &decode(anchor["x"].as_str().unwrap()), &decode(anchor["y"].as_str().unwrap())].concat();
    let private = decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let format = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair =
        ring::signature::EcdsaKeyPair::from_private_key_and_public_key(format, &private, &point, &rng()).unwrap();
    let input = format!("{}.{}", entry["protected"].as_str().unwrap(), URL_SAFE_NO_PAD.encode(&payload));
    entry["signature"] = json!(URL_SAFE_NO_PAD.encode(pair.sign(&rng(), input.as_bytes()).unwrap()));
    general(&payload, &[entry]).to_string()
}

#[test]
fn a_key_that_everybody_knows_is_an_anchor_in_tests_only_and_told_of() {
    let printed_in = "RFC 7515 appendix A.3";
    let refusal = anchors_of(&[jwk(rsa(), RSA), published_anchor()], Environment::Production).unwrap_err();
    assert_eq!(refusal, AnchorError::Example { kid: Some(EC.to_owned()), printed_in });
    let admitted = anchors_of(&[jwk(rsa(), RSA), published_anchor()], Environment::Test).unwrap();
    assert_eq!(admitted.examples().collect::<Vec<_>>(), [(&kid(EC), printed_in)]);
    assert_eq!(anchors().examples().count(), 0);
    let set = signed_by_the_published_anchor();
    assert!(SignedSet::verify(set.as_bytes(), &admitted, NOW).is_ok());
    assert_eq!(verify(&set).unwrap_err(), MetadataError::Signature { kid: kid(EC) });
}

#[test]
fn there_is_no_trust_without_an_anchor() {
    for environment in [Environment::Production, Environment::Test] {
        assert_eq!(anchors_of(&[], environment).unwrap_err(), AnchorError::Empty { skipped: 0 });
        let other = json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"});
        assert_eq!(anchors_of(&[other], environment).unwrap_err(), AnchorError::Empty { skipped: 1 });
    }
    let mut private = jwk(ec(), EC);
    private["d"] = json!("AAAA");
    assert!(matches!(anchors_of(&[private], Environment::Production), Err(AnchorError::Set(_))));
}

#[test]
fn a_private_key_in_the_set_refuses_all_of_it() {
    for list in ["authtokenPublicKeys", "mtbPublicKeys"] {
        let mut leaked = jwk(&p256(), "34:1");
        leaked["d"] = json!("AAAA");
        // The pid comes last: the error knows it all the same.
        let payload = format!(r#"[{{"organisationName":"a","{list}":[{leaked}],"pid":34}}]"#);
        let expected = MetadataError::PrivateKey { pid: pid(34), kid: Some("34:1".to_owned()), member: "d" };
        assert_eq!(payload_refusal(&payload), expected);
    }
}

#[test]
fn keys_of_tickets_and_of_other_participants_do_not_check_a_participants_tokens() {
    let mut first = one(1);
    first["authtokenPublicKeys"] = json!([jwk(&p256(), "auth")]);
    first["mtbPublicKeys"] = json!([jwk(&p256(), "mtb")]);
    let mut second = one(2);
    second["authtokenPublicKeys"] = json!([jwk(&p256(), "theirs")]);
    let set = verify(&signed(&json!([first, second]))).unwrap();
    let keys = set.key_set();
    assert!(keys.find(pid(1), &kid("auth")).is_ok());
    assert_eq!(keys.find(pid(1), &kid("mtb")), Err(Missing::Key));
    assert_eq!(keys.find(pid(1), &kid("theirs")), Err(Missing::Key));
    assert_eq!(keys.find(pid(3), &kid("auth")), Err(Missing::Issuer));
    assert_eq!(set.into_key_set(), keys);
}

#[test]
fn an_example_key_of_a_participant_is_left_out_in_every_environment() {
    let mut entry = one(1);
    entry["authtokenPublicKeys"] = json!([published_anchor(), jwk(&p256(), "good")]);
    let payload = json!([entry]).to_string();
    let set = general(&payload, &[signature(&protected(), &payload, ec())]).to_string();
    for environment in [Environment::Production, Environment::Test] {
        let anchors = anchors_of(&[jwk(ec(), EC)], environment).unwrap();
        let set = SignedSet::verify(set.as_bytes(), &anchors, NOW).unwrap();
        assert_eq!(set.key_set().len(), 1);
        assert_eq!((set.skipped()[0].pid, set.skipped()[0].id.as_deref()), (pid(1), Some(EC)));
    }
}
