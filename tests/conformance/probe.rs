//! Runs `bob-auth conformance` and reads what it found.

use std::process::Command;

use serde_json::Value;

/// What the probe reported.
pub(crate) struct Findings {
    /// The exit code.
    pub(crate) code: i32,
    /// The report.
    pub(crate) report: Value,
}

/// The probe with these arguments; it reports as JSON.
pub(crate) fn probe(arguments: &[&str]) -> Findings {
    let output = run(&[arguments, &["--output", "json"]].concat());
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}\n{complained}"));
    Findings { code: output.status.code().unwrap(), report }
}

/// Three long parts: somebody could use it.
fn is_a_token(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() >= 3 && parts.iter().all(|part| part.len() >= 20)
}

/// The probe with these arguments, whatever comes of it.
pub(crate) fn run(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-auth"));
    // OpenSSL reads the CAs of the system for each connection, trusted or not: the tests do without.
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
    command.env_remove("BOB_AUTH_CONFIG").arg("conformance").args(arguments).output().unwrap()
}

impl Findings {
    fn entries(&self) -> &[Value] {
        self.report["checks"].as_array().unwrap()
    }

    /// How this check came out, and what was seen.
    pub(crate) fn of(&self, check: &str) -> (&str, &str) {
        let entry = self.entries().iter().find(|entry| entry["id"] == check);
        let entry = entry.unwrap_or_else(|| panic!("there is no {check} in {:#}", self.report));
        (entry["outcome"].as_str().unwrap(), entry["seen"].as_str().unwrap())
    }

    /// The checks with this outcome, each with what was seen.
    pub(crate) fn with(&self, outcome: &str) -> Vec<(&str, &str)> {
        let entries = self.entries().iter().filter(|entry| entry["outcome"] == outcome);
        entries.map(|entry| (entry["id"].as_str().unwrap(), entry["seen"].as_str().unwrap())).collect()
    }

    /// Fails the test unless every rule is kept, and these alone could not be asked about.
    pub(crate) fn all_kept_but(&self, not_applicable: &[&str]) {
        assert_eq!((self.with("fail"), self.with("warning")), (Vec::new(), Vec::new()));
        let not: Vec<&str> = self.with("not_applicable").into_iter().map(|(id, _)| id).collect();
        assert_eq!((not, self.code), (not_applicable.to_vec(), 0));
    }
}
