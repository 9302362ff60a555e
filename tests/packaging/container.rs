//! The container file, read: no engine runs in the tests. What can be held without one is held: what it is built of is
//! there and is enough, who runs in it, and that its health check sees what it is to see.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Service;
use super::site::Site;
use super::tools::{done, ended, installed};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file() -> PathBuf {
    root().join("packaging/container/Containerfile")
}

/// Its instructions, each on one line, as name and rest.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(file()).unwrap().replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let split = |line: &str| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
    lines.filter_map(split).collect()
}

/// What follows each instruction of this name.
fn all(name: &str) -> Vec<String> {
    instructions().into_iter().filter(|(found, _)| found == name).map(|(_, rest)| rest).collect()
}

/// The paths that are copied from outside.
fn copied() -> Vec<String> {
    let from_outside = all("COPY").into_iter().filter(|rest| !rest.starts_with("--from="));
    let sources = |rest: String| {
        let words: Vec<String> = rest.split(' ').map(str::to_owned).collect();
        words[..words.len() - 1].to_vec()
    };
    from_outside.flat_map(sources).collect()
}

#[test]
fn bases_are_named_exactly_and_can_be_replaced() {
    let bases: Vec<String> = all("FROM").iter().map(|from| from.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(bases, ["${BUILD_ON}", "${RUN_ON}"]);
    let arguments = all("ARG");
    for base in bases {
        let name = base.trim_matches(['$', '{', '}']);
        let image = arguments.iter().find_map(|one| one.strip_prefix(name)?.strip_prefix('=')).unwrap();
        let tag = image.rsplit_once(':').unwrap().1;
        assert!(tag.contains(|c: char| c.is_ascii_digit()) && !tag.contains("latest"), "{image}");
    }
    let minimum = concat!(":", env!("CARGO_PKG_RUST_VERSION"));
    assert!(arguments[0].contains(minimum), "{}: not Rust {minimum}", arguments[0]);
}

#[test]
fn a_number_that_is_not_root_runs_one_program_with_no_secret_in_a_layer() {
    assert_eq!(all("USER"), ["10001:10001"]);
    assert_eq!(all("ENTRYPOINT"), [r#"["/usr/bin/bob-auth"]"#]);
    assert!(all("ADD").is_empty());
    for (name, rest) in instructions() {
        assert!(!rest.contains("keys-example") && !rest.contains(".key") && !rest.contains(".pem"), "{name} {rest}");
    }
    for run in all("RUN").iter().filter(|run| run.contains("apt-get install")) {
        assert!(run.contains("--no-install-recommends") && run.contains("rm -rf /var/lib/apt/lists/*"), "{run}");
    }
    let last = instructions().into_iter().rposition(|(name, _)| name == "RUN").unwrap();
    let user = instructions().into_iter().position(|(name, _)| name == "USER").unwrap();
    assert!(last < user, "what runs as root comes before USER");
}

#[test]
fn what_is_copied_is_there_is_let_through_and_is_enough_for_cargo() {
    let ignore = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let mut through: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*"));
    let mut copied = copied();
    copied.sort();
    through.sort_unstable();
    assert_eq!(copied, through);

    let context = tempfile::tempdir().unwrap();
    for path in &copied {
        let to = context.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        done(Command::new("cp").arg("-r").arg(root().join(path)).arg(to));
    }
    // Cargo looks for every target that the manifest names.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"]);
    done(cargo.current_dir(context.path()));
    // And the compiler for every file that is part of the program.
    let mut grep = Command::new("grep");
    grep.args(["-roE", "--exclude-dir=tests", "--exclude=tests.rs", "include_(str|bytes)!\\(\"[^\"]+"]).arg("src");
    for line in done(grep.current_dir(root())).lines() {
        let (file, included) = line.split_once(':').unwrap();
        let path = Path::new(file).parent().unwrap().join(included.split_once('"').unwrap().1);
        assert!(context.path().join(&path).exists(), "{} is part of the program and is not copied", path.display());
    }
}

#[test]
fn the_health_check_sees_whether_the_service_is_ready() {
    if !installed("bash", "the health check of the image") {
        return;
    }
    let check = all("HEALTHCHECK").remove(0);
    let words: Vec<String> = serde_json::from_str(check.split_once("CMD ").unwrap().1).unwrap();
    let healthy = |address: std::net::SocketAddr| {
        let mut command = Command::new(&words[0]);
        ended(command.args(&words[1..]).env("HEALTH", format!("{}/{}", address.ip(), address.port()))).0
    };
    let service = Service::start(&Site::new());
    let address = service.address("internal");
    assert!(healthy(address));
    // The token listener speaks TLS: what answers there is no 200.
    assert!(!healthy(service.token()));
    assert!(service.stop().success());
    assert!(!healthy(address));
}

#[test]
fn hadolint_finds_nothing() {
    if installed("hadolint", "its opinion of the container file") {
        done(Command::new("hadolint").arg(file()));
    }
}
