//! What the verbs have in common that run until they are told to stop: their log, their runtime, and how they end.

use std::path::Path;
use std::process::ExitCode;

use super::error::CliError;
use super::output::say_to_stderr;
use crate::app::AppError;
use crate::config::LogSettings;
use crate::telemetry::Telemetry;

/// Which server this is, as far as its errors tell.
pub(super) struct Server<'a> {
    pub(super) log: &'a LogSettings,
    /// Its store, if it has one.
    pub(super) store: Option<&'a Path>,
    /// What tells everything that is wrong with its files and settings.
    pub(super) check: &'static str,
}

impl Server<'_> {
    /// Runs it on a runtime of its own.
    pub(super) fn run(&self, serve: impl AsyncFnOnce(&Telemetry) -> Result<(), AppError>) -> Result<(), CliError> {
        let telemetry = Telemetry::start(self.log).map_err(CliError::new)?;
        actix_web::rt::System::new().block_on(serve(&telemetry)).map_err(|error| match error {
            AppError::Store(error) => CliError::from(error).in_store(self.store),
            other => CliError::new(other)
                .next(format!("`{}` tells everything that is wrong with files and settings", self.check)),
        })
    }
}

/// The exit code, after saying what went wrong.
pub(super) fn exit(ended: Result<(), CliError>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_to_stderr(&error);
            ExitCode::FAILURE
        }
    }
}
