//! What is installed beside the program and with it: completions, manual, units, the Debian package, the container file. What
//! another program is to read is read by that program where it is installed; where it is not, the test says so.

#![cfg(test)]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "one client for all; not every test needs all of it")]
mod client;
#[path = "../cli/home.rs"]
#[expect(dead_code, reason = "one way to run the program; not every test needs all of it")]
mod home;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "one way to run the service; not every test needs all of it")]
mod process;
#[path = "../it/site.rs"]
#[expect(dead_code, reason = "one kind of site; not every test needs all of it")]
mod site;

mod completions;
mod container;
mod installed;
mod manual;
mod package;
mod tools;
mod units;
