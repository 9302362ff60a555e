//! The envelope: both serialisations, what is neither, and what is too much.

use proptest::prelude::*;

use super::*;
use crate::protocol::strict_json::JsonFault;

#[test]
fn both_serialisations_are_read() {
    let payload = json!([one(1)]).to_string();
    for (signer, name) in [(ec(), EC), (rsa(), RSA)] {
        let keys: [(Kid, &dyn Signer); 1] = [(kid(name), signer)];
        let [general, flattened] = [Form::General, Form::Flattened]
            .map(|form| verify(&sign_set(&payload, &terms(7), &keys, form, &rng()).unwrap()).unwrap());
        assert_eq!(general, flattened);
    }
    let both: [(Kid, &dyn Signer); 2] = [(kid(EC), ec()), (kid(RSA), rsa())];
    assert!(sign_set(&payload, &terms(7), &both, Form::Flattened, &rng()).is_err());
    assert!(sign_set(&payload, &terms(7), &[], Form::General, &rng()).is_err());
    assert!(sign_set(&payload, &terms(SetTerms::MAX_SERIAL + 1), &both, Form::General, &rng()).is_err());
}

#[test]
fn what_is_neither_form_or_both_at_once_is_refused() {
    let payload = json!([one(1)]).to_string();
    let entry = signature(&protected(), &payload, ec());
    let good = general(&payload, std::slice::from_ref(&entry));
    for (name, value) in
        [("signature", &entry["signature"]), ("protected", &entry["protected"]), ("header", &json!({}))]
    {
        let mut both = good.clone();
        both[name] = value.clone();
        let refused = refusal(&both.to_string());
        assert_eq!(refused, MetadataError::Form("it mixes the general form with the flattened one"));
    }
    let without = |name: &str| {
        let mut set = good.clone();
        set.as_object_mut().unwrap().remove(name);
        refusal(&set.to_string())
    };
    assert_eq!(without("signatures"), MetadataError::Form("it has no signature"));
    assert_eq!(without("payload"), MetadataError::Form("it has no payload"));
    for (name, value) in [
        ("signatures", json!({})),
        ("signatures", json!(["a"])),
        ("signatures", json!([{}])),
        ("signatures", json!([{"protected": 1, "signature": ""}])),
        ("signatures", json!([{"header": [], "signature": ""}])),
        ("payload", json!([])),
    ] {
        let mut set = good.clone();
        set[name] = value;
        assert!(matches!(refusal(&set.to_string()), MetadataError::Form(_)), "{set}");
    }
    let mut unsigned = good.clone();
    unsigned["signatures"] = json!([]);
    assert_eq!(refusal(&unsigned.to_string()), MetadataError::NoTrustedSignature { signers: vec![] });
    let compact = format!("{}.{}.AAAA", entry["protected"].as_str().unwrap(), URL_SAFE_NO_PAD.encode(&payload));
    assert_eq!(refusal(&compact), MetadataError::Envelope(JsonFault::Syntax));
    assert_eq!(refusal(&payload), MetadataError::Envelope(JsonFault::NotAnObject));
}

#[test]
fn unknown_members_of_the_envelope_are_none_of_our_business() {
    let mut set: Value = serde_json::from_str(&signed(&json!([one(1)]))).unwrap();
    set["note"] = json!({"a": [1, 2]});
    assert!(verify(&set.to_string()).is_ok());
}

#[test]
fn base64url_has_one_spelling() {
    let payload = json!([one(1)]).to_string();
    let good = general(&payload, &[signature(&protected(), &payload, ec())]);
    for tail in ["=", "==", " ", "\n", "+", "/"] {
        for name in ["signature", "protected"] {
            let mut set = good.clone();
            let text = format!("{}{tail}", set["signatures"][0][name].as_str().unwrap());
            set["signatures"][0][name] = json!(text);
            assert!(matches!(refusal(&set.to_string()), MetadataError::Base64(_)), "{name} {tail:?}");
        }
    }
    // The last digit of 64 bytes has four bits that mean nothing.
    let mut set = good.clone();
    let mut text = set["signatures"][0]["signature"].as_str().unwrap().to_owned();
    let last = text.pop().unwrap();
    text.push(char::from(last as u8 + 1));
    set["signatures"][0]["signature"] = json!(text);
    assert_eq!(refusal(&set.to_string()), MetadataError::Base64("signature"));
    // An anchor may sign what is no base64url; it is no set for that.
    let odd = "W10=";
    let input = format!("{}.{odd}", good["signatures"][0]["protected"].as_str().unwrap());
    let mut value = Vec::new();
    ec().sign(&rng(), input.as_bytes(), &mut value).unwrap();
    let mut set = good;
    set["payload"] = json!(odd);
    set["signatures"][0]["signature"] = json!(URL_SAFE_NO_PAD.encode(value));
    assert_eq!(refusal(&set.to_string()), MetadataError::Base64("payload"));
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let most = SignedSet::MAX_BYTES;
    let refused = SignedSet::verify(&vec![b' '; most + 1], &anchors(), NOW).unwrap_err();
    assert_eq!(refused, MetadataError::TooLarge { bytes: most + 1, most });
    let payload = json!([one(1)]).to_string();
    let entry = signature(&protected(), &payload, ec());
    assert!(verify(&general(&payload, &vec![entry.clone(); SignedSet::MAX_SIGNATURES]).to_string()).is_ok());
    let many = general(&payload, &vec![entry; SignedSet::MAX_SIGNATURES + 1]);
    assert_eq!(refusal(&many.to_string()), MetadataError::Form("it has more than 8 signatures"));
    let talkative = general(&payload, &[json!({"header": {"a": vec![1; 2000]}, "signature": ""})]);
    assert!(matches!(refusal(&talkative.to_string()), MetadataError::Envelope(JsonFault::TooMany { .. })));
    let deep = format!(r#"[{{"pid":1,"organisationName":"a","x":{}}}]"#, "[".repeat(100_000));
    assert!(matches!(payload_refusal(&deep), MetadataError::Participant { .. } | MetadataError::Payload(_)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = SignedSet::verify(&bytes, &anchors(), NOW);
    }

    #[test]
    fn no_envelope_makes_the_reader_panic(
        payload in "[A-Za-z0-9_=]{0,12}",
        protected in r#"(\{("(kid|alg|serial)":("16:samtrafiken_one"|"ES256"|[0-9]{1,20}),?){0,4}\})?"#,
        value in "[A-Za-z0-9_-]{0,90}",
    ) {
        let set = json!({"payload": payload, "protected": URL_SAFE_NO_PAD.encode(protected), "signature": value});
        prop_assert!(verify(&set.to_string()).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is(at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        static SET: OnceLock<String> = OnceLock::new();
        let good = SET.get_or_init(|| signed(&json!([one(1)])));
        let mut set = good.clone().into_bytes();
        let at = at.index(set.len());
        set[at] ^= 1 << bit;
        prop_assert!(SignedSet::verify(&set, &anchors(), NOW).is_err());
    }
}
