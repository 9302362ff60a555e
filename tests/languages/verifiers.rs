//! The services behind nginx: they know who is calling, from nginx alone.

use serde_json::json;

use crate::client::{Answer, Client, examples, plain};
use crate::language::Language;
use crate::process::Service;
use crate::running::{Behind, Run};
use crate::scene::{Scene, start_verifier};
use crate::site::Site;

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
    let mut behind = Behind::start(&mut language.service());
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
    // The last one is more than fits between nginx and the service at once.
    for (body, expected) in [("{}", 400), ("[]", 400), ("nonsense", 400), (&" ".repeat(900_000), 413)] {
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

/// It ends TLS itself: what it does not hear from the verify server it does not believe.
#[test]
fn a_service_without_a_proxy_asks_the_verify_server_itself() {
    if !Language::Node.is_here() {
        return;
    }
    let site = Site::with_entities();
    let tokens = Service::start(&site);
    let verifier = start_verifier(&site, "[verify]\nallow = ['34:val']\n[listener.verify]\nbatch = 1");
    let mut command = Language::Node.other_service("direct", "Direct");
    command.arg(examples().join("server.pem")).arg(examples().join("server.key")).arg(verifier.url("verify").unwrap());
    let mut service = Behind::start(&mut command);
    let address = service.address;

    let [validator, inspector] = ["validator37", "inspector5"].map(Client::example);
    let token = |client: &Client, entity: &str| client.token(tokens.token(), entity).compact();
    let (of_validator, of_inspector) = (token(&validator, "validator37"), token(&inspector, "inspector5"));
    let ask = |client: &Client, headers: &str| {
        client.ask(address, &format!("GET /validation/v1/status HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"))
    };
    let with = |token: &str| format!("X-BoB-AuthToken: {token}\r\n");
    let answer = ask(&validator, &with(&of_validator));
    assert_eq!((answer.status, &answer.json()["caller"]["entityId"]), (200, &json!("validator37")), "{answer:?}");
    for (client, headers, expected) in [
        (&inspector, with(&of_validator), (401, "holder_mismatch")),
        (&Client::anonymous(), with(&of_validator), (401, "nothing_presented")),
        (&validator, String::new(), (401, "no_token")),
        (&validator, with(&of_validator).repeat(2), (401, "no_token")),
        (&validator, with("a.b.c"), (401, "token_base64url")),
        (&inspector, with(&of_inspector), (403, "not_allowed")),
    ] {
        let answer = ask(client, &headers);
        assert_eq!((answer.status, answer.json()["reason"].as_str().unwrap()), expected, "{answer:?}");
        title(&answer);
    }
    drop(verifier);
    let answer = ask(&validator, &with(&of_validator));
    assert_eq!(title(&answer), (503, "Nobody can be let in at the moment".to_owned()));
    assert_eq!(service.stop(), 0);
}
