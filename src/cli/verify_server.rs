//! `bob-auth verify-server`: runs a process that only verifies.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::session::Global;
use super::until_told::{Server, exit};
use crate::app;
use crate::config::{VerifyConfig, environment};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth verify-server --config /etc/bob-auth/config.toml\n\n\
    Of the configuration it needs [verify] and [listener.verify]; no store, no signing keys. SIGTERM ends it in order, \
    SIGHUP reloads policy, rules and certificates. `bob-auth serve` opens the same listener beside its own.")]
pub(super) struct VerifyServer {}

impl VerifyServer {
    #[expect(clippy::unused_self, reason = "the verbs look alike")]
    pub(super) fn run(self, global: &Global) -> ExitCode {
        exit(verify(global))
    }
}

fn verify(global: &Global) -> Result<(), CliError> {
    let config = VerifyConfig::load(&global.config_file(), &environment)?;
    let log = config.log.clone();
    let server = Server { log: &log, store: None, check: "bob-auth config check --for verify-server" };
    server.run(async |telemetry| app::verify_server(config, telemetry).await)
}
