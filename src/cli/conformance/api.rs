//! `bob-auth conformance api`: examines a service that takes tokens.

use clap::Args;

use super::asker::Ask;
use super::check::{Check, Subject};
use super::examined::{Examined, ServerUrl, server_url};
use super::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::output::Answer;

/// The most bytes that are read of an answer.
const LARGEST: usize = 64 * 1024;

static NO_TOKEN: Check = Check::must(
    "api.no_token",
    "A request without a token is refused.",
    "BoB Manual, API authentication and authorization",
);

/// The rules, in the order in which they are asked about.
pub(super) const CHECKS: &[&Check] = &[&NO_TOKEN];

#[derive(Debug, Args)]
pub(in crate::cli) struct Api {
    /// The server: https://host:port, and where its interface begins
    #[arg(value_name = "URL", value_parser = server_url)]
    server: ServerUrl,
    #[command(flatten)]
    examined: Examined,
}

impl Api {
    pub(super) async fn run(self) -> Result<Answer, CliError> {
        let mut asker = self.examined.asker(&self.server, LARGEST)?;
        let mut ledger = Ledger::default();
        let target = format!("{}/", self.server.base);
        let heard = asker.ask(&Ask { target: &target, ..Ask::default() }).await?;
        let judgement = heard.judged(|answer| Judgement::of(answer.status == 401, format!("status {}", answer.status)));
        ledger.enter(&NO_TOKEN, &*heard.sent, judgement);
        ledger.close(CHECKS, "was not asked");
        self.examined.report(Subject::Api, &self.server, asker.asked(), &ledger)
    }
}
