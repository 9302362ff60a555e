//! Floor 8: the command line, one file per verb. It parses words, calls flows and prints; rules live below.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Authentication for BoB, the Swedish public-transport ticket standard: tokens bound to client certificates.
#[derive(Debug, Parser)]
#[command(name = "bob-auth", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the token service until SIGTERM
    Serve(serve::Serve),
}

/// Runs the program with the arguments of this process. Exit codes: 0 done, 1 it failed, 2 it was called wrongly.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.verb {
        Verb::Serve(serve) => serve.run(),
    }
}
