//! docs/reference/metrics.md, written from what real servers tell Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::client::{self, Client, Identity};
use crate::process::{PATIENCE, Service, within};
use crate::union::Union;

/// What a metric is, as the servers say.
#[derive(Debug, Default)]
struct Metric {
    help: String,
    kind: String,
    labels: BTreeSet<String>,
}

/// The files of src/web/metrics, in the order of the page, and what their metrics are about.
const PARTS: [(&str, &str, &str); 6] = [
    ("process", "Every process", ""),
    ("tokens", "Where tokens are issued", "`bob-auth serve`."),
    ("rotation", "The life of signing keys", "Where `rotation.automatic` is on, and of the process that leads."),
    (
        "verification",
        "Where tokens are verified",
        "`bob-auth verify-server`, or `[listener.verify]` beside the token service.",
    ),
    (
        "key_sources",
        "Where keys come from",
        "Of each origin of keys, and of the registry's set also where it is read only for the life of our own keys.",
    ),
    ("registry", "A registry", "`bob-auth registry-server`, or `[listener.registry]` beside the token service."),
];

const HEAD: &str = "# Metrics\n\nWritten from what real servers told. They are at `/metrics` of the internal listener, in the text format of \
                    Prometheus; [operations](../operations.md#health) says what else is there, [monitor](../how-to/monitor.md) what to \
                    watch. A label that says why something was refused has the reasons of [errors](../errors.md). Counters (`_total`) \
                    begin at zero when a process starts; a series is there once there is something to tell.\n";

#[test]
fn every_metric_is_told_by_a_real_server_and_is_on_the_page() {
    let union = Union::new();
    union.site.configure(
        "[verify]\nregistry = true\nallow = ['34:val']\n[listener.verify]\nlisten = '127.0.0.1:0'\n\
         trusted_peers = ['127.0.0.1']\nfingerprint_header = 'X-SSL-Client-SHA1'\n",
    );
    union.site.run(&["key", "generate", "--expires", "730d"]);
    let service = union.serve();
    union.settle();
    // Something of everything: a token and none, a verification, a refused question to the registry, a reload.
    let token = Client::example("validator37").token(service.token(), "validator37").compact();
    assert_eq!(Client::example("validator37").token(service.token(), "inspector5").status, 404);
    let request = format!(
        "GET /verify HTTP/1.1\r\nHost: localhost\r\nX-BoB-AuthToken: {token}\r\nX-SSL-Client-SHA1: {}\r\n\r\n",
        Identity::example("validator37").sha1()
    );
    client::plain(service.address("verify"), &request);
    let registry = union.registry.as_ref().unwrap();
    let asked = Client::anonymous().get(registry.address(), "/api/v2/participantMetadata/34");
    assert_eq!(asked.status, 401);
    union.site.run(&["entity", "suspend", "inspector5"]);

    let sources = sources();
    let wanted: BTreeSet<&str> = sources.values().flatten().map(String::as_str).collect();
    let mut missing = Vec::new();
    let told = within(PATIENCE, || {
        let told = told(&service, registry.internal());
        missing = wanted.iter().filter(|name| !told.contains_key(**name)).collect();
        missing.is_empty().then_some(told)
    });
    let told = told.unwrap_or_else(|| panic!("nobody told {missing:?}"));
    assert_eq!(told.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted);
    generated(&page(&sources, &told));
}

/// The names of metrics in each source file.
fn sources() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/metrics");
    let files =
        PARTS.map(|(file, _, _)| (file.to_owned(), fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap()));
    let names = |text: &str| {
        let quoted = text.split('"').skip(1).step_by(2);
        quoted.filter(|word| word.starts_with("bob_auth_")).map(str::to_owned).collect()
    };
    files.into_iter().map(|(file, text)| (file, names(&text))).collect()
}

/// What both servers tell now.
fn told(service: &Service, registry: std::net::SocketAddr) -> BTreeMap<String, Metric> {
    let texts = [service.internal("/metrics").text(), client::plain(registry, &client::get("/metrics")).text()];
    let mut told: BTreeMap<String, Metric> = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut told.entry(name.to_owned()).or_default().help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut told.entry(name.to_owned()).or_default().kind);
        } else if let Some((series, _)) = line.rsplit_once(' ') {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let name = parts.filter(|name| told.contains_key(*name)).unwrap_or(name);
            let names = labels.split("=\"").filter_map(|part| part.rsplit([',', '"', '{', ' ']).next());
            let names = names.filter(|name| !name.is_empty() && *name != "}" && *name != "le").map(str::to_owned);
            told.get_mut(name).unwrap().labels.extend(names);
        }
    }
    told.retain(|name, _| name.starts_with("bob_auth_"));
    told
}

fn page(sources: &BTreeMap<String, BTreeSet<String>>, told: &BTreeMap<String, Metric>) -> String {
    let mut page = HEAD.to_owned();
    for (file, title, about) in PARTS {
        write!(page, "\n## {title}\n\n").unwrap();
        if !about.is_empty() {
            write!(page, "{about}\n\n").unwrap();
        }
        page.push_str("| name | type | labels | meaning |\n|---|---|---|---|\n");
        for name in &sources[file] {
            let Metric { help, kind, labels } = &told[name];
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            writeln!(page, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
        }
    }
    page
}

#[expect(clippy::disallowed_methods, reason = "a test that writes its own fixture when it is told to")]
fn generated(wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/metrics.md");
    if std::env::var("BOB_AUTH_BLESS").is_ok_and(|value| value == "1") {
        fs::write(&file, wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reference/metrics.md is out of date: BOB_AUTH_BLESS=1 cargo test --test federation metrics"
    );
}
