//! The form of tokens, attack by attack. Whether a signature counts is tested with the verifier.

use proptest::prelude::*;

use super::*;

const HEADER: &str = r#"{"alg":"ES256","kid":"34:1"}"#;
const PAYLOAD: &str = r#"{"iss":"34","sub":"validator37"}"#;

fn token(header: &str, payload: &str) -> String {
    let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
    format!("{}.{}.AAAA", encode(header), encode(payload))
}

fn read(token: &str) -> Result<(Pid, Kid), FormError> {
    let decoded = DecodedToken::decode(token, MAX_TOKEN_BYTES)?;
    UnverifiedToken::read(&decoded).map(|token| (token.issuer(), token.kid().clone()))
}

fn header(json: &str) -> FormError {
    read(&token(json, PAYLOAD)).unwrap_err()
}

fn payload(json: &str) -> FormError {
    read(&token(HEADER, json)).unwrap_err()
}

#[test]
fn a_token_in_good_form_tells_whose_key_to_ask() {
    let expected = (Pid::new(34).unwrap(), "34:1".parse().unwrap());
    assert_eq!(read(&token(HEADER, PAYLOAD)).unwrap(), expected);
    for typ in ["JWT", "jwt", "Jwt"] {
        let header = format!(r#"{{"typ":"{typ}","alg":"ES256","kid":"34:1","x-ours":[1]}}"#);
        assert_eq!(read(&token(&header, PAYLOAD)).unwrap(), expected);
    }
}

#[test]
fn an_algorithm_that_anybody_can_have_written_puts_no_line_and_no_control_into_a_log() {
    let error =
        |said: Option<&str>| SignatureError::Algorithm { said: said.map(str::to_owned), key: "ES256" }.to_string();
    assert_eq!(error(Some("none")), "the token says none and its key is for ES256");
    assert_eq!(error(None), "the token says no algorithm and its key is for ES256");
    let forged = error(Some("x\nERROR\r\u{1b}[2J\u{202e}"));
    assert_eq!(forged, r"the token says x\nERROR\r\u{1b}[2J\u{202e} and its key is for ES256");
}

#[test]
fn a_token_does_not_show_in_debug() {
    let token = token(HEADER, PAYLOAD);
    let decoded = DecodedToken::decode(&token, MAX_TOKEN_BYTES).unwrap();
    assert_eq!(format!("{decoded:?}"), format!("DecodedToken({} bytes)", token.rfind('.').unwrap()));
    let unverified = UnverifiedToken::read(&decoded).unwrap();
    assert_eq!(format!("{unverified:?}"), "UnverifiedToken(iss 34, kid 34:1)");
}

#[test]
fn a_token_that_is_too_long_is_refused_before_it_is_taken_apart() {
    let long = ".".repeat(MAX_TOKEN_BYTES + 1);
    let refusal = FormError::TooLong { len: MAX_TOKEN_BYTES + 1, most: MAX_TOKEN_BYTES };
    assert_eq!(read(&long).unwrap_err(), refusal);
}

#[test]
fn only_three_parts_are_a_token() {
    for (text, parts) in [("", 1), ("e30", 1), ("e30.e30", 2), ("e30.e30.AA.AA", 4), ("a.b.c.d.e", 5)] {
        assert_eq!(read(text).unwrap_err(), FormError::Parts(parts), "{text}");
    }
    assert_eq!(read(&".".repeat(5_000)).unwrap_err(), FormError::Parts(5_001));
}

#[test]
fn each_part_has_one_spelling_in_base64url() {
    let good = token(HEADER, PAYLOAD);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, _) = rest.split_once('.').unwrap();
    let refused = |text: String| read(&text).unwrap_err();
    for bad in ["AAA=", "AA==", "A A", "AA\n", "A+A", "A/A", "A", "AB", "AAB", "AA\u{e5}"] {
        assert_eq!(refused(format!("{head}.{body}.{bad}")), FormError::Base64(Part::Signature), "{bad:?}");
    }
    assert_eq!(refused(format!("{head}=.{body}.AAAA")), FormError::Base64(Part::Header));
    assert_eq!(refused(format!(" {head}.{body}.AAAA")), FormError::Base64(Part::Header));
    assert_eq!(refused(format!("{head}.{body} .AAAA")), FormError::Base64(Part::Payload));
}

#[test]
fn members_named_twice_are_refused_in_header_and_payload_at_any_depth() {
    let twice = |part, name: &str| FormError::Json(part, JsonFault::Duplicate { name: name.to_owned() });
    assert_eq!(header(r#"{"alg":"ES256","alg":"ES256","kid":"1"}"#), twice(Part::Header, "alg"));
    assert_eq!(header(r#"{"alg":"ES256","\u0061lg":"none","kid":"1"}"#), twice(Part::Header, "alg"));
    assert_eq!(payload(r#"{"iss":"34","iss":"1"}"#), twice(Part::Payload, "iss"));
    assert_eq!(payload(r#"{"iss":"34","bobHok":"a","bobHok":"b"}"#), twice(Part::Payload, "bobHok"));
    assert_eq!(payload(r#"{"iss":"34","cnf":{"x5t#S256":"a","x5t#S256":"b"}}"#), twice(Part::Payload, "x5t#S256"));
}

#[test]
fn a_part_that_is_no_json_object_in_utf_8_is_refused() {
    assert_eq!(header("[]"), FormError::Json(Part::Header, JsonFault::NotAnObject));
    assert_eq!(payload("null"), FormError::Json(Part::Payload, JsonFault::NotAnObject));
    assert_eq!(header("\u{feff}{}"), FormError::Json(Part::Header, JsonFault::Syntax));
    assert_eq!(payload(&"[".repeat(5_000)), FormError::Json(Part::Payload, JsonFault::Syntax));
    assert_eq!(read("gA.e30.AA").unwrap_err(), FormError::Json(Part::Header, JsonFault::Syntax));
}

#[test]
fn critical_extensions_are_refused_whatever_they_name() {
    for crit in [r#"["exp2"]"#, "[]", r#"["alg"]"#, r#"["b64"]"#, "null", "\"exp\""] {
        let json = format!(r#"{{"alg":"ES256","kid":"1","crit":{crit}}}"#);
        assert_eq!(header(&json), FormError::HeaderMember("crit"), "{crit}");
    }
}

#[test]
fn keys_inside_the_token_and_addresses_of_keys_are_refused() {
    for member in ["jwk", "jku", "x5u", "x5c"] {
        let json = format!(r#"{{"alg":"ES256","kid":"1","{member}":"https://127.0.0.1:1/"}}"#);
        assert_eq!(header(&json), FormError::HeaderMember(member));
    }
}

#[test]
fn compression_encryption_nesting_and_bare_payloads_are_refused() {
    for (member, value) in [("zip", "\"DEF\""), ("enc", "\"A256GCM\""), ("cty", "\"JWT\""), ("b64", "false")] {
        let json = format!(r#"{{"alg":"ES256","kid":"1","{member}":{value}}}"#);
        assert_eq!(header(&json), FormError::HeaderMember(member));
    }
}

#[test]
fn tokens_of_another_type_are_refused() {
    for typ in ["\"pop\"", "\"at+jwt\"", "\"JWT \"", "\"\"", "1", "null", "[\"JWT\"]"] {
        let json = format!(r#"{{"alg":"ES256","kid":"1","typ":{typ}}}"#);
        assert_eq!(header(&json), FormError::Type, "{typ}");
    }
}

#[test]
fn a_key_id_that_is_none_is_refused() {
    for kid in ["\"\"", "\"a b\"", "\"a\\r\\nb\"", "\"a\\u0000\"", "1", "null", "[\"1\"]"] {
        assert_eq!(header(&format!(r#"{{"alg":"ES256","kid":{kid}}}"#)), FormError::Kid, "{kid}");
    }
    assert_eq!(header(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(129))), FormError::Kid);
    assert_eq!(header(r#"{"alg":"ES256"}"#), FormError::Kid);
}

#[test]
fn an_issuer_that_is_no_participant_id_in_a_string_is_refused() {
    for iss in ["34", "\"034\"", "\"-1\"", "\"0\"", "\"\"", "\"34 \"", "\"https://a\"", "null", "[\"34\"]", "34.0"] {
        assert_eq!(payload(&format!(r#"{{"iss":{iss}}}"#)), FormError::Issuer, "{iss}");
    }
    assert_eq!(payload("{}"), FormError::Issuer);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[A-Za-z0-9_.=-]{0,120}|\\PC{0,40}") {
        let _ = read(&text);
    }

    #[test]
    fn no_json_makes_the_reader_panic(header in "\\PC{0,40}", payload in "\\PC{0,40}") {
        let _ = read(&token(&header, &payload));
    }
}
