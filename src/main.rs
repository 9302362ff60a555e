//! The binary `bob-auth`: parse, run, exit code.

fn main() {}
