//! `bob-auth init`: a new service in a directory.

use std::net::SocketAddr;
use std::path::{self, PathBuf};

use clap::Args;
use serde::Serialize;

use super::error::CliError;
use super::output::Answer;
use super::session::{Global, change, randomness};
use crate::config::{Config, TemplateValues};
use crate::flow::set_up::{Made, Plan, set_up};
use crate::store::Participant;
use crate::value::Pid;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bob-auth init svc --pid 34 --host auth.example.se --listen 0.0.0.0:8443\n  \
    bob-auth init /etc/bob-auth --state /var/lib/bob-auth --pid 34 --host auth.example.se\n\n\
    The participant is given with --pid (default 34). Nothing that exists is overwritten.")]
pub(super) struct Init {
    /// Where everything goes; made if it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Where the store and the signing keys go; made if it is missing [default: DIR]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// What people call the participant [default: "Participant PID"]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A host name or address of this service, beside localhost; several times for several
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Where token requests come in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Where health, metrics and the key set are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    internal: SocketAddr,
}

#[derive(Debug, Serialize)]
struct View {
    directory: String,
    pid: i64,
    kid: String,
    server_not_after: String,
    files: Vec<String>,
    next: Vec<String>,
}

impl Init {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let pid = match global.pid {
            Some(pid) => pid,
            None => Pid::new(34).map_err(CliError::new)?,
        };
        let change = change();
        let hosts: Vec<String> = self.hosts.iter().map(|host| host.to_lowercase()).collect();
        let participant = Participant {
            pid,
            name: self.name.clone().unwrap_or_else(|| format!("Participant {pid}")),
            hosts: hosts.clone(),
            base_path: None,
            created: change.at,
        };
        let config = Config::template(&self.values(pid)?);
        let state = self.state.clone().unwrap_or_else(|| self.directory.clone());
        let plan = Plan { directory: self.directory.clone(), state, participant, server_names: hosts, config };
        let made = set_up(&plan, &change, &randomness()).await?;
        let next = self.next_commands(plan.server_names.first());
        let view = self.view(pid, &made, next);
        Answer::new(text(&view), &view)
    }

    /// What the configuration says. A state directory of its own is named in full: other paths start at the configuration.
    fn values(&self, pid: Pid) -> Result<TemplateValues, CliError> {
        let mut values = TemplateValues::customary(pid, vec![self.listen], self.internal);
        if let Some(state) = &self.state {
            let state = path::absolute(state).map_err(|error| CliError::new(error).at(state))?;
            values.store_path = state.join(values.store_path);
            values.key_directory = state.join(values.key_directory);
        }
        Ok(values)
    }

    fn view(&self, pid: Pid, made: &Made, next: Vec<String>) -> View {
        View {
            directory: self.directory.display().to_string(),
            pid: pid.get(),
            kid: made.key.kid.to_string(),
            server_not_after: made.server_not_after.to_string(),
            files: made.files.iter().map(|file| file.display().to_string()).collect(),
            next,
        }
    }

    fn next_commands(&self, host: Option<&String>) -> Vec<String> {
        let directory = self.directory.display();
        let config = format!("--config {}", self.directory.join("config.toml").display());
        let host = host.map_or("localhost", String::as_str);
        let port = self.listen.port();
        vec![
            format!("bob-auth serve {config}"),
            format!("bob-auth entity add validator37 --class val {config}"),
            format!("bob-auth cert issue validator37 {config}"),
            format!(
                "bob-auth token get https://{host}:{port} validator37 --cert validator37.pem --key validator37.key \
                 --ca {directory}/tls/ca.pem"
            ),
        ]
    }
}

fn text(view: &View) -> String {
    let mut lines = vec![format!("Made a service for participant {} in {}:", view.pid, view.directory)];
    lines.extend(view.files.iter().map(|file| format!("  {file}")));
    lines.push(format!("The key {} signs. The server certificate ends {}.", view.kid, view.server_not_after));
    lines.push("Next:".to_owned());
    lines.extend(view.next.iter().map(|command| format!("  {command}")));
    lines.join("\n")
}
