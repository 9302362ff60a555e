//! Holds `api-spec/` against the program: every path and method of the one is in the other, the problem types are those of
//! the table, and real answers of the real binary are as described.

#![cfg(feature = "service")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what it calls")]

#[path = "registry/asker.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod asker;
#[path = "it/client.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod client;
#[path = "it/ports.rs"]
mod ports;
#[path = "api_spec/registry.rs"]
mod registry;
#[path = "registry/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use bob_auth::protocol::wire::{AUTH_PATH, JWKS_PATH};
use bob_auth::web::forward_auth::BATCH_REFUSED;
use bob_auth::web::problem::{self, TYPE_PREFIX};
use bob_auth::web::verdict;
use serde_json::{Value, json};

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// A description of the interface of one kind of listener.
struct Spec(Value);

/// An answer as curl saw it.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Spec {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join("api-spec").join(name)).unwrap();
        Self(serde_yaml_ng::from_str(&text).unwrap())
    }

    /// `GET /path` and so on.
    fn operations(&self) -> BTreeSet<String> {
        let mut operations = BTreeSet::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
            operations.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        operations
    }

    /// What a local reference leads to, or the value itself.
    fn follow<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                self.0.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
            }
            None => value,
        }
    }

    /// Panics unless `value` is as the schema says.
    fn validate(&self, schema: &Value, value: &Value) {
        let mut whole = schema.clone();
        whole["components"] = self.0["components"].clone();
        let errors: Vec<String> = jsonschema::validator_for(&whole)
            .unwrap()
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{value}\n{}", errors.join("\n"));
    }

    /// Panics unless the answer is one that the operation may give: status, headers, media type, body.
    fn check(&self, method: &str, path: &str, answer: &Answer) {
        let status = answer.status.to_string();
        let response = self.follow(&self.0["paths"][path][method]["responses"][&status]);
        assert!(response.is_object(), "{method} {path} is not described to answer {status}");
        for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let header = self.follow(header);
            let value =
                answer.headers.get(&name.to_lowercase()).unwrap_or_else(|| panic!("{method} {path}: no {name}"));
            let typed = match (header["schema"]["type"].as_str(), value.parse::<i64>()) {
                (Some("integer"), Ok(number)) => json!(number),
                _ => json!(value),
            };
            self.validate(&header["schema"], &typed);
        }
        let Some(content_type) = answer.headers.get("content-type") else {
            assert!(
                response.get("content").is_none() && answer.body.is_empty(),
                "{method} {path}: {status} has no body"
            );
            return;
        };
        let media_type = content_type.split(';').next().unwrap();
        let content = &response["content"][media_type];
        assert!(content.is_object(), "{method} {path}: {status} is not described as {media_type}");
        if method == "head" {
            assert_eq!(answer.body, "");
        } else if media_type.ends_with("json") {
            self.validate(&content["schema"], &serde_json::from_str(&answer.body).unwrap());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The routes of the internal listener, from the list in the sources.
fn internal_routes() -> BTreeSet<String> {
    let source = fs::read_to_string(root().join("src/web/routes.rs")).unwrap();
    let mut routes = BTreeSet::new();
    for line in source.lines() {
        let Some((path, _)) = line.trim().strip_prefix(".service(read_only(").and_then(|rest| rest.split_once(", "))
        else {
            continue;
        };
        let path = if path == "wire::JWKS_PATH" { JWKS_PATH } else { path.trim_matches('"') };
        routes.extend([format!("GET {path}"), format!("HEAD {path}")]);
    }
    routes
}

#[test]
fn the_public_routes_are_those_of_the_description() {
    let paths = [format!("{AUTH_PATH}{{entityId}}"), JWKS_PATH.to_owned()];
    let routes = paths.iter().flat_map(|path| [format!("GET {path}"), format!("HEAD {path}")]).collect();
    assert_eq!(Spec::read("authentication.yaml").operations(), routes);
}

#[test]
fn the_internal_routes_are_those_of_the_description() {
    let routes = internal_routes();
    assert!(routes.len() >= 5, "{routes:?}");
    assert_eq!(Spec::read("management.yaml").operations(), routes);
}

#[test]
fn the_problem_types_are_those_of_the_table_each_with_its_status() {
    let spec = Spec::read("authentication.yaml");
    let schema = &spec.0["components"]["schemas"]["Problem"];
    let described = schema["properties"]["type"]["enum"].as_array().unwrap();
    let described: Vec<&str> = described.iter().map(|value| value.as_str().unwrap()).collect();
    let table: Vec<String> = problem::ALL.iter().map(|problem| format!("{TYPE_PREFIX}{}", problem.id)).collect();
    assert_eq!(described, table);
    for problem in problem::ALL {
        spec.validate(schema, &serde_json::from_str(&problem.body()).unwrap());
        let path = format!("{AUTH_PATH}{{entityId}}");
        let response = spec.follow(&spec.0["paths"][&path]["get"]["responses"][problem.status.to_string()]);
        let text = response["description"].as_str().unwrap_or_default();
        assert!(text.contains(&format!("`{}`", problem.id)), "{} is not told at its status", problem.id);
    }
}

#[test]
fn every_schema_is_one() {
    for name in ["authentication.yaml", "management.yaml", "verification.yaml", "participant-metadata.yaml"] {
        let spec = Spec::read(name);
        assert_eq!(spec.0["openapi"], "3.1.0");
        assert_eq!(spec.0["info"]["version"], env!("CARGO_PKG_VERSION"));
        for schema in spec.0["components"]["schemas"].as_object().unwrap().values() {
            let mut whole = schema.clone();
            whole["components"] = spec.0["components"].clone();
            jsonschema::validator_for(&whole).unwrap();
        }
    }
}

#[test]
fn the_schema_of_the_payload_knows_the_optional_claims_and_no_others() {
    let spec = Spec::read("authentication.yaml");
    let schema = &spec.0["components"]["schemas"]["TokenPayload"];
    let mut payload = json!({
        "iss": "34", "sub": "validator37", "iat": 1, "nbf": 1, "exp": 2, "jti": "a", "aud": ["b", "c"],
        "bobHok": "0A9A063EB8D540CBF7DFBA7697C674D14A174F7D", "cnf": {"x5t#S256": "_".repeat(43)}, "bobAuthZ": "val",
    });
    spec.validate(schema, &payload);
    payload["scope"] = json!("all");
    let payload = std::panic::AssertUnwindSafe(payload);
    assert!(std::panic::catch_unwind(|| spec.validate(schema, &payload)).is_err());
}

/// The real program in a directory of its own.
struct Running {
    directory: tempfile::TempDir,
    service: Child,
    token: String,
    internal: String,
}

impl Running {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = directory.path().join("made");
        let init = ["init", made.to_str().unwrap(), "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"];
        bob_auth(directory.path(), &init);
        for (entity, class) in [("validator37", "val"), ("inspector5", "ins")] {
            bob_auth(&made, &["entity", "add", entity, "--class", class]);
            bob_auth(&made, &["cert", "issue", entity]);
        }
        // What has no default to show: the key set on the public listener.
        let config = fs::read_to_string(made.join("config.toml")).unwrap();
        fs::write(made.join("config.toml"), config.replacen("\njwks = false", "\njwks = true", 1)).unwrap();
        let log = File::create(made.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        let service =
            command.arg("serve").current_dir(&made).env_remove("BOB_AUTH_CONFIG").stderr(log).spawn().unwrap();
        let [token, internal] = ["token", "internal"].map(|listener| wait_for_listener(&made.join("log"), listener));
        Self { directory, service, token, internal }
    }

    fn ask(&self, method: &str, url: &str, certificate: Option<&str>) -> Answer {
        let identity = certificate.map(|name| [format!("{name}.pem"), format!("{name}.key")]);
        let identity = identity.iter().flat_map(|[pem, key]| ["--cert", pem, "--key", key]).collect::<Vec<_>>();
        self.curl(method, url, &identity)
    }

    fn curl(&self, method: &str, url: &str, arguments: &[&str]) -> Answer {
        let mut curl = Command::new("curl");
        curl.current_dir(self.directory.path().join("made"));
        curl.args(["-sS", "--noproxy", "*", "--max-time", "10", "--http1.1", "--cacert", "tls/ca.pem", "-D", "-"]);
        curl.args(if method == "head" { vec!["--head", "-o", "/dev/null"] } else { vec!["-X"] });
        if method != "head" {
            curl.arg(method.to_uppercase());
        }
        curl.args(arguments);
        let output = curl.arg(url).output().unwrap();
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        Answer::parse(&String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }
}

fn bob_auth(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    let output = command.current_dir(directory).env_remove("BOB_AUTH_CONFIG").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn wait_for_listener(log: &Path, listener: &str) -> String {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let text = fs::read_to_string(log).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut found = lines.filter(|line| line["message"] == "listening" && line["listener"] == listener);
        if let Some(line) = found.next() {
            return line["url"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no listener {listener}: {}", fs::read_to_string(log).unwrap());
}

#[test]
fn real_answers_are_as_described() {
    let running = Running::start();
    let public = Spec::read("authentication.yaml");
    let path = "/api/v1/auth/{entityId}";
    let ask = |method, entity: &str, certificate| {
        let answer = running.ask(method, &format!("{}{AUTH_PATH}{entity}", running.token), certificate);
        let described = if method == "post" { "get" } else { method };
        public.check(described, path, &answer);
        answer.status
    };
    assert_eq!(ask("get", "validator37", Some("validator37")), 200);
    assert_eq!(ask("head", "validator37", Some("validator37")), 200);
    assert_eq!(ask("get", "validator37", None), 401);
    assert_eq!(ask("get", "inspector5", Some("validator37")), 404);
    assert_eq!(ask("post", "validator37", Some("validator37")), 405);
    for method in ["get", "head"] {
        let answer = running.ask(method, &format!("{}{JWKS_PATH}", running.token), None);
        public.check(method, JWKS_PATH, &answer);
        assert_eq!(answer.status, 200);
    }

    let internal = Spec::read("management.yaml");
    for operation in internal.operations() {
        let (method, path) = operation.split_once(' ').unwrap();
        let method = method.to_lowercase();
        let answer = running.ask(&method, &format!("{}{path}", running.internal), None);
        internal.check(&method, path, &answer);
        let is_elsewhere = matches!(path, "/health/ready/verification" | "/health/ready/registry");
        assert_eq!(answer.status, if is_elsewhere { 404 } else { 200 }, "{path}");
    }
}

/// A verify server beside the token service, in the same directory.
struct Verifying {
    running: Running,
    server: Child,
    verify: String,
    internal: String,
    token: String,
    fingerprint: String,
}

const VERIFY: &str = "[verify]\nallow = ['34:val']\n[verify.issuer.34]\njwks = 'keys.jwks'\n\
    [listener.verify]\nlisten = '127.0.0.1:0'\ntrusted_peers = ['127.0.0.1']\nbatch = 3\nprobe = true\n\
    fingerprint_header = 'X-SSL-Client-SHA1'\n[listener.internal]\nlisten = '127.0.0.1:0'\n[log]\nformat = 'json'\n";

impl Verifying {
    fn start() -> Self {
        let running = Running::start();
        let made = running.directory.path().join("made");
        let printed = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
            let output = command.current_dir(&made).env_remove("BOB_AUTH_CONFIG").args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        fs::write(made.join("keys.jwks"), printed(&["key", "export", "--jwks"])).unwrap();
        fs::write(made.join("verify.toml"), VERIFY).unwrap();
        let shown: Value =
            serde_json::from_str(&printed(&["cert", "list", "--entity", "validator37", "--output", "json"])).unwrap();
        let log = File::create(made.join("verify.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
        command.args(["verify-server", "--config", "verify.toml"]).current_dir(&made).stderr(log);
        let server = command.spawn().unwrap();
        let [verify, internal] = ["verify", "internal"].map(|name| wait_for_listener(&made.join("verify.log"), name));
        let answer = running.ask("get", &format!("{}{AUTH_PATH}validator37", running.token), Some("validator37"));
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let token = body["jwtCompact"].as_str().unwrap().to_owned();
        let fingerprint = shown["items"][0]["sha1"].as_str().unwrap().to_owned();
        Self { running, server, verify, internal, token, fingerprint }
    }

    /// Asks with these headers, and holds the answer against the description.
    fn ask(&self, (method, path): (&str, &str), headers: &[String], more: &[&str]) -> (u16, String) {
        let spec = Spec::read("verification.yaml");
        let described = if path.starts_with("/verify/") { "/verify/{originalPath}" } else { path };
        let headers = headers.iter().flat_map(|header| ["-H", header]);
        let arguments: Vec<&str> = headers.chain(more.iter().copied()).collect();
        let answer = self.running.curl(method, &format!("{}{path}", self.verify), &arguments);
        // What a POST may answer with 200 depends on what it was: a batch is the one that is described there.
        let method = if method == "post" && path == "/verify" && answer.body.is_empty() { "get" } else { method };
        spec.check(method, described, &answer);
        (answer.status, answer.headers.get("x-bob-reason").cloned().unwrap_or_default())
    }
}

impl Drop for Verifying {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn real_verdicts_are_as_described() {
    let verifying = Verifying::start();
    let token = format!("X-BoB-AuthToken: {}", verifying.token);
    let own = [token.clone(), format!("X-SSL-Client-SHA1: {}", verifying.fingerprint)];
    let stranger = [token, format!("X-SSL-Client-SHA1: {}", "a".repeat(40))];
    let operations = Spec::read("verification.yaml").operations();
    assert_eq!(operations.len(), 2 * METHODS.len() + 2, "{operations:?}");
    for operation in operations.iter().filter(|operation| operation.contains("/verify")) {
        let (method, path) = operation.split_once(' ').unwrap();
        let (method, path) = (method.to_lowercase(), path.replace("{originalPath}", "validation/v1"));
        let asked = (method.as_str(), path.as_str());
        assert_eq!(verifying.ask(asked, &own, &[]), (200, String::new()), "{operation}");
        assert_eq!(verifying.ask(asked, &stranger, &[]), (401, "holder_mismatch".to_owned()), "{operation}");
        assert_eq!(verifying.ask(asked, &[], &[]), (401, "no_token".to_owned()), "{operation}");
    }
    for method in ["get", "head"] {
        assert_eq!(verifying.ask((method, "/probe"), &own, &[]).0, 200);
        assert_eq!(verifying.ask((method, "/probe"), &[own[1].replace(':', ": x")], &[]).0, 200);
    }
    let spec = Spec::read("verification.yaml");
    let json = ["Content-Type: application/json".to_owned()];
    let item = json!({"token": verifying.token, "fingerprint": verifying.fingerprint});
    let batch = json!({"items": [item, {"token": "x", "certificate": "y", "method": "GET", "path": "/"}]});
    spec.validate(&spec.0["components"]["schemas"]["Batch"], &batch);
    for (body, status) in [(batch, 200), (json!({"items": []}), 200), (json!({"items": [{}]}), 400), (json!({}), 400)] {
        assert_eq!(verifying.ask(("post", "/verify"), &json, &["--data", &body.to_string()]).0, status, "{body}");
    }

    let internal = Spec::read("management.yaml");
    for path in ["/health/live", "/health/ready", "/metrics"] {
        for method in ["get", "head"] {
            let answer = verifying.running.curl(method, &format!("{}{path}", verifying.internal), &[]);
            internal.check(method, path, &answer);
            assert_eq!(answer.status, 200, "{path}");
        }
    }
}

#[test]
fn who_is_known_and_not_allowed_is_answered_as_described() {
    let verifying = Verifying::start();
    let made = verifying.running.directory.path().join("made");
    fs::write(made.join("verify.toml"), VERIFY.replace("34:val", "34:ins")).unwrap();
    let own =
        [format!("X-BoB-AuthToken: {}", verifying.token), format!("X-SSL-Client-SHA1: {}", verifying.fingerprint)];
    let began = Instant::now();
    while verifying.ask(("get", "/verify"), &own, &[]) != (403, "not_allowed".to_owned()) {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_problems_of_a_verification_are_those_of_the_table() {
    let spec = Spec::read("verification.yaml");
    let described = &spec.0["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
    let table: Vec<String> =
        verdict::ALL.iter().chain([&BATCH_REFUSED]).map(|problem| format!("{TYPE_PREFIX}{}", problem.id)).collect();
    assert_eq!(*described, json!(table));
}
