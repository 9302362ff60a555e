//! `bob-auth completions`: what makes a shell complete this program's words.

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use super::error::CliError;
use super::output::Answer;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bob-auth completions bash > ~/.local/share/bash-completion/completions/bob-auth\n\n\
    The Debian package brings those of bash, zsh and fish."
)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Serialize)]
struct View {
    shell: String,
    script: String,
}

impl Completions {
    /// For this command line.
    pub(super) fn run(&self, mut whole: Command) -> Result<Answer, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut whole, "bob-auth", &mut script);
        let script = mended(&String::from_utf8(script).map_err(CliError::new)?);
        let view = View { shell: self.shell.to_string(), script };
        Answer::new(&view.script, &view)
    }
}

/// The generator for bash spells a program's name with a hyphen in two ways, so that nothing after the first word is
/// completed (clap-rs/clap#6421). Once it does not, this changes nothing.
fn mended(script: &str) -> String {
    script.replace("bob__subcmd__auth", "bob__auth")
}
