//! Serials, ends, and which set replaces which.

use std::time::Duration;

use super::*;

fn header_fault(member: &'static str) -> MetadataError {
    MetadataError::Header { kid: kid(EC), member }
}

fn header(protected: &Value) -> SetHeader {
    SignedSet::verify_at_any_time(signed_with(protected).as_bytes(), &anchors()).unwrap().header().clone()
}

/// A set with this serial and payload that ends so many seconds from now.
fn version(serial: u64, name: &str, seconds: i64) -> MetadataSet {
    let payload = json!([{"pid": 1, "organisationName": name}]).to_string();
    let terms = SetTerms { not_valid_after: NOW.plus_seconds(seconds), ..terms(serial) };
    let set = sign_set(&payload, &terms, &[(kid(EC), ec())], Form::General, &rng()).unwrap();
    verify(&set).unwrap()
}

#[test]
fn what_the_anchor_signed_is_in_the_header() {
    let read = header(&protected_with("interval", json!(86_400)));
    assert_eq!((read.serial, read.authid, &read.anchors[..]), (7, pid(16), &[kid(EC)][..]));
    assert_eq!(read.not_valid_after, NOW.plus_seconds(604_800));
    assert_eq!(read.interval, Some(Duration::from_hours(24)));
    let set = verify(&signed_with(&protected())).unwrap();
    assert_eq!(set.key_set().not_valid_after, Some(read.not_valid_after));
}

#[test]
fn a_serial_is_a_whole_number_up_to_2_53() {
    assert_eq!(header(&protected_with("serial", json!(0))).serial, 0);
    assert_eq!(header(&protected_with("serial", json!(1_u64 << 53))).serial, 1 << 53);
    for serial in
        [json!((1_u64 << 53) + 1), json!(-1), json!(1.5), json!(1e3), json!("7"), json!(null), json!(u64::MAX)]
    {
        assert_eq!(
            refusal(&signed_with(&protected_with("serial", serial.clone()))),
            header_fault("serial"),
            "{serial}"
        );
    }
}

#[test]
fn the_end_is_a_date_with_a_zone() {
    let end = NOW.plus_seconds(604_800);
    for text in ["2026-09-28T14:13:20Z", "2026-09-28T16:13:20+02:00", "2026-09-28T16:13:20.250+0200"] {
        assert_eq!(header(&protected_with("notvalidafter", json!(text))).not_valid_after, end, "{text}");
    }
    for value in [json!("2026-09-28T14:13:20"), json!("2026-09-28"), json!("soon"), json!(1_790_604_800), json!(null)] {
        let refused = refusal(&signed_with(&protected_with("notvalidafter", value)));
        assert_eq!(refused, header_fault("notvalidafter"));
    }
}

#[test]
fn the_authority_is_a_pid_as_number_or_text() {
    assert_eq!(header(&protected_with("authid", json!("16"))).authid, pid(16));
    for value in [json!("016"), json!(0), json!(-16), json!([16]), json!(null)] {
        assert_eq!(refusal(&signed_with(&protected_with("authid", value))), header_fault("authid"));
    }
}

#[test]
fn an_interval_that_is_not_understood_is_no_interval() {
    for (value, seconds) in [
        (json!(3600), Some(3600)),
        (json!("PT24H"), Some(86_400)),
        (json!("P1D"), Some(86_400)),
        (json!("P1M"), None),
        (json!("daily"), None),
        (json!(0), None),
        (json!(-1), None),
    ] {
        let read = header(&protected_with("interval", value.clone())).interval;
        assert_eq!(read, seconds.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn trusted_signatures_that_disagree_are_refused() {
    let payload = json!([one(1)]).to_string();
    let first = signature(&protected(), &payload, ec());
    for (member, value) in
        [("serial", json!(8)), ("notvalidafter", json!("2026-09-28T14:13:21Z")), ("authid", json!(17))]
    {
        let mut other = terms(7).protected("RS256", &kid(RSA));
        other[member] = value;
        let set = general(&payload, &[first.clone(), signature(&other, &payload, rsa())]);
        assert_eq!(refusal(&set.to_string()), MetadataError::Disagreement(member));
    }
    let day = SetTerms { interval: Some(Duration::from_hours(24)), ..terms(7) };
    let agreeing = signature(&day.protected("RS256", &kid(RSA)), &payload, rsa());
    let set = verify(&general(&payload, &[first, agreeing]).to_string()).unwrap();
    assert_eq!(set.header().interval, Some(Duration::from_hours(24)));
}

#[test]
fn a_set_past_its_end_is_refused_and_can_still_be_looked_at() {
    let set = signed(&json!([one(1)]));
    let end = NOW.plus_seconds(604_800);
    assert!(SignedSet::verify(set.as_bytes(), &anchors(), end).is_ok());
    let late = end.plus_seconds(1);
    let refused = SignedSet::verify(set.as_bytes(), &anchors(), late).unwrap_err();
    assert_eq!(refused, MetadataError::Expired { serial: 7, not_valid_after: end, now: late });
    let looked_at = SignedSet::verify_at_any_time(set.as_bytes(), &anchors()).unwrap();
    assert_eq!(looked_at.header().check_time(late).unwrap_err(), refused);
}

#[test]
fn an_older_set_never_replaces_a_newer_one() {
    let held = version(7, "a", 1000);
    let answer = |set: MetadataSet| set.may_replace(held.header());
    assert_eq!(answer(version(8, "b", 1000)), Ok(()));
    assert_eq!(answer(version(8, "b", 500)), Ok(()));
    assert_eq!(answer(version(7, "a", 2000)), Ok(()));
    assert_eq!(answer(held.clone()), Ok(()));
    assert_eq!(answer(version(6, "a", 2000)), Err(MetadataError::Rollback { serial: 6, held: 7 }));
    assert_eq!(answer(version(7, "a", 999)), Err(MetadataError::OlderCopy { serial: 7 }));
}

#[test]
fn one_serial_has_one_content() {
    let held = version(7, "a", 1000);
    let refused = version(7, "b", 2000).may_replace(held.header()).unwrap_err();
    assert_eq!(refused, MetadataError::OtherContent { serial: 7 });
}

#[test]
fn the_set_of_another_authority_does_not_replace_ours() {
    let held = version(7, "a", 1000);
    let other = SetHeader { authid: pid(17), serial: 8, ..held.header().clone() };
    let refused = other.may_replace(held.header()).unwrap_err();
    assert_eq!(refused, MetadataError::OtherAuthority { authid: pid(17), held: pid(16) });
}
