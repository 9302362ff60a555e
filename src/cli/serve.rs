//! `bob-auth serve`: runs the service.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::app;
use crate::config::{Config, environment};
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "config.toml")]
    config: PathBuf,
}

impl Serve {
    #[expect(clippy::print_stderr, reason = "before there is a log")]
    pub(super) fn run(self) -> ExitCode {
        let config = match Config::load(&self.config, &environment) {
            Ok(config) => config,
            Err(faults) => {
                eprintln!("{faults}");
                return ExitCode::FAILURE;
            }
        };
        let telemetry = match Telemetry::start(&config.log) {
            Ok(telemetry) => telemetry,
            Err(error) => {
                eprintln!("bob-auth: {error}");
                return ExitCode::FAILURE;
            }
        };
        match actix_web::rt::System::new().block_on(app::serve(config, telemetry)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("bob-auth: {error}");
                ExitCode::FAILURE
            }
        }
    }
}
