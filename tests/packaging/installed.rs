//! The package in a Debian that has nothing else: installed, set up with the commands of its README, asked for a token,
//! removed, purged. `scripts/setup --for test` makes that Debian, as root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::package::package;
use super::process::Service;
use super::tools::{done, ended, skipped};

/// A Debian in a directory.
struct Debian {
    directory: TempDir,
}

impl Debian {
    /// Unpacks what `scripts/setup` made; nothing, if it made none or this user cannot go there.
    fn unpacked() -> Option<Self> {
        let what = "the package in a clean Debian";
        // .../target/debug/bob-auth
        let tar = Path::new(env!("CARGO_BIN_EXE_bob-auth")).ancestors().nth(2).unwrap().join("clean-debian.tar");
        if !rustix::process::geteuid().is_root() {
            skipped(what, "only root can enter one");
            return None;
        }
        if !tar.exists() {
            skipped(
                what,
                &format!("there is no {}; scripts/setup --for test makes it where mmdebstrap is", tar.display()),
            );
            return None;
        }
        let debian = Self { directory: tempfile::tempdir().unwrap() };
        done(Command::new("tar").args(["--numeric-owner", "-xpf"]).arg(tar).arg("-C").arg(debian.directory.path()));
        Some(debian)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    /// A command inside, as root.
    fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.directory.path()).args(words).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// A command inside, as the package's user and with as little power as the unit leaves.
    fn as_service(&self, words: &[&str]) -> Command {
        let powerless = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];
        let user = ["--reuid=bob-auth", "--regid=bob-auth"];
        self.inside(&[&["setpriv"], &user[..], &powerless, &["--"], words].concat())
    }

    /// Mode, owner and group of a file inside.
    fn owned(&self, path: &str) -> String {
        done(&mut self.inside(&["stat", "-c", "%a %U:%G", path])).trim().to_owned()
    }

    /// Every path inside, but for what package management and the user database write of themselves.
    fn paths(&self) -> BTreeSet<String> {
        let listed = done(&mut self.inside(&["find", "/", "-xdev"]));
        let noise =
            ["/var/lib/dpkg/", "/var/log/", "/var/cache/", "/var/lib/apt/", "/etc/passwd", "/etc/group", "/etc/shadow"];
        let noise = [&noise[..], &["/etc/gshadow", "/tmp/"]].concat();
        let kept = listed.lines().filter(|path| !noise.iter().any(|start| path.starts_with(start)));
        kept.map(str::to_owned).collect()
    }
}

/// The words of the unit's ExecStart, as it was installed.
fn exec_start(debian: &Debian) -> Vec<String> {
    let unit = fs::read_to_string(debian.path("/usr/lib/systemd/system/bob-auth.service")).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    line.split(' ').map(str::to_owned).collect()
}

/// The first command of README.Debian, on free ports.
fn init(debian: &Debian) -> Vec<String> {
    let readme = fs::read_to_string(debian.path("/usr/share/doc/bob-auth/README.Debian")).unwrap().replace("\\\n", " ");
    let line = readme.lines().find_map(|line| line.trim().strip_prefix("sudo -u bob-auth ")).unwrap();
    let line = line.replace("0.0.0.0:8443", "127.0.0.1:0 --internal 127.0.0.1:0");
    line.split_whitespace().map(str::to_owned).collect()
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn from_a_clean_debian_to_a_token_and_back() {
    let Some(debian) = Debian::unpacked() else { return };
    let Some(package) = package(&debian.path("/tmp")) else { return };
    let before = debian.paths();
    let file = format!("/tmp/{}", package.file_name().unwrap().to_str().unwrap());

    let install = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "APT::Sandbox::User=root", &file];
    done(&mut debian.inside(&install));
    assert_eq!(debian.owned("/etc/bob-auth"), "750 bob-auth:bob-auth");
    assert_eq!(debian.owned("/var/lib/bob-auth"), "700 bob-auth:bob-auth");
    assert!(done(&mut debian.inside(&["getent", "passwd", "bob-auth"])).trim().ends_with("nologin"));

    done(&mut debian.as_service(&words(&init(&debian))));
    assert_eq!(debian.owned("/var/lib/bob-auth/bob-auth.sqlite"), "600 bob-auth:bob-auth");
    // From here on nobody names the configuration.
    done(&mut debian.as_service(&["bob-auth", "entity", "add", "validator37", "--class", "val"]));
    done(&mut debian.as_service(&["bob-auth", "cert", "issue", "validator37", "--out", "/var/lib/bob-auth"]));
    assert_eq!(serve_and_ask(&debian), "validator37");

    a_second_installation_changes_nothing(&debian, &file);
    done(&mut debian.inside(&["dpkg", "--remove", "bob-auth"]));
    assert!(!debian.path("/usr/bin/bob-auth").exists());
    assert!(debian.path("/etc/bob-auth/config.toml").exists() && debian.path("/var/lib/bob-auth/keys").exists());
    done(&mut debian.inside(&["dpkg", "--install", &file]));
    assert_eq!(serve_and_ask(&debian), "validator37");

    done(&mut debian.inside(&["dpkg", "--purge", "bob-auth"]));
    let after = debian.paths();
    assert_eq!(after.symmetric_difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(ended(&mut debian.inside(&["id", "bob-auth"])).0, "the user stays");
}

/// Runs the service as its unit does, asks it for a token from outside, and stops it. Gives whom the token is for.
fn serve_and_ask(debian: &Debian) -> String {
    let service = Service::spawn(&mut debian.as_service(&words(&exec_start(debian))));
    let url = format!("{}/api/v1/auth/validator37", service.url("token").unwrap());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "20"]);
    curl.arg("--cacert").arg(debian.path("/etc/bob-auth/tls/ca.pem"));
    curl.arg("--cert").arg(debian.path("/var/lib/bob-auth/validator37.pem"));
    curl.arg("--key").arg(debian.path("/var/lib/bob-auth/validator37.key"));
    let answer: serde_json::Value = serde_json::from_str(&done(curl.arg(url))).unwrap();
    assert!(service.stop().success());
    answer["payload"]["sub"].as_str().unwrap().to_owned()
}

fn a_second_installation_changes_nothing(debian: &Debian, file: &str) {
    let config = debian.path("/etc/bob-auth/config.toml");
    let state = |path: &Path| (fs::read(path).unwrap(), fs::metadata(path).unwrap().mode());
    let before = (state(&config), debian.paths());
    done(&mut debian.inside(&["chmod", "755", "/var/lib/bob-auth"]));
    done(&mut debian.inside(&["dpkg", "--install", file]));
    assert_eq!((state(&config), debian.paths()), before);
    // What the operator chose stays.
    assert_eq!(debian.owned("/var/lib/bob-auth"), "755 bob-auth:bob-auth");
}
