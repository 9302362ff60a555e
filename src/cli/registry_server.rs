//! `bob-auth registry-server`: runs a process that is only a registry.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::session::Global;
use super::until_told::{Server, exit};
use crate::app;
use crate::config::{RegistryServerConfig, environment};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bob-auth registry-server --config /etc/bob-auth/config.toml\n\n\
    Of the configuration it needs [registry_server] and [listener.registry]; no keys that sign tokens. SIGTERM ends it in \
    order, SIGHUP reloads settings and certificates. Changes by `bob-auth registry-admin` are seen by themselves. \
    `bob-auth serve` opens the same listener beside its own.")]
pub(super) struct RegistryServer {}

impl RegistryServer {
    #[expect(clippy::unused_self, reason = "the verbs look alike")]
    pub(super) fn run(self, global: &Global) -> ExitCode {
        exit(serve(global))
    }
}

fn serve(global: &Global) -> Result<(), CliError> {
    let config = RegistryServerConfig::load(&global.config_file(), &environment)?;
    let (log, store) = (config.log.clone(), config.store.path.clone());
    let server = Server { log: &log, store: Some(&store), check: "bob-auth config check --for registry-server" };
    server.run(async |telemetry| app::registry_server(config, telemetry).await)
}
