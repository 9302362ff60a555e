//! `bob-auth verify-server`: runs a process that only verifies.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::output::say_to_stderr;
use super::session::Global;
use crate::app;
use crate::config::{VerifyConfig, environment};
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth verify-server --config /etc/bob-auth/config.toml\n\n\
    Of the configuration it needs [verify] and [listener.verify]; no store, no signing keys. SIGTERM ends it in order, \
    SIGHUP reloads policy, rules and certificates. `bob-auth serve` opens the same listener beside its own.")]
pub(super) struct VerifyServer {}

impl VerifyServer {
    #[expect(clippy::unused_self, reason = "the verbs look alike")]
    pub(super) fn run(self, global: &Global) -> ExitCode {
        match verify(global) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say_to_stderr(&error);
                ExitCode::FAILURE
            }
        }
    }
}

fn verify(global: &Global) -> Result<(), CliError> {
    let config = VerifyConfig::load(&global.config_file(), &environment)?;
    let telemetry = Telemetry::start(&config.log).map_err(CliError::new)?;
    actix_web::rt::System::new().block_on(app::verify_server(config, &telemetry)).map_err(|error| {
        CliError::new(error)
            .next("`bob-auth config check --for verify-server` tells everything that is wrong with files and settings")
    })
}
