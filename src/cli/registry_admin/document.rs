//! `bob-auth registry-admin export` and `import`: the whole register as one document.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::error::CliError;
use super::super::input::read_much;
use super::super::output::Answer;
use super::super::session::Global;
use super::room::Room;
use crate::flow::new_files::NewFiles;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// A new file, for its owner alone [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// What export wrote; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Written {
    file: String,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Taken {
    participants: usize,
}

impl Export {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global).await?;
        let document = room.register.export(room.change.at).await?;
        let Some(path) = self.to else {
            // Both forms are the document itself: nothing of it is written anew.
            let raw = RawValue::from_string(document.clone())?;
            return Answer::new(document, &raw);
        };
        let mut new = NewFiles::default();
        new.private(&path, document.as_bytes())
            .map_err(|error| CliError::from(error).next("name a new file in a directory that exists"))?;
        new.keep();
        let written = Written { file: path.display().to_string(), bytes: document.len() };
        Answer::new(format!("wrote {} ({} bytes)", written.file, written.bytes), &written)
    }
}

impl Import {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let document = read_much(&self.file)?;
        let room = Room::open_or_make(global).await?;
        let participants = room.register.import(&document, &room.change).await?;
        let note = "the anchors' private keys are not in the document: copy their directory as well";
        Ok(Answer::new(format!("took in {participants} participants"), &Taken { participants })?.note(note))
    }
}
