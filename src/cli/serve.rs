//! `bob-auth serve`: runs the service.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::output::say_to_stderr;
use super::session::Global;
use crate::app;
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth serve --config /etc/bob-auth/config.toml\n\n\
    SIGTERM ends it in order, SIGHUP reloads certificates and settings. Changes by the other verbs are seen by themselves.")]
pub(super) struct Serve {}

impl Serve {
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
    let config = global.load_config()?;
    let store = config.store.path.clone();
    let telemetry = Telemetry::start(&config.log).map_err(CliError::new)?;
    actix_web::rt::System::new().block_on(app::serve(config, &telemetry)).map_err(|error| match error {
        app::AppError::Store(error) => CliError::from(error).in_store(Some(&store)),
        other => {
            CliError::new(other).next("`bob-auth config check` tells everything that is wrong with files and settings")
        }
    })
}
