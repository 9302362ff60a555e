//! What it does not even begin.

use std::fs;

use tempfile::TempDir;

use crate::running::{Demo, demo};

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("mine"), "precious").unwrap();
    let over = Demo::start(&mut demo(&["--dir", home.path().to_str().unwrap()])).over();
    assert_eq!(over.code, Some(2));
    assert!(over.lines.is_empty() && over.stderr.contains("is not empty"), "{}", over.stderr);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn nobody_can_press_enter_where_there_is_no_terminal() {
    let over = Demo::start(&mut demo(&["--pause"])).over();
    assert_eq!(over.code, Some(2));
    assert!(over.lines.is_empty() && over.stderr.contains("this is no terminal"), "{}", over.stderr);
}

#[test]
fn a_proxy_that_is_wanted_and_not_installed_is_not_replaced_in_silence() {
    let home = TempDir::new().unwrap();
    for proxy in ["nginx", "haproxy"] {
        let mut command = demo(&["--proxy", proxy]);
        let over = Demo::start(command.env("PATH", "/nowhere").env("TMPDIR", home.path())).over();
        assert_eq!(over.code, Some(1));
        assert!(over.stderr.contains(&format!("{proxy} is not installed")), "{}", over.stderr);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing was begun");
    }
}
