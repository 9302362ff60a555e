//! What is installed beside the program and with it: completions, manual, units, the Debian package, the container file. What
//! another program is to read is read by that program where it is installed; where it is not, the test says so.

#![cfg(test)]

#[path = "../cli/home.rs"]
#[expect(dead_code, reason = "one way to run the program; not every test needs all of it")]
mod home;

mod completions;
mod manual;
mod tools;
