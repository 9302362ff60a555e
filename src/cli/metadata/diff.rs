//! `bob-auth metadata diff`: what two sets say differently.

use clap::Args;
use serde::Serialize;

use super::given::Believing;
use super::show::Summary;
use crate::cli::error::CliError;
use crate::cli::output::{Answer, Table, or_dash};
use crate::cli::session::Global;
use crate::protocol::metadata::{Change, MetadataSet};
use crate::value::Pid;

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// The one set: a file or a URL
    #[arg(value_name = "OLD")]
    old: String,
    /// The other
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    believing: Believing,
}

/// Two sets for programs.
#[derive(Debug, Serialize)]
pub(super) struct View {
    old: Summary,
    new: Summary,
    changes: Vec<ChangeView>,
}

#[derive(Debug, Serialize)]
struct ChangeView {
    kind: &'static str,
    #[serde(flatten)]
    change: Change,
}

impl Diff {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let trust = self.believing.read(global, false)?;
        let (old, new) = (trust.load(Some(&self.old)).await?, trust.load(Some(&self.new)).await?);
        let answer = compared(&old.set, &new.set, global.pid)?;
        let answer = match new.set.may_replace(old.set.header()) {
            Ok(()) => answer,
            Err(error) => answer.note(format!("{} could not take the place of {}: {error}", new.name, old.name)),
        };
        Ok(answer.notes(trust.notes))
    }
}

/// What has changed, for one participant or for all.
pub(super) fn compared(old: &MetadataSet, new: &MetadataSet, pid: Option<Pid>) -> Result<Answer, CliError> {
    let mut changes = new.changes_since(old);
    changes.retain(|change| pid.is_none_or(|pid| pid == change.pid));
    let (from, to) = (old.header(), new.header());
    let mut text = format!(
        "serial {} -> {}, not valid after {} -> {}\n",
        from.serial, to.serial, from.not_valid_after, to.not_valid_after
    );
    if changes.is_empty() {
        text.push_str("nothing else has changed");
    } else {
        text.push_str(&table(&changes).to_string());
    }
    let swapped: Vec<String> = changes.iter().filter(|change| change.is_key_swap()).map(of_swap).collect();
    let changes = changes.into_iter().map(|change| ChangeView { kind: change.kind(), change }).collect();
    let view = View { old: Summary::of(old), new: Summary::of(new), changes };
    Ok(Answer::new(text, &view)?.notes(swapped))
}

fn table(changes: &[Change]) -> Table {
    let mut table = Table::new(&["PID", "WHAT", "ID", "CHANGE", "OLD", "NEW"]);
    for change in changes {
        let Change { pid, member, id, old, new } = change;
        let [id, old, new] = [id, old, new].map(|text| or_dash(text.as_ref()));
        table.row(&[pid, member, &id, &change.kind(), &old, &new]);
    }
    table
}

fn of_swap(change: &Change) -> String {
    format!(
        "another key has the id {} of participant {}: ids are never used again, ask the participant",
        or_dash(change.id.as_ref()),
        change.pid
    )
}
