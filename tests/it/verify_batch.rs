//! Many tokens in one question.

use serde_json::{Value, json};

use crate::behind_proxy::base64_der;
use crate::client::{Answer, Identity};
use crate::process::{Service, until};
use crate::verify_site::{Door, ask, refusal, request, sha1};

const BATCH: &str = "[listener.verify]\nbatch = 5\n";

fn post(service: &Service, body: &str, headers: &[(&str, &str)]) -> Answer {
    let length = body.len().to_string();
    let own = [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", length.as_str())];
    ask(service, &format!("{}{body}", request("POST", "/verify", &[&own[..], headers].concat())))
}

fn batch(service: &Service, items: &Value) -> Answer {
    post(service, &json!({ "items": items }).to_string(), &[])
}

fn reason(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.problem().as_str()), (400, "batch-refused"), "{answer:?}");
    answer.json()["reason"].as_str().unwrap().to_owned()
}

#[test]
fn each_item_has_a_verdict_of_its_own_in_the_order_of_the_question() {
    let door = Door::new(BATCH);
    let service = door.open();
    let (token, sha1) = (&door.validator, sha1("validator37"));
    let pem = String::from_utf8(Identity::example("validator37").certificate.to_pem().unwrap()).unwrap();
    let answer = batch(
        &service,
        &json!([
            {"token": token, "fingerprint": sha1},
            {"token": token, "certificate": base64_der("validator37")},
            {"token": token, "certificate": pem},
            {"token": token, "fingerprint": sha1.to_uppercase()},
            {"token": door.inspector, "fingerprint": self::sha1("inspector5")},
        ]),
    );
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 5);
    for accepted in &results[..4] {
        let expires = accepted["expires"].as_i64().unwrap();
        let wanted =
            json!({"verdict": "accepted", "pid": "34", "entity": "validator37", "class": "val", "expires": expires});
        assert_eq!(accepted, &wanted);
    }
    assert_eq!(results[4], json!({"verdict": "refused", "reason": "not_allowed"}));
    let refused = json!([
        {"token": token},
        {"token": token, "fingerprint": "abc"},
        {"token": token, "certificate": "no base64"},
        {"token": "", "fingerprint": sha1},
        {"token": "a b", "fingerprint": sha1},
    ]);
    let results = batch(&service, &refused).json();
    let reasons: Vec<&str> =
        results["results"].as_array().unwrap().iter().map(|result| result["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["nothing_presented", "fingerprint_malformed", "cert_header_malformed", "no_token", "token_not_ascii"]
    );
    assert_eq!(batch(&service, &json!([])).json(), json!({"results": []}));
    let lines = until("ten lines", || Some(service.access_lines()).filter(|lines| lines.len() >= 10));
    assert!(lines.iter().all(|line| line["action"] == "token.verify_batch"));
    assert!(!service.log_text().contains(token.as_str()));
}

#[test]
fn what_is_no_batch_is_refused_whole() {
    let door = Door::new(BATCH);
    let service = door.open();
    let item = json!({"token": "x"});
    assert_eq!(reason(&batch(&service, &json!(vec![&item; 6]))), "batch_too_many");
    assert_eq!(reason(&batch(&service, &json!(vec![&item; 600]))), "batch_too_many");
    for items in [
        json!({}),
        json!("x"),
        json!(["x"]),
        json!([{}]),
        json!([{"token": 3}]),
        json!([{"token": null}]),
        json!([{"token": "x", "fingerprint": ["a"]}]),
        json!([{"token": "x", "other": "y"}]),
        json!([{"token": "x", "fingerprint": "a", "certificate": "b"}]),
        json!([{"token": "x", "method": "GET"}]),
        json!([item, {"token": "x", "path": "/"}]),
    ] {
        assert_eq!(reason(&batch(&service, &items)), "batch_form", "{items}");
    }
    for body in ["", "[]", "{", "null", r#"{"items":[],"items":[]}"#, r#"{"items":[{"token":"a","token":"b"}]}"#] {
        assert_eq!(reason(&post(&service, body, &[])), "batch_json", "{body}");
    }
    assert_eq!(reason(&post(&service, r#"{"items":[],"more":1}"#, &[])), "batch_form");
    let large = format!("{{\"items\":[{{\"token\":\"{}\"}}]}}", "x".repeat(200_000));
    assert_eq!(reason(&post(&service, &large, &[])), "batch_too_large");
}

#[test]
fn rules_hold_for_items_as_for_requests() {
    let rules =
        format!("{BATCH}[verify.rule.validation]\npath = '/validation'\nmethods = ['GET']\nallow = ['34:val']\n");
    let door = Door::new(&rules);
    let service = door.open();
    let item = |more: Value| {
        let mut item = json!({"token": door.validator, "fingerprint": sha1("validator37")});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let answer = batch(
        &service,
        &json!([
            item(json!({"method": "GET", "path": "/validation/1"})),
            item(json!({"method": "PUT", "path": "/validation/1"})),
            item(json!({"method": "GET", "path": "/validation/../1"})),
            item(json!({})),
        ]),
    );
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert_eq!(results[0]["verdict"], "accepted");
    let reasons: Vec<_> = results[1..].iter().map(|result| result["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["no_rule", "path_malformed", "original_request_missing"]);
}

#[test]
fn a_request_that_a_proxy_has_touched_is_never_a_batch() {
    let door = Door::new(BATCH);
    let service = door.open();
    let sha1 = sha1("validator37");
    // What a client could write into its own body, if its proxy passes bodies on.
    let body = json!({"items": [{"token": door.validator, "fingerprint": sha1}]}).to_string();
    for (header, reason) in [
        (("X-BoB-AuthToken", "x"), "nothing"),
        (("X-SSL-Client-SHA1", sha1.as_str()), "no_token"),
        (("X-SSL-Client-SHA1", ""), "no_token"),
        (("X-Original-URI", "/x"), "no_token"),
        (("X-Forwarded-Uri", "/x"), "no_token"),
        (("X-Forwarded-For", "192.0.2.1"), "no_token"),
        (("Forwarded", "for=192.0.2.1"), "no_token"),
        (("Via", "1.1 proxy"), "no_token"),
    ] {
        let answer = post(&service, &body, &[header]);
        let found = refusal(&answer);
        assert!(found == reason || reason == "nothing", "{header:?}: {found}");
    }
    let other_type = request("POST", "/verify", &[("Content-Type", "text/plain"), ("Content-Length", "2")]);
    assert_eq!(refusal(&ask(&service, &format!("{other_type}{{}}"))), "no_token");
    let below = request("POST", "/verify/x", &[("Content-Type", "application/json"), ("Content-Length", "2")]);
    assert_eq!(refusal(&ask(&service, &format!("{below}{{}}"))), "no_token");
}

#[test]
fn batches_are_off_unless_switched_on_and_not_for_strangers() {
    let door = Door::new("");
    let body = json!({"items": []}).to_string();
    assert_eq!(refusal(&post(&door.open(), &body, &[])), "no_token");
    door.site.configure(&format!("{BATCH}trusted_peers = ['10.0.0.1']"));
    let answer = post(&door.open(), &body, &[]);
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (401, Some("untrusted_peer")));
}
