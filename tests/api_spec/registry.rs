//! `participant-metadata.yaml` against the table of operations, the table of problems, and real answers of a real registry.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::registry::operation::{BASE_PATH, OPERATIONS};
use bob_auth::web::problem::TYPE_PREFIX;
use bob_auth::web::registry;
use serde_json::{Value, json};

use crate::asker::{Participant, get_set, internal};
use crate::site::{Running, Site, new_key, public_jwk, until};
use crate::{Answer, Spec, client};

const SET: &str = "/participantMetadata";

fn spec() -> Spec {
    Spec::read("participant-metadata.yaml")
}

fn as_described(answer: &client::Answer) -> Answer {
    let headers: BTreeMap<String, String> = answer.headers.iter().cloned().collect();
    Answer { status: answer.status, headers, body: String::from_utf8(answer.body.clone()).unwrap() }
}

#[test]
fn the_operations_are_those_of_the_table_by_name_method_and_path() {
    let spec = spec();
    let mut described = BTreeSet::new();
    for (path, item) in spec.0["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete"] {
            if let Some(operation) = item.get(method) {
                described.insert((operation["operationId"].as_str().unwrap(), method.to_uppercase(), path.as_str()));
            }
        }
    }
    let table = OPERATIONS.map(|(name, verb, path)| (name, verb.as_str().to_owned(), path));
    assert_eq!(described, BTreeSet::from(table));
    assert_eq!(spec.operations().len(), OPERATIONS.len() + 1, "and HEAD of the set");
    assert!(spec.0["servers"][0]["url"].as_str().unwrap().ends_with(BASE_PATH));
}

#[test]
fn the_problems_of_a_registry_are_those_of_the_table() {
    let spec = spec();
    let described = &spec.0["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
    let table: Vec<String> = registry::ALL.iter().map(|problem| format!("{TYPE_PREFIX}{}", problem.id)).collect();
    assert_eq!(*described, json!(table));
    let responses = spec.0["components"]["responses"].as_object().unwrap();
    for problem in registry::ALL {
        let told = format!("`{}`", problem.id);
        let responses = responses.values().filter_map(|response| response["description"].as_str());
        assert!(responses.into_iter().any(|text| text.contains(&told)), "{}", problem.id);
    }
}

/// Asks, and holds the answer against the description of this operation; a body that was taken, against that of the request.
fn ask(participant: &Participant, (method, below): (&str, &str), template: &str, body: &str) -> client::Answer {
    let spec = spec();
    let answer = participant.send(&participant.ask(method, below, body));
    let (method, path) = (method.to_lowercase(), format!("{SET}/{{pid}}{template}"));
    spec.check(&method, &path, &as_described(&answer));
    if answer.status < 300 && !body.is_empty() {
        let schema = &spec.0["paths"][&path][&method]["requestBody"]["content"]["application/json"]["schema"];
        spec.validate(schema, &serde_json::from_str(body).unwrap());
    }
    answer
}

#[test]
fn real_answers_of_every_operation_are_as_described() {
    let site = Site::new();
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    let mut mtb = public_jwk(&new_key("34:mtb", Algorithm::Es256));
    mtb["bob_sc"] = json!("id");
    let (mtb, rsa) = (mtb.to_string(), public_jwk(&new_key("34:auth", Algorithm::Rs256)).to_string());
    let mut call = json!({"version": 1, "type": "device", "uri": "https://api.example.se/",
        "tlsa": {"usage": 3, "selector": 1, "type": 0, "data": "00ff"}});
    let constraint = json!({"pid": 41, "signatureLifetime": "P3W"});
    let posted = call.to_string();
    call["endpointId"] = json!(1);
    let both = json!([constraint]).to_string();
    let item = |list: &str, id: &str| format!("{list}/{id}");
    let list = |list: &'static str, id: &'static str, name: &'static str, [post, put]: [&str; 2]| {
        let (place, template) = (item(list, id), item(list, name));
        assert_eq!(ask(&participant, ("POST", list), list, post).status, 201);
        assert_eq!(ask(&participant, ("GET", list), list, "").status, 200);
        assert_eq!(ask(&participant, ("GET", &place), &template, "").status, 200);
        assert!(ask(&participant, ("PUT", &place), &template, put).status < 300);
        assert_eq!(ask(&participant, ("POST", list), list, "{").status, 400);
        assert!(
            ask(&participant, ("PUT", &place), &template, &post.replace("34:", "35:").replace(":41", ":42")).status
                >= 400
        );
    };
    list("/mtbPublicKey", "34%3Amtb", "{kid}", [&mtb, &mtb]);
    list("/authtokenPublicKey", "34%3Aauth", "{kid}", [&rsa, &rsa]);
    list("/interfaceEndpoint", "1", "{endpointId}", [&posted, &call.to_string()]);
    list("/issuerSignatureConstraint", "41", "{acceptablePid}", [&constraint.to_string(), &both]);
    for (place, body) in [("/domainName", "\"bob.example.se\""), ("/participantInfo", "{\"a\":[1]}")] {
        assert_eq!(ask(&participant, ("GET", place), place, "").status, 404);
        assert!(ask(&participant, ("PUT", place), place, body).status < 300);
        assert_eq!(ask(&participant, ("GET", place), place, "").status, 200);
        assert_eq!(ask(&participant, ("PUT", place), place, "1").status, 400);
    }
    assert_eq!(ask(&participant, ("PUT", "/domainName"), "/domainName", "\"localhost\"").status, 422);
    assert_eq!(ask(&participant, ("GET", ""), "", "").status, 200);
    the_set_is_as_described(&running);
    for (place, template) in [
        ("/mtbPublicKey/34%3Amtb", "/mtbPublicKey/{kid}"),
        ("/authtokenPublicKey/34%3Aauth", "/authtokenPublicKey/{kid}"),
        ("/interfaceEndpoint/1", "/interfaceEndpoint/{endpointId}"),
        ("/issuerSignatureConstraint/41", "/issuerSignatureConstraint/{acceptablePid}"),
        ("/domainName", "/domainName"),
        ("/participantInfo", "/participantInfo"),
    ] {
        assert_eq!(ask(&participant, ("DELETE", place), template, "").status, 204);
        assert_eq!(ask(&participant, ("DELETE", place), template, "").status, 404);
    }
    assert_eq!(ask(&participant, ("POST", "/mtbPublicKey"), "/mtbPublicKey", &mtb).status, 403);
    let stranger = participant.with_key(new_key("34:metadata_1", Algorithm::Es256));
    assert_eq!(ask(&stranger, ("GET", ""), "", "").status, 401);
}

fn the_set_is_as_described(running: &Running) {
    let spec = spec();
    let decoded = |text: &Value| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()).unwrap()
    };
    let set = until("the set has everything", || {
        let set = get_set(running, &[]);
        spec.check("get", SET, &as_described(&set));
        let has_everything = |set: &client::Answer| decoded(&set.json()["payload"])[1].get("participantInfo").is_some();
        (set.status == 200 && has_everything(&set)).then_some(set)
    });
    let schemas = &spec.0["components"]["schemas"];
    let json = set.json();
    spec.validate(&schemas["Metadata"], &decoded(&json["payload"]));
    spec.validate(&schemas["SetHeader"], &decoded(&json["signatures"][0]["protected"]));
    let etag = set.header("etag").unwrap();
    let unchanged = get_set(running, &[("If-None-Match", etag)]);
    assert_eq!(unchanged.status, 304);
    spec.check("get", SET, &as_described(&unchanged));
    let head = client::Client::anonymous()
        .ask(running.address(), "HEAD /api/v2/participantMetadata HTTP/1.1\r\nHost: localhost\r\n\r\n");
    spec.check("head", SET, &as_described(&head));
    let readiness = as_described(&internal(running, "/health/ready"));
    Spec::read("management.yaml").check("get", "/health/ready/registry", &readiness);
}
