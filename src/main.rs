//! The program `bob-auth`: parse, run, exit code.

fn main() {}
