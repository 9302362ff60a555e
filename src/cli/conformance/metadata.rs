//! `bob-auth conformance metadata`: examines a participant metadata registry.

use clap::Args;

use super::asker::Ask;
use super::check::{Check, Subject};
use super::examined::{Examined, ServerUrl, server_url};
use super::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::output::Answer;

/// The most bytes that are read of an answer.
const LARGEST: usize = 64 * 1024;

static SERVED: Check =
    Check::must("metadata.served", "The whole set is given to everybody.", "BoB Participant Metadata API 2.3.1");

/// The rules, in the order in which they are asked about.
pub(super) const CHECKS: &[&Check] = &[&SERVED];

#[derive(Debug, Args)]
pub(in crate::cli) struct Metadata {
    /// The server: https://host:port, and where its interface begins
    #[arg(value_name = "URL", value_parser = server_url)]
    server: ServerUrl,
    #[command(flatten)]
    examined: Examined,
}

impl Metadata {
    pub(super) async fn run(self) -> Result<Answer, CliError> {
        let mut asker = self.examined.asker(&self.server, LARGEST)?;
        let mut ledger = Ledger::default();
        let target = format!("{}/participantMetadata", self.server.base);
        let heard = asker.ask(&Ask { target: &target, ..Ask::default() }).await?;
        let judgement = heard.judged(|answer| Judgement::of(answer.status == 200, format!("status {}", answer.status)));
        ledger.enter(&SERVED, &*heard.sent, judgement);
        ledger.close(CHECKS, "was not asked");
        self.examined.report(Subject::Metadata, &self.server, asker.asked(), &ledger)
    }
}
