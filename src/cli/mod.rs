//! Floor 8: the command line, one file per family of verbs. It parses words, calls flows and prints; rules live below.

mod audit;
mod cert;
mod cert_enrol;
mod cert_issue;
mod cert_view;
mod completions;
mod config;
mod conformance;
mod demo;
mod doctor;
mod entity;
mod error;
mod explain;
mod init;
mod input;
mod key;
mod key_rotate;
mod key_status;
mod man;
mod metadata;
mod output;
mod participant;
mod proxy_config;
mod registry;
mod registry_admin;
mod registry_server;
mod serve;
mod session;
mod token;
mod token_get;
mod token_show;
mod token_verify;
mod until_told;
mod verify_server;
mod verifying;
mod wire;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::error::CliError;
use self::output::Answer;
use self::session::Global;

/// Authentication for BoB, the Swedish public-transport ticket standard: tokens bound to client certificates.
#[derive(Debug, Parser)]
#[command(name = "bob-auth", version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a new service in a directory: configuration, store, certificates, first key
    Init(init::Init),
    /// The participants that tokens are issued for
    #[command(subcommand)]
    Participant(participant::Participant),
    /// The clients of a participant: validators, ticket machines, sales systems
    #[command(subcommand)]
    Entity(entity::Entity),
    /// The certificates that entities prove themselves with
    #[command(subcommand)]
    Cert(cert::Cert),
    /// The keys that sign tokens
    #[command(subcommand)]
    Key(key::Key),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Run the token service until SIGTERM
    Serve(serve::Serve),
    /// Verify tokens for a reverse proxy, until SIGTERM
    VerifyServer(verify_server::VerifyServer),
    /// Run the participant metadata registry until SIGTERM
    RegistryServer(registry_server::RegistryServer),
    /// What this participant has at the registry: look at it, publish, withdraw
    #[command(subcommand)]
    Registry(registry::Registry),
    /// Administer a registry: participants, their metadata keys, the keys that sign
    #[command(subcommand)]
    RegistryAdmin(registry_admin::RegistryAdmin),
    /// Get a token, or look at one
    #[command(subcommand)]
    Token(token::Token),
    /// Say why a token is accepted or refused, check by check
    Explain(explain::Explain),
    /// Fetch, look at and compare the signed metadata of a federation
    #[command(subcommand)]
    Metadata(metadata::Metadata),
    /// Look at the audit trail
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Show a whole federation on this machine, in half a minute
    Demo(demo::Demo),
    /// Examine the proxy in front of a partner service, from the outside
    Doctor(doctor::Doctor),
    /// Examine anybody's BoB service, rule by rule
    #[command(subcommand)]
    Conformance(Box<conformance::Conformance>),
    /// Print a ready-made configuration for the proxy in front of a partner service
    ProxyConfig(proxy_config::ProxyConfig),
    /// Print what makes a shell complete the words of this program
    Completions(completions::Completions),
    /// Write the manual, a page for each command
    Man(man::Man),
}

impl Verb {
    async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Init(verb) => Box::pin(verb.run(global)).await,
            Self::Participant(verb) => Box::pin(verb.run(global)).await,
            Self::Entity(verb) => Box::pin(verb.run(global)).await,
            Self::Cert(verb) => Box::pin(verb.run(global)).await,
            Self::Key(verb) => Box::pin(verb.run(global)).await,
            Self::Config(verb) => Box::pin(verb.run(global)).await,
            Self::Registry(verb) => Box::pin(verb.run(global)).await,
            Self::RegistryAdmin(verb) => Box::pin(verb.run(global)).await,
            Self::Metadata(verb) => Box::pin(verb.run(global)).await,
            Self::Token(verb) => Box::pin(verb.run(global)).await,
            Self::Explain(verb) => Box::pin(verb.run(global)).await,
            Self::Audit(verb) => Box::pin(verb.run(global)).await,
            Self::Doctor(verb) => verb.run().await,
            Self::Conformance(verb) => Box::pin(verb.run(global)).await,
            Self::ProxyConfig(verb) => verb.run(),
            Self::Completions(verb) => verb.run(command()),
            Self::Man(verb) => verb.run(command()),
            Self::Serve(_) | Self::VerifyServer(_) | Self::RegistryServer(_) | Self::Demo(_) => {
                Err(CliError::new("runs elsewhere"))
            }
        }
    }
}

/// The whole command line as clap knows it: every verb, option and help text, for the pages that are made from it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with the arguments of this process. Exit codes: 0 done, 1 it failed, 2 it was called wrongly.
pub fn main() -> ExitCode {
    let Arguments { global, verb } = Arguments::parse();
    // What runs until it is told to stop brings its own runtime.
    let verb = match verb {
        Verb::Serve(serve) => return serve.run(&global),
        Verb::VerifyServer(server) => return server.run(&global),
        Verb::RegistryServer(server) => return server.run(&global),
        Verb::Demo(demo) => return demo.run(&global),
        verb => verb,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(async {
            let result = Box::pin(verb.run(&global)).await;
            global.close().await;
            result.map_err(|error| error.in_store(global.store_path()))
        }),
        Err(error) => Err(CliError::new(format!("the system refused: {error}"))),
    };
    output::finish(result, global.output)
}
