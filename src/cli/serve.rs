//! `bob-auth serve`: runs the service.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::session::Global;
use super::until_told::{Server, exit};
use crate::app;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth serve --config /etc/bob-auth/config.toml\n\n\
    SIGTERM ends it in order, SIGHUP reloads certificates and settings. Changes by the other verbs are seen by themselves.")]
pub(super) struct Serve {}

impl Serve {
    #[expect(clippy::unused_self, reason = "the verbs look alike")]
    pub(super) fn run(self, global: &Global) -> ExitCode {
        exit(serve(global))
    }
}

fn serve(global: &Global) -> Result<(), CliError> {
    let config = global.load_config()?;
    let (log, store) = (config.log.clone(), config.store.path.clone());
    let server = Server { log: &log, store: Some(&store), check: "bob-auth config check" };
    server.run(async |telemetry| Box::pin(app::serve(config, telemetry)).await)
}
