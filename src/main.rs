//! The program `bob-auth`: parse, run, exit code. What the verbs do is in `bob_auth::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bob_auth::cli::main()
}
