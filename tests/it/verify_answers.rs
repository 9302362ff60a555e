//! What a proxy gets to hear: yes with the caller's name, no with a reason, and nothing of what was sent.

use std::time::Duration;

use crate::client::{Client, Connection};
use crate::process::Service;
use crate::site::set_mode;
use crate::verify_site::{Door, ask, ask_socket, caller_headers, present, refusal, request, sha1};

#[test]
fn a_token_with_its_certificate_passes_and_the_answer_says_who_it_is() {
    let door = Door::new("");
    let service = door.open();
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        for path in ["/verify", "/verify/", "/verify/validation/v1?x=1", "/verify?a=b"] {
            for answer in
                [ask(&service, &request(method, path, &headers)), ask_socket(&door, &request(method, path, &headers))]
            {
                assert_eq!((answer.status, answer.body.len()), (200, 0), "{method} {path}");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                let expires: i64 = answer.header("x-bob-expires").unwrap().parse().unwrap();
                assert!((1_700_000_000..10_000_000_000).contains(&expires));
                let caller = caller_headers(&answer);
                assert_eq!(caller[0], ("x-bob-class", "val"));
                assert_eq!(caller[1], ("x-bob-entity", "validator37"));
                assert_eq!((caller[3], caller.len()), (("x-bob-pid", "34"), 4));
                assert_eq!(answer.header("x-bob-reason"), None);
            }
        }
    }
}

#[test]
fn whoever_is_not_allowed_is_403_and_everybody_else_401() {
    let door = Door::new("");
    let service = door.open();
    let of_inspector = sha1("inspector5");
    let headers = [("X-BoB-AuthToken", door.inspector.as_str()), ("X-SSL-Client-SHA1", of_inspector.as_str())];
    let forbidden = ask(&service, &request("GET", "/verify", &headers));
    assert_eq!((forbidden.status, refusal(&forbidden).as_str()), (403, "not_allowed"));
    assert_eq!(forbidden.problem(), "not-allowed");
    let nothing = ask(&service, &request("GET", "/verify", &[]));
    assert_eq!((nothing.status, refusal(&nothing).as_str()), (401, "no_token"));
    let head = ask(&service, &request("HEAD", "/verify", &[]));
    assert_eq!((head.status, head.header("x-bob-reason"), head.body.len()), (401, Some("no_token"), 0));
    let elsewhere = ask(&service, &request("GET", "/elsewhere", &[]));
    assert_eq!((elsewhere.status, elsewhere.problem().as_str()), (404, "not-found"));
    assert_eq!(ask(&service, &request("GET", "/verification", &[])).status, 404);
    assert_eq!(ask(&service, &request("GET", "/probe", &[])).status, 404, "unless it is switched on");
}

#[test]
fn no_header_counts_that_stands_there_twice() {
    let door = Door::new("");
    let service = door.open();
    let sha1 = sha1("validator37");
    let token = ("X-BoB-AuthToken", door.validator.as_str());
    let fingerprint = ("X-SSL-Client-SHA1", sha1.as_str());
    for (headers, reason) in [
        (vec![token, token, fingerprint], "duplicate_token"),
        (vec![token, ("x-bob-authtoken", "other"), fingerprint], "duplicate_token"),
        (vec![("X-BoB-AuthToken", ""), token, fingerprint], "duplicate_token"),
        (vec![token, fingerprint, fingerprint], "duplicate_header"),
        (vec![token, fingerprint, ("x-ssl-client-sha1", "")], "duplicate_header"),
        (vec![token, ("X_SSL_Client_SHA1", &sha1)], "nothing_presented"),
        (vec![token, ("X-SSL-Client-SHA1", "")], "nothing_presented"),
        (vec![token, ("X-SSL-Client-SHA1", "(null)")], "cert_header_placeholder"),
        (vec![("X-BoB-AuthToken", ""), fingerprint], "no_token"),
        (vec![("Authorization", &door.validator), fingerprint], "no_token"),
    ] {
        let answer = ask(&service, &request("GET", "/verify", &headers));
        assert_eq!((answer.status, refusal(&answer).as_str()), (401, reason), "{headers:?}");
    }
}

#[test]
fn an_untrusted_peer_hears_nothing_of_the_token() {
    let door = Door::new("[listener.verify]\ntrusted_peers = ['10.0.0.0/8']");
    let service = door.open();
    for token in [door.validator.as_str(), "rubbish"] {
        assert_eq!(refusal(&present(&service, token)), "untrusted_peer");
    }
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let socket = ask_socket(&door, &request("GET", "/verify", &headers));
    assert_eq!(socket.status, 200, "the socket's permissions are its guard");
}

#[test]
fn a_proxy_that_has_a_secret_must_show_it() {
    let door = Door::new("[listener.verify]\nsecret_header = 'X-Proxy-Secret'\nsecret_file = 'proxy-secret'");
    std::fs::write(door.site.file("proxy-secret"), "correct horse\n").unwrap();
    set_mode(&door.site.file("proxy-secret"), 0o600);
    let service = door.open();
    let sha1 = sha1("validator37");
    let with = |secret: &[&str]| {
        let mut headers = vec![("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
        headers.extend(secret.iter().map(|secret| ("X-Proxy-Secret", *secret)));
        ask(&service, &request("GET", "/verify", &headers))
    };
    assert_eq!(with(&["correct horse"]).status, 200);
    for wrong in [&[][..], &[""], &["correct"], &["correct horse "][..0], &["Correct horse"]] {
        assert_eq!(refusal(&with(wrong)), "proxy_secret", "{wrong:?}");
    }
    assert_eq!(refusal(&with(&["correct horse", "correct horse"])), "duplicate_header");
    assert!(!service.log_text().contains("horse"));
}

#[test]
fn what_a_client_smuggles_in_is_neither_believed_nor_repeated() {
    let door = Door::new("");
    let service = door.open();
    let sha1 = sha1("validator37");
    let smuggled = [
        ("X-BoB-Pid", "1"),
        ("X-BoB-Entity", "admin"),
        ("X-BoB-Class", "ins"),
        ("X-BoB-Expires", "9999999999"),
        ("X-BoB-Shadow-Reason", "none"),
        ("X_BoB_Pid", "1"),
    ];
    let own = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let yes = ask(&service, &request("GET", "/verify", &[&smuggled[..], &own[..]].concat()));
    assert_eq!(yes.header("x-bob-pid"), Some("34"));
    assert_eq!((yes.header("x-bob-class"), caller_headers(&yes).len()), (Some("val"), 4));
    let no = ask(&service, &request("GET", "/verify", &smuggled));
    assert_eq!(refusal(&no), "no_token");
    for answer in [yes, no] {
        let text = format!("{:?} {}", answer.headers, answer.text());
        assert!(!text.contains("admin") && !text.contains("9999999999") && !text.contains(&door.validator));
    }
}

#[test]
fn a_listener_with_a_certificate_speaks_tls_and_asks_nobody_for_one() {
    let door = Door::new(
        "[listener.verify]\ncertificate = 'tls/server.pem'\nprivate_key = 'tls/server.key'\nlisten = '127.0.0.1:0'",
    );
    let service = door.open();
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let asked = request("GET", "/verify", &headers);
    assert_eq!(Client::anonymous().ask(service.address("verify"), &asked).status, 200);
    // A certificate of the connection is the proxy's own and nobody else's.
    let without = request("GET", "/verify", &headers[..1]);
    let answer = Client::example("validator37").ask(service.address("verify"), &without);
    assert_eq!(refusal(&answer), "nothing_presented");
    assert!(service.metric("bob_auth_server_certificate_expiry_seconds{listener=\"verify\"}") > 86_400.0);
    assert!(service.metric_sum("bob_auth_tls_handshakes_completed_total") > 1.5);
}

#[test]
fn one_connection_serves_many_questions_and_a_body_harms_none() {
    let door = Door::new("");
    let service = door.open();
    let stream = std::net::TcpStream::connect(service.address("verify")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut connection = Connection::new(stream);
    let sha1 = sha1("validator37");
    let headers = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    for _ in 0..20 {
        assert_eq!(connection.ask(&request("GET", "/verify", &headers)).status, 200);
        assert_eq!(connection.ask(&request("GET", "/verify", &headers[..1])).status, 401);
    }
    let with_body = [&headers[..], &[("Content-Length", "5")]].concat();
    let answer = connection.ask(&format!("{}hello", request("POST", "/verify", &with_body)));
    assert_eq!(answer.status, 200);
}

#[test]
fn the_token_service_opens_the_same_door_beside_its_own() {
    let door = Door::new("");
    let service = Service::start(&door.site);
    assert_eq!(present(&service, &door.validator).status, 200);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
    assert!(service.metric("bob_auth_verifications_total{reason=\"\",result=\"accepted\"}") > 0.5);
    assert!(service.metric("bob_auth_tokens_issued_total{pid=\"34\"}") > 0.5);
    let socket = door.site.file("verify.sock");
    assert!(socket.exists());
    assert!(service.stop().success());
    assert!(!socket.exists());
}
