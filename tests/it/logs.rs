//! The log and the audit trail: one line and one row per request, with the fields that are promised and nothing secret.

use std::fs;

use crate::client::{Client, Identity, auth, get};
use crate::process::{Service, until};
use crate::site::Site;

#[test]
fn every_request_has_one_access_line_and_one_audit_row() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let compact = Client::example("validator37").token(service.token(), "validator37").compact();
    Client::example("validator37").token(service.token(), "nobody");
    Client::anonymous().token(service.token(), "validator37");
    let lines = until("three access lines", || Some(service.access_lines()).filter(|lines| lines.len() >= 3));
    let rows = site.token_audit(3);
    assert_eq!((lines.len(), rows.len()), (3, 3));
    let identity = Identity::example("validator37");

    let (line, row) = (&lines[0], &rows[0]);
    assert_eq!(line["level"], "INFO");
    assert_eq!((line["method"].as_str(), line["action"].as_str()), (Some("GET"), Some("token.issue")));
    assert!(line["timestamp"].is_string() && line["micros"].is_u64() && line["version"] == "HTTP/1.1", "{line}");
    assert!(line.get("reason").is_none(), "{line}");
    for (field, value) in
        [("result", "issued"), ("pid", "34"), ("class", "val"), ("sha1", &identity.sha1()), ("source", "127.0.0.1")]
    {
        assert_eq!(line[field], value, "{field} in {line}");
        assert_eq!(
            row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned),
            value,
            "{field} in {row}"
        );
    }
    assert_eq!((line["entity"].as_str(), row["entity"].as_str()), (Some("validator37"), Some("validator37")));
    assert_eq!((row["actor"].as_str(), row["action"].as_str()), (Some("service"), Some("token.issue")));
    assert_eq!(row["sha256"], identity.sha256());
    assert_eq!(row["token_sha256"], crate::client::hex(&openssl::sha::sha256(compact.as_bytes())));
    assert_eq!(line["kid"], row["kid"]);

    for (number, reason) in [(1, "unknown_entity"), (2, "no_certificate")] {
        for record in [&lines[number], &rows[number]] {
            assert_eq!((record["result"].as_str(), record["reason"].as_str()), (Some("refused"), Some(reason)));
            assert!(record.get("kid").is_none_or(serde_json::Value::is_null), "{record}");
        }
        assert!(rows[number]["token_sha256"].is_null());
    }
}

#[test]
fn neither_token_nor_key_nor_raw_header_is_in_log_or_audit_trail() {
    let site = Site::configured("[log]\nlevel = 'trace'");
    let service = Service::start(&site);
    let request = "GET /api/v1/auth/validator37 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: zzAgent\r\n\
                   X-BoB-AuthToken: zzToken\r\nAuthorization: Bearer zzBearer\r\nCookie: zzCookie\r\n\r\n";
    let mut connection = Client::example("validator37").connect(service.token());
    let compact = connection.ask(request).compact();
    connection.ask(&get("/elsewhere?zzQuery"));
    site.token_audit(1);
    until("both requests have their lines", || (service.access_lines().len() >= 2).then_some(()));
    let log = service.log_text();
    let audit = site.run(&["audit", "list", "--limit", "1000", "--output", "json"]);
    let mut secrets = vec![compact.clone(), compact.rsplit_once('.').unwrap().1.to_owned()];
    for entry in fs::read_dir(site.file("keys")).unwrap() {
        let pem = fs::read_to_string(entry.unwrap().path()).unwrap();
        secrets.extend(pem.lines().filter(|line| !line.starts_with("---")).map(str::to_owned));
    }
    assert!(secrets.len() > 3, "the key was found");
    secrets.extend(["zzAgent", "zzToken", "zzBearer", "zzCookie"].map(str::to_owned));
    for secret in secrets {
        assert!(!audit.contains(&secret), "in the audit trail: {secret}");
        assert!(!log.contains(&secret), "in the log: {secret}");
    }
}

#[test]
fn without_access_lines_the_audit_trail_goes_on() {
    let site = Site::configured("[log]\naccess = false");
    let service = Service::start(&site);
    assert_eq!(Client::example("validator37").token(service.token(), "validator37").status, 200);
    Client::anonymous().get(service.token(), "/elsewhere");
    assert_eq!(site.reasons(1), ["issued"]);
    assert!(service.access_lines().is_empty());
}

#[test]
fn a_request_that_is_no_token_request_has_a_line_without_its_path() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    Client::anonymous().get(service.token(), "/zzElsewhere");
    let request = format!("PUT {} HTTP/1.1\r\nHost: localhost\r\n\r\n", auth("zzEntity"));
    Client::anonymous().ask(service.token(), &request);
    let lines = until("two access lines", || Some(service.access_lines()).filter(|lines| lines.len() >= 2));
    for (line, (method, status, reason)) in
        lines.iter().zip([("GET", 404, "not_found"), ("PUT", 405, "method_not_allowed")])
    {
        assert_eq!((line["action"].as_str(), line["method"].as_str()), (Some("http.request"), Some(method)));
        assert_eq!((line["status"].as_u64(), line["reason"].as_str()), (Some(status), Some(reason)));
    }
    let rows = site.audit_of("http.request", 2);
    assert_eq!(rows[1]["reason"], "method_not_allowed");
    let log = service.log_text();
    assert!(!log.contains("zzElsewhere") && !log.contains("zzEntity"));
}

#[test]
fn an_administrative_change_stands_in_the_audit_trail_with_who_made_it() {
    let site = Site::with_entities();
    site.run(&["entity", "suspend", "tvm8"]);
    let rows =
        site.json(&["audit", "list", "--entity", "tvm8", "--result", "done"])["items"].as_array().unwrap().clone();
    let actions: Vec<&str> = rows.iter().rev().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["entity.add", "cert.enrol", "entity.suspend"]);
    assert!(rows.iter().all(|row| row["actor"].as_str().unwrap().starts_with("cli:")), "{rows:?}");
}
