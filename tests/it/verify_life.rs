//! The life of a verify server: probes, the shadow, reloads, readiness, the end; what it counts and what it logs.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::get;
use crate::process::{Service, until};
use crate::site::set_mode;
use crate::verify_site::{Door, ask, ask_socket, caller_headers, present, refusal, request, sha1};

/// Puts a file in the place of another at once.
fn replace(door: &Door, name: &str, text: &str) {
    let new = door.site.path("new");
    fs::write(&new, text).unwrap();
    set_mode(&new, 0o600);
    fs::rename(new, door.site.file(name)).unwrap();
}

#[test]
fn a_probe_tells_what_the_proxy_handed_over_and_no_values() {
    let door = Door::new("[listener.verify]\nprobe = true");
    let service = door.open();
    service.until_logged("listener.verify.probe is on");
    let sha1 = sha1("validator37");
    let headers = [
        ("X-SSL-Client-SHA1", sha1.as_str()),
        ("X_SSL_Client_SHA1", "hush"),
        ("X-Forwarded-Client-Cert", "hush"),
        ("Client-Cert-Chain", "hush"),
        ("X-BoB-Pid", "hush"),
        ("X-BoB-Pid", "hush"),
        ("Cookie", "hush"),
        ("Connection", "close"),
        ("X-BoB-AuthToken", "hush"),
    ];
    let answer = ask(&service, &request("GET", "/probe", &headers));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let wanted = json!({
        "peer_trusted": true,
        "identity": {"sha1": sha1},
        "identity_headers": [
            {"name": "client-cert-chain", "count": 1},
            {"name": "x-bob-pid", "count": 2},
            {"name": "x-forwarded-client-cert", "count": 1},
            {"name": "x-ssl-client-sha1", "count": 1},
            {"name": "x_ssl_client_sha1", "count": 1},
        ],
        "token_headers": 1,
        "connection_header": "close",
    });
    assert_eq!(answer.json(), wanted);
    assert!(!answer.text().contains("hush"));
    let bare = ask(&service, &request("GET", "/probe", &[("X-SSL-Client-SHA1", "(null)")])).json();
    assert_eq!((&bare["identity"], &bare["fault"]), (&Value::Null, &json!("cert_header_placeholder")));
    assert_eq!((&bare["token_headers"], &bare["connection_header"]), (&json!(0), &Value::Null));
    assert_eq!(ask_socket(&door, &get("/probe")).json()["peer_trusted"], true);
    drop(service);
    door.site.configure("[listener.verify]\ntrusted_peers = []");
    let stranger = ask(&door.open(), &request("GET", "/probe", &headers[..1])).json();
    assert_eq!((&stranger["peer_trusted"], &stranger["fault"]), (&json!(false), &json!("untrusted_peer")));
}

#[test]
fn in_the_shadow_everything_passes_and_nobody_has_a_name_who_was_not_verified() {
    let door = Door::new(
        "[listener.verify]\nmode = 'shadow'\n[verify.rule.v]\npath = '/v'\nmethods = ['GET']\nallow = ['*:*']",
    );
    let service = door.open();
    service.until_logged("mode is \\\"shadow\\\": every request passes");
    let sha1 = sha1("validator37");
    let own = [("X-BoB-AuthToken", door.validator.as_str()), ("X-SSL-Client-SHA1", sha1.as_str())];
    let at = |uri: &'static str| [("X-Original-Method", "GET"), ("X-Original-URI", uri)];
    let passes = ask(&service, &request("GET", "/verify", &[&own[..], &at("/v")].concat()));
    assert_eq!((passes.status, passes.header("x-bob-shadow-reason")), (200, None));
    assert_eq!(caller_headers(&passes).len(), 4);
    for (headers, reason) in [
        (vec![], "no_token"),
        (own[1..].to_vec(), "no_token"),
        (own[..1].to_vec(), "nothing_presented"),
        (own.to_vec(), "original_request_missing"),
        ([&own[..], &at("/x")].concat(), "no_rule"),
        ([&own[..], &at("/v/..")].concat(), "path_malformed"),
        (vec![own[0], own[1], own[1]], "duplicate_header"),
    ] {
        let smuggled = [("X-BoB-Pid", "1")];
        let answer = ask(&service, &request("GET", "/verify", &[&headers[..], &smuggled].concat()));
        assert_eq!((answer.status, answer.header("x-bob-shadow-reason"), answer.body.len()), (200, Some(reason), 0));
        assert!(caller_headers(&answer).is_empty() && answer.header("x-bob-reason").is_none(), "{answer:?}");
    }
    let counted = "bob_auth_verifications_total{reason=\"no_token\",result=\"shadow\"}";
    assert!((service.metric(counted) - 2.0).abs() < 0.1);
    let lines = until("eight lines", || Some(service.access_lines()).filter(|lines| lines.len() >= 8));
    let results: Vec<&str> = lines.iter().map(|line| line["result"].as_str().unwrap()).collect();
    assert_eq!((results[0], &results[1..]), ("accepted", &["shadow"; 7][..]));
    assert_eq!((&lines[5]["reason"], &lines[5]["entity"]), (&json!("no_rule"), &json!("validator37")));
}

#[test]
fn a_new_policy_is_in_force_whole_or_the_old_one_stays() {
    let door = Door::new("");
    let service = door.open();
    assert_eq!(present(&service, &door.validator).status, 200);
    let good = fs::read_to_string(door.site.file("config.toml")).unwrap();
    door.site.configure("[verify]\nallow = ['34:ins']");
    until("the new policy counts", || (present(&service, &door.validator).status == 403).then_some(()));
    let failed = || service.metric("bob_auth_reloads_total{result=\"failed\",what=\"config\"}");
    for (number, faulty) in
        ["[verify]\nallow = ['*:*']\nleeway = '1h'", "[verify]\nallow = ['*:*']\nallaw = 1"].iter().enumerate()
    {
        let text = fs::read_to_string(door.site.file("config.toml")).unwrap();
        door.site.configure(faulty);
        service.signal(Signal::HUP);
        until("the failure is counted", || (failed() > f64::from(u8::try_from(number).unwrap()) + 0.5).then_some(()));
        assert_eq!(present(&service, &door.validator).status, 403, "{faulty}");
        replace(&door, "config.toml", &text);
    }
    // A key file that does not exist: keys, policy and rules stay together.
    let before = failed();
    replace(&door, "config.toml", &good.replace("keys.jwks", "none.jwks"));
    until("the failure is counted", || (failed() > before + 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 403);
    replace(&door, "config.toml", &good);
    until("the old policy is back", || (present(&service, &door.validator).status == 200).then_some(()));
    door.site.configure("[verify.rule.none]\npath = '/none'\nallow = ['*:*']");
    until("rules count", || (present(&service, &door.validator).status == 403).then_some(()));
}

#[test]
fn other_sources_of_keys_are_taken_up_without_a_restart() {
    let door = Door::new("[verify]\nallow = ['*:*']");
    let service = door.open();
    let of_other = door.forger.token(|_, payload| payload["iss"] = json!("35"));
    assert_eq!(refusal(&present(&service, &of_other)), "unknown_issuer");
    door.site.configure("[verify.issuer.35]\njwks = 'keys.jwks'");
    until("the other issuer is known", || (present(&service, &of_other).status == 200).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!((service.metric("bob_auth_key_set_issuers") - 2.0).abs() < 0.1);
}

#[test]
fn keys_follow_their_file_and_without_any_it_is_not_ready() {
    let door = Door::new("");
    let service = door.open();
    let ready = || service.internal("/health/ready");
    assert_eq!((ready().status, ready().json()["keys"].as_u64()), (200, Some(1)));
    let keys = fs::read_to_string(door.site.file("keys.jwks")).unwrap();
    replace(&door, "keys.jwks", "rubbish");
    until("the failure is counted", || (service.metric_sum("bob_auth_key_source_failures_total") > 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200, "the last good keys stay in force");
    replace(&door, "keys.jwks", "{\"keys\":[]}");
    until("it is not ready", || (ready().status == 503).then_some(()));
    assert_eq!(ready().json()["status"], "not ready");
    assert_eq!(refusal(&present(&service, &door.validator)), "unknown_key");
    assert_eq!(service.internal("/health/live").status, 200);
    replace(&door, "keys.jwks", &keys);
    until("it is ready again", || (ready().status == 200).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
}

#[test]
fn keys_come_from_a_url_and_one_that_is_out_of_reach_keeps_nobody_else_waiting() {
    let door = Door::new("[verify]\nallow = ['*:*']");
    let issuer = Service::start(&door.site);
    let address = issuer.address("internal");
    door.site.configure("[listener.verify]\nlisten = '127.0.0.1:0'");
    door.site.configure(&format!("[verify.issuer.35]\njwks_url = 'http://{address}/.well-known/jwks.json'"));
    door.site.configure("[verify.issuer.36]\njwks_url = 'http://127.0.0.1:1/jwks.json'");
    let service = door.open();
    let of = |pid: &'static str| door.forger.token(move |_, payload| payload["iss"] = json!(pid));
    assert_eq!(present(&service, &of("35")).status, 200);
    assert_eq!(refusal(&present(&service, &of("36"))), "unknown_key");
    assert_eq!(present(&service, &door.validator).status, 200);
    let text = service.internal("/metrics").text();
    assert!(text.contains(&format!(
        "bob_auth_key_source_last_success_timestamp_seconds{{source=\"http://{address}/.well-known/jwks.json\"}}"
    )));
    assert!(service.metric("bob_auth_key_source_failures_total{source=\"http://127.0.0.1:1/jwks.json\"}") > 0.5);
}

#[test]
fn it_starts_without_store_and_signing_keys_and_says_what_it_lacks() {
    let door = Door::new("[listener.internal]\nlisten = '127.0.0.1:0'");
    fs::remove_file(door.site.file("bob-auth.sqlite")).unwrap();
    fs::remove_dir_all(door.site.file("keys")).unwrap();
    fs::remove_dir_all(door.site.file("tls")).unwrap();
    assert_eq!(present(&door.open(), &door.validator).status, 200);
    let checked = door.site.run(&["config", "check", "--for", "verify-server"]);
    assert!(checked.contains("is in order") && checked.contains("whether requests may pass"), "{checked}");
    assert!(!door.site.try_run(&["config", "check"]).status.success());
    let fails = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap()
    };
    fs::write(door.site.file("keys.jwks"), "rubbish").unwrap();
    let faulty = fails(&mut door.site.command(&["verify-server"]));
    assert!(faulty.contains("keys.jwks"), "{faulty}");
    let checked = fails(&mut door.site.command(&["config", "check", "--for", "verify-server"]));
    assert!(checked.contains("verify.issuer.34.jwks: ") && checked.contains("1 fault"), "{checked}");
    fs::write(door.site.file("config.toml"), "[log]\nformat = 'json'").unwrap();
    let bare = fails(&mut door.site.command(&["verify-server"]));
    assert!(bare.contains("has no table [verify]") && bare.contains("has no table [listener.verify]"), "{bare}");
}

#[test]
fn no_question_under_way_is_cut_at_the_end() {
    let door = Door::new("[shutdown]\ndelay = '3s'\n[log]\naccess = false");
    let service = door.open();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sha1 = sha1("validator37");
    let question = request(
        "GET",
        "/verify",
        &[("X-BoB-AuthToken", &door.validator), ("X-SSL-Client-SHA1", &sha1), ("Connection", "close")],
    );
    let address = service.address("verify");
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, asked, question) = (stop.clone(), asked.clone(), question.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // Once the listener is closed, nobody is promised anything.
                    let Ok(stream) = std::net::TcpStream::connect(address) else { return };
                    let mut connection = crate::client::Connection::new(stream);
                    let _ = std::io::Write::write_all(&mut connection.stream, question.as_bytes());
                    if let Some(answer) = connection.answer(false) {
                        assert_eq!(answer.status, 200);
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    until("questions are answered", || (asked.load(Ordering::Relaxed) > 100).then_some(()));
    service.signal(Signal::TERM);
    until("it says that it stops", || (service.internal("/health/ready").status == 503).then_some(()));
    thread::sleep(Duration::from_millis(200));
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    let socket = door.site.file("verify.sock");
    let mut service = service;
    assert!(service.wait().success());
    assert!(!socket.exists());
}

#[test]
fn lines_tell_what_happened_and_never_a_token_or_a_path() {
    let door = Door::new(
        "[verify.rule.v]\npath = '/v'\nallow = ['34:val']\n[listener.verify]\nsource_header = 'X-Forwarded-For'",
    );
    let service = door.open();
    let sha1 = sha1("validator37");
    let headers = |uri: &'static str| {
        [
            ("X-BoB-AuthToken", door.validator.as_str()),
            ("X-SSL-Client-SHA1", sha1.as_str()),
            ("X-Original-Method", "POST"),
            ("X-Original-URI", uri),
            ("X-Forwarded-For", "192.0.2.7"),
        ]
    };
    for uri in ["/v/zz-secret", "/v/zz-secret", "/zz-secret"] {
        ask(&service, &request("GET", "/verify", &headers(uri)));
    }
    let unknown = door.forger.token(|header, _| header["kid"] = json!("34:zz"));
    present(&service, &unknown);
    let lines = until("four lines", || Some(service.access_lines()).filter(|lines| lines.len() >= 4));
    let yes = lines[0].as_object().unwrap();
    for (name, value) in [
        ("action", "token.verify"),
        ("result", "accepted"),
        ("pid", "34"),
        ("entity", "validator37"),
        ("class", "val"),
        ("kid", &door.forger.kid),
        ("sha1", &sha1),
        ("original_method", "POST"),
        ("rule", "v"),
        ("source", "192.0.2.7"),
    ] {
        assert_eq!(yes[name], value, "{name}");
    }
    assert!(yes.get("reason").is_none() && yes["micros"].is_u64());
    assert_eq!((&lines[2]["reason"], &lines[2]["status"]), (&json!("no_rule"), &json!(403)));
    assert_eq!((&lines[3]["reason"], &lines[3]["kid"]), (&json!("unknown_key"), &json!("34:zz")));
    let log = service.log_text();
    for secret in
        [door.validator.as_str(), unknown.as_str(), door.validator.split('.').next_back().unwrap(), "zz-secret"]
    {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn the_counters_count_and_nothing_of_the_token_service_is_there() {
    let door = Door::new("");
    let service = door.open();
    for _ in 0..3 {
        assert_eq!(present(&service, &door.validator).status, 200);
    }
    let unknown = door.forger.token(|header, _| header["kid"] = json!("34:zz"));
    present(&service, &unknown);
    for (name, value) in [
        ("bob_auth_verifications_total{reason=\"\",result=\"accepted\"}", 3.0),
        ("bob_auth_verifications_total{reason=\"unknown_key\",result=\"refused\"}", 1.0),
        ("bob_auth_verify_duration_seconds_count", 4.0),
        ("bob_auth_verify_cache_hits_total", 2.0),
        ("bob_auth_verify_cache_entries", 1.0),
        ("bob_auth_key_set_keys", 1.0),
        ("bob_auth_key_set_issuers", 1.0),
        ("bob_auth_ready", 1.0),
    ] {
        assert!((service.metric(name) - value).abs() < 0.1, "{name}: {}", service.metric(name));
    }
    assert!(service.metric("bob_auth_key_set_generation") > 0.5);
    assert!(!service.internal("/metrics").text().contains("bob_auth_tokens_issued_total"));
    for path in ["/.well-known/jwks.json", "/verify", "/health/ready/writes"] {
        assert_eq!(service.internal(path).status, 404, "{path}");
    }
}

#[test]
fn a_cache_that_is_switched_off_by_a_reload_holds_nothing_any_more() {
    let door = Door::new("");
    let service = door.open();
    let entries = || service.metric("bob_auth_verify_cache_entries");
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!(entries() > 0.5);
    door.site.configure("[verify]\ncache = 0");
    until("the cache is gone", || (entries() < 0.5).then_some(()));
    assert_eq!(present(&service, &door.validator).status, 200);
    assert!(entries() < 0.5);
}
