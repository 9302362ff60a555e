//! `bob-auth audit`: who did what and who got what.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, Table, list};
use super::session::{Global, change};
use super::words::{self, When};
use crate::config::{StoreConfig, environment};
use crate::store::{AuditEntry, AuditFilter, AuditResult, AuditRow};
use crate::value::{EntityId, Pid, Sha256Fingerprint};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List the audit trail, the newest line first
    #[command(after_help = "Examples:\n  bob-auth audit list --since 24h --result refused\n  \
        bob-auth audit list --entity validator37 --action token.issue --output json\n\n\
        Lines of all participants are listed, with --pid those of one.")]
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Not before: 2026-11-22T05:51:03Z, 2026-11-22, or how long ago: 2h
    #[arg(long, value_name = "TIME", value_parser = words::when)]
    since: Option<When>,
    /// Before
    #[arg(long, value_name = "TIME", value_parser = words::when)]
    until: Option<When>,
    /// Only about this entity
    #[arg(long, value_name = "ID")]
    entity: Option<EntityId>,
    /// Only this action, for example token.issue or cert.enrol
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only with this result
    #[arg(long, value_name = "issued|refused|done")]
    result: Option<AuditResult>,
    /// Only refused for this reason
    #[arg(long, value_name = "REASON", help = "Only refused for this reason, for example unknown_certificate")]
    reason: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on before the line with this number
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
}

#[derive(Debug, Serialize)]
struct View {
    id: i64,
    at: String,
    actor: String,
    action: String,
    result: &'static str,
    reason: Option<String>,
    pid: Option<i64>,
    entity: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
    source: Option<String>,
    class: Option<String>,
    kid: Option<String>,
    token_sha256: Option<String>,
    detail: Option<String>,
}

impl Audit {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let Self::List(wanted) = self;
        // Of the configuration only where the store is: a registry has no token service beside it.
        let config = StoreConfig::load(&global.config_file(), &environment)?;
        let store = global.open_store(&config.store.path).await?;
        let now = change().at;
        let filter = AuditFilter {
            since: wanted.since.map(|since| since.at(now)),
            until: wanted.until.map(|until| until.at(now)),
            pid: global.pid,
            entity: wanted.entity,
            action: wanted.action,
            result: wanted.result,
            reason: wanted.reason,
        };
        let page = store.audit(&filter, wanted.before, wanted.limit).await?;
        let mut table = Table::new(&["ID", "AT", "FROM", "ACTION", "RESULT", "PID", "ABOUT"]);
        for AuditEntry { id, row } in &page.items {
            let from = row.source.map_or_else(|| row.actor.to_string(), |source| source.to_string());
            let result = row.reason.as_deref().unwrap_or(row.result.as_str());
            let pid = row.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            table.row(&[id, &row.at, &from, &row.action, &result, &pid, &about(row)]);
        }
        let next = page.next.map(|next| next.to_string());
        list(&table, page.items.iter().map(view).collect(), next, "--before")
    }
}

/// The entity, else the key, else the certificate's fingerprint; of a change that has none of them, what it says itself.
fn about(row: &AuditRow) -> String {
    let entity = row.entity_id.as_ref().map(ToString::to_string);
    let kid = || row.kid.as_ref().map(ToString::to_string);
    let certificate = || row.sha1.map(|sha1| sha1.to_string());
    let detail = || row.detail.as_ref().filter(|_| row.result == AuditResult::Done).map(ToString::to_string);
    entity.or_else(kid).or_else(certificate).or_else(detail).unwrap_or_else(|| "-".to_owned())
}

fn view(entry: &AuditEntry) -> View {
    let row = &entry.row;
    View {
        id: entry.id,
        at: row.at.to_string(),
        actor: row.actor.to_string(),
        action: row.action.to_string(),
        result: row.result.as_str(),
        reason: row.reason.as_ref().map(ToString::to_string),
        pid: row.pid.map(Pid::get),
        entity: row.entity_id.as_ref().map(ToString::to_string),
        sha1: row.sha1.map(|sha1| sha1.to_string()),
        sha256: row.sha256.map(|sha256| sha256.to_string()),
        source: row.source.map(|source| source.to_string()),
        class: row.class.as_ref().map(ToString::to_string),
        kid: row.kid.as_ref().map(ToString::to_string),
        token_sha256: row.token_sha256.map(|digest| Sha256Fingerprint::from_bytes(digest).to_string()),
        detail: row.detail.as_ref().map(ToString::to_string),
    }
}
