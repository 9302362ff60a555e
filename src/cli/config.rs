//! `bob-auth config`: the configuration looked at.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::error::CliError;
use super::output::Answer;
use super::session::{Global, randomness};
use crate::app::check::{Findings, ListenerSummary, check_loaded, check_registry_server, check_verify_server};
use crate::config::{self, Fault, environment};
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Find every fault of the configuration and of what it refers to; nothing is changed
    #[command(
        after_help = "Examples:\n  bob-auth config check /etc/bob-auth/config.toml\n  bob-auth config check --for verify-server"
    )]
    Check(Check),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file [default: as --config says]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which verb is to run with it
    #[arg(long = "for", value_name = "VERB", value_enum, default_value_t)]
    verb: For,
}

/// Who reads the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum For {
    /// The token service, with everything in the file
    #[default]
    Serve,
    /// A process that only verifies: store and signing keys need not be there
    VerifyServer,
    /// A process that is only a registry: keys that sign tokens need not be there
    RegistryServer,
}

#[derive(Debug, Serialize)]
struct View {
    faults: Vec<FaultView>,
    warnings: Vec<String>,
    listeners: Vec<ListenerView>,
}

#[derive(Debug, Serialize)]
struct FaultView {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    /// `null` if it is about no key.
    key: Option<String>,
    problem: String,
    help: String,
}

#[derive(Debug, Serialize)]
struct ListenerView {
    name: &'static str,
    listen: Vec<String>,
    speaks: &'static str,
    certificate_until: Option<String>,
}

impl Config {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let Self::Check(Check { file, verb }) = self;
        let file = file.unwrap_or_else(|| global.config_file());
        let now = SystemClock.now();
        let findings = match verb {
            For::Serve => check_loaded(config::Config::load(&file, &environment), now, &randomness()).await,
            For::VerifyServer => check_verify_server(config::VerifyConfig::load(&file, &environment), now).await,
            For::RegistryServer => {
                check_registry_server(config::RegistryServerConfig::load(&file, &environment), now).await
            }
        };
        let notes = findings.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        let failed = !findings.faults.is_empty();
        let text = if failed { faults(&findings) } else { in_order(&file.display().to_string(), &findings.listeners) };
        Ok(Answer::new(text, &View::of(&findings))?.notes(notes).failed_if(failed))
    }
}

fn faults(findings: &Findings) -> String {
    let mut lines: Vec<String> = findings.faults.iter().map(ToString::to_string).collect();
    lines.push(match findings.faults.len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    });
    lines.join("\n")
}

fn in_order(file: &str, listeners: &[ListenerSummary]) -> String {
    let mut lines = vec![format!("{file} is in order")];
    for listener in listeners {
        let until = listener.certificate_until.map(|until| format!(", certificate until {until}")).unwrap_or_default();
        let listen = listener.listen.join(", ");
        lines.push(format!("  {:12}  {listen}  {}{until}", listener.name, listener.speaks));
    }
    lines.join("\n")
}

impl View {
    fn of(findings: &Findings) -> Self {
        Self {
            faults: findings.faults.iter().map(FaultView::of).collect(),
            warnings: findings.warnings.clone(),
            listeners: findings.listeners.iter().map(ListenerView::of).collect(),
        }
    }
}

impl FaultView {
    fn of(fault: &Fault) -> Self {
        let place = &fault.place;
        Self {
            file: place.file.display().to_string(),
            line: place.position.map(|position| position.line),
            column: place.position.map(|position| position.column),
            key: (!place.key.is_empty()).then(|| place.key.clone()),
            problem: fault.problem.clone(),
            help: fault.remedy.clone(),
        }
    }
}

impl ListenerView {
    fn of(listener: &ListenerSummary) -> Self {
        Self {
            name: listener.name,
            listen: listener.listen.clone(),
            speaks: listener.speaks,
            certificate_until: listener.certificate_until.map(|until| until.to_string()),
        }
    }
}
