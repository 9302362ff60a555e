//! The package in a Debian that has nothing else: installed, set up with the commands of its README, asked for a token,
//! removed, purged. `scripts/setup --for test` makes that Debian, as root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::package::package;
use super::process::{Service, until};
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

    /// The same, with everything read only but one directory in /var/lib, as the unit has it. Where this machine lets root not do
    /// that (as in most containers), without.
    fn shut_off(&self, state: &str, words: &[&str]) -> Command {
        let command = self.as_service(words);
        if !ended(Command::new("unshare").args(["--mount", "true"])).0 {
            skipped("the service in a file system that is read only", "no mount namespace can be made");
            return command;
        }
        let mount = r#"
            mount --bind "$0" "$0"
            mount --bind "$0/var/lib/$1" "$0/var/lib/$1"
            mount -o remount,bind,ro "$0"
            ! touch "$0/etc/bob-auth/config.toml" 2>/dev/null || exit 9
            shift
            exec "$@"
        "#;
        let mut outer = Command::new("unshare");
        outer.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        outer.args(["--mount", "sh", "-ec", mount]).arg(self.directory.path()).arg(state);
        outer.arg(command.get_program()).args(command.get_args());
        outer
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

/// Runs what a unit runs, shut off as it is.
fn start(debian: &Debian, unit: &str) -> Service {
    let text = fs::read_to_string(debian.path(&format!("/usr/lib/systemd/system/{unit}.service"))).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    Service::spawn(&mut debian.shut_off(unit, &line.split(' ').collect::<Vec<_>>()))
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
    the_other_two_start_from_their_examples(&debian);

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
    let service = start(debian, "bob-auth");
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

/// As README.Debian and docs/how-to/install.md have it, on free ports.
fn the_other_two_start_from_their_examples(debian: &Debian) {
    let name = "Example Authority";
    for unit in ["verify", "registry"] {
        let example = format!("/usr/share/doc/bob-auth/examples/{unit}.toml");
        let config = format!("/etc/bob-auth/{unit}.toml");
        done(&mut debian.as_service(&["cp", &example, &config]));
        done(&mut debian.as_service(&["sed", "-i", r"s/^listen = .*/listen = '127.0.0.1:0'/", &config]));
    }
    let keys = "bob-auth key export --jwks >/etc/bob-auth/partner.jwks.json";
    done(&mut debian.as_service(&["sh", "-c", keys]));
    let admin = ["bob-auth", "registry-admin", "init", "--name", name, "--config", "/etc/bob-auth/registry.toml"];
    done(&mut debian.as_service(&admin));
    for unit in ["bob-auth-verify", "bob-auth-registry"] {
        let service = start(debian, unit);
        until("it is ready", || (service.internal("/health/ready").status == 200).then_some(()));
        assert!(service.stop().success());
    }
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
