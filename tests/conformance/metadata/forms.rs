//! The forms of the report, read back by those who read such documents. What the registry says in them is as evil as it can be.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::faults::{Anchors, Reach};
use super::registry::{Bend, Registry};
use crate::probe::run;

/// What a registry would like to see in somebody's browser, build server or wiki.
const EVIL: &str = "<script>alert(1)</script> | ``` ]]> & \" ' \u{9b}31m \u{202e} [a](javascript:b)";

fn evil() -> Registry {
    Registry::start(Bend::Sent(|asked, told| {
        if asked.target.ends_with("/participantMetadata") {
            *told = told.clone().with("Content-Type", EVIL);
        }
    }))
}

/// The report in this form, out of a file.
fn report(registry: &Registry, form: &str) -> String {
    let file = registry.server.file(form);
    let mut arguments = super::arguments(registry, Reach::Set, Anchors::One);
    arguments.extend(["--report", form, "--report-file", file.to_str().unwrap()].map(str::to_owned));
    let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("warning  metadata.content_type"), "{table}");
    assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the report is in "));
    fs::read_to_string(file).unwrap()
}

#[test]
fn a_build_server_reads_the_report() {
    let registry = evil();
    let xml = report(&registry, "junit");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!((document.root_element().tag_name().name(), suite.tag_name().name()), ("testsuites", "testsuite"));
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    let skipped = cases.iter().filter(|case| case.children().any(|child| child.has_tag_name("skipped"))).count();
    let number = |name| suite.attribute(name).unwrap().parse::<usize>().unwrap();
    let counts = ["tests", "failures", "errors", "skipped"].map(number);
    assert_eq!(counts, [cases.len(), 0, 0, skipped]);
    let case = cases.iter().find(|case| case.attribute("name") == Some("metadata.content_type")).unwrap();
    let said: String = case.descendants().filter_map(|node| node.text()).collect();
    assert!(
        said.contains("WARNING") && said.contains("Content-Type: <script>alert(1)</script> | ``` ]]> & \" '"),
        "{said}"
    );
    // An order that every schema takes: properties, then cases; in a case nothing but what is known.
    let names: Vec<&str> =
        suite.children().filter(roxmltree::Node::is_element).map(|node| node.tag_name().name()).collect();
    assert_eq!((names[0], names.iter().filter(|name| **name != "testcase").count()), ("properties", 1));
    let python = Command::new("python3")
        .args(["-c", "import sys, xml.etree.ElementTree as t; print(len(t.parse(sys.argv[1]).findall('.//testcase')))"])
        .arg(registry.server.file("junit"))
        .output();
    if let Ok(read) = python {
        assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), cases.len().to_string());
    }
}

#[test]
fn a_browser_runs_nothing_of_what_a_registry_says() {
    let html = report(&evil(), "html");
    assert!(html.starts_with("<!doctype html>") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(!html.contains("<script") && !html.contains('\u{202e}') && !html.contains("href=\"javascript"), "{html}");
    let links = html.matches("href=").count();
    assert_eq!(links, html.matches("href=\"#metadata.").count(), "links lead to its own rows only");
}

#[test]
fn no_word_of_a_registry_breaks_the_table() {
    let text = report(&evil(), "markdown");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 70 && rows.iter().all(|row| row.matches('|').count() == 6), "{text}");
    // Below the table it stands in a block, behind a fence that is longer than its own.
    assert!(text.contains("\n````text\nContent-Type: <script>"), "{text}");
}

#[test]
fn a_program_reads_the_same_from_a_file_and_from_the_command() {
    let registry = evil();
    let file: Value = serde_json::from_str(&report(&registry, "json")).unwrap();
    let mut said = super::examine(&registry, Reach::Set, Anchors::One).report;
    said["at"] = file["at"].clone();
    let outcomes = |report: &Value| -> Vec<(Value, Value)> {
        let checks = report["checks"].as_array().unwrap().iter();
        checks.map(|check| (check["id"].clone(), check["outcome"].clone())).collect()
    };
    assert_eq!(outcomes(&file), outcomes(&said));
    assert_eq!((&file["server"], &file["warnings"]), (&said["server"], &1.into()));
}
