//! The 28 operations with the statuses, headers and bodies of the standard's table.

use std::collections::BTreeSet;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::protocol::registry::operation::OPERATIONS;
use serde_json::{Value, json};

use crate::asker::{Participant, get_set, internal, metric};
use crate::client::Answer;
use crate::site::{Running, Site, new_key, public_jwk, until};

const BASE: &str = "/api/v2/participantMetadata/34";

struct Scene {
    site: Site,
    running: Running,
}

impl Scene {
    fn new() -> Self {
        let site = Site::new();
        let running = site.start();
        Self { site, running }
    }

    fn participant(&self) -> Participant {
        Participant::new(&self.site, &self.running, 34)
    }
}

fn key(kid: &str) -> Value {
    public_jwk(&new_key(kid, Algorithm::Es256))
}

fn etag(answer: &Answer) -> String {
    let etag = answer.header("etag").unwrap_or_else(|| panic!("no ETag: {answer:?}")).to_owned();
    assert!(etag.len() > 10 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    etag
}

/// Makes, reads, lists and removes a key of this list. Both lists are alike.
fn life_of_a_key(segment: &str, key: &Value) {
    let scene = Scene::new();
    let participant = scene.participant();
    let (list, item) = (format!("/{segment}"), format!("/{segment}/34%3A20261122_1"));
    assert_eq!(participant.get(&list).json(), json!([]));
    participant.must(404, "GET", &item, "");

    let made = participant.must(201, "POST", &list, &key.to_string());
    assert_eq!(made.header("location"), Some(format!("{BASE}{item}").as_str()));
    assert!(made.body.is_empty());
    let again = participant.must(201, "POST", &list, &key.to_string());
    assert_eq!(etag(&again), etag(&made), "the same key again is a success");

    let read = participant.get(&item);
    assert_eq!((read.json(), etag(&read)), (key.clone(), etag(&made)));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    assert_eq!(read.header("content-type"), Some("application/json"));
    assert_eq!(participant.get(&list).json(), json!([key]));

    let put = participant.must(200, "PUT", &item, &key.to_string());
    assert_eq!((put.header("location"), etag(&put)), (Some(format!("{BASE}{item}").as_str()), etag(&read)));

    let gone = participant.must(204, "DELETE", &item, "");
    assert!(gone.body.is_empty() && gone.header("content-type").is_none());
    participant.must(404, "DELETE", &item, "");
    participant.must(404, "GET", &item, "");
    let refused = participant.must(403, "POST", &list, &key.to_string());
    assert!(refused.text().contains("34:20261122_1"), "a kid is never used again: {}", refused.text());
}

#[test]
fn an_authtoken_key_is_made_read_repaired_and_deleted() {
    life_of_a_key("authtokenPublicKey", &key("34:20261122_1"));
}

#[test]
fn an_rsa_authtoken_key_is_as_good() {
    life_of_a_key("authtokenPublicKey", &public_jwk(&new_key("34:20261122_1", Algorithm::Rs256)));
}

#[test]
fn an_mtb_key_is_made_read_repaired_and_deleted() {
    let mut key = key("34:20261122_1");
    key["bob_sc"] = json!("ticket");
    life_of_a_key("mtbPublicKey", &key);
}

#[test]
fn a_put_repairs_what_stands_beside_an_mtb_key_and_never_the_key() {
    let scene = Scene::new();
    let participant = scene.participant();
    let mut right = key("34:20261122_1");
    right["bob_sc"] = json!("id");
    let before = participant.must(201, "POST", "/mtbPublicKey", &right.to_string());
    right["bob_sc"] = json!("ticket");
    let item = "/mtbPublicKey/34%3A20261122_1";
    let after = participant.must(200, "PUT", item, &right.to_string());
    assert_ne!(etag(&before), etag(&after));
    assert_eq!(participant.get(item).json(), right);
    let mut other = key("34:20261122_1");
    other["bob_sc"] = json!("ticket");
    participant.must(403, "PUT", item, &other.to_string());
    participant.must(404, "PUT", "/mtbPublicKey/34%3Aother", &key("34:other").to_string());
    participant.must(422, "PUT", item, &key("34:other").to_string());
}

#[test]
fn a_domain_name_is_put_read_and_deleted() {
    let scene = Scene::new();
    let participant = scene.participant();
    participant.must(404, "GET", "/domainName", "");
    let put = participant.must(204, "PUT", "/domainName", "\"bob.example.se\"");
    let read = participant.get("/domainName");
    assert_eq!((read.json(), etag(&read)), (json!("bob.example.se"), etag(&put)));
    participant.must(204, "PUT", "/domainName", "\"other.example.se\"");
    assert_eq!(participant.get("/domainName").json(), json!("other.example.se"));
    participant.must(204, "DELETE", "/domainName", "");
    participant.must(404, "DELETE", "/domainName", "");
}

#[test]
fn an_endpoint_gets_its_id_from_the_registry() {
    let scene = Scene::new();
    let participant = scene.participant();
    let call = json!({"version": 1, "type": "validation", "uri": "https://api.example.se/bob/v1"});
    let made = participant.must(201, "POST", "/interfaceEndpoint", &call.to_string());
    let id = made.json()["endpointId"].as_i64().unwrap();
    let item = format!("/interfaceEndpoint/{id}");
    assert_eq!(made.header("location"), Some(format!("{BASE}{item}").as_str()));
    let mut whole = call.clone();
    whole["endpointId"] = json!(id);
    assert_eq!(made.json(), whole);
    assert_eq!(participant.get(&item).json(), whole);
    assert_eq!(participant.get("/interfaceEndpoint").json(), json!([whole]));

    whole["version"] = json!(2);
    let put = participant.must(204, "PUT", &item, &whole.to_string());
    let read = participant.get(&item);
    assert_eq!((read.json(), etag(&read)), (whole.clone(), etag(&put)));
    whole["endpointId"] = json!(id + 1);
    participant.must(422, "PUT", &item, &whole.to_string());
    participant.must(204, "DELETE", &item, "");
    participant.must(404, "GET", &item, "");
    participant.must(404, "PUT", &format!("/interfaceEndpoint/{}", id + 1), &whole.to_string());
    let next = participant.must(201, "POST", "/interfaceEndpoint", &call.to_string());
    assert_ne!(next.json()["endpointId"], json!(id), "an id is never given twice");
}

#[test]
fn a_constraint_is_put_as_an_array_of_one_or_bare() {
    let scene = Scene::new();
    let participant = scene.participant();
    let constraint = |lifetime: &str| json!({"pid": 41, "signatureLifetime": lifetime});
    let made = participant.must(201, "POST", "/issuerSignatureConstraint", &constraint("P3W").to_string());
    let item = "/issuerSignatureConstraint/41";
    assert_eq!(made.header("location"), Some(format!("{BASE}{item}").as_str()));
    assert_eq!(participant.get(item).json(), constraint("P3W"));
    participant.must(204, "PUT", item, &json!([constraint("P2W")]).to_string());
    assert_eq!(participant.get(item).json(), constraint("P2W"));
    participant.must(204, "PUT", item, &constraint("PT12H").to_string());
    assert_eq!(participant.get("/issuerSignatureConstraint").json(), json!([constraint("PT12H")]));
    participant.must(204, "DELETE", item, "");
    participant.must(404, "GET", item, "");
}

#[test]
fn participant_info_is_a_free_object_and_its_put_answers_201() {
    let scene = Scene::new();
    let participant = scene.participant();
    let info = json!({"contact": {"mail": "bob@example.se"}, "since": 2026});
    let put = participant.must(201, "PUT", "/participantInfo", &info.to_string());
    assert_eq!(put.header("location"), Some(format!("{BASE}/participantInfo").as_str()));
    assert_eq!(participant.get("/participantInfo").json(), info);
    participant.must(201, "PUT", "/participantInfo", "{}");
    assert_eq!(participant.get("/participantInfo").json(), json!({}));
    participant.must(204, "DELETE", "/participantInfo", "");
    participant.must(404, "GET", "/participantInfo", "");
}

#[test]
fn a_participant_reads_everything_about_itself_and_the_set_says_the_same() {
    let scene = Scene::new();
    let participant = scene.participant();
    participant.must(204, "PUT", "/domainName", "\"bob.example.se\"");
    participant.must(201, "POST", "/authtokenPublicKey", &key("34:20261122_1").to_string());
    let own = participant.get("").json();
    assert_eq!((&own["pid"], &own["organisationName"]), (&json!(34), &json!("Participant 34")));
    assert_eq!(
        (&own["domainName"], own["authtokenPublicKeys"].as_array().unwrap().len()),
        (&json!("bob.example.se"), 1)
    );
    let set = until("the set has the key", || {
        let set = get_set(&scene.running, &[]);
        set.text().contains("signatures").then(|| payload(&set)).filter(|set| set[1] == own)
    });
    assert_eq!(set.as_array().unwrap().len(), 3);
}

/// What a set says, without a look at its signatures.
fn payload(set: &Answer) -> Value {
    use base64::Engine as _;
    let json = set.json();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(json["payload"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Path below the participant, body, and status of each verb, in an order in which all of them succeed.
fn every_operation() -> Vec<(&'static str, &'static str, String, u16)> {
    let mut mtb = key("34:mtb");
    mtb["bob_sc"] = json!("id");
    let (mtb, authtoken) = (mtb.to_string(), key("34:auth").to_string());
    let call = json!({"version": 1, "type": "device", "uri": "https://api.example.se/"}).to_string();
    let endpoint =
        json!({"endpointId": 1, "version": 2, "type": "device", "uri": "https://api.example.se/"}).to_string();
    let constraint = json!({"pid": 41, "signatureLifetime": "P3W"}).to_string();
    let none = String::new;
    vec![
        ("GET", "", none(), 200),
        ("PUT", "/domainName", "\"bob.example.se\"".to_owned(), 204),
        ("GET", "/domainName", none(), 200),
        ("DELETE", "/domainName", none(), 204),
        ("POST", "/mtbPublicKey", mtb.clone(), 201),
        ("GET", "/mtbPublicKey", none(), 200),
        ("GET", "/mtbPublicKey/34%3Amtb", none(), 200),
        ("PUT", "/mtbPublicKey/34%3Amtb", mtb, 200),
        ("DELETE", "/mtbPublicKey/34%3Amtb", none(), 204),
        ("POST", "/authtokenPublicKey", authtoken.clone(), 201),
        ("GET", "/authtokenPublicKey", none(), 200),
        ("GET", "/authtokenPublicKey/34%3Aauth", none(), 200),
        ("PUT", "/authtokenPublicKey/34%3Aauth", authtoken, 200),
        ("DELETE", "/authtokenPublicKey/34%3Aauth", none(), 204),
        ("POST", "/interfaceEndpoint", call, 201),
        ("GET", "/interfaceEndpoint", none(), 200),
        ("GET", "/interfaceEndpoint/1", none(), 200),
        ("PUT", "/interfaceEndpoint/1", endpoint, 204),
        ("DELETE", "/interfaceEndpoint/1", none(), 204),
        ("POST", "/issuerSignatureConstraint", constraint.clone(), 201),
        ("GET", "/issuerSignatureConstraint", none(), 200),
        ("GET", "/issuerSignatureConstraint/41", none(), 200),
        ("PUT", "/issuerSignatureConstraint/41", constraint, 204),
        ("DELETE", "/issuerSignatureConstraint/41", none(), 204),
        ("PUT", "/participantInfo", "{\"a\":1}".to_owned(), 201),
        ("GET", "/participantInfo", none(), 200),
        ("DELETE", "/participantInfo", none(), 204),
    ]
}

#[test]
fn each_of_the_28_operations_answers_with_its_status_and_is_counted_by_its_name() {
    let scene = Scene::new();
    let participant = scene.participant();
    for (method, below, body, status) in every_operation() {
        participant.must(status, method, below, &body);
    }
    until("the set is there", || (get_set(&scene.running, &[]).status == 200).then_some(()));
    let metrics = internal(&scene.running, "/metrics").text();
    let counted: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| {
            line.strip_prefix("bob_auth_registry_requests_total{operation=\"")?.split_once("\",status=\"2")
        })
        .map(|(operation, _)| operation)
        .collect();
    let wanted: BTreeSet<&str> = OPERATIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(counted, wanted);
    for status in ["400", "401", "403", "404", "412", "422"] {
        let label = format!("status=\"{status}\"");
        assert_eq!(metric(&scene.running, "bob_auth_registry_requests_total", &label), 0, "{status}");
    }
}

#[test]
fn both_kinds_of_metadata_key_prove_possession() {
    let scene = Scene::new();
    let rsa = scene.site.add_metadata_key(34, "34:metadata_rsa", Algorithm::Rs256);
    scene.participant().with_key(rsa).must(204, "PUT", "/domainName", "\"bob.example.se\"");
}

#[test]
fn a_change_is_made_to_what_was_read_and_to_nothing_else() {
    let scene = Scene::new();
    let participant = scene.participant();
    let put = |etag: &str, name: &str| {
        let ask = participant.ask_with("PUT", "/domainName", &format!("\"{name}\""), &[("If-Match", etag)]);
        participant.send(&ask)
    };
    assert_eq!(put("*", "one.example.se").status, 412, "there is nothing yet");
    participant.must(204, "PUT", "/domainName", "\"one.example.se\"");
    let first = etag(&participant.get("/domainName"));
    let second = put(&first, "two.example.se");
    assert_eq!(second.status, 204);
    // Whoever has not seen the second one must not overwrite it.
    assert_eq!(put(&first, "three.example.se").status, 412);
    assert_eq!(put(&format!("\"x\", {}", etag(&second)), "four.example.se").status, 204);
    let delete = participant.ask_with("DELETE", "/domainName", "", &[("If-Match", &first)]);
    assert_eq!(participant.send(&delete).status, 412);
    assert_eq!(participant.get("/domainName").json(), json!("four.example.se"));
}

#[test]
fn a_query_is_ignored_if_it_is_signed() {
    let scene = Scene::new();
    let participant = scene.participant();
    let ask = participant.ask("GET", "/domainName?verbose=1&verbose=2", "");
    assert_eq!(participant.send(&ask).status, 401, "two values of one name could be put in another order");
    let ask = participant.ask("GET", "?verbose=1&more", "");
    assert_eq!(participant.send(&ask).status, 200);
}

/// curl at this registry, over HTTP/2 and TLS that is checked; what it printed, headers first.
fn curl(scene: &Scene, arguments: &[&str], path: &str) -> String {
    let mut curl = std::process::Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--max-time", "20", "--http2", "-i", "--cacert"]).arg(scene.site.files().ca);
    let output = curl.args(arguments).arg(format!("{}{path}", scene.running.url())).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn http_2_does_as_well() {
    let scene = Scene::new();
    let participant = scene.participant();
    let put = |name: &str, headers: &[(&str, &str)]| {
        let ask = participant.ask_with("PUT", "/domainName", &format!("\"{name}\""), headers);
        let mut arguments = vec!["-X".to_owned(), "PUT".to_owned(), "--data".to_owned(), ask.body.clone()];
        arguments.extend(["-H".to_owned(), format!("Authorization: PoP {}", ask.proof)]);
        for (name, value) in headers {
            arguments.extend(["-H".to_owned(), format!("{name}: {value}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        curl(&scene, &arguments, "/participantMetadata/34/domainName")
    };
    let answer = put("one.example.se", &[]);
    assert!(answer.starts_with("HTTP/2 204"), "{answer}");
    assert!(answer.contains("x-bob-response-pop: "), "{answer}");
    assert!(put("two.example.se", &[("If-Match", "\"stale\"")]).starts_with("HTTP/2 412"));
    assert_eq!(participant.get("/domainName").json(), json!("one.example.se"));
    let set = until("the set is served", || {
        Some(curl(&scene, &["--compressed"], "/participantMetadata")).filter(|set| set.starts_with("HTTP/2 200"))
    });
    assert!(set.contains("content-encoding: gzip") && set.contains("\"signatures\""), "{set}");
}
