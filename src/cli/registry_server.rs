//! `bob-auth registry-server`: runs a process that is only a registry.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::output::say_to_stderr;
use super::session::Global;
use crate::app;
use crate::config::{RegistryServerConfig, environment};
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth registry-server --config /etc/bob-auth/config.toml\n\n\
    Of the configuration it needs [registry_server] and [listener.registry]; no keys that sign tokens. SIGTERM ends it in \
    order, SIGHUP reloads settings and certificates. Changes by `bob-auth registry-admin` are seen by themselves. \
    `bob-auth serve` opens the same listener beside its own.")]
pub(super) struct RegistryServer {}

impl RegistryServer {
    #[expect(clippy::unused_self, reason = "the verbs look alike")]
    pub(super) fn run(self, global: &Global) -> ExitCode {
        match serve(global) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say_to_stderr(&error);
                ExitCode::FAILURE
            }
        }
    }
}

fn serve(global: &Global) -> Result<(), CliError> {
    let config = RegistryServerConfig::load(&global.config_file(), &environment)?;
    let store = config.store.path.clone();
    let telemetry = Telemetry::start(&config.log).map_err(CliError::new)?;
    actix_web::rt::System::new().block_on(app::registry_server(config, &telemetry)).map_err(|error| match error {
        app::AppError::Store(error) => CliError::from(error).in_store(Some(&store)),
        other => CliError::new(other).next(
            "`bob-auth config check --for registry-server` tells everything that is wrong with files and settings",
        ),
    })
}
