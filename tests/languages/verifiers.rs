//! The services behind nginx: they know who is calling, from nginx alone.

use serde_json::json;

use crate::client::{Answer, Client, plain};
use crate::language::Language;
use crate::running::{Behind, Run};
use crate::scene::Scene;

const PATH: &str = "/validation/v1/validations";

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn title(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(answer.json()["status"], answer.status, "{answer:?}");
    (answer.status, answer.json()["title"].as_str().unwrap().to_owned())
}

/// Who is calling, and who may.
fn knows_its_callers(language: Language) {
    let mut behind = Behind::start(language);
    assert!(behind.address.ip().is_loopback());
    let scene = Scene::new("", behind.address);
    let address = scene.proxy.address;
    let [validator, inspector] = ["validator37", "inspector5"].map(Client::example);
    let token = |entity: &str| format!("X-BoB-AuthToken: {}\r\n", scene.token(entity));
    let (of_validator, of_inspector) = (token("validator37"), token("inspector5"));

    let status = format!("GET /validation/v1/status HTTP/1.1\r\nHost: localhost\r\n{of_validator}");
    // The client's own words about itself do not count.
    let forged = format!("{status}X-BoB-Entity: director\r\nX-BoB-Pid: 99\r\nX_BoB_Entity: director\r\n\r\n");
    let mut connection = validator.connect(address);
    for request in [format!("{status}\r\n"), forged] {
        let answer = connection.ask(&request);
        let caller = &answer.json()["caller"];
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("open")), "{answer:?}");
        assert_eq!(
            (&caller["pid"], &caller["entityId"], &caller["class"]),
            (&json!(34), &json!("validator37"), &json!("val"))
        );
        assert!(caller["expires"].as_u64().unwrap() > 1_700_000_000, "{answer:?}");
    }
    let answer = validator.ask(address, &post(PATH, &of_validator, r#"{"ticketId": "T-1"}"#));
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json(), json!({"ticketId": "T-1", "validatedBy": {"pid": 34, "entityId": "validator37"}}));

    let answer = inspector.ask(address, &post(PATH, &of_inspector, r#"{"ticketId": "T-1"}"#));
    assert_eq!(title(&answer), (403, "Only validators validate".to_owned()));
    let stolen = inspector.ask(address, &post(PATH, &of_validator, r#"{"ticketId": "T-1"}"#));
    assert_eq!((stolen.status, stolen.header("x-bob-reason")), (401, Some("holder_mismatch")));
    for (body, expected) in [("{}", 400), ("[]", 400), ("nonsense", 400), (&" ".repeat(70_000), 413)] {
        let answer = validator.ask(address, &post(PATH, &of_validator, body));
        assert_eq!(title(&answer).0, expected, "{answer:?}");
    }
    let answer = validator.ask(address, &format!("GET /elsewhere HTTP/1.1\r\nHost: localhost\r\n{of_validator}\r\n"));
    assert_eq!(title(&answer), (404, "Nothing here".to_owned()));

    // Without nginx nobody vouches for anybody; names that stand twice come from no proxy of ours.
    let names = "X-BoB-Pid: 34\r\nX-BoB-Entity: validator37\r\nX-BoB-Class: val\r\nX-BoB-Expires: 1\r\n";
    for headers in ["", "X-BoB-Pid: 34\r\n", &format!("{names}X-BoB-Entity: director\r\n"), &names.replace("34", "x")] {
        let answer =
            plain(behind.address, &format!("GET /validation/v1/status HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        assert_eq!(title(&answer), (401, "Nobody vouches for the caller".to_owned()), "{headers}");
    }

    // The port is taken; and what is no port.
    let port = behind.address.port().to_string();
    for (argument, expected) in [(port.as_str(), 1), ("65536", 2)] {
        let run = Run::of(language.service().arg(argument));
        assert_eq!(run.code, expected, "{run:?}");
        assert!(run.out.is_empty() && !run.err.is_empty(), "{run:?}");
    }
    // A Java machine that was told to end says so.
    assert_eq!(behind.stop(), if language == Language::Java { 143 } else { 0 });
}

#[test]
fn behind_nginx_a_service_in_python_knows_its_callers() {
    if Language::Python.is_here() {
        knows_its_callers(Language::Python);
    }
}

#[test]
fn behind_nginx_a_service_in_node_knows_its_callers() {
    if Language::Node.is_here() {
        knows_its_callers(Language::Node);
    }
}

#[test]
fn behind_nginx_a_service_in_java_knows_its_callers() {
    if Language::Java.is_here() {
        knows_its_callers(Language::Java);
    }
}
