//! The federation: who takes part, and the files of configuration of the registry and of a participant's token service. All
//! paths are relative: the directory may be moved.

use crate::value::{Pid, PidError};

/// Somebody who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Participant {
    number: i64,
    pub(super) name: &'static str,
    /// Its directory.
    pub(super) place: &'static str,
    /// Its token service.
    pub(super) service: &'static str,
}

/// Whose clients call.
pub(super) const FIRST: Participant =
    Participant { number: 1, name: "Norra Trafiken", place: "participant-1", service: "token service 1" };
/// Who has the API that is called.
pub(super) const SECOND: Participant =
    Participant { number: 2, name: "Södra Trafiken", place: "participant-2", service: "token service 2" };
pub(super) const BOTH: [Participant; 2] = [FIRST, SECOND];

/// The registry, as a process and as a directory.
pub(super) const REGISTRY: &str = "registry";
/// How the participant calls its metadata key.
pub(super) const METADATA_KEY: &str = "metadata_1";

/// How long a token lives, in seconds: so short that its end can be waited for.
pub(super) const LIFETIME: i64 = 3;
/// How far the clock of the partner API may be from that of a token service, in seconds.
pub(super) const LEEWAY: u32 = 1;

impl Participant {
    pub(super) fn pid(&self) -> Result<Pid, PidError> {
        Pid::new(self.number)
    }

    /// The pid as text.
    pub(super) const fn number(&self) -> i64 {
        self.number
    }

    /// The configuration of its token service.
    pub(super) fn config(&self, registry: &str) -> String {
        let number = self.number;
        format!(
            r#"# Participant {number} of the demo. `bob-auth init` writes every setting with its explanation; here are those that count.
default_participant = {number}

[store]
path = "bob-auth.sqlite"

[keys]
directory = "keys"

[token]
lifetime = "{LIFETIME}s"           # an hour in real life
max_lifetime = "{LIFETIME}s"

[listener.token]
listen = "127.0.0.1:0"
certificate = "tls/server.pem"
private_key = "tls/server.key"

[listener.internal]
listen = "127.0.0.1:0"

[registry]
url = "{registry}/api/v2"
ca = "../registry/server.pem"
trust = "../registry/trust.jwks"            # who signs the set
answer_trust = "../registry/answers.jwks"   # who signs answers
cache = "metadata.jws"
refresh = "1s"

[registry.participant.{number}]
metadata_key = "metadata.key"
metadata_kid = "{number}:{METADATA_KEY}"

[rotation]
automatic = true
every = "90d"
wait = "2s"               # a day in real life: until every partner can know a new key
leeway = "1s"
check_every = "1s"

[limits]
requests_per_fingerprint = "200/s"
requests_per_source = "off"

[log]
format = "json"

[workers]
threads = 1

[reload]
poll_store = "50ms"

[shutdown]
drain = "1s"
"#
        )
    }
}

/// The configuration of the registry.
pub(super) fn registry_config() -> &'static str {
    r#"# The registry of the demo. `bob-auth registry-server` runs it.
[store]
path = "register.sqlite"

[registry_server]
authid = 16
interval = "off"
fold_quiet = "50ms"       # a second in real life
fold_at_most = "500ms"
while_folding = "last-set"

[listener.registry]
listen = "127.0.0.1:0"
certificate = "server.pem"
private_key = "server.key"

[listener.internal]
listen = "127.0.0.1:0"

[limits]
requests_per_source = "off"

[log]
format = "json"

[workers]
threads = 1

[shutdown]
drain = "1s"
"#
}
