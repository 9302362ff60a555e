//! Rules by route, for each of the ways in which proxies name the client's request.

use crate::process::{Service, until};
use crate::verify_site::{Door, ask, refusal, request, sha1};

const RULES: &str = "[verify]\nallow = ['34:*']\n\
    [verify.rule.reading]\npath = '/'\nmethods = ['GET']\nallow = ['*:*']\n\
    [verify.rule.validation]\npath = '/validation/'\nallow = ['34:val']\n\
    [verify.rule.inspection]\npath = '/validation/inspect'\nmethods = ['POST']\nallow = ['34:ins']\n";

/// How each kind of proxy asks whether `method target` may pass.
fn question(kind: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let named = |names: [&'static str; 2]| {
        let original = [(names[0], method), (names[1], target)];
        request("GET", "/verify", &[headers, &original[..]].concat())
    };
    match kind {
        "x-original" => named(["X-Original-Method", "X-Original-URI"]),
        "x-forwarded" => named(["X-Forwarded-Method", "X-Forwarded-Uri"]),
        _ => request(method, &format!("/verify{target}"), headers),
    }
}

/// The rule that let it pass, or the reason why not. `asked` counts the questions so far, and so the lines of the log.
fn verdict(service: &Service, asked: &mut usize, question: &str) -> String {
    let answer = ask(service, question);
    *asked += 1;
    if answer.status == 200 {
        let line = until("the access line", || service.access_lines().get(*asked - 1).cloned());
        return line["rule"].as_str().unwrap().to_owned();
    }
    assert_eq!(answer.status, 403, "{question}");
    // The answer to a HEAD has no document.
    if question.starts_with("HEAD ") { answer.header("x-bob-reason").unwrap().to_owned() } else { refusal(&answer) }
}

const CASES: &[(&str, &str, &str)] = &[
    ("GET", "/", "reading"),
    ("GET", "/elsewhere/x?y=/../z", "reading"),
    ("GET", "/validationx", "reading"),
    ("POST", "/", "no_rule"),
    ("HEAD", "/", "no_rule"),
    ("POST", "/validation", "validation"),
    ("DELETE", "/validation/v1/tickets", "validation"),
    ("GET", "/%76alidation/v1", "validation"),
    ("GET", "/validation/inspect", "no_rule"),
    ("POST", "/validation/inspect/7", "not_allowed"),
    ("POST", "/validation/inspect7", "validation"),
    ("GET", "/validation/../admin", "path_malformed"),
    ("GET", "/validation/%2e%2e/admin", "path_malformed"),
    ("GET", "/validation/..;/admin", "path_malformed"),
    ("GET", "/validation/..%2fadmin", "path_malformed"),
    ("GET", "/validation/%252e%252e/admin", "path_malformed"),
    ("GET", "/validation/..%5cadmin", "path_malformed"),
    ("GET", "//validation", "path_malformed"),
    ("GET", "/validation//inspect", "path_malformed"),
    ("GET", "/validation/%00", "path_malformed"),
    ("GET", "/validation;x/inspect", "path_malformed"),
    ("GET", "/%c0%ae%c0%ae/", "path_malformed"),
];

#[test]
fn the_longest_path_decides_and_a_path_with_tricks_does_not_pass() {
    let door = Door::new(RULES);
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    for kind in ["x-original", "x-forwarded", "path"] {
        door.site.configure(&format!("[listener.verify]\noriginal_request = '{kind}'"));
        let (service, mut asked) = (door.open(), 0);
        for (method, target, wanted) in CASES {
            let question = question(kind, method, target, &headers);
            assert_eq!(verdict(&service, &mut asked, &question), *wanted, "{kind} {method} {target}");
        }
        // A token that does not count is 401 whatever was asked for.
        let answer = ask(&service, &question(kind, "GET", "/../x", &headers[1..]));
        assert_eq!((answer.status, refusal(&answer).as_str()), (401, "no_token"));
    }
}

#[test]
fn what_no_url_can_hold_is_malformed_in_a_header() {
    let door = Door::new(RULES);
    let service = door.open();
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    for target in [
        "http://localhost/validation",
        "validation",
        "*",
        "/validation\\..\\admin",
        "/validation#/../admin",
        "/validation /admin",
        "/validation/\u{ff0e}\u{ff0e}/admin",
        "/validation/%zz",
    ] {
        let question = question("x-original", "GET", target, &headers);
        assert_eq!(verdict(&service, &mut 0, &question), "path_malformed", "{target:?}");
    }
    assert!(!service.log_text().contains("admin"), "a path is repeated nowhere");
}

#[test]
fn method_and_path_are_each_named_exactly_once_and_only_where_it_was_agreed() {
    let door = Door::new(RULES);
    let service = door.open();
    let sha1 = sha1("validator37");
    let own = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let (method, uri) = (("X-Original-Method", "GET"), ("X-Original-URI", "/x"));
    for original in [
        vec![],
        vec![method],
        vec![uri],
        vec![method, uri, uri],
        vec![method, method, uri],
        vec![method, uri, ("X-Original-URI", "/validation")],
        vec![("X-Original-Method", ""), uri],
        vec![method, ("X-Original-URI", "")],
        vec![("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/x")],
        vec![("X_Original_Method", "GET"), ("X_Original_URI", "/x")],
    ] {
        let answer = ask(&service, &request("GET", "/verify/validation", &[&own[..], &original].concat()));
        assert_eq!((answer.status, refusal(&answer).as_str()), (403, "original_request_missing"), "{original:?}");
    }
    let forwarded = [("X-Forwarded-Method", "DELETE"), ("X-Forwarded-Uri", "/../x")];
    let answer = ask(&service, &request("POST", "/verify", &[&own[..], &[method, uri], &forwarded].concat()));
    assert_eq!(answer.status, 200, "headers that were not agreed on decide nothing");
}

#[test]
fn behind_a_prefix_the_path_is_what_follows_it() {
    let door = Door::new(&format!("{RULES}[listener.verify]\noriginal_request = 'path'\n"));
    let service = door.open();
    let sha1 = sha1("validator37");
    let own = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let at = |path: &str| ask(&service, &request("GET", path, &own));
    assert_eq!(refusal(&at("/verify")), "original_request_missing");
    assert_eq!(refusal(&at("/verify*")), "path_malformed");
    assert_eq!(refusal(&at("/verifyvalidation")), "path_malformed");
    assert_eq!(at("/verify/").status, 200);
    assert_eq!(at("/verify/verify").status, 200);
    assert_eq!(at("/elsewhere").status, 404);
}

#[test]
fn without_rules_nobody_has_to_name_the_request() {
    let door = Door::new("");
    let service = door.open();
    let sha1 = sha1("validator37");
    let headers = [
        ("X-BoB-AuthToken", door.validator.as_str()),
        ("X-SSL-Client-SHA1", sha1.as_str()),
        ("X-Original-URI", "/../x"),
    ];
    assert_eq!(ask(&service, &request("GET", "/verify", &headers)).status, 200);
}
